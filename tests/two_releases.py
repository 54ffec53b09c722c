"""A project of two experiments on the same few hundred people, each with its own numbers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import mini_project
import orjson

FIRST = mini_project.RELEASE
SECOND = "new-help"
USERS = 421  # a prime: means have digits that stand for nothing else

SAVED = """\
saved_queries:
  - name: events_by_day
    description: Events, day by day.
    config: {meta: {owner: search}}
    query_params:
      metrics: [events]
      group_by: ["TimeDimension('metric_time', 'day')"]
"""


def write_project(folder: Path, users: int = USERS) -> Path:
    """The project in `folder`, its events below `.landed`; returns it."""
    project = mini_project.write_project(folder)
    text = mini_project.RELEASE_FILE + "diagnostics: [events]\n"
    (project / "releases" / f"{FIRST}.yml").write_text(text, encoding="utf-8")
    other = text.replace(FIRST, SECOND).replace("new_search", "new_help")
    other = other.replace("ranked", "shown").replace("owner: search", "owner: help")
    (project / "releases" / f"{SECOND}.yml").write_text(other, encoding="utf-8")
    (project / "metrics" / "saved.yml").write_text(SAVED, encoding="utf-8")
    landing = project / ".landed" / "landing"
    mini_project.write_events(landing, users=users)
    lines = [line for user in range(users) for line in _help(user)]
    (landing / "app" / "help.jsonl").write_text("".join(lines), encoding="utf-8")
    return project


def documents(home: Path, release: str) -> list[dict[str, Any]]:
    """Every report or notice of a release that stands in a home, by snapshot."""
    found = [
        path
        for path in sorted((home / "reports" / release).glob("*.json"))
        if path.name != "latest.json"
    ]
    assert found, f"no report of {release}"
    return [orjson.loads(path.read_bytes()) for path in found]


def latest(home: Path, release: str) -> dict[str, Any]:
    """The report or notice that stands for a release now."""
    pointer = orjson.loads((home / "reports" / release / "latest.json").read_bytes())
    path = home / "reports" / release / f"{pointer['snapshot']}.json"
    document: dict[str, Any] = orjson.loads(path.read_bytes())
    return document


def _help(user: int) -> list[str]:
    """Who met the new help: every other pair of people; they open it twice."""
    is_treated = user // 2 % 2 == 1
    met_at = mini_project.START + timedelta(hours=user % 200, minutes=1)
    flag = {
        "feature_flag.key": "new_help",
        "feature_flag.result.variant": "shown" if is_treated else "control",
    }
    events: list[tuple[str, int, dict[str, str]]] = [("feature_flag.evaluation", 0, flag)]
    if is_treated:
        events += [("help_opened", 20, {}), ("help_opened", 25, {})]
    return [
        json.dumps(
            {
                "event_id": f"help-{user}-{minutes}",
                "event_name": name,
                "occurred_at": (met_at + timedelta(minutes=minutes)).isoformat(),
                "user_id": f"user-{user:04}",
                "properties": properties,
            }
        )
        + "\n"
        for name, minutes, properties in events
    ]
