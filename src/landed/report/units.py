"""Numbers as people read them, by the metric's unit of measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_SUFFIX: Mapping[str, str] = {"seconds": " s", "ms": " ms", "milliseconds": " ms", "days": " d"}
_PREFIX: Mapping[str, str] = {"usd": "$", "eur": "€", "gbp": "£"}
NOTHING = "–"


def decimals_for(row: Mapping[str, Any]) -> int:
    """Decimals that show two digits of the interval's half-width, in the unit shown.

    Without an interval, three significant digits of the effect or the mean.
    """
    scale = 100.0 if row["value"] == "share" else 1.0
    lower, upper = row["ci_lower"], row["ci_upper"]
    if lower is not None and upper is not None and upper > lower:
        return _clamp(1 - math.floor(math.log10((upper - lower) / 2 * scale)))
    for key in ("absolute_effect", "mean_control", "mean_treatment"):
        if row[key]:
            return _clamp(2 - math.floor(math.log10(abs(row[key]) * scale)))
    return 1


def level(number: float | None, value: str, decimals: int = 1) -> str:
    """A mean or a total: `12.3%`, `$4.20`, `131.3 s`."""
    if number is None:
        return NOTHING
    if value == "share":
        return f"{_grouped(number * 100, decimals)}%"
    return _with_unit(number, value, decimals)


def difference(number: float | None, value: str, decimals: int = 1) -> str:
    """A difference, with its sign: `+1.2 pp` for a share, `+$0.30`, `-4.1 s`."""
    if number is None:
        return NOTHING
    if value == "share":
        return f"{_signed(number * 100, decimals)} pp"
    prefix = _PREFIX.get(value, "")
    text = _signed(number, max(decimals, 2) if prefix else decimals)
    sign = text[:1] if text[:1] in "+-" else ""
    return f"{sign}{prefix}{text.removeprefix(sign)}{_SUFFIX.get(value, '')}"


def interval(lower: float | None, upper: float | None, value: str, decimals: int = 1) -> str:
    """Both ends of an interval of a difference, the unit once: `+10.9 to +20.9 s`."""
    if lower is None and upper is None:
        return NOTHING
    if lower is None:
        return f"up to {difference(upper, value, decimals)}"
    if upper is None:
        return f"{difference(lower, value, decimals)} or more"
    low, high = difference(lower, value, decimals), difference(upper, value, decimals)
    for unit in (" pp", *_SUFFIX.values()):
        if low.endswith(unit) and high.endswith(unit):
            return f"{low.removesuffix(unit)} to {high}"
    return f"{low} to {high}"


def magnitude(number: float | None, value: str) -> str:
    """A margin or minimum effect: no sign, as many digits as it was given."""
    if number is None:
        return NOTHING
    if value == "share":
        return f"{number * 100:.6g} pp"
    return f"{_PREFIX.get(value, '')}{number:,.6g}{_SUFFIX.get(value, '')}"


def relative(number: float | None) -> str:
    """A relative effect: `+13.8%`."""
    if number is None:
        return NOTHING
    decimals = _clamp(1 - math.floor(math.log10(abs(number) * 100))) if number else 0
    return f"{_signed(number * 100, min(decimals, 3))}%"


def count(number: float | None) -> str:
    """A count: `1,586`."""
    return NOTHING if number is None else f"{number:,.0f}"


def p_clause(number: float | None) -> str:
    """The same as part of a sentence: `p = 0.299`, `p < 0.0001`."""
    text = p_value(number)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_value(number: float | None) -> str:
    """A p-value, never 0: `0.299`, `< 0.0001`."""
    if number is None:
        return NOTHING
    return "< 0.0001" if number < 0.0001 else f"{number:.3g}"


def share(number: float | None) -> str:
    """A planned or observed share: `50%`."""
    return NOTHING if number is None else f"{number * 100:.4g}%"


def moment(text: str | None) -> str:
    """An instant of the document, as a date and time: `2026-11-22 09:00 UTC`."""
    if not text:
        return NOTHING
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def age(since: str, until: str) -> str:
    """How long before `until` an instant was: `3 days`, `5 hours`."""
    seconds = (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
    if seconds < 0:
        return "0 hours"
    days, hours = int(seconds // 86_400), int(seconds // 3_600)
    if days >= 2:
        return f"{days} days"
    return "1 hour" if hours == 1 else f"{hours} hours"


def _with_unit(number: float, value: str, decimals: int) -> str:
    prefix = _PREFIX.get(value, "")
    if prefix:
        decimals = max(decimals, 2)
    sign = "-" if number < 0 and float(f"{number:.{decimals}f}") else ""
    return f"{sign}{prefix}{_grouped(abs(number), decimals)}{_SUFFIX.get(value, '')}"


def _grouped(number: float, decimals: int) -> str:
    text = f"{number:,.{decimals}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text


def _signed(number: float, decimals: int) -> str:
    text = f"{number:+,.{decimals}f}"
    return text if float(text.replace(",", "")) else text[1:]


def _clamp(decimals: int) -> int:
    return max(0, min(6, decimals))
