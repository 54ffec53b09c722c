"""Every period from the first row to the last, in every group: from the model `time_spine`."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.names import refused
from .facts import truncated
from .parts import Frame
from .syntax import aliased, column, common, named, relation

SPINE_MODEL = "time_spine"


def calendar(rows: str, name: str, frame: Frame) -> list[exp.CTE]:
    """Table expressions of a dense calendar; the last is called `name` and has the frame's keys.

    Args:
        rows: The table expression whose groups and ends it takes.

    Raises:
        QueryRefused: The periods are hours, which the model does not have.
    """
    time, others, grain = str(frame.time), frame.others, frame.grain or "day"
    if grain == "hour":
        raise refused(
            "gaps between hours cannot be filled", "group by day or longer.", "hour_calendar"
        )
    ends = exp.select(
        aliased(exp.Min(this=column(time)), "first_one"),
        aliased(exp.Max(this=column(time)), "last_one"),
    ).from_(named(rows))
    period = truncated(column("date_day", "s"), grain)
    within = exp.Between(
        this=period.copy(), low=column("first_one", "e"), high=column("last_one", "e")
    )
    found = [common(f"{name}_ends", ends)]
    periods = exp.select(aliased(period, time)).from_(relation(SPINE_MODEL, "s", frame.relations))
    periods = periods.join(named(f"{name}_ends", "e"), on=within, join_type="inner", copy=False)
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
