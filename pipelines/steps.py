"""Which step of the pipeline is behind: what the files, the ledger and the snapshot say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landed.catalog import Catalog
from landed.documents import digest
from landed.ingest import Ledger, is_overdue, load_sources, undeclared, unseen
from landed.publish import snapshot_id
from landed.publish.judged_again import is_of, says_the_latest
from landed.publish.readers import current
from landed.publish.reports import points_to

from .resources import BUILD_STATE, REOPENED, Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """A job to run.

    Args:
        job: Its name; empty where nothing is to be done.
        why: For people: what is behind, or why nothing is done.
        state: Digest of what the job would bring up to date.
    """

    job: str
    why: str
    state: str = ""

    @property
    def follows(self) -> bool:
        """Whether it comes after another step, whose run makes the conditions ask for it."""
        return self.job != "ingest_landing"

    @property
    def has_marts(self) -> bool:
        """Whether the marts are those of the files as they are: a new release can be judged."""
        return self.job not in ("ingest_landing", "build_marts")

    @property
    def is_by_release(self) -> bool:
        """Whether its assets have a partition a release."""
        return self.job == "assess_releases"


def behind(workspace: Workspace, catalog: Catalog) -> list[Step]:
    """Steps whose results are not those of their inputs as they are now, the first one first.

    What an ingest brought goes through to its reports before more is ingested: where files drop
    steadily nothing would ever be published else. At least one; without a job if nothing is behind.
    """
    inputs = dict(workspace.inputs(catalog))
    arriving = _arriving(workspace, inputs)
    built = workspace.recall(BUILD_STATE)
    ledger = Ledger(workspace.home)
    follows = _following(workspace, catalog, inputs, built)
    is_void = built.get("generation") != ledger.generation()
    if built.get("inputs") == inputs and not is_void:
        is_first = bool(follows.job)  # judging or publishing, of marts as they should be
    else:
        is_first = ledger.last_sequence() > built.get("sequence", 0)
    both = [follows, arriving] if is_first else [arriving, follows]
    return [step for step in both if step and step.job] or [follows]


def first_behind(workspace: Workspace, catalog: Catalog) -> Step:
    """The first step that is behind; one without a job if none is."""
    return behind(workspace, catalog)[0]


def _arriving(workspace: Workspace, inputs: Mapping[str, str]) -> Step | None:
    """The ingest, if there is anything for it."""
    waiting = unseen(workspace.project, workspace.home)
    changed = undeclared(workspace.project, workspace.home)
    if waiting or changed:
        why = f"{len(waiting)} file(s) not ingested" if waiting else f"{changed[0]} was changed"
        files = [(file.name, file.size, file.version) for file in waiting]
        return _step("ingest_landing", why, [files, changed, inputs["sources"]])
    if is_overdue(workspace.home, load_sources(workspace.project).values(), workspace.now):
        why = "rows are older than their source keeps them"
        return _step("ingest_landing", why, [workspace.today.isoformat(), inputs])
    return None


def _following(
    workspace: Workspace, catalog: Catalog, inputs: Mapping[str, str], built: Mapping[str, Any]
) -> Step:
    """The first step after the ingest that is behind."""
    is_void = built.get("generation") != Ledger(workspace.home).generation()
    if built.get("inputs") != inputs or is_void or not workspace.home.build.is_file():
        return _step("build_marts", "the marts are not those of the lake", inputs)
    again = {kind: days for kind, days in workspace.recall(REOPENED).items() if days}
    if again:
        return _step("build_marts", "days of the lake were filled again", [again, inputs])
    if catalog.releases and built.get("data_through") is None:
        return Step("", "there is no event yet to judge a release by")
    snapshot = snapshot_id(inputs)
    unjudged = workspace.unassessed(catalog, snapshot)
    if unjudged:
        why = f"{', '.join(unjudged)} not judged on these marts"
        return _step("assess_releases", why, [unjudged, inputs])
    published = current(workspace.home)
    is_published = (
        published is not None
        and is_of(published, snapshot)
        and points_to(workspace.home, catalog.releases, published.id)
        and says_the_latest(workspace.home, catalog.releases)
    )
    if not is_published:
        return _step("publish_snapshot", "the latest state is not published", inputs)
    return Step("", "every landed file is claimed, no project file changed")


def _step(job: str, why: str, state: object) -> Step:
    return Step(job, why, digest([job, state]))
