"""Days and instants that a query computes from nothing but itself: they become literals."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta

from sqlglot import exp

from ..catalog.names import refused, show
from .front_end_text import written

_CLOCKS = (
    exp.CurrentTimestamp,
    exp.CurrentTime,
    exp.CurrentDatetime,
    exp.Localtime,
    exp.Localtimestamp,
)
_DAYS = {"DAY": 1, "WEEK": 7}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}
UNITS = (*_DAYS, *_MONTHS, *_SECONDS)
MOST = 10_000  # of any unit: 27 years of days


def fold_dates(tree: exp.Expr, today: date | None) -> exp.Expr:
    """Replace `current_date` and arithmetic on constant days by literals, in place.

    What runs then says the day it was asked on, and asks the same on every engine.

    Args:
        tree: The statement.
        today: The day that `current_date` means; None where there is none.

    Raises:
        QueryRefused: It reads a clock, has a day that does not exist, or an interval of no unit.
    """
    for node in reversed(list(tree.walk())):
        if isinstance(node, _CLOCKS):
            raise refused(
                f"{written(node)} is not allowed",
                "write current_date, or TIMESTAMP '2026-01-31 12:00:00'.",
                "clock",
            )
        if isinstance(node, exp.CurrentDate) and today is None:
            raise refused(
                f"{written(node)} has no meaning here", "write DATE '2026-01-31'.", "clock"
            )
        found = _constant(node, today)
        if found is None or isinstance(node, exp.Cast):
            continue
        literal = constant(found)
        if node is tree:
            return literal
        node.replace(literal)
    return tree


def constant(value: date) -> exp.Cast:
    """A day or an instant as a literal."""
    is_instant = isinstance(value, datetime)
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return exp.cast(exp.Literal.string(text), "timestamp" if is_instant else "date")


def interval(node: exp.Expr) -> tuple[int, str]:
    """How many of which unit an interval has; the unit in the singular, upper case.

    Raises:
        QueryRefused: It is not one whole number of one unit.
    """
    text, unit = node.text("this"), node.text("unit").upper().removesuffix("S")
    digits = text.removeprefix("-")
    is_number = digits.isdecimal() and len(digits) <= len(str(MOST)) and int(digits) <= MOST
    if not is_number or unit not in UNITS:
        raise refused(
            f"{written(node)} is no interval of one unit",
            f"write INTERVAL '7 days', with a whole number up to {MOST} of "
            f"{', '.join(UNITS).lower()}.",
            "interval",
        )
    return int(text), unit


def _constant(node: exp.Expr, today: date | None) -> date | None:
    if isinstance(node, exp.CurrentDate):
        return today
    if isinstance(node, exp.Cast):
        return _literal(node)
    if isinstance(node, exp.Paren):
        return _constant(node.this, today)
    if isinstance(node, exp.Add | exp.Sub):
        return _moved(node, today)
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        start = _constant(node.this, today)
        return None if start is None else _truncated(start, node.text("unit").upper(), node)
    return None


def _literal(node: exp.Cast) -> date | None:
    kind = node.to.this
    if kind not in (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP):
        return None
    inner = node.this
    if isinstance(inner, exp.Cast):  # DATE '…'::timestamp
        found = _literal(inner)
    elif isinstance(inner, exp.Literal) and inner.is_string:
        try:
            found = datetime.fromisoformat(inner.name)
        except ValueError:
            found = None
        if found is None or found.tzinfo is not None:
            raise refused(
                f"{show(inner.name)} is no day or time",
                "write DATE '2026-01-31' or TIMESTAMP '2026-01-31 12:00:00', in UTC.",
                "date",
            )
    else:
        return None
    if found is None:
        return None
    whole = found if isinstance(found, datetime) else _midnight(found)
    return whole.date() if kind == exp.DataType.Type.DATE else whole


def _moved(node: exp.Add | exp.Sub, today: date | None) -> date | None:
    start, by = _constant(node.this, today), node.expression
    if start is None:
        return None
    if isinstance(by, exp.Interval):
        count, unit = interval(by)
    elif isinstance(by, exp.Literal) and not by.is_string and by.name.isdecimal():
        count, unit = int(by.name[:6]), "DAY"
    else:
        return None
    count = -count if isinstance(node, exp.Sub) else count
    try:
        if unit in _SECONDS:
            whole = start if isinstance(start, datetime) else _midnight(start)
            return whole + timedelta(seconds=count * _SECONDS[unit])
        if unit in _DAYS:
            return start + timedelta(days=count * _DAYS[unit])
        return _later(start, count * _MONTHS[unit])
    except (OverflowError, ValueError):
        raise refused(f"{written(node)} is no day of the calendar", "use fewer.", "date") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _later(start: date, months: int) -> date:
    """So many months later, on the last day of a month that is too short."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def _truncated(start: date, unit: str, node: exp.Expr) -> date:
    if unit == "HOUR" and isinstance(start, datetime):
        return start.replace(minute=0, second=0, microsecond=0)
    day = start.date() if isinstance(start, datetime) else start
    if unit == "DAY":
        return day
    if unit == "WEEK":
        return day - timedelta(days=day.weekday())
    if unit == "US_WEEK":
        return day - timedelta(days=day.isoweekday() % 7)
    if unit == "MONTH":
        return day.replace(day=1)
    if unit == "QUARTER":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    if unit == "YEAR":
        return day.replace(month=1, day=1)
    raise refused(
        f"the grain {show(unit.lower())} of {written(node)} is not known",
        "use day, week, us_week, month, quarter or year.",
        "grain",
    )
