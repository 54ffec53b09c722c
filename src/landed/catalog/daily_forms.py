"""What a metric is by day over the whole product: what a release to everyone is judged by."""

from __future__ import annotations

from .forms import is_exposed_units
from .formulas import Aggregate, Formula, Quotient

_TOTALS = ("sum", "count", "count_distinct", "sum_boolean")


def no_daily_form(formula: Formula) -> str | None:
    """Why a metric has no value on the days before a release; None where it has one."""
    if isinstance(formula, Quotient) and is_exposed_units(formula):
        return "it is a share of exposed units, of which there are none before the change"
    return None


def is_total(formula: Formula) -> bool:
    """Whether its daily value is a sum or count over the product, whose size grows with it.

    A limit in the metric's unit is meant per unit and says nothing of a total.
    """
    return (
        isinstance(formula, Aggregate)
        and not formula.is_unit_mean
        and formula.measure.agg in _TOTALS
    )
