"""What a metric is by day over the whole product: what a release to everyone is judged by."""

from __future__ import annotations

from .forms import is_exposed_units
from .formulas import Aggregate, Formula, Quotient, Vocabulary, leading
from .names import short_names

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


def groupings(vocabulary: Vocabulary, formula: Formula) -> frozenset[str]:
    """Names, full and short, that a metric can be grouped by."""
    shared: dict[str, object] | None = None
    for aggregate in leading(formula):
        found = vocabulary.names_of(aggregate.fact)
        shared = {name: one for name, one in found.items() if shared is None or name in shared}
    names = shared or {}
    return frozenset(names) | frozenset(short_names(names).values())
