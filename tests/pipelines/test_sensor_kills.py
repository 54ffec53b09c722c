"""The daemon is killed while it senses and ingests: each landed file is claimed exactly once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import mini_project
import psutil
import pyarrow.parquet as pq
import pytest
import requests
from dagster._core.scheduler.instigation import InstigatorTick, InstigatorType, TickStatus

from landed.ingest import Ledger
from landed.project import Home
from pipelines.headless import dagster_home
from pipelines.resources import Workspace

SEED = 20261127
SETTLED = "every landed file is claimed, no project file changed"
FILES, KILLS = 10_000, 8
BACKFILL = """
mutation ($days: [String!]!, $assets: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {partitionNames: $days, assetSelection: $assets}) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
COPIES = 20  # delivered again under another name: read, and not claimed


class Dev:
    """`landed dev` of a project, which may be killed and started again."""

    def __init__(self, project: Path, home: Path) -> None:
        self._project, self._home = project, home
        self._process: subprocess.Popen[bytes] | None = None
        self._left: list[psutil.Process] = []
        self._port = 0

    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """What the UI's server answers."""
        answer = requests.post(
            f"http://127.0.0.1:{self._port}/graphql",
            json={"query": query, "variables": variables},
            timeout=60,
        )
        return answer.json()["data"]

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        command = [str(Path(sys.executable).with_name("landed")), "dev", "--port", str(self._port)]
        command += ["--project", str(self._project), "--home", str(self._home)]
        with (self._home / "dev.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, *, whole: bool) -> None:
        """Kill the process group at once; `whole` also what has left it, else it ends by itself."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            self._left += psutil.Process(self._process.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for process in self._left if whole else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


class World:
    """A home that files are landed into, and the history of its runs."""

    def __init__(self, folder: Path) -> None:
        self.project = mini_project.write_project(folder / "project")
        self.home = Home(folder / "home")
        mini_project.write_events(self.home.landing)
        self.landed = sorted((self.home.landing / "app").iterdir())
        self.dev = Dev(self.project, self.home.root)
        workspace = Workspace(project_dir=str(self.project), home_dir=str(self.home.root))
        dagster_home(workspace)
        self.killed: set[str] = set()
        self.rows = sum(len(path.read_text("utf-8").splitlines()) for path in self.landed)

    def land(self, numbers: range) -> None:
        """Small files of one event each, renamed into place as a careful sender does."""
        for number in numbers:
            at = f"2026-09-{1 + number % 9:02}T10:{number // 60 % 60:02}:{number % 60:02}Z"
            event = {
                "event_id": f"small-{number}",
                "event_name": "page_viewed",
                "occurred_at": at,
                "user_id": f"user-{number % 400:04}",
                "properties": {},
            }
            self._write(f"small-{number}.jsonl", json.dumps(event) + "\n")
        self.rows += len(numbers)

    def land_copies(self) -> None:
        for path in self.landed[:COPIES]:
            self._write(f"copy-of-{path.name}", path.read_text("utf-8"), is_new=False)

    def _write(self, name: str, text: str, *, is_new: bool = True) -> None:
        draft = self.home.landing / "app" / f".{name}"
        draft.write_text(text, encoding="utf-8")
        self.landed += [draft.rename(draft.with_name(name))] if is_new else []
        if not is_new:
            draft.rename(draft.with_name(name))

    def claims(self) -> set[str]:
        return Ledger(self.home).claimed("app")

    @contextlib.contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.home.dagster)) as instance:
            yield instance

    def runs(self) -> list[dg.DagsterRun]:
        with self.history() as instance:
            return list(instance.get_runs())

    def ticks(self) -> list[InstigatorTick]:
        """Of the sensor, the latest first."""
        with self.history() as instance:
            states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
            (landing,) = [one for one in states if one.name == "landing"]
            return list(instance.get_ticks(landing.instigator_origin_id, landing.selector_id))

    def has_ticked_since(self, seconds: float) -> bool:
        return bool(self.runs()) and any(tick.timestamp > seconds for tick in self.ticks()[:1])

    def is_ingesting(self) -> bool:
        return any(
            run.job_name == "ingest_landing" and run.status == dg.DagsterRunStatus.STARTED
            for run in self.runs()
            if run.run_id not in self.killed
        )

    def has_built_since(self, before: set[str]) -> bool:
        """Whether marts were built by a run that is not one of these, and no run is open."""
        runs = self.runs()
        return all(run.is_finished for run in runs) and any(
            dg.AssetKey("fct_events") in (run.asset_selection or ())
            for run in runs
            if run.run_id not in before
        )

    def note_killed(self) -> str:
        """The runs that are open after a kill, of which the next daemon knows nothing."""
        left = [run for run in self.runs() if not run.is_finished]
        fresh = [run for run in left if run.run_id not in self.killed]
        self.killed |= {run.run_id for run in left}
        return ", ".join(f"{run.job_name} {run.status.value}" for run in fresh) or "none"

    def has_settled(self) -> bool:
        """Two ticks in a row found nothing to do, and no run is open."""
        latest = self.ticks()[:2]
        return (
            len(latest) == 2
            and all(tick.status == TickStatus.SKIPPED for tick in latest)
            and all(tick.tick_data.skip_reason == SETTLED for tick in latest)
            and all(run.is_finished for run in self.runs())
        )


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.3)
    return False


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """10,000 files in waves, a kill in each; the last daemon is left alone until it rests."""
    draw = random.Random(SEED)  # noqa: S311 - instants, not secrets
    found = World(tmp_path_factory.mktemp("kills"))
    waves = [range(5_000), *(range(at, at + 500) for at in range(5_000, FILES, 500))]
    struck: list[str] = []
    try:
        for number, wave in enumerate(waves[:KILLS]):
            found.land(wave)
            begun = time.time()
            found.dev.start()
            # every other kill falls into an ingest (unless one that outlived its daemon was
            # faster), the others anywhere from the first tick on
            if number % 2:
                wait_for(found.is_ingesting, 60)
                time.sleep(draw.uniform(0, 4))
            else:
                assert wait_for(partial(found.has_ticked_since, begun), 240)
                time.sleep(draw.uniform(0, 25))
            found.dev.kill(whole=number % 3 > 0)
            struck.append(found.note_killed())
        for wave in waves[KILLS:]:
            found.land(wave)
        found.land_copies()
        found.dev.start()
        assert wait_for(found.has_settled, 600), (found.runs(), found.ticks()[:3])
        print(f"\nruns that each kill left open, seed {SEED}: {struck}")
        yield found
    finally:
        found.dev.kill(whole=True)


@pytest.mark.full
def test_ten_thousand_files_and_a_daemon_that_is_killed_again_and_again(world: World) -> None:
    # a tick that asked for a run may have been cut by a kill, and ended by the next daemon
    seconds = max(
        tick.end_timestamp - tick.timestamp
        for tick in world.ticks()
        if tick.end_timestamp and tick.tick_data.skip_reason
    )
    statuses = Counter(f"{run.job_name} {run.status.value}" for run in world.runs())
    print(f"the longest tick took {seconds:.1f} s; runs: {dict(statuses)}")

    (account,) = Ledger(world.home).accounts_total()
    ids = [
        event_id
        for file in Ledger(world.home).files("events")
        for event_id in pq.read_table(file.path, columns=["event_id"])["event_id"].to_pylist()
    ]
    assert len(world.claims()) == account.files_new == len(world.landed) > FILES
    assert (account.rows_in, account.accepted) == (world.rows, world.rows)
    assert account.is_balanced
    assert len(ids) == len(set(ids)) == world.rows
    assert seconds < 20  # of the 60 that Dagster gives a tick


@pytest.mark.full
def test_a_backfill_in_the_ui_is_one_run_and_what_reads_the_days_is_built_after_it(
    world: World,
) -> None:
    days = [str(date(2026, 8, 15) + timedelta(days=at)) for at in range(60)]
    before = {run.run_id for run in world.runs()}

    asked = world.dev.ask(
        BACKFILL, {"days": days, "assets": [{"path": ["lake_events"]}, {"path": ["lake_feedback"]}]}
    )
    assert "backfillId" in asked["launchPartitionBackfill"], asked
    rebuilt = wait_for(lambda: world.has_built_since(before), 240)

    runs = [run for run in world.runs() if run.run_id not in before]
    of_lake = [run for run in runs if dg.AssetKey("lake_events") in (run.asset_selection or ())]
    assert rebuilt, runs
    assert len(of_lake) == 1
    assert of_lake[0].status == dg.DagsterRunStatus.SUCCESS
    with world.history() as instance:
        assert len(instance.get_materialized_partitions(dg.AssetKey("lake_feedback"))) == 60
    assert wait_for(world.has_settled, 240), world.ticks()[:3]
