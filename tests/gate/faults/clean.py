"""Whole clean releases, judged at each of their 28 daily looks on what had arrived by then.

Passes that no later event changes are shared between the looks of a release: here every event
names its user and its session, so whose an event is does not depend on what comes after it, and
`fct_events` of a look is `fct_events` of the end without what arrived later. Everything below it
is built anew at each look. A test holds that equal to a build of nothing but the rows of the look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from .case import Outcome, open_case, outcome_of
from .product import SHIPPED_AT

LOOKS = 28


@dataclass(frozen=True)
class Look:
    """One look at a clean release; number 1 to 28."""

    number: int
    found: Outcome


def look_at(number: int) -> datetime:
    """The run of a look: at nine in the morning, the day before whole."""
    return SHIPPED_AT + timedelta(days=number, hours=9)


def looks(people: int, seed: int, numbers: Iterable[int] = range(1, LOOKS + 1)) -> Iterator[Look]:
    """Judge a clean release at its looks."""
    with open_case(people, seed) as case:
        case.build()
        case.sql("alter table main.fct_events rename to all_events")
        case.sql("alter table lake.events rename to all_events")
        for number in numbers:
            case.now = look_at(number)
            for schema, name in (("lake", "events"), ("main", "fct_events")):
                case.sql(
                    f"create or replace view {schema}.{name} as select * from {schema}.all_events"
                    f" where received_at < timestamp '{case.now:%Y-%m-%d %H:%M}'"
                )
            case.build(keeping="fct_events")
            case.count_rows()
            yield Look(number, outcome_of(case.assess()))


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
