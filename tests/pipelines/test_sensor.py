"""The landing sensor: what it asks for, once, and again only where a run did not do it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import mini_project
import pyarrow.parquet as pq
import pytest

from landed.ingest import Ledger, ingest
from landed.settings import Settings
from landed.warehouse import run_lock
from pipelines import automation, history, resources
from pipelines.defs.ingest import definitions as ingest_definitions
from pipelines.headless import QUIET, dagster_home
from pipelines.history import wait_after
from pipelines.resources import BUILD_STATE, Workspace
from pipelines.steps import Step, behind, first_behind

ROOT = Path(__file__).resolve().parents[2]
SMALL = Settings(threads=2, memory_limit_mb=512)
INGEST = Step("ingest_landing", "1 file(s) not ingested", "a state")
MARTS = Step("build_marts", "the marts are not those of the lake", "a state")
GONE_PID = 2**22 + 1  # above every process number that Linux gives

# what a code server does with a run, in a process that can be killed alone
CHILD = """
import sys
import dagster as dg
from pipelines import automation, history
from pipelines.defs import ingest
from pipelines.headless import QUIET, dagster_home
from pipelines.resources import Workspace

workspace = Workspace(project_dir=sys.argv[1], home_dir=sys.argv[2])
given = dg.Definitions(jobs=[automation.ingest_job], resources={"workspace": workspace})
definitions = dg.Definitions.merge(ingest.definitions, given)
with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as instance:
    job = definitions.resolve_job_def("ingest_landing")
    tags = {history.STATE: sys.argv[3]}
    job.execute_in_process(instance=instance, run_config=QUIET, tags=tags)
"""


class AnHourLater(Workspace):
    """The clock of an hour later: every wait is over."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project of one source and no release."""
    project = mini_project.write_project(tmp_path / "mini")
    (project / "releases" / f"{mini_project.RELEASE}.yml").unlink()
    (tmp_path / "home" / "landing" / "app").mkdir(parents=True)
    return Workspace(project_dir=str(project), home_dir=str(tmp_path / "home"))


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def kept_instance(workspace: Workspace) -> Iterator[dg.DagsterInstance]:
    """The history on the disk, which another process writes to."""
    with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as found:
        yield found


def test_files_of_a_run_that_was_killed_are_asked_for_again_and_claimed_once(
    workspace: Workspace, kept_instance: dg.DagsterInstance
) -> None:
    _land(workspace, range(200))
    first = _asked(workspace, kept_instance)

    with run_lock(workspace.home):  # the run has begun and waits its turn: nothing is claimed yet
        _kill_when_started(workspace, kept_instance, first.tags[history.STATE])
    early = _tick(workspace, kept_instance)
    second = _asked(_later(workspace), kept_instance)
    result = _job(workspace).execute_in_process(
        instance=kept_instance, run_config=QUIET, tags=second.tags
    )

    assert "asked for 1 time(s), again from" in str(early.skip_reason)
    assert (first.tags, first.job_name) == (second.tags, second.job_name)
    assert first.run_key != second.run_key  # Dagster starts one run a key, and that was killed
    assert result.success
    (account,) = Ledger(workspace.home).accounts_total()
    assert (account.files_new, account.rows_in, account.accepted) == (200, 200, 200)
    assert len(_event_ids(workspace)) == len(set(_event_ids(workspace))) == 200
    after = _tick(workspace, kept_instance)
    assert not after.run_requests
    assert "the marts are not those of the lake" in str(after.skip_reason)


def test_a_run_that_found_the_home_busy_is_asked_for_again(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "TURN_SECONDS", 0.1)
    _land(workspace, range(3))
    first = _asked(workspace, instance)
    job = _job(workspace)
    script = "import sys, time; from pathlib import Path; from landed.project import Home\n"
    script += "from landed.warehouse import run_lock\n"
    script += "with run_lock(Home(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script, workspace.home_dir], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        result = job.execute_in_process(
            instance=instance, run_config=QUIET, tags=first.tags, raise_on_error=False
        )
        holder.kill()

    assert not result.success
    assert _asked(_later(workspace), instance).job_name == "ingest_landing"


def test_a_step_is_not_asked_for_while_a_run_is_under_way(instance: dg.DagsterInstance) -> None:
    run = _open_run(instance, pid=os.getpid())

    number, why = history.ask(instance, INGEST, automation.NAMES, datetime.now(UTC))

    assert history.bury(instance, datetime.now(UTC)) == []
    assert number == 0
    assert run.run_id in str(why)


def test_a_run_whose_process_is_gone_is_reported_and_holds_up_nothing(
    instance: dg.DagsterInstance,
) -> None:
    run = _open_run(instance, pid=GONE_PID)

    buried = history.bury(instance, datetime.now(UTC))

    assert buried == [run.run_id]
    assert instance.get_runs()[0].status == dg.DagsterRunStatus.FAILURE
    later = datetime.now(UTC) + history.FOLLOWS
    assert history.ask(instance, MARTS, automation.NAMES, later) == (1, None)


def test_the_number_of_a_process_that_is_gone_may_be_anothers_by_now(
    instance: dg.DagsterInstance,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        long_ago = time.time() - 3600

        assert not history._lives(other.pid, long_ago)
        assert history._lives(other.pid, time.time())
        other.kill()


def test_a_run_that_was_killed_while_it_was_launched_is_reported_after_a_while(
    instance: dg.DagsterInstance,
) -> None:
    run = _open_run(instance, pid=None)

    assert history.bury(instance, datetime.now(UTC)) == []
    assert history.bury(instance, datetime.now(UTC) + history.LAUNCH) == [run.run_id]


def test_what_follows_a_run_is_left_to_the_conditions_at_first(
    instance: dg.DagsterInstance,
) -> None:
    instance.report_run_failed(_open_run(instance, pid=None), "ended")
    now = datetime.now(UTC)

    assert history.ask(instance, MARTS, automation.NAMES, now)[0] == 0
    assert history.ask(instance, INGEST, automation.NAMES, now) == (1, None)
    assert history.ask(instance, MARTS, automation.NAMES, now + history.FOLLOWS) == (1, None)


def test_a_history_that_many_make_at_once_can_be_opened(workspace: Workspace) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(dagster_home, [workspace] * 4))

    with dg.DagsterInstance.from_config(str(folders[0])) as found:
        assert found.get_runs() == []


def test_waits_double_and_end_at_an_hour() -> None:
    waits = [wait_after(tries).total_seconds() for tries in (1, 2, 3, 8, 9, 1000)]

    assert waits == [30, 60, 120, 3600, 3600, 3600]


def test_a_copy_is_looked_into_by_one_run_and_never_again(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    _land(workspace, range(2))
    ingest(workspace.project, workspace.home, SMALL)
    _build(workspace)
    folder = workspace.home.landing / "app"
    (folder / "copy.jsonl").write_bytes((folder / "0.jsonl").read_bytes())
    os.utime(folder / "1.jsonl")

    asked = _asked(workspace, instance)
    ingest(workspace.project, workspace.home, SMALL)

    assert asked.job_name == "ingest_landing"
    assert first_behind(workspace, workspace.catalog()).job == "build_marts"


def test_a_source_that_was_declared_anew_is_ingested_without_a_new_file(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    _land(workspace, range(2))
    ingest(workspace.project, workspace.home, SMALL)
    _build(workspace)
    file = workspace.project.sources / "app.yml"
    file.write_text(file.read_text("utf-8").replace("2026-09-11", "2026-09-12"), encoding="utf-8")

    assert _asked(workspace, instance).job_name == "ingest_landing"
    ingest(workspace.project, workspace.home, SMALL)
    assert first_behind(workspace, workspace.catalog()).job == "build_marts"


def test_what_an_ingest_brought_is_built_before_more_is_ingested(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """Else nothing would ever be published where a file drops every minute."""
    _land(workspace, range(2))
    ingest(workspace.project, workspace.home, SMALL)
    _land(workspace, range(2, 4))

    assert [step.job for step in behind(workspace, workspace.catalog())] == [
        "build_marts",
        "ingest_landing",
    ]
    assert _asked(workspace, instance).job_name == "build_marts"


def test_a_build_that_fails_does_not_keep_files_from_the_lake(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    _land(workspace, range(2))
    ingest(workspace.project, workspace.home, SMALL)
    _land(workspace, range(2, 4))
    failed = _asked(workspace, instance)

    @dg.job(name="build_marts")
    def job() -> None:
        pass

    run = instance.create_run_for_job(job, tags=failed.tags)
    instance.report_run_failed(run)

    assert _asked(workspace, instance).job_name == "ingest_landing"


def _build(workspace: Workspace) -> None:
    """Have the marts hold what was ingested."""
    workspace.remember(BUILD_STATE, {"sequence": Ledger(workspace.home).last_sequence()})


def _land(workspace: Workspace, numbers: range) -> None:
    for number in numbers:
        line = f'{{"event_id": "e{number}", "event_name": "page_viewed", "user_id": "u1",'
        line += f' "occurred_at": "2026-09-0{1 + number % 9}T10:00:00Z", "properties": {{}}}}\n'
        path = workspace.home.landing / "app" / f"{number}.jsonl"
        path.write_text(line, encoding="utf-8")


def _later(workspace: Workspace) -> Workspace:
    return AnHourLater(project_dir=workspace.project_dir, home_dir=workspace.home_dir)


def _tick(workspace: Workspace, instance: dg.DagsterInstance) -> dg.SensorResult:
    with dg.build_sensor_context(instance=instance, resources={"workspace": workspace}) as context:
        found = automation.landing(context)
    assert isinstance(found, dg.SensorResult)
    return found


def _asked(workspace: Workspace, instance: dg.DagsterInstance) -> dg.RunRequest:
    found = _tick(workspace, instance)
    assert found.run_requests, found.skip_reason
    (request,) = found.run_requests
    return request


def _job(workspace: Workspace) -> dg.JobDefinition:
    given = dg.Definitions(jobs=[automation.ingest_job], resources={"workspace": workspace})
    return dg.Definitions.merge(ingest_definitions, given).resolve_job_def("ingest_landing")


def _kill_when_started(workspace: Workspace, instance: dg.DagsterInstance, state: str) -> None:
    """Run the job in a process of its own, and kill that once it has begun its step."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, workspace.project_dir]
    child = subprocess.Popen([*command, workspace.home_dir, state], cwd=ROOT)
    filters = dg.RunsFilter(tags={history.STATE: state}, statuses=[dg.DagsterRunStatus.STARTED])
    until = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < until:
        runs = instance.get_runs(filters)
        if runs and instance.all_logs(runs[0].run_id, of_type=dg.DagsterEventType.STEP_START):
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()


def _open_run(instance: dg.DagsterInstance, pid: int | None) -> dg.DagsterRun:
    """A run that was launched and, where it has a process, started."""

    @dg.job(name="build_marts")
    def job() -> None:
        pass

    run = instance.create_run_for_job(job)
    instance.report_dagster_event(_event(run, dg.DagsterEventType.PIPELINE_STARTING), run.run_id)
    if pid is not None:
        data = dg._core.events.EngineEventData.in_process(pid)
        instance.report_engine_event("Started process for run", run, data)
        instance.report_dagster_event(_event(run, dg.DagsterEventType.PIPELINE_START), run.run_id)
    return run


def _event(run: dg.DagsterRun, kind: dg.DagsterEventType) -> dg.DagsterEvent:
    return dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)


def _event_ids(workspace: Workspace) -> list[str]:
    return [
        event_id
        for file in Ledger(workspace.home).files("events")
        for event_id in pq.read_table(file.path, columns=["event_id"])["event_id"].to_pylist()
    ]
