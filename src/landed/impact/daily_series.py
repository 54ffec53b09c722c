"""A metric day by day over the whole product, as a dashboard asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..catalog import Catalog
from ..catalog.daily_forms import is_total, no_daily_form
from ..catalog.release_designs import first_whole_day
from ..catalog.releases import Release
from ..compiler import MetricQuery, compile_query
from ..errors import LandedError
from ..warehouse import Engine

#: Days before a change that are read at most: 26 placebo windows of 14 days and their base, a
#: year. What moved a product longer ago says little about today.
MOST_HISTORY_DAYS = 26 * 14 + 28


@dataclass(frozen=True, slots=True)
class DailySeries:
    """One metric by whole day of the project's time zone.

    Args:
        metric: Its name.
        first_on: Day of the first value. The metric's own first day is left out: it may have
            begun in the midst of it.
        values: One a day from there on; None where the day has none. The metric's unit.
        is_total: Whether it is a sum or count over the whole product, whose size no limit per
            unit can be held against.
        refused: Why there is no series; None where there is one.
    """

    metric: str
    first_on: date
    values: tuple[float | None, ...]
    is_total: bool = False
    refused: str | None = None


def read_daily_series(
    engine: Engine, catalog: Catalog, release: Release, *, data_through: datetime
) -> Mapping[str, DailySeries]:
    """Every metric of a release by day, from a year before it on to the last whole day.

    Args:
        engine: The database with the marts.
        catalog: Definitions of the metrics.
        release: Whose metrics, day and time zone.
        data_through: Days that end after it are not whole. UTC.

    Returns:
        By metric; one without a plain form by day says why.
    """
    zone = release.time_zone
    first_on = first_whole_day(release.shipped_at, zone) - timedelta(days=MOST_HISTORY_DAYS + 1)
    until = data_through.astimezone(ZoneInfo(zone)).date()  # that day's end lies after it
    found: dict[str, DailySeries] = {}
    for name in release.metrics:
        try:
            found[name] = _read(engine, catalog, name, zone=zone, first_on=first_on, until=until)
        except LandedError as error:
            reason = f"it has no plain form by day: {error.faults[0].what}"
            found[name] = DailySeries(name, first_on, (), refused=reason)
    return found


def series_of(metric: str, by_day: Iterable[tuple[date, float | None]], until: date) -> DailySeries:
    """The series of days that have a row; days without one have no value.

    Args:
        by_day: (day, value), in any order.
        until: The day after the last whole one.
    """
    values = {day: value for day, value in by_day if day < until}
    known = [day for day, value in values.items() if value is not None]
    if not known:
        return DailySeries(metric, until, ())
    first_on = min(known) + timedelta(days=1)
    days = (until - first_on).days
    return DailySeries(
        metric,
        first_on,
        tuple(values.get(first_on + timedelta(days=day)) for day in range(days)),
    )


def _read(
    engine: Engine, catalog: Catalog, name: str, *, zone: str, first_on: date, until: date
) -> DailySeries:
    formula = catalog.formula(name)
    refused = no_daily_form(formula)
    if refused is not None:
        return DailySeries(name, first_on, (), refused=refused)
    # a day more at both ends: conditions are in UTC, the days in the project's zone
    around = (first_on - timedelta(days=1), until + timedelta(days=1))
    query = MetricQuery(
        metrics=(name,),
        group_by=("metric_time",),
        grain="day",
        where=(f"metric_time >= '{around[0]}'", f"metric_time < '{around[1]}'"),
        time_zone=zone,
    )
    rows = engine.rows(compile_query(catalog, query).sql)
    by_day = [
        (_day(day), None if value is None else float(value))
        for day, value in rows
        if day is not None and _day(day) >= first_on
    ]
    found = series_of(name, by_day, until)
    return DailySeries(name, found.first_on, found.values, is_total(formula))


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
