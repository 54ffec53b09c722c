"""The smallest project that goes the whole way: one experiment, a few hundred people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 9, 1, tzinfo=UTC)
RELEASE = "new-search"

SOURCE = """\
source: app
kind: events
format: jsonl
path: app/*.jsonl
event_id: event_id
complete_through: 2026-09-11T00:00:00Z
"""

RELEASE_FILE = """\
release: new-search
shipped_at: 2026-09-01T00:00:00Z
owner: search
hypothesis: A better search brings people back.
rollout:
  kind: experiment
  exposure: {event: feature_flag.evaluation, flag: new_search}
  control: control
  treatments: [ranked]
  allocation: {control: 0.5, ranked: 0.5}
horizon: {exposure_ends_at: 2026-09-10T00:00:00Z, looks: once}
success: [{metric: sessions, minimum_effect_of_interest: 0.2}]
"""


def write_project(folder: Path) -> Path:
    """A project in `folder`; returns it."""
    for name in ("sources", "releases", "metrics"):
        (folder / name).mkdir(parents=True)
    (folder / "landed.toml").write_text('[project]\nname = "mini"\n', encoding="utf-8")
    (folder / "sources" / "app.yml").write_text(SOURCE, encoding="utf-8")
    (folder / "releases" / f"{RELEASE}.yml").write_text(RELEASE_FILE, encoding="utf-8")
    return folder


def write_events(landing: Path, *, users: int = 400, lost_share: float = 0.0) -> None:
    """Landed events: every other user is treated and does one thing more a day.

    Args:
        landing: The landing folder.
        users: People. Count.
        lost_share: Share of the treated whose exposure is lost, which breaks the sample ratio.
    """
    folder = landing / "app"
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for user in range(users):
        is_treated = user % 2 == 1
        met_at = START + timedelta(hours=user % 200)
        flag = {
            "feature_flag.key": "new_search",
            "feature_flag.result.variant": "ranked" if is_treated else "control",
        }
        if not (is_treated and (user // 2) % 100 < lost_share * 100):
            _add(lines, user, "feature_flag.evaluation", met_at, flag)
        for count in range(3 + is_treated + user % 3):
            _add(lines, user, "page_viewed", met_at + timedelta(minutes=5 + count), {})
    for day, text in lines.items():
        (folder / f"{day}.jsonl").write_text("".join(text), encoding="utf-8")


def _add(
    lines: dict[str, list[str]], user: int, name: str, at: datetime, properties: dict[str, str]
) -> None:
    event = {
        "event_id": f"{user}-{name}-{at:%d%H%M}",
        "event_name": name,
        "occurred_at": at.isoformat(),
        "user_id": f"user-{user:04}",
        "properties": properties,
    }
    lines.setdefault(f"{at:%Y-%m-%d}", []).append(json.dumps(event) + "\n")
