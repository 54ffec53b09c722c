"""What a clock of a time zone shows, and the periods that it divides time into.

Marts hold instants in UTC. Every conversion to a zone goes through `local`, whose one node that
an engine's dialect must know is `ConvertTimezone`; in UTC nothing is converted, and the statement
is the one without zones.
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
#: The years whose offsets are written out, as long as `time_spine`. UTC.
_FIRST, _END = datetime(2015, 1, 1), datetime(2038, 1, 1)  # noqa: DTZ001
#: Between which years the minutes of a zone are looked at; since 1973 no zone has had seconds.
_YEARS = range(1973, 2038)


def local(tree: exp.Expr, zone: str) -> exp.Expr:
    """An instant in UTC as the clock of a zone shows it, without an offset.

    The offsets of the years that products have data of are written out: an engine converts several
    times slower, and by rules of its own version, which may be older than a government's last word.
    """
    if zone == UTC:
        return tree
    shown = exp.ConvertTimezone(source_tz=text(UTC), target_tz=text(zone), timestamp=tree)
    usual, others = offsets(zone)
    is_beyond = exp.or_(
        exp.LT(this=tree.copy(), expression=_at(_FIRST)),
        exp.GTE(this=tree.copy(), expression=_at(_END)),
        copy=False,
    )
    cases = [exp.If(this=is_beyond, true=shown)]
    for minutes, stretches in others.items():
        within = [
            exp.and_(
                exp.GTE(this=tree.copy(), expression=_at(start)),
                exp.LT(this=tree.copy(), expression=_at(end)),
                copy=False,
            )
            for start, end in stretches
        ]
        holds = exp.or_(*(exp.paren(one, copy=False) for one in within), copy=False)
        cases.append(exp.If(this=holds, true=_moved(tree.copy(), minutes)))
    return exp.Case(ifs=cases, default=_moved(tree.copy(), usual))


def _at(value: datetime) -> exp.Cast:
    return exp.cast(text(value.isoformat(sep=" ")), "timestamp", copy=False)


def _moved(tree: exp.Expr, minutes: int) -> exp.Expr:
    if not minutes:
        return tree
    move = exp.Add if minutes > 0 else exp.Sub
    return move(this=tree, expression=interval(abs(minutes), "minute"))


@functools.lru_cache(maxsize=64)
def offsets(zone: str) -> tuple[int, dict[int, list[tuple[datetime, datetime]]]]:
    """Minutes that a zone's clocks are mostly ahead of UTC, and when they are so many others.

    Returns:
        The usual offset, and the stretches of each other one; UTC, the latest first.

    Examples:
        >>> usual, others = offsets("Europe/Berlin")
        >>> usual, [str(at) for at in others[60][0]]
        (120, ['2037-10-25 01:00:00', '2038-01-01 00:00:00'])
    """
    clock = ZoneInfo(zone)
    stretches: dict[int, list[tuple[datetime, datetime]]] = {}
    start, minutes = _FIRST, _offset(_FIRST, clock)
    day = _FIRST
    while day < _END:
        low, high = day, day + timedelta(days=1)
        if _offset(high, clock) != minutes or high == _END:
            if high == _END:
                low = _END
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, clock) == minutes else (low, middle)
            change = high.replace(microsecond=0)
            stretches.setdefault(minutes, []).insert(0, (start, change))
            start, minutes = change, _offset(change, clock)
        day += timedelta(days=1)
    lengths = {
        each: sum((end - begin for begin, end in held), timedelta())
        for each, held in stretches.items()
    }
    usual = max(lengths, key=lambda each: (lengths[each], each))
    return usual, {each: held for each, held in stretches.items() if each != usual}


def _offset(at: datetime, clock: ZoneInfo) -> int:
    shift = at.replace(tzinfo=_UTC).astimezone(clock).utcoffset() or timedelta()
    return shift // timedelta(minutes=1)


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
    if grain == "day":  # the same day, at two thirds of the cost
        return exp.cast(tree, "date", copy=False)
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
    months = (datetime(year, month, 1) for year in _YEARS for month in range(1, 13))  # noqa: DTZ001
    return tuple(sorted({_offset(month, clock) % 60 for month in months}))


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
