"""A killed run is finished by the next one, and a blocked release keeps its last good report."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mini_project
import pytest

from landed.project import Home
from landed.publish.readers import open_snapshot

SEED = 20261123
POINTER = Path("snapshots") / "current"

Landed = Callable[..., Any]


@dataclass(frozen=True)
class State:
    """A home after a whole run. Only to be copied.

    Args:
        project: The project.
        home: Its state.
        seconds: How long the run took.
    """

    project: Path
    home: Path
    seconds: float

    def copy(self, folder: Path) -> Path:
        shutil.copytree(self.home, folder)
        return folder

    def report(self, landed: Landed, snapshot: str | None = None) -> dict[str, Any]:
        return _document(self.project, self.home, landed, snapshot)

    @property
    def snapshot(self) -> str:
        return _current(self.home)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, landed: Landed) -> State:
    """A first run of the smallest project."""
    folder = tmp_path_factory.mktemp("mini")
    project = mini_project.write_project(folder / "project")
    mini_project.write_events(folder / "home" / "landing")
    return _run(project, folder / "home", landed)


@pytest.fixture(scope="module")
def second(first: State, tmp_path_factory: pytest.TempPathFactory, landed: Landed) -> State:
    """A second run, after hundreds of people more, all treated: the split is not the plan's."""
    home = first.copy(tmp_path_factory.mktemp("second") / "home")
    _land_late_events(home)
    return _run(first.project, home, landed)


@pytest.mark.parametrize("homes", [1, pytest.param(20, marks=pytest.mark.full)])
def test_a_run_killed_at_any_instant_is_finished_by_the_next_one(
    homes: int, first: State, second: State, tmp_path: Path, landed: Landed
) -> None:
    """The kills of a home fall in each part of the run: with 3, in each third of its length."""
    each = 3 if homes == 1 else 5
    draw = random.Random(SEED)  # noqa: S311 - instants, not secrets
    expected = (_content(second.home), second.report(landed))
    struck: Counter[str] = Counter()
    length = second.seconds
    for number in range(homes):
        home = first.copy(tmp_path / f"home-{number}")
        _land_late_events(home)
        for part in draw.sample(range(each), each):
            instant = (part + draw.random()) / each
            began = time.monotonic()
            code = _kill_after(first.project, home, instant * length)
            took = time.monotonic() - began
            if code == 0 and not struck:  # the length was measured on a busier machine
                length = took
                shutil.rmtree(home)
                home = first.copy(tmp_path / f"home-{number}")
                _land_late_events(home)
                code = _kill_after(first.project, home, instant * length)
            assert code in (-signal.SIGKILL, 0)
            # whatever the kill left: readers see one whole state, the old one or the new one
            assert _verified(home) in (first.snapshot, second.snapshot)
            struck[_stage(home, first, second) if code else "after the end"] += 1
        _run(first.project, home, landed)
        assert _verified(home) == second.snapshot
        assert (_content(home), _document(first.project, home, landed)) == expected, number
        assert not list((home / "snapshots").glob(".tmp-*"))
        shutil.rmtree(home)

    print(f"\nkills of a run of {length:.0f} s, seed {SEED}: {dict(struck)}")
    assert struck["after the end"] < struck.total()


def test_a_release_that_gets_blocked_later_keeps_its_last_good_report(
    first: State, second: State, landed: Landed
) -> None:
    good, notice = first.report(landed), second.report(landed)

    assert good["gate"]["decision"] == "pass"
    assert good["estimates"]
    assert notice["verdict"]["decision"] == "blocked"
    assert notice["estimates"] == []
    assert notice["last_good"]["snapshot"] == good["snapshot"]
    assert second.report(landed, good["snapshot"]) == good


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path: Path, landed: Landed) -> None:
    project = mini_project.write_project(tmp_path / "mini")
    home = tmp_path / "home"
    home.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\n"
            "from landed.project import Home\n"
            "from landed.warehouse import run_lock\n"
            "with run_lock(Home(pathlib.Path(sys.argv[1]))):\n"
            "    print('held', flush=True)\n"
            "    time.sleep(60)\n",
            str(home),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = landed("run", "--project", project, home=home)
    finally:
        holder.kill()
        holder.wait()

    assert done.code == 3
    assert str(holder.pid) in done.err


def _run(project: Path, home: Path, landed: Landed) -> State:
    started = time.monotonic()
    done = landed("run", "--project", project, home=home)
    assert done.code == 0, done.err
    return State(project, home, time.monotonic() - started)


def _kill_after(project: Path, home: Path, seconds: float) -> int:
    """Kill a run and all that it started; its exit code where it was faster."""
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("landed")),
            "run",
            "--project",
            str(project),
            "--home",
            str(home),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _land_late_events(home: Path) -> None:
    lines = []
    for user in range(1001, 1401, 2):
        event = {
            "event_id": f"late-{user}",
            "event_name": "feature_flag.evaluation",
            "occurred_at": "2026-09-09T12:00:00Z",
            "user_id": f"user-{user}",
            "properties": {
                "feature_flag.key": "new_search",
                "feature_flag.result.variant": "ranked",
            },
        }
        lines.append(json.dumps(event) + "\n")
    (home / "landing" / "app" / "late.jsonl").write_text("".join(lines), encoding="utf-8")


def _document(
    project: Path, home: Path, landed: Landed, snapshot: str | None = None
) -> dict[str, Any]:
    chosen = ("--snapshot", snapshot) if snapshot else ()
    done = landed(
        "report", "new-search", "--project", project, "--format", "json", *chosen, home=home
    )
    document: dict[str, Any] = done.json()
    return document


def _current(home: Path) -> str:
    return str(json.loads((home / POINTER).read_bytes())["id"])


def _verified(home: Path) -> str:
    """Id of the snapshot that readers see, after every byte was held against its digest."""
    pointer = json.loads((home / POINTER).read_bytes())
    folder = home / "snapshots" / pointer["id"]
    manifest_bytes = (folder / "manifest.json").read_bytes()
    assert hashlib.sha256(manifest_bytes).hexdigest() == pointer["manifest_sha256"]
    manifest = json.loads(manifest_bytes)
    for name, told in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (told["bytes"], told["sha256"])
    with open_snapshot(Home(home)) as engine:
        assert engine.row_counts() == manifest["tables"]
    for latest in home.glob("reports/*/latest.json"):
        told = json.loads(latest.read_bytes())
        document = json.loads(latest.with_name(f"{told['snapshot']}.json").read_bytes())
        assert document["snapshot"] == told["snapshot"]
    return str(pointer["id"])


def _stage(home: Path, first: State, second: State) -> str:
    """How far a killed run had come, by what it left."""
    if (home / POINTER).read_bytes() != (first.home / POINTER).read_bytes():
        return "published"
    if (home / "snapshots" / second.snapshot).exists() or list((home / "snapshots").glob(".tmp-*")):
        return "publishing"
    reported = home / "work" / "report-new-search.json"
    if reported.read_bytes() != (first.home / "work" / reported.name).read_bytes():
        return "judged"
    built = home / "work" / "build.json"
    if built.read_bytes() != (first.home / "work" / built.name).read_bytes():
        return "built"
    lake = {path.name for path in (home / "lake").rglob("*.parquet")}
    before = {path.name for path in (first.home / "lake").rglob("*.parquet")}
    return "ingested" if lake - before else "nothing written"


def _content(home: Path) -> dict[str, list[str]]:
    """All rows of what readers see, by table."""
    with open_snapshot(Home(home)) as engine:
        return {
            name: sorted(map(repr, engine.rows(f'select * from "{name}"')))
            for name in engine.row_counts()
        }
