"""An estimate in one plain clause, in the metric's own unit of measure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .estimate import Estimate


def effect_clause(estimate: Estimate) -> str:
    """The metric, what it did, and the interval.

    `mean_view_seconds` rose by 15.9 seconds (95 % interval +10.9 to +20.9 seconds)
    """
    effect, lower, upper = estimate.absolute_effect, estimate.ci_lower, estimate.ci_upper
    if estimate.status == "waiting":
        return f"`{estimate.metric}` waits for its next look ({estimate.reason})"
    if effect is None or lower is None or upper is None:
        return f"`{estimate.metric}` is not estimable ({estimate.reason})"
    digits = _decimals(lower, upper, estimate.value)
    moved = "rose by" if effect > 0 else "fell by"
    return (
        f"`{estimate.metric}` {moved} {amount(abs(effect), estimate.value, digits)} "
        f"({_level(estimate)} interval {_signed(lower, estimate.value, digits)} to "
        f"{_signed(upper, estimate.value, digits)}{_unit(estimate.value)})"
    )


def limit_text(estimate: Estimate) -> str | None:
    """Its margin or minimum effect, as it was declared; None where it has none."""
    limit = estimate.margin if estimate.margin is not None else estimate.minimum_effect
    if limit is None:
        return None
    text = amount(limit, estimate.value)
    if estimate.limit_is_relative and estimate.mean_control:
        share = limit / abs(estimate.mean_control) * 100
        return f"{share:.6g} % of control ({text})"
    return text


def limit_clause(estimate: Estimate, how: str = "against") -> str:
    """What the interval was held against: `against its margin of 0.5 percentage points`."""
    name = "margin" if estimate.role in ("guardrail", "survival") else "minimum effect"
    limit = limit_text(estimate)
    return f"{how} its {name} of {limit}" if limit else f"with no {name} declared"


def amount(number: float, value: str, digits: int | None = None) -> str:
    """A size in the metric's unit: `1.3 percentage points`, `15.9 seconds`, `4.20 usd`."""
    scaled = number * 100 if value == "share" else number
    text = f"{scaled:,.4g}" if digits is None else f"{scaled:,.{digits}f}"
    return f"{text}{_unit(value)}"


def names(estimates: Sequence[Estimate]) -> str:
    """Metrics by name, in backticks."""
    return ", ".join(f"`{estimate.metric}`" for estimate in estimates)


def sentence(*parts: str) -> str:
    """Clauses as one text of sentences."""
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def _level(estimate: Estimate) -> str:
    return f"{estimate.confidence_level * 100:.4g} %"


def _unit(value: str) -> str:
    if value == "share":
        return " percentage points"
    return "" if value == "count" else f" {value}"


def _signed(number: float, value: str, digits: int) -> str:
    scaled = number * 100 if value == "share" else number
    text = f"{scaled:+,.{digits}f}"
    return text if float(text.replace(",", "")) else text[1:]


def _decimals(lower: float, upper: float, value: str) -> int:
    """Decimals that show two digits of the interval's half-width."""
    half_width = (upper - lower) / 2 * (100 if value == "share" else 1)
    if not half_width > 0:
        return 2
    return min(8, max(0, 1 - math.floor(math.log10(half_width))))
