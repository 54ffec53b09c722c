"""A snapshot is one state: nothing in it stands on other marts than those that were judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mini_project

ROOT = Path(__file__).resolve().parents[2]


def _late(home: Path, flag: str, users: int) -> None:
    """People that only one arm got: the split no longer matches the plan."""
    lines = [
        {
            "event_id": f"{flag}-{user}",
            "event_name": "feature_flag.evaluation",
            "occurred_at": "2026-09-09T12:00:00Z",
            "user_id": f"{flag}-{user}",
            "properties": {"feature_flag.key": flag, "feature_flag.result.variant": "ranked"},
        }
        for user in range(users)
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (home / "landing" / "app" / f"{flag}.jsonl").write_text(text, encoding="utf-8")


def test_one_release_asked_for_never_leaves_another_on_marts_it_was_not_judged_on(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project, home = mini_project.write_project(tmp_path / "mini"), tmp_path / "home"
    twin = mini_project.RELEASE_FILE.replace("new-search", "twin")
    (project / "releases" / "twin.yml").write_text(twin, encoding="utf-8")
    mini_project.write_events(home / "landing")
    query = "SELECT variant, MEASURE(sessions) FROM metrics WHERE release = '{}' GROUP BY variant"

    def verdict(release: str) -> str:
        done = landed("report", release, "--project", project, "--format", "json", home=home)
        return str(done.json()["verdict"]["decision"])

    assert landed("run", "--release", "twin", "--project", project, home=home).code == 0
    first = verdict("new-search")
    _late(home, "new_search", 300)
    assert landed("run", "--release", "twin", "--project", project, home=home).code == 0
    asked = landed("query", query.format("new-search"), "--project", project, home=home)

    assert first != "blocked"
    assert verdict("new-search") == "blocked"
    assert asked.code == 3
    assert "blocked" in asked.err


def test_a_snapshot_answers_with_the_definitions_it_was_made_with(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project, home = mini_project.write_project(tmp_path / "mini"), tmp_path / "home"
    mini_project.write_events(home / "landing")
    assert landed("run", "--project", project, home=home).code == 0
    file = project / "releases" / "new-search.yml"
    file.write_text(file.read_text("utf-8").replace("0.2", "0.3"), encoding="utf-8")

    asked = landed("query", "SELECT MEASURE(events) FROM metrics", "--project", project, home=home)

    assert asked.code == 3
    assert "landed run" in asked.err


def test_a_project_without_any_event_is_told_so(tmp_path: Path, landed: Callable[..., Any]) -> None:
    project = mini_project.write_project(tmp_path / "mini")

    done = landed("run", "--project", project, home=tmp_path / "home")

    assert done.code == 3
    assert "no file matches" in done.err
    assert "there is no event yet" in done.err
    assert "Traceback" not in done.err


def test_faults_of_all_kinds_of_files_are_told_at_once(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project = mini_project.write_project(tmp_path / "mini")
    release = project / "releases" / "new-search.yml"
    release.write_text(release.read_text("utf-8").replace("owner: search\n", ""), "utf-8")
    (project / "sources" / "app.yml").write_text("source: app\nkind: evnts\n", "utf-8")
    (project / "metrics" / "bad.yml").write_text("metrics:\n  - {name: bad}\n", "utf-8")
    (project / "tracking").mkdir()
    (project / "tracking" / "opened.json").write_text('{"type": ', "utf-8")

    done = landed("run", "--project", project, home=tmp_path / "home")

    assert done.code == 3
    for file in ("new-search.yml", "app.yml", "bad.yml", "opened.json"):
        assert file in done.err
    assert "owner" in done.err
    assert "evnts" in done.err
    assert done.err.count("Fix:") >= 3


def test_wrong_names_on_the_command_line_are_refused_before_any_work(
    tmp_path: Path, landed: Callable[..., Any]
) -> None:
    project, home = mini_project.write_project(tmp_path / "mini"), tmp_path / "home"

    no_release = landed("run", "--release", "nope", "--project", project, home=home)
    no_verdict = landed("run", "--fail-on", "harmd", "--project", project, home=home)

    assert (no_release.code, no_verdict.code) == (3, 3)
    assert "new-search" in no_release.err
    assert "harmed" in no_verdict.err
    assert not (home / "ledger.sqlite").exists()
