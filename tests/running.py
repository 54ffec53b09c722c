"""The paths on which the product assesses and publishes releases, each run in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import two_releases

from pipelines import headless
from pipelines.definitions import build
from pipelines.headless import QUIET, dagster_home
from pipelines.partitions import RANGE_END, RANGE_START
from pipelines.resources import Workspace

RELEASES = (two_releases.SECOND, two_releases.FIRST)  # as a range has them

Way = Callable[[Workspace, dg.Definitions, dg.DagsterInstance], None]


class AnHourLater(Workspace):
    """The clock of an hour later: what was asked for just now is not asked for again."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


def job(name: str, tags: Mapping[str, str]) -> Way:
    """A job of the UI."""

    def run(_: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        definitions.resolve_job_def(name).execute_in_process(
            instance=instance, run_config=QUIET, tags=tags
        )

    return run


def each_release(
    workspace: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """The job, once a release."""
    for release in RELEASES:
        job("assess_releases", {"dagster/partition": release})(workspace, definitions, instance)


def selection(*names: str) -> Way:
    """Some assets of the step, as somebody materialises them in the UI, of all releases."""

    def run(_: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        part = dg.define_asset_job("part", dg.AssetSelection.assets(*names))
        given = dg.Definitions.merge(definitions, dg.Definitions(jobs=[part]))
        given.resolve_job_def("part").execute_in_process(
            instance=instance,
            run_config=QUIET,
            tags={RANGE_START: RELEASES[0], RANGE_END: RELEASES[-1]},
        )

    return run


def tick(workspace: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """What the sensor asks for."""
    later = AnHourLater(project_dir=workspace.project_dir, home_dir=workspace.home_dir)
    with dg.build_sensor_context(
        instance=instance, definitions=definitions, resources={"workspace": later}
    ) as context:
        asked = definitions.resolve_sensor_def("landing").evaluate_tick(context).run_requests
    assert {one.job_name for one in asked} == {"assess_releases"}
    for one in asked:
        job("assess_releases", one.tags)(workspace, definitions, instance)


def command(workspace: Workspace, _: dg.Definitions, __: dg.DagsterInstance) -> None:
    """The stages of `landed run`."""
    headless.run(workspace, only=(), progress=lambda *_: None)


BACKFILL = job("assess_releases", {RANGE_START: RELEASES[0], RANGE_END: RELEASES[-1]})
PATHS: Mapping[str, Way] = {
    "a run of the job": each_release,
    "a backfill": BACKFILL,
    "an automation tick": tick,
    "the gate alone": selection("gate_decision"),
    "the moments alone": selection("moments"),
    "the estimates alone": selection("estimates"),
    "the report alone": selection("report"),
    "the command line": command,
}


def workspace_of(project: Path) -> Workspace:
    """The project with the home below it."""
    return Workspace(project_dir=str(project), home_dir=str(project / ".landed"))


def run(project: Path, *paths: Way) -> None:
    """Go one path or several, one after the other, in one history."""
    workspace = workspace_of(project)
    definitions = build(workspace)
    with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as instance:
        for path in paths:
            path(workspace, definitions, instance)


PUBLISH = job("publish_snapshot", {})


def build_marts(project: Path) -> None:
    """Everything before the first release is judged."""

    def add(_: Workspace, __: dg.Definitions, instance: dg.DagsterInstance) -> None:
        instance.add_dynamic_partitions("releases", list(RELEASES))

    run(project, job("ingest_landing", {}), job("build_marts", {}), add)


@dataclass(frozen=True)
class State:
    """A project and a home that is put back as it was: at the same place nothing is parsed anew.

    Args:
        project: Where the project stands.
        kept: Its home as it was.
    """

    project: Path
    kept: Path

    @classmethod
    def of(cls, project: Path, folder: Path) -> State:
        """The state of a project as it is now, kept in a folder."""
        return cls(project, Path(shutil.copytree(project / ".landed", folder / "kept")))

    def restored(self) -> Path:
        """The project with that home; whatever became of it since is gone."""
        shutil.rmtree(self.project / ".landed")
        shutil.copytree(self.kept, self.project / ".landed")
        return self.project


def checks_shown(project: Path, release: str) -> Sequence[dg.AssetCheckEvaluation]:
    """What Dagster's pages show of the checks of a release."""
    with dg.DagsterInstance.from_config(str(dagster_home(workspace_of(project)))) as instance:
        entries = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            dagster_event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, limit=100_000
        )
    found = [entry.dagster_event.asset_check_evaluation_data for entry in entries.values()]
    return [one for one in found if one.partition == release]
