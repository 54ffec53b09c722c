"""What runs by itself: a dropped file or a new release file ends in fresh reports."""

import dagster as dg

from landed.documents import digest
from landed.ingest import pending

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
    description="Starts an ingest when a landed file has not been claimed yet.",
)
def landing(context: dg.SensorEvaluationContext, workspace: Workspace) -> dg.SensorResult:
    """Files that the ledger has not claimed; the ledger, not the cursor, makes it exactly once."""
    waiting = pending(workspace.project, workspace.home)
    declared = set(workspace.catalog().releases)
    known = set(context.instance.get_dynamic_partitions("releases"))
    partitions = [releases.build_add_request(sorted(declared - known))] if declared - known else []
    if not waiting:
        return dg.SensorResult(
            skip_reason="every landed file is claimed", dynamic_partitions_requests=partitions
        )
    names = [f"{path.name}:{path.stat().st_size}" for path in waiting]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=digest(sorted(names)))],
        dynamic_partitions_requests=partitions,
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
