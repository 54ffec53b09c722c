"""What runs by itself: a dropped file or a new release file ends in fresh reports."""

from collections.abc import Sequence

import dagster as dg

from landed.catalog import Catalog

from . import history
from .partitions import RANGE_END, RANGE_START, releases
from .resources import Workspace
from .steps import Step, behind

MODELS = dg.AssetSelection.groups("staging", "intermediate", "marts")
RELEASES = dg.AssetSelection.groups("gate", "measure", "report")
PUBLISH = dg.AssetSelection.groups("publish")

# One process a run: a step of the multiprocess executor costs 7 CPU seconds, of ours none.
ingest_job = dg.define_asset_job("ingest_landing", dg.AssetSelection.assets("batches"))
models_job = dg.define_asset_job("build_marts", MODELS)
releases_job = dg.define_asset_job("assess_releases", RELEASES)
publish_job = dg.define_asset_job("publish_snapshot", PUBLISH)
JOBS = (
    ingest_job,
    models_job,
    releases_job,
    publish_job,
)
NAMES = [job.name for job in JOBS]


@dg.sensor(
    jobs=JOBS,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for the first step that is behind, such as a landed file not claimed yet.",
)
def landing(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult:
    """What is behind is told by files, ledger and snapshot; history only tells when to ask again.

    A run key alone would make a run that was killed the last one of its files.
    """
    for run_id in history.bury(context.instance, workspace.now):
        context.log.info(f"run {run_id} was killed")
    catalog = workspace.catalog()
    known = context.instance.get_dynamic_partitions("releases")
    step, asked, why_not = _chosen(context.instance, workspace, catalog)
    missing = sorted(set(catalog.releases) - set(known)) if step.has_marts else []
    gone = sorted(set(known) - set(catalog.releases))
    requests = [releases.build_add_request(missing)] if missing else []
    removals = [releases.build_delete_request(gone)] if gone else []
    declared = [name for name in (*known, *missing) if name in catalog.releases]
    return dg.SensorResult(
        run_requests=[_request(step, asked, declared)] if asked else [],
        skip_reason=why_not,
        dynamic_partitions_requests=[*requests, *removals],
    )


def _chosen(
    instance: dg.DagsterInstance, workspace: Workspace, catalog: Catalog
) -> tuple[Step, int, str | None]:
    """The first step; while what follows an ingest rests because it failed, the next ingest."""
    for step in behind(workspace, catalog):
        asked, why_not = history.ask(instance, step, NAMES, workspace.now)
        if asked or not (step.follows and history.was_asked(instance, step)):
            break
    return step, asked, why_not


def _request(step: Step, number: int, declared: Sequence[str]) -> dg.RunRequest:
    """A run of the step; the key keeps a tick that is repeated from asking twice."""
    of_all = {RANGE_START: declared[0], RANGE_END: declared[-1]} if step.is_by_release else {}
    return dg.RunRequest(
        run_key=f"{step.state}:{number}",
        job_name=step.job,
        tags={history.STATE: step.state, **of_all},
    )


# Once a day even without files: an open release's freshness depends on the calendar.
daily = dg.ScheduleDefinition(
    name="daily",
    job=ingest_job,
    cron_schedule="15 4 * * *",  # after midnight's last files; UTC
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

conditions = dg.AutomationConditionSensorDefinition(
    name="conditions",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
)
