"""How far off a metric may be that is made of sketches."""

from __future__ import annotations

from .formulas import (
    Accumulated,
    Aggregate,
    Arithmetic,
    Converted,
    Formula,
    Funnelled,
    Retained,
)


def relative_error(formula: Formula) -> float | None:
    """Relative error of the least exact sketch a metric is made of, a share; None if it is exact.

    Of distinct values it is the standard error, of a percentile the most it can be. Conversions,
    funnels and retention count rows and units themselves.
    """
    if isinstance(formula, Converted | Funnelled | Retained):
        return None
    if isinstance(formula, Aggregate):
        return formula.measure.relative_error
    if isinstance(formula, Accumulated):
        return formula.aggregate.measure.relative_error
    inputs = (
        formula.inputs.values()
        if isinstance(formula, Arithmetic)
        else (formula.numerator, formula.denominator)
    )
    found = (relative_error(one) for one in inputs)
    return max((one for one in found if one is not None), default=None)
