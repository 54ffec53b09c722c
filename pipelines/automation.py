"""What runs by itself: a dropped file or a new release file ends in fresh reports."""

import dagster as dg

from landed.documents import digest
from landed.ingest import pending
from landed.publish.inputs import up_to_date

from .partitions import releases
from .resources import Workspace

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


@dg.sensor(
    job=ingest_job,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when a landed file is not claimed yet, or a project file changed.",
)
def landing(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult:
    """What a run would change; the ledger, not the cursor, makes each file exactly once."""
    catalog = workspace.catalog()
    known = set(context.instance.get_dynamic_partitions("releases"))
    missing = sorted(set(catalog.releases) - known)
    gone = sorted(known - set(catalog.releases))
    requests = [releases.build_add_request(missing)] if missing else []
    removals = [releases.build_delete_request(gone)] if gone else []
    if up_to_date(workspace.project, workspace.home, catalog, workspace.today):
        return dg.SensorResult(
            skip_reason="every landed file is claimed, no project file changed",
            dynamic_partitions_requests=[*requests, *removals],
        )
    waiting = pending(workspace.project, workspace.home)
    files = sorted(f"{file.name}:{file.size}:{file.version}" for file in waiting)
    key = digest({"files": files, "inputs": dict(workspace.inputs(catalog))})
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key)],
        dynamic_partitions_requests=[*requests, *removals],
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
