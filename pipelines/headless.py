"""The main job without the UI: the same assets, stage by stage, in one process."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dagster as dg

from landed.errors import LandedError
from landed.ingest import Ledger, relation_accounts
from landed.publish import snapshot_id

from .definitions import build
from .resources import Workspace

HEADLESS = "landed/headless"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

DAGSTER_YAML = """\
# Written by landed. SQLite in this folder keeps the history of runs.
telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 120
  poll_interval_seconds: 30
"""


def dagster_home(workspace: Workspace) -> Path:
    """The folder of Dagster's history, made and with its settings in place.

    Two processes that made the history at once would leave one that nobody can open again.
    """
    folder = workspace.home.dagster
    made = folder / "made"
    if made.is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "made.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        settings = folder / "dagster.yaml"
        if not settings.is_file():
            settings.write_text(DAGSTER_YAML, encoding="utf-8")
        with dg.DagsterInstance.from_config(str(folder)):
            made.touch()
    return folder


def run(workspace: Workspace, only: Sequence[str], progress: Callable[[str, str], None]) -> None:
    """Ingest, build, judge, report, publish.

    Args:
        workspace: The project; its lock is held by the caller.
        only: Releases to assess; empty means all.
        progress: Told the stage and what it does.

    Raises:
        LandedError: A stage failed. Whatever was published before stays as it was.
    """
    with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as instance:
        _bury(instance)
        progress("ingest", "claiming landed files")
        definitions = build(workspace)
        _run(definitions, "ingest_landing", instance)
        ledger = Ledger(workspace.home)
        for account in ledger.accounts_total():
            progress("ingest", str(account))
        for relation in relation_accounts(workspace.home):
            progress("ingest", str(relation))
        days = ledger.days("events")
        names = list(workspace.catalog().releases)
        progress("build", f"marts of {len(days)} days")
        _run(definitions, "build_marts", instance)
        instance.add_dynamic_partitions("releases", names)
        for name in sorted(set(instance.get_dynamic_partitions("releases")) - set(names)):
            instance.delete_dynamic_partition("releases", name)
        catalog = workspace.catalog()
        # a snapshot is one state: what was not judged on these marts is judged now
        stale = workspace.unassessed(catalog, snapshot_id(workspace.built_inputs(catalog)))
        chosen = [name for name in names if not only or name in only or name in stale]
        for name in chosen:
            progress("judge", name)
            _run(definitions, "assess_releases", instance, {"dagster/partition": name})
        progress("publish", "one whole snapshot")
        _run(definitions, "publish_snapshot", instance)


def _bury(instance: dg.DagsterInstance) -> None:
    """Close runs of earlier headless processes: this one has the lock, so they were killed."""
    unfinished = dg.RunsFilter(
        tags={HEADLESS: "true"},
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING],
    )
    for run_left in instance.get_runs(filters=unfinished):
        instance.report_run_failed(run_left, "The process was killed; the next run went on.")


def _run(
    definitions: dg.Definitions,
    job: str,
    instance: dg.DagsterInstance,
    tags: Mapping[str, str] | None = None,
) -> None:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags={**(tags or {}), HEADLESS: "true"},
        run_config=QUIET,
        raise_on_error=True,
    )
    if not result.success:
        raise LandedError(f"the stage `{job}` failed", fix="see the run in `landed dev`.")
