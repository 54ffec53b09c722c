"""A product whose events land as files day by day, and what goes wrong with such files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST_ON = date(2026, 8, 15)
SHIPPED_ON = date(2026, 9, 14)
ENDS_ON = date(2026, 9, 21)
LANDED_AT = datetime(2026, 9, 22, 1, tzinfo=UTC)
USERS = 1_200
RELEASE = "new-search"

_SOURCE = """\
source: app
kind: events
format: jsonl
path: app/*.jsonl
event_id: event_id
"""
_RELEASE = f"""\
release: {RELEASE}
shipped_at: {SHIPPED_ON}T00:00:00Z
owner: search
hypothesis: A better search keeps people reading.
rollout:
  kind: experiment
  exposure: {{event: feature_flag.evaluation, flag: new_search}}
  control: control
  treatments: [ranked]
  allocation: {{control: 0.5, ranked: 0.5}}
horizon: {{exposure_ends_at: {ENDS_ON}T00:00:00Z, looks: once}}
success: [{{metric: seconds_read, minimum_effect_of_interest: 5}}]
"""
_METRIC = """\
semantic_models:
  - name: readings
    description: One row per page that was read.
    model: ref('fct_events')
    defaults: {agg_time_dimension: read_at}
    entities:
      - {name: reading, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: event_name, type: categorical}
      - {name: read_at, type: time, expr: occurred_at, type_params: {time_granularity: day}}
    measures:
      - name: seconds
        agg: sum
        expr: cast(json_extract_string(properties, '$.seconds') as double)
metrics:
  - name: seconds_read
    label: Seconds read
    description: Seconds that a unit read. Falls when pages bore.
    type: simple
    type_params: {measure: seconds}
    filter: "{{ Dimension('reading__event_name') }} = 'page_read'"
    config:
      meta:
        owner: search
        value: seconds
        direction: increase_is_good
        tier: team
        minimum_effect_of_interest: 5
        revisions: [{date: 2026-08-01, change: first definition, by: search}]
"""

Event = dict[str, Any]
Days = dict[str, list[str]]  # lines by name of the file


def write_project(folder: Path) -> Path:
    """A project with one experiment that a month of events precedes."""
    for name in ("sources", "releases", "metrics"):
        (folder / name).mkdir(parents=True)
    (folder / "landed.toml").write_text('[project]\nname = "readers"\n', encoding="utf-8")
    (folder / "sources" / "app.yml").write_text(_SOURCE, encoding="utf-8")
    (folder / "releases" / f"{RELEASE}.yml").write_text(_RELEASE, encoding="utf-8")
    (folder / "metrics" / "seconds_read.yml").write_text(_METRIC, encoding="utf-8")
    return folder


def chance(*of: object) -> float:
    """The same number from 0 to 1 for the same arguments."""
    return int.from_bytes(hashlib.blake2b(repr(of).encode(), digest_size=6).digest()) / 2**48


def is_treated(user: str) -> bool:
    """The arm of a user."""
    return chance("arm", user) < 0.5


def events() -> Iterator[Event]:
    """Five weeks: each user reads on every third day; from the release on their first visit
    meets it."""
    for number in range(USERS):
        user = f"user-{number:04}"
        met = False
        for day in range((ENDS_ON - FIRST_ON).days + 1):
            if (day + number) % 3:
                continue
            on = FIRST_ON + timedelta(days=day)
            at = datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(
                seconds=86_000 * chance("time", user, day)
            )
            if on >= SHIPPED_ON and on < ENDS_ON and not met:
                met = True
                variant = "ranked" if is_treated(user) else "control"
                flag = {"feature_flag.key": "new_search", "feature_flag.result.variant": variant}
                yield _event(user, "feature_flag.evaluation", at, flag)
            more = 6 if met and is_treated(user) else 0
            seconds = round(30 + more + 60 * chance("seconds", user, day), 1)
            yield _event(user, "page_read", at + timedelta(seconds=90), {"seconds": seconds})


def _event(user: str, name: str, at: datetime, properties: Mapping[str, Any]) -> Event:
    return {
        "event_id": f"{user}-{name}-{at:%m%d}",
        "event_name": name,
        "occurred_at": at.isoformat(),
        "received_at": (at + timedelta(seconds=2)).isoformat(),
        "user_id": user,
        "properties": dict(properties),
    }


def is_late(event: Event) -> bool:
    """Whether an event is one of the release's days."""
    return bool(event["occurred_at"][:10] >= SHIPPED_ON.isoformat())


def write(landing: Path, fault: Callable[[Event], Event | None] = lambda one: one) -> None:
    """Land a file a day, each event as a fault leaves it; None loses it."""
    folder = landing / "app"
    folder.mkdir(parents=True, exist_ok=True)
    days: Days = {}
    for event in events():
        name = event["occurred_at"][:10]
        sent = fault(event)
        if sent is not None:
            days.setdefault(name, []).append(json.dumps(sent))
    for name, lines in days.items():
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
