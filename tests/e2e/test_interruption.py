"""A killed run is finished by the next one, and a blocked release keeps its last good report."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mini_project
import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261123


def _document(project: Path, home: Path, landed: Callable[..., Any]) -> dict[str, Any]:
    done = landed("report", "new-search", "--project", project, "--format", "json", home=home)
    document: dict[str, Any] = done.json()
    return document


def _kill_after(project: Path, home: Path, seconds: float) -> int:
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
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


@pytest.mark.parametrize(
    "kills",
    [1, pytest.param(12, marks=pytest.mark.full)],
)
def test_a_killed_run_is_finished_by_the_next_one(
    kills: int, tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project = mini_project.write_project(tmp_path / "mini")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for home in (whole, cut):
        mini_project.write_events(home / "landing")
    draw = random.Random(SEED)  # noqa: S311 - instants, not secrets

    started = time.monotonic()
    assert landed("run", "--project", project, home=whole).code == 0
    length = time.monotonic() - started
    # from the first imports to the last report; a resumed run is shorter than a first one
    instants = [draw.uniform(0.1, 0.6) * length for _ in range(kills)]
    codes = [_kill_after(project, cut, seconds) for seconds in instants]
    done = landed("run", "--project", project, home=cut)

    assert -signal.SIGKILL in codes
    assert done.code == 0, done.err
    assert _document(project, cut, landed) == _document(project, whole, landed)
    assert not list((cut / "snapshots").glob(".tmp-*"))


def test_a_release_that_gets_blocked_later_keeps_its_last_good_report(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project = mini_project.write_project(tmp_path / "mini")
    home = tmp_path / "home"
    mini_project.write_events(home / "landing")
    assert landed("run", "--project", project, home=home).code == 0
    good = _document(project, home, landed)

    # hundreds of people more, all treated: the split no longer matches the plan
    extra = home / "landing" / "app" / "late.jsonl"
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
    extra.write_text("".join(lines), encoding="utf-8")
    assert landed("run", "--project", project, home=home).code == 0
    notice = _document(project, home, landed)

    assert good["gate"]["decision"] == "pass"
    assert good["estimates"]
    assert notice["verdict"]["decision"] == "blocked"
    assert notice["estimates"] == []
    assert notice["last_good"]["snapshot"] == good["snapshot"]
    kept = landed(
        "report",
        "new-search",
        "--project",
        project,
        "--format",
        "json",
        "--snapshot",
        good["snapshot"],
        home=home,
    )
    assert kept.json() == good


def test_a_second_writer_is_refused_and_told_who_writes(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
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
