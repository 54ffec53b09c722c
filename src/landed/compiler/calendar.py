"""Every period from the first row to the last, in every group: from the model `time_spine`."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.kinds import Span, SpanUnit
from .clock import hour_of, interval, later, midnight, minutes_past, truncated
from .parts import Frame
from .syntax import aliased, column, common, named, relation, union_all

SPINE_MODEL = "time_spine"
_AT = "at"


def calendar(rows: str, name: str, frame: Frame, *, ends: str | None = None) -> list[exp.CTE]:
    """Table expressions of a dense calendar; the last is called `name` and has the frame's keys.

    Args:
        rows: The table expression whose groups and ends it takes.
        ends: One that says where it begins and ends, `first_one` and `last_one`; None for `rows`.
    """
    time, others, grain = str(frame.time), frame.others, frame.grain or "day"
    found = [] if ends is not None else [common(f"{name}_ends", ends_of(rows, time))]
    within = ends or f"{name}_ends"
    if grain == "hour":
        found += _hours(f"{name}_hours", within, frame)
        period, source = hour_of(column(_AT, "s"), frame.zone), named(f"{name}_hours", "s")
    else:
        period = truncated(column("date_day", "s"), grain)
        source = relation(SPINE_MODEL, "s", frame.relations)
    between = exp.Between(
        this=period.copy(), low=column("first_one", "e"), high=column("last_one", "e")
    )
    periods = exp.select(aliased(period, time)).from_(source)
    periods = periods.join(named(within, "e"), on=between, join_type="inner", copy=False)
    if grain != "day":
        periods = periods.distinct(copy=False)
    if not others:
        return [*found, common(name, periods)]
    groups = exp.select(*(column(key) for key in others)).from_(named(rows)).distinct(copy=False)
    found += [common(f"{name}_groups", groups), common(f"{name}_periods", periods)]
    select = exp.select(*(column(key, "p" if key == time else "g") for key in frame.columns)).from_(
        named(f"{name}_groups", "g")
    )
    select = select.join(named(f"{name}_periods", "p"), join_type="cross", copy=False)
    return [*found, common(name, select)]


def ends_of(rows: str, time: str, grain: SpanUnit | None = None) -> exp.Select:
    """Where the rows of a table expression begin and end.

    Args:
        grain: Of the periods that `time` holds, for the last day of the last one; None where it
            holds what is asked for.
    """
    last: exp.Expr = exp.Max(this=column(time))
    if grain is not None and grain != "day":
        behind = exp.paren(later(last, Span(1, grain)), copy=False)
        last = exp.Sub(this=behind, expression=interval(1, "day"))
        last = exp.cast(exp.paren(last, copy=False), "date", copy=False)
    return exp.select(
        aliased(exp.Min(this=column(time)), "first_one"), aliased(last, "last_one")
    ).from_(named(rows))


def _hours(name: str, ends: str, frame: Frame) -> list[exp.CTE]:
    """Full hours of the days between the ends; half hours where a zone's clocks move by them."""
    day = column("date_day", "s")
    within = exp.Between(
        this=day.copy(),
        low=exp.cast(column("first_one", "e"), "date"),
        high=exp.cast(later(column("last_one", "e"), Span(1, "hour")), "date"),
    )
    spine = relation(SPINE_MODEL, "s", frame.relations)
    days = exp.select(aliased(midnight(day), _AT)).from_(spine)
    days = days.join(named(ends, "e"), on=within, join_type="inner", copy=False)
    found = [common(f"{name}_days", days)]
    steps = [("12", (0, 720)), ("6", (0, 360)), ("3", (0, 180)), ("1", (0, 60, 120))]
    if len(minutes_past(frame.zone)) > 1:
        steps.append(("half", (0, 30)))
    below = f"{name}_days"
    for label, minutes in steps:
        moved = [_later_by(below, one) for one in minutes]
        below = name if label == steps[-1][0] else f"{name}_{label}"
        found.append(common(below, union_all(moved)))
    return found


def _later_by(name: str, minutes: int) -> exp.Select:
    at: exp.Expr = column(_AT)
    if minutes:
        at = exp.Add(this=at, expression=interval(minutes, "minute"))
    return exp.select(aliased(at, _AT)).from_(named(name))
