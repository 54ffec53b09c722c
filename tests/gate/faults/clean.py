"""Whole clean releases, judged at each of their 28 daily looks on what had arrived by then.

What no later event changes is shared between the looks of a release: here every event names its
user and its session and arrives within seconds, so whose an event is does not depend on what comes
after it, `fct_events` of a look is `fct_events` of the end without what arrived later, and rows by
day of days before the look are those of the end. Everything else is built anew at each look. A
test holds that equal to a build of nothing but the rows of the look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from .case import Case, Outcome, open_case, outcome_of
from .product import SHIPPED_AT

LOOKS = 28
#: Models whose rows are of one day each and of that day's events, and the column of the day.
BY_DAY = {
    "int_event_hours": "event_on",
    "int_exposure_events": "exposed_on",
    "int_property_days": "event_on",
    "int_telemetry_days": "event_on",
    "int_unit_days": "event_on",
}
#: Models that neither the gate nor a report reads, and nothing that they read.
UNREAD = frozenset({"fct_onboarding", "fct_sessions", "time_spine"})


@dataclass(frozen=True)
class Look:
    """One look at a clean release; number 1 to 28."""

    number: int
    found: Outcome


def look_at(number: int) -> datetime:
    """The run of a look: at nine in the morning, the day before whole."""
    return SHIPPED_AT + timedelta(days=number, hours=9)


def looks(people: int, seed: int, numbers: Iterable[int] = range(1, LOOKS + 1)) -> Iterator[Look]:
    """Judge a clean release at its looks, each going on from the one before."""
    with open_case(people, seed) as case, compiled_once():
        case.build()
        for schema, name in (("main", "fct_events"), ("lake", "events")):
            case.sql(f"alter table {schema}.{name} rename to all_events")
        for name in BY_DAY:
            case.sql(f'alter table main."{name}" rename to "all_{name}"')
        for number in numbers:
            _arrive(case, number)
            found = case.assess()
            case.looks = lambda known=found.looks: known
            yield Look(number, outcome_of(found))


def _arrive(case: Case, number: int) -> None:
    """Bring lake and marts to what had arrived by a look."""
    case.now = look_at(number)
    arrived = f"received_at < timestamp '{case.now:%Y-%m-%d %H:%M}'"
    today = f"date '{case.now:%Y-%m-%d}'"
    views = (
        ("lake.events", f"lake.all_events where {arrived}"),
        ("main.fct_events", f"main.all_events where {arrived}"),
        ("main.open_days", f"main.fct_events where event_on >= {today}"),
    )
    for name, rows in views:
        case.sql(f"create or replace view {name} as select * from {rows}")
    case.build(
        keeping="fct_events",
        without=UNREAD,
        instead={
            model.name: f'select * from main."all_{model.name}" where {day} < {today}'
            f" union all by name select * from ({_of_open_days(model.sql)})"
            for model in case.made.models
            if (day := BY_DAY.get(model.name))
        },
    )
    case.count_rows()


def _of_open_days(sql: str) -> str:
    changed = sql.replace('"fct_events"', '"open_days"')
    assert changed != sql, "the model does not read the events"
    return changed


@contextmanager
def compiled_once() -> Iterator[None]:
    """A query of moments is compiled once a look: releases differ in their rows, not in their SQL.

    The catalog is that of the process, so all that a query depends on is what it is asked for.
    """
    measure = import_module("landed.impact.measure")  # the package has a function of that name
    compile_anew = measure.compile_unit_moments

    def shared(catalog: Any, release: Any, metrics: Any, **asked: Any) -> Any:
        key = (release.release, tuple(metrics), repr(sorted(asked.items())))
        if key not in _COMPILED:
            _COMPILED[key] = compile_anew(catalog, release, metrics, **asked)
        return _COMPILED[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "compile_unit_moments", shared)
        yield


_COMPILED: dict[tuple[Any, ...], Any] = {}


def look_alone(people: int, seed: int, number: int) -> Outcome:
    """The same look, everything built of its rows alone."""
    with open_case(people, seed) as case:
        case.now = look_at(number)
        case.sql(
            f"delete from lake.events where received_at >= timestamp '{case.now:%Y-%m-%d %H:%M}'"
        )
        case.build()
        case.count_rows()
        return outcome_of(case.assess())
