"""What the oracle counts with: marts and measures, days and spans, aggregates of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Fact:
    """A mart: the prefix of its dimensions, its key, times, entities and dimensions by column."""

    prefix: str
    key: str
    entities: Mapping[str, str]
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Measure:
    """An aggregation over what `value` makes of a row."""

    fact: str
    agg: str
    value: Callable[[Row], Any]
    time: str
    percentile: float = 0.5
    is_discrete: bool = False
    level: tuple[str, str, tuple[str, ...]] | None = None  # column, min or max, entities' columns


@dataclass(frozen=True)
class Seen:
    """A row with the instant it is counted at, and what the query's clock shows then."""

    row: Row
    at: datetime | None
    wall: datetime | None
    key: Any
    happened: datetime | None = None  # earlier than `at` where the rows are looked at later

    @property
    def day(self) -> date:
        assert self.wall is not None
        return self.wall.date()


def first_day(day: date, grain: str) -> date:
    """First day of the week, month … that holds a day."""
    if grain == "day":
        return day
    if grain == "week":
        return day - day.weekday() * DAY
    if grain == "us_week":
        return day - (day.weekday() + 1) % 7 * DAY
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[grain]
    return day.replace(month=month, day=1)


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + n * DAY for n in range((last - first).days + 1)]


def span(text: str) -> tuple[int, int]:
    """A span as (hours, months)."""
    count, unit = text.split()
    unit = unit.rstrip("s")
    hours = {"hour": 1, "day": 24, "week": 168, "us_week": 168}.get(unit, 0)
    months = {"month": 1, "quarter": 3, "year": 12}.get(unit, 0)
    return int(count) * hours, int(count) * months


def moved(moment: Any, text: str, sign: int) -> Any:
    """A day or an instant, a span later (+1) or earlier (-1); the 31st may become the 28th."""
    hours, months = span(text)
    at = moment.year * 12 + moment.month - 1 + sign * months
    year, month = divmod(at, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - DAY).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last)) + sign * timedelta(
        hours=hours
    )


def aggregate(measure: Measure, rows: Iterable[Seen]) -> float | None:
    """The measure over some rows."""
    values = [value for one in rows if (value := measure.value(one.row)) is not None]
    if measure.agg == "count":
        return len(values)
    if measure.agg == "count_distinct":
        return len(set(values))
    if measure.agg == "sum_boolean":
        return sum(value is True for value in values)
    if not values:
        return None
    if measure.agg == "sum":
        return math.fsum(values)
    if measure.agg == "average":
        return math.fsum(values) / len(values)
    if measure.agg in ("min", "max"):
        return float({"min": min, "max": max}[measure.agg](values))
    return percentile(sorted(values), measure.percentile, is_discrete=measure.is_discrete)


def percentile(values: Sequence[float], share: float, *, is_discrete: bool) -> float:
    """Between the values, or the first one at or below which a share of them lies."""
    if is_discrete:
        return next(
            value
            for at, value in enumerate(values)
            if (at + 1) / len(values) >= share or at == len(values) - 1
        )
    position = share * (len(values) - 1)
    below = math.floor(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (position - below) * (values[above] - values[below])


def quotient(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def instant(moment: Any) -> Any:
    """A day as its midnight; an instant as it is."""
    if isinstance(moment, date) and not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - marts hold naive UTC
    return moment


@cache
def on_the_clock(at: datetime, zone: str) -> datetime:
    """What a clock of the zone shows at an instant of UTC."""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def first_instant(at: datetime, zone: str) -> datetime:
    """When the hour of the zone's clock began, had its offset been the same all along."""
    shown = on_the_clock(at, zone)
    return at - timedelta(
        minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond
    )


def hours_between(first: datetime, last: datetime, zone: str) -> set[datetime]:
    """Every hour of the zone's clock from one to another."""
    found, at = set(), first
    while at <= last:
        found.add(first_instant(at, zone))
        at += timedelta(minutes=15)
    return {one for one in found if first <= one <= last}
