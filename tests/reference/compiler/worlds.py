"""Small random worlds, and what their outcomes are when counted one row at a time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow

Row = dict[str, Any]

SHIPPED_AT = datetime(2026, 3, 1)  # noqa: DTZ001 - marts hold naive UTC
CUTOFF_AT = datetime(2026, 3, 20)  # noqa: DTZ001
DAY = timedelta(days=1)
VARIANTS = ("control", "checklist", "video", "never_met")


@dataclass(frozen=True)
class World:
    """Rows of every mart, and an engine that holds the same rows."""

    events: list[Row]
    feedback: list[Row]
    exposures: list[Row]
    units: dict[str, Row]
    engine: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[Row]:
        """Run a statement; one dict a row."""
        cursor = self.engine.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def make_world(seed: int, *, unit_count: int = 45, event_count: int = 900) -> World:
    """A world with nulls, ties at every boundary, strangers, bots, crossovers and late units."""
    chance = random.Random(seed)  # noqa: S311
    names = [f"u{index}" for index in range(unit_count)]
    units = {
        name: {
            "unit_id": name,
            "plan": chance.choice(["free", "pro", None]),
            "country": chance.choice(["DE", "FR"]),
        }
        for name in names
        if chance.random() > 0.15
    }
    exposures = [
        {
            "release": "new-start",
            "unit_id": name,
            "variant": chance.choice(["control", "checklist", "video", "ghost"]),
            "exposed_at": SHIPPED_AT
            + chance.choice([6.0, 12.0, 15.5, 19.0, chance.random() * 21]) * DAY,
            "is_crossover": chance.choice([True, False, False, False, None]),
            "is_bot": chance.choice([True, False, False, False, None]),
        }
        for name in names
        if chance.random() > 0.1
    ]
    other = [
        {**row, "release": "other", "exposed_at": SHIPPED_AT + chance.random() * 20 * DAY}
        for row in exposures[::2]
    ]
    exposed = {row["unit_id"]: row["exposed_at"] for row in exposures}

    def moment(unit: str | None) -> datetime:
        edge = exposed.get(unit or "", SHIPPED_AT)
        return chance.choice(
            [
                edge,
                edge + 7 * DAY,
                edge + 3.5 * DAY,
                edge - timedelta(microseconds=1),
                CUTOFF_AT,
                CUTOFF_AT - timedelta(microseconds=1),
                *[SHIPPED_AT + chance.random() * 24 * DAY - 2 * DAY for _ in range(9)],
            ]
        )

    events = []
    for index in range(event_count):
        unit = chance.choice([*names[unit_count // 4 :], None])  # the first ones never do anything
        events.append(
            {
                "event_id": f"e{index}",
                "event_name": chance.choice(["view", "view", "signup", None]),
                "unit_id": unit,
                "app_version": chance.choice(["1.0", "1.1"]),
                "seconds": chance.choice([None, 0.0, 30.5, 61.0, chance.random() * 200]),
                "amount": chance.choice([None, None, 0.0, 5.0, 19.99, -3.5]),
                "is_error": chance.choice([True, False, False, None]),
                "session_id": chance.choice(["s1", "s2", "s3", None]),
                "occurred_at": moment(unit),
            }
        )
    feedback = []
    for index in range(event_count // 8):
        unit = chance.choice([*names[: unit_count // 2], None])
        feedback.append(
            {
                "feedback_id": f"f{index}",
                "unit_id": unit,
                "channel": chance.choice(["review", "ticket", None]),
                "rating": chance.choice([None, 1.0, 4.0, 5.0]),
                "given_at": moment(unit),
            }
        )
    return World(
        events,
        feedback,
        exposures + other,
        units,
        _engine(events, feedback, exposures + other, units),
    )


def _engine(
    events: list[Row], feedback: list[Row], exposures: list[Row], units: dict[str, Row]
) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(":memory:")
    engine.execute(
        """
        create table fct_events (event_id varchar, event_name varchar, unit_id varchar,
            app_version varchar, seconds double, amount double, is_error boolean,
            session_id varchar, occurred_at timestamp);
        create table fct_feedback (feedback_id varchar, unit_id varchar, channel varchar,
            rating double, given_at timestamp);
        create table fct_exposures (release varchar, unit_id varchar, variant varchar,
            exposed_at timestamp, is_crossover boolean, is_bot boolean);
        create table dim_units (unit_id varchar, plan varchar, country varchar);
        create table dim_releases (release varchar, cutoff_at timestamp);
        """
    )
    for table, rows in (
        ("fct_events", events),
        ("fct_feedback", feedback),
        ("fct_exposures", exposures),
        ("dim_units", list(units.values())),
        ("dim_releases", [{"release": "new-start", "cutoff_at": CUTOFF_AT}]),
    ):
        if rows:
            engine.register("given", pyarrow.Table.from_pylist(rows))
            engine.execute(f"insert into {table} select * from given")
            engine.unregister("given")
    return engine


@dataclass(frozen=True)
class Outcome:
    """How a metric's outcome is counted by hand.

    Args:
        form: As the compiler names it.
        value: Of a unit's rows in its window: the outcome, or (outcome, denominator); None is
            missing.
    """

    form: str
    value: Callable[[list[Row], list[Row]], Any]
    window: float | None = None


def total(rows: Iterable[Row], name: str) -> float:
    """Sum of the non-null values; 0 without any."""
    return sum(row[name] for row in rows if row[name] is not None)


def mean(rows: Iterable[Row], name: str) -> float | None:
    """Mean of the non-null values; None without any."""
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) / len(values) if values else None


def is_signup(row: Row) -> bool:
    """Whether an event is a signup; unknown names are not."""
    return row["event_name"] == "signup"


def is_bad(row: Row) -> bool:
    """Whether an event is an error that lasted."""
    return row["is_error"] is True and row["seconds"] is not None and row["seconds"] > 10


def errors(rows: Iterable[Row]) -> int:
    """Events known to be errors."""
    return sum(row["is_error"] is True for row in rows)


def outcomes(units: Mapping[str, Row]) -> dict[str, Outcome]:
    """Every metric that has a unit form; `value` takes events and feedback of one unit."""

    def is_pro(row: Row) -> bool:
        return units.get(row["unit_id"], {}).get("plan") == "pro"

    return {
        "events": Outcome("mean", lambda e, f: len(e)),
        "events_7d": Outcome("mean", lambda e, f: len(e), 7),
        "signups": Outcome("mean", lambda e, f: sum(map(is_signup, e))),
        "amount": Outcome("mean", lambda e, f: total(e, "amount")),
        "amount_7d_capped": Outcome("mean", lambda e, f: min(total(e, "amount"), 12), 7),
        "amount_mean": Outcome(
            "ratio",
            lambda e, f: (total(e, "amount"), sum(row["amount"] is not None for row in e)),
        ),
        "errors": Outcome("mean", lambda e, f: errors(e)),
        "sessions": Outcome("mean", lambda e, f: len({row["session_id"] for row in e} - {None})),
        "long_view_count": Outcome(
            "mean",
            lambda e, f: sum(row["seconds"] is not None and row["seconds"] > 60 for row in e),
        ),
        "active_units": Outcome("mean", lambda e, f: int(bool(e))),
        "signed_up_units": Outcome("mean", lambda e, f: int(any(map(is_signup, e)))),
        "feedback_items": Outcome("mean", lambda e, f: len(f)),
        "pro_feedback_items": Outcome("mean", lambda e, f: sum(map(is_pro, f))),
        "rating": Outcome(
            "ratio",
            lambda e, f: (total(f, "rating"), sum(row["rating"] is not None for row in f)),
        ),
        "signup_rate": Outcome("proportion", lambda e, f: int(any(map(is_signup, e))), 3.5),
        "erring": Outcome("mean", lambda e, f: int(any(map(is_bad, e)))),
        "erring_share": Outcome("proportion", lambda e, f: int(any(map(is_bad, e)))),
        "amount_per_exposed_unit": Outcome("mean", lambda e, f: total(e, "amount")),
        "error_share": Outcome("ratio", lambda e, f: (errors(e), len(e))),
        "error_share_7d": Outcome("ratio", lambda e, f: (errors(e), len(e)), 7),
        "feedback_per_event": Outcome("ratio", lambda e, f: (len(f), len(e))),
        "pro_event_share": Outcome("ratio", lambda e, f: (sum(map(is_pro, e)), len(e))),
        "view_seconds": Outcome("unit_mean", lambda e, f: mean(e, "seconds")),
        "view_seconds_7d": Outcome("unit_mean", lambda e, f: mean(e, "seconds"), 7),
    }


def equal(found: Row, counted: Row) -> bool:
    """Equality to 1e-9, with None equal to None alone."""
    return all(
        found[key] is None
        if value is None
        else found[key] is not None and math.isclose(found[key], value, rel_tol=1e-9, abs_tol=1e-9)
        for key, value in counted.items()
    )


def count_moments(
    world: World,
    outcome: Outcome,
    variant: str,
    cutoff: datetime,
    given: Mapping[str, Any] = MappingProxyType({"shift_y": 0.0, "shift_d": None}),
) -> Row:
    """Moments of one metric and variant, a unit and a row at a time.

    Args:
        given: Where the shifts stand that products are taken about.
    """
    by_y, by_d = given["shift_y"], given["shift_d"] or 0.0
    found: Row = dict.fromkeys(("n", "n_missing", "n_immature", "nonzero", "sum_y", "sum_yy"), 0)
    is_ratio = outcome.form == "ratio"
    found |= dict.fromkeys(("sum_d", "sum_dd", "sum_yd"), 0.0 if is_ratio else None)
    for exposure in world.exposures:
        if (
            exposure["release"] != "new-start"
            or exposure["variant"] != variant
            or exposure["is_bot"]
            or exposure["is_crossover"]
        ):
            continue
        start = exposure["exposed_at"]
        end = cutoff if outcome.window is None else start + outcome.window * DAY
        if end > cutoff or start >= cutoff:
            found["n_immature"] += 1
            continue
        mine = [
            [
                row
                for row in rows
                if row["unit_id"] == exposure["unit_id"] and start <= row[time] < end
            ]
            for rows, time in ((world.events, "occurred_at"), (world.feedback, "given_at"))
        ]
        value = outcome.value(*mine)
        if value is None:
            found["n_missing"] += 1
            continue
        y, d = value if is_ratio else (value, None)
        found["n"] += 1
        found["nonzero"] += y != 0
        found["sum_y"] += y
        found["sum_yy"] += (y - by_y) ** 2
        if is_ratio:
            found["sum_d"] += d
            found["sum_dd"] += (d - by_d) ** 2
            found["sum_yd"] += (y - by_y) * (d - by_d)
    return found
