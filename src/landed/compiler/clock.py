"""What a clock of a time zone shows, and the periods that it divides time into.

Marts hold instants in UTC. Every conversion to a zone goes through `local`; in UTC nothing is
converted, and the statement is the one without zones.
"""

from __future__ import annotations

import functools
from datetime import UTC as _UTC
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

from ..catalog.kinds import Span
from .syntax import text

UTC = "UTC"
#: Between which years the minutes of a zone are looked at; since 1973 no zone has had seconds.
_YEARS = range(1973, 2038)


def local(tree: exp.Expr, zone: str) -> exp.Expr:
    """An instant in UTC as the clock of a zone shows it, without an offset."""
    if zone == UTC:
        return tree
    shown = exp.ConvertTimezone(source_tz=text(UTC), target_tz=text(zone), timestamp=tree)
    return exp.paren(shown, copy=False)


def later(tree: exp.Expr, offset: Span | None) -> exp.Expr:
    """A moment so much later."""
    if offset is None:
        return tree
    return exp.paren(exp.Add(this=tree, expression=span(offset)), copy=False)


def truncated(tree: exp.Expr, grain: str) -> exp.Expr:
    """The first day of the period of a day or a clock's time; of an hour its start.

    Weeks begin on Monday (`week`) or on Sunday (`us_week`).
    """
    if grain == "us_week":  # a Sunday's week is the Monday's behind it, a day earlier
        monday = exp.Add(this=tree, expression=interval(1, "day"))
        start = exp.TimestampTrunc(this=exp.paren(monday, copy=False), unit=exp.var("WEEK"))
        sunday = exp.Sub(this=start, expression=interval(1, "day"))
        return exp.cast(exp.paren(sunday, copy=False), "date", copy=False)
    start = exp.TimestampTrunc(this=tree, unit=exp.var(grain.upper()))
    return exp.cast(start, "timestamp" if grain == "hour" else "date", copy=False)


def hour_of(instant: exp.Expr, zone: str) -> exp.Expr:
    """The instant in UTC at which the hour of a zone's clock began, by the offset then in force.

    Two hours of one name, on the night when the clocks go back, are two instants.
    """
    past = minutes_past(zone)
    if len(past) == 1:
        return _hour(instant, past[0])
    here = exp.Extract(this=exp.var("MINUTE"), expression=local(instant.copy(), zone))
    there = exp.Extract(this=exp.var("MINUTE"), expression=instant.copy())
    apart = exp.paren(exp.Sub(this=here, expression=there), copy=False)
    cases = [
        exp.If(
            this=exp.In(
                this=apart.copy(), expressions=[exp.convert(minutes), exp.convert(minutes - 60)]
            ),
            true=_hour(instant.copy(), minutes),
        )
        for minutes in past[1:]
    ]
    return exp.Case(ifs=cases, default=_hour(instant, past[0]))


def _hour(instant: exp.Expr, minutes: int) -> exp.Expr:
    if not minutes:
        return truncated(instant, "hour")
    moved = exp.paren(exp.Add(this=instant, expression=interval(minutes, "minute")), copy=False)
    back = exp.Sub(this=truncated(moved, "hour"), expression=interval(minutes, "minute"))
    return exp.paren(back, copy=False)


@functools.lru_cache(maxsize=64)
def minutes_past(zone: str) -> tuple[int, ...]:
    """Minutes past the hour that a zone's clocks show at a full hour of UTC, now or once.

    Examples:
        >>> [minutes_past(one) for one in ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")]
        [(0,), (30,), (0, 30)]
    """
    if zone == UTC:
        return (0,)
    clock = ZoneInfo(zone)
    seen = set()
    for year in _YEARS:
        for month in range(1, 13):
            shift = datetime(year, month, 1, tzinfo=_UTC).astimezone(clock).utcoffset()
            seen.add((shift or timedelta()) // timedelta(minutes=1) % 60)
    return tuple(sorted(seen))


def midnight(tree: exp.Expr) -> exp.Cast:
    """A day as an instant: compared with text, it would cut the text to a day."""
    return exp.cast(tree, "timestamp", copy=False)


def span(value: Span) -> exp.Interval:
    """An interval of calendar units."""
    count, unit = value.count, value.unit
    if unit == "quarter":  # no engine's interval has quarters in common with the others'
        return interval(count * 3, "month")
    if unit in ("week", "us_week"):
        return interval(count * 7, "day")
    return interval(count, unit)


def interval(count: int, unit: str) -> exp.Interval:
    """An interval of so many units."""
    return exp.Interval(this=text(str(count)), unit=exp.var(unit.upper()))
