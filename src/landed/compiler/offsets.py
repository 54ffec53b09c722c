"""Periods that show the value of another: so many months before, or where a longer one began."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.kinds import Span, SpanUnit
from .clock import span, truncated
from .parts import Frame, on_time
from .syntax import aliased, all_of, column, named

#: A period is looked at by at most so many of equal length: 28 February by 28 to 31 March.
_MOST = 4


def looks_at(
    period: exp.Expr, offset: Span | None, offset_to: SpanUnit | None, grain: SpanUnit
) -> exp.Expr:
    """The first day of the period whose value another one shows."""
    day = period
    if offset is not None:
        day = exp.paren(exp.Sub(this=day, expression=span(offset)), copy=False)
    if offset_to is not None:
        day = truncated(day, offset_to)
    return truncated(day, grain)


def shown_keys(
    name: str, offset: Span | None, offset_to: SpanUnit | None, frame: Frame
) -> list[exp.Expr]:
    """Groups and periods that show a value of a part; conditions on time are on these periods.

    A period that looks back so many months is there if the one that it looks at is. One that
    looks back to where a longer one began is there if the part has rows in it.
    """
    time, grain = str(frame.time), frame.grain or "day"
    seen, conditions = column(time), frame.split()[1]
    found: list[exp.Expr] = []
    for count in range(_MOST if offset is not None else 1):
        shown: exp.Expr = seen.copy()
        kept: list[exp.Expr] = []
        if offset is not None:
            later = exp.Add(this=seen.copy(), expression=span(offset))
            shown = truncated(exp.paren(later, copy=False), grain)
            if count:
                more = exp.Add(this=shown, expression=span(Span(count, grain)))
                shown = exp.cast(exp.paren(more, copy=False), "date", copy=False)
            looked_at = looks_at(shown.copy(), offset, None, grain)
            kept.append(exp.NullSafeEQ(this=looked_at, expression=seen.copy()))
        kept += [on_time(one, shown) for one in conditions]
        keys = [aliased(shown.copy(), key) if key == time else column(key) for key in frame.columns]
        select = exp.select(*keys).from_(named(name))
        found.append(select.where(all_of(kept), copy=False) if kept else select)
    return found
