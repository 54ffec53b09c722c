"""The history of runs: which of them are over, and when a step may be asked for again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil

from .steps import Step

#: Tag of a run that the sensor asked for: what the step was to bring up to date.
STATE = "landed/state"
#: A run asked for by asset, as the conditions and the UI do, has this job.
ASSET_JOB = "__ASSET_JOB"
#: The first wait before a step that failed is asked for again; doubled each time, up to the last.
FIRST_WAIT = timedelta(seconds=30)
LAST_WAIT = timedelta(hours=1)
#: What follows a run is asked for by the conditions; after so long without, by the sensor.
FOLLOWS = timedelta(seconds=90)
#: A run that names no process after this long never got one: it was killed while it was launched.
LAUNCH = timedelta(minutes=5)
_CLOCKS_DIFFER_SECONDS = 2.0  # a clock that was set; far less than it takes to start a process

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_LAUNCHED = [status for status in _UNFINISHED if status != dg.DagsterRunStatus.QUEUED]


def bury(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """Report runs as failed whose process is gone; their ids.

    Dagster sees a run die while the server that launched it lives. Where both were killed, the run
    would stay started for ever, and whatever waits for it. A history belongs to one machine, as a
    home does: a process that is not here is nowhere.
    """
    gone = [
        record.dagster_run
        for record in instance.get_run_records(dg.RunsFilter(statuses=_LAUNCHED))
        if _is_gone(instance, record, now)
    ]
    for run in gone:
        instance.report_run_failed(run, "Its process is gone: killed, or lost with its machine.")
    return [run.run_id for run in gone]


def ask(
    instance: dg.DagsterInstance, step: Step, jobs: Sequence[str], now: datetime
) -> tuple[int, str | None]:
    """Whether to ask for a step now.

    Args:
        instance: The history.
        step: What is behind.
        jobs: Names of the jobs that bring a step up to date.
        now: The clock.

    Returns:
        The how-manieth time it is asked for, from 1; or 0 and why it is not.
    """
    if not step.job:
        return 0, step.why
    busy = _under_way(instance, jobs)
    if busy:
        return 0, f"{step.why}; run {busy} is under way"
    before = instance.get_run_records(dg.RunsFilter(tags={STATE: step.state}))
    ready = max(map(_ended_at, before)) + wait_after(len(before)) if before else None
    if ready is None and step.follows:
        ended = _last_end(instance, jobs)
        ready = ended + FOLLOWS if ended else None
    if ready is not None and now < ready:
        count = f"asked for {len(before)} time(s)" if before else "the conditions ask for it first"
        return 0, f"{step.why}; {count}, again from {ready:%H:%M:%S} UTC"
    return len(before) + 1, None


def was_asked(instance: dg.DagsterInstance, step: Step) -> bool:
    """Whether the sensor asked for this state of a step before."""
    return bool(instance.get_run_records(dg.RunsFilter(tags={STATE: step.state}), limit=1))


def wait_after(tries: int) -> timedelta:
    """How long a step rests that was asked for so often without success."""
    return min(FIRST_WAIT * 2 ** min(tries - 1, 20), LAST_WAIT)


def _under_way(instance: dg.DagsterInstance, jobs: Sequence[str]) -> str | None:
    """Id of a run of these jobs, or of assets, that is not over."""
    for job in (*jobs, ASSET_JOB):
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNFINISHED), limit=1):
            return run.run_id
    return None


def _last_end(instance: dg.DagsterInstance, jobs: Sequence[str]) -> datetime | None:
    """When the latest run of these jobs, or of assets, was over; None before the first."""
    records = [
        record
        for job in (*jobs, ASSET_JOB)
        for record in instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    ]
    return max(map(_ended_at, records), default=None)


def _ended_at(record: dg.RunRecord) -> datetime:
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return record.update_timestamp.replace(tzinfo=record.update_timestamp.tzinfo or UTC)


def _is_gone(instance: dg.DagsterInstance, record: dg.RunRecord, now: datetime) -> bool:
    for entry in reversed(
        instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    ):
        event = entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return not _lives(int(str(pid.value)), entry.timestamp)
    return now - _ended_at(record) > LAUNCH


def _lives(pid: int, seen_at: float) -> bool:
    """Whether the process that was seen then is still there; its number may be another's by now."""
    try:
        process = psutil.Process(pid)
        is_same = process.create_time() <= seen_at + _CLOCKS_DIFFER_SECONDS
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # another user's: it is there
