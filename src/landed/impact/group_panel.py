"""A metric by group and week, as a dashboard asks for it: what cohorts are compared on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..catalog import Catalog
from ..catalog.daily_forms import is_total, no_daily_form
from ..catalog.release_designs import Cohorts, day_starts_at, first_whole_day
from ..catalog.releases import Release
from ..compiler import MetricQuery, Relations, compile_query
from ..errors import LandedError
from ..warehouse import Engine

#: Weeks before the first cohort that are read at most. Older ones say little about now.
MOST_WEEKS_BEFORE = 26
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class GroupPanel:
    """One metric of each group in each whole week (from Monday) of the project's time zone.

    Args:
        metric: Its name.
        first_on: Monday of the first week. The metric's own first week is left out: it may have
            begun in the midst of it.
        values: One a week, by group. The metric's unit; of a total its logarithm.
        is_log: Whether the values are logarithms.
        left_out: Groups without a value in some week before the first cohort, of which nothing
            can be said.
        refused: Why there is no panel; None where there is one.
    """

    metric: str
    first_on: date
    values: Mapping[str, tuple[float, ...]]
    is_log: bool = False
    left_out: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def weeks(self) -> int:
        """Number of weeks."""
        return len(next(iter(self.values.values()), ()))


def first_whole_week(start: datetime, time_zone: str) -> date:
    """Monday of the first week that had a change from its first instant on."""
    day = first_whole_day(start, time_zone)
    return day + timedelta(days=-day.weekday() % 7)


def is_in_midst_of_a_week(cohorts: Cohorts, time_zone: str) -> bool:
    """Whether a cohort got the change in the midst of a week, which then is of neither side."""
    return any(
        day_starts_at(first_whole_week(start, time_zone), time_zone) != start
        for start in cohorts.starts.values()
    )


@dataclass(frozen=True, slots=True)
class Weeks:
    """Which weeks of the project's time zone are read, each by its Monday.

    Args:
        first_on: The first one.
        before: The first in which a group may have the change.
        until: The one behind the last.
    """

    first_on: date
    before: date
    until: date


def last_monday(through: datetime, time_zone: str) -> date:
    """Monday of the week that is not over at an instant."""
    today = through.astimezone(ZoneInfo(time_zone)).date()
    return today - timedelta(days=today.weekday())


def weeks_around(cohorts: Cohorts, time_zone: str, data_through: datetime) -> Weeks:
    """From half a year before the first cohort on, to the last whole week of data."""
    first_start = min(first_whole_week(one, time_zone) for one in cohorts.starts.values())
    in_midst = is_in_midst_of_a_week(cohorts, time_zone)
    return Weeks(
        first_start - (MOST_WEEKS_BEFORE + 1) * _WEEK,
        first_start - _WEEK if in_midst else first_start,
        last_monday(data_through, time_zone),
    )


def read_group_panels(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    by: str,
    weeks: Weeks,
    *,
    relations: Relations | None = None,
) -> Mapping[str, GroupPanel]:
    """Every metric of a release by group and week.

    Args:
        engine: The database with the marts.
        catalog: Definitions of the metrics.
        release: Whose metrics and time zone.
        by: The dimension whose values are the groups; rows without one are of none.
        weeks: Which weeks.
        relations: Where the marts stand; None means schema `main`.

    Returns:
        By metric; one without a plain form by group and week says why.
    """
    found: dict[str, GroupPanel] = {}
    for name in release.metrics:
        try:
            formula = catalog.formula(name)
            refused = no_daily_form(formula)
            if refused is not None:
                found[name] = GroupPanel(name, weeks.first_on, {}, refused=refused)
                continue
            query = MetricQuery(
                metrics=(name,),
                group_by=("metric_time", by),
                grain="week",
                # conditions are in UTC, the weeks in the project's zone
                where=(
                    f"metric_time >= '{weeks.first_on - timedelta(days=1)}'",
                    f"metric_time < '{weeks.until + timedelta(days=1)}'",
                ),
                time_zone=release.time_zone,
            )
            rows = engine.rows(compile_query(catalog, query, relations=relations).sql)
        except LandedError as error:
            reason = f"it has no plain form by group and week: {error.faults[0].what}"
            found[name] = GroupPanel(name, weeks.first_on, {}, refused=reason)
            continue
        cells = (
            (str(group), _day(week), None if value is None else float(value))
            for week, group, value in rows
            if week is not None and group is not None and weeks.first_on <= _day(week) < weeks.until
        )
        found[name] = panel_of(
            name, cells, before=weeks.before, until=weeks.until, is_log=is_total(formula)
        )
    return found


def panel_of(
    metric: str,
    cells: Iterable[tuple[str, date, float | None]],
    *,
    before: date,
    until: date,
    is_log: bool,
) -> GroupPanel:
    """The panel of cells.

    Args:
        metric: The metric's name.
        cells: (group, Monday, value), in any order.
        before: Monday of the first week in which a group may have the change.
        until: Monday after the last whole week.
        is_log: Whether to take logarithms.
    """
    known: dict[str, dict[date, float]] = {}
    for group, week, value in cells:
        if value is not None and math.isfinite(value) and (value > 0 or not is_log):
            known.setdefault(group, {})[week] = math.log(value) if is_log else value
    weeks = sorted({week for of in known.values() for week in of})
    if not weeks or weeks[0] + _WEEK >= before:
        reason = "too little history: it has no whole week before the change"
        return GroupPanel(metric, until, {}, is_log, refused=reason)
    first_on = weeks[0] + _WEEK
    span = [first_on + index * _WEEK for index in range((until - first_on).days // 7)]
    left_out = tuple(
        group for group, of in known.items() if any(w not in of for w in span if w < before)
    )
    values: dict[str, tuple[float, ...]] = {}
    for group, of in sorted(known.items()):
        if group in left_out:
            continue
        missing = next((week for week in span if week not in of), None)
        if missing is not None:
            reason = (
                f"{group} has no value{' above 0' if is_log else ''} in the week of {missing},"
                " after it had one in every week before the change"
            )
            return GroupPanel(metric, first_on, {}, is_log, left_out, reason)
        values[group] = tuple(of[week] for week in span)
    return GroupPanel(metric, first_on, values, is_log, tuple(sorted(left_out)))


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
