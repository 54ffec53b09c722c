"""The difference of two quantiles of rows, where a unit may have many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError
from .distributions import check_confidence_level, normal_bound, t_difference
from .results import Difference, NotEstimable

#: Independent rows that must lie beyond the quantile on its thinner side; with fewer the ranks
#: around it are too far apart for a normal interval.
LEAST_BEYOND = 50

Rows = tuple[Sequence[float] | npt.NDArray[Any], Sequence[Any] | npt.NDArray[Any]]
_Array = npt.NDArray[np.float64]


def difference_of_quantiles(
    control: Rows,
    treatment: Rows,
    quantile: float,
    confidence_level: float = 0.95,
    *,
    is_discrete: bool = False,
    relative_error: float = 0.0,
) -> Difference | NotEstimable:
    """Estimate the difference of a quantile of rows (p95 latency of requests), by units.

    The share of rows at or below the quantile is a ratio of sums over units; its error, read off
    at the values of these ranks, is that of the quantile. Rows of one unit may be as alike as
    they want. No density has to be guessed.

    Args:
        control: Values of control's rows in the metric's unit and the unit of each; (n,), (n,).
        treatment: The same of treatment.
        quantile: Share of rows at or below it, e.g. 0.95. 0 to 1 (exclusive).
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).
        is_discrete: Whether the quantile is the least value that has that share at or below it;
            else it lies between two values.
        relative_error: Most that a value may be off, as a share of it (of a sketch: 0.01), >= 0.
            It adds to the standard error of either arm in full.

    Returns:
        Treatment minus control in the metric's unit, with quantiles for means, n the units that
        have rows, and Student's t over units. NotEstimable where an arm has fewer than two
        units, fewer than 50 rows, after the likeness of a unit's rows, lie beyond the quantile
        on a side, or the values around it are all one.

    Raises:
        EstimationError: A value is not finite, lengths differ, or a number is out of range.

    Assumes:
        Units are independent; values around the quantile are many and differ.

    Source:
        Woodruff (1952), Confidence intervals for medians and other position measures, JASA 47;
        for clustered rows Deng, Knoblich and Lu (2018), Applying the Delta Method in Metric
        Analytics, KDD '18, section 4.2 (outer confidence interval). doi:10.1145/3219819.3219919

    Examples:
        >>> control = [float(one) for one in range(1000)]
        >>> treatment = [one + 20.0 for one in control]
        >>> units = [at // 4 for at in range(1000)]
        >>> found = difference_of_quantiles((control, units), (treatment, units), 0.5)
        >>> found.absolute_effect, found.n_control
        (20.0, 250)
    """
    check_confidence_level(confidence_level)
    if not 0 < quantile < 1:
        raise EstimationError(f"the quantile is {quantile}", expected="a share between 0 and 1")
    if not 0 <= relative_error < 1:
        raise EstimationError(f"relative_error is {relative_error}", expected="0 to below 1")
    arms: list[tuple[float, float, int]] = []
    for name, rows in (("control", control), ("treatment", treatment)):
        found = _one(name, rows, quantile, confidence_level, is_discrete)
        if isinstance(found, NotEstimable):
            return found
        arms.append(found)
    off = [relative_error * abs(value) for value, _, _ in arms]
    variances = [error**2 + add**2 for (_, error, _), add in zip(arms, off, strict=True)]
    if not any(error for _, error, _ in arms):
        return NotEstimable("the values around the quantile are all one in either arm")
    return t_difference(
        method="difference_of_quantiles",
        n=(arms[0][2], arms[1][2]),
        means=(arms[0][0], arms[1][0]),
        variances_of_mean=(variances[0], variances[1]),
        confidence_level=confidence_level,
    )


def _one(
    name: str, rows: Rows, quantile: float, confidence_level: float, is_discrete: bool
) -> tuple[float, float, int] | NotEstimable:
    """An arm's quantile, its standard error and its number of units."""
    values, codes = _checked(name, rows)
    units = int(codes.max()) + 1 if codes.size else 0
    if units < 2:
        return NotEstimable(
            f"{name} has {units} {'unit' if units == 1 else 'units'} with a value, "
            "at least 2 are needed",
            True,
        )
    count = values.size
    if is_discrete:
        value = float(np.quantile(values, quantile, method="inverted_cdf"))
    else:
        value = float(np.quantile(values, quantile))
    share_error = _error_of_share(values <= value, codes, units)
    # rows that would be as good if they were independent
    binomial = quantile * (1 - quantile)
    independent = float(count)
    if share_error > 0:
        independent = min(binomial / share_error**2 * units / (units - 1), independent)
    thinner = min(quantile, 1 - quantile)
    if independent * thinner < LEAST_BEYOND - 1e-6:
        beyond = "above" if quantile >= 0.5 else "below"
        return NotEstimable(
            f"{math.floor(independent * thinner + 1e-6)} rows of {name} lie {beyond} the quantile "
            f"({count} rows of {units} units are worth {independent:.0f} independent "
            f"ones), at least {LEAST_BEYOND} are needed",
            True,
        )
    bound = normal_bound(confidence_level)
    reach = bound * share_error
    lower = math.floor(count * (quantile - reach))
    upper = math.floor(count * (quantile + reach)) + 1
    if lower < 1 or upper > count:
        return NotEstimable(
            f"the interval of {name} reaches beyond its values: the share at or below the "
            f"quantile is known to {reach:.2g} only",
            True,
        )
    ends = np.partition(values, (lower - 1, upper - 1))
    return value, float(ends[upper - 1] - ends[lower - 1]) / (2 * bound), units


def _error_of_share(
    at_or_below: npt.NDArray[np.bool_], codes: npt.NDArray[Any], units: int
) -> float:
    """Standard error of the share of rows, a ratio of sums over units."""
    rows = np.bincount(codes, minlength=units)
    below = np.bincount(codes, weights=at_or_below, minlength=units)
    left = below - below.sum() / rows.sum() * rows
    squares = float(left @ left) * units / (units - 1)
    return math.sqrt(squares) / float(rows.sum())


def _checked(name: str, rows: Rows) -> tuple[_Array, npt.NDArray[Any]]:
    values = np.asarray(rows[0], dtype=np.float64)
    units = np.asarray(rows[1])
    if values.shape != units.shape:
        raise EstimationError(
            f"{name} has {values.size} values of {units.size} units", expected="one unit a value"
        )
    if not np.isfinite(values).all():
        raise EstimationError(f"a value of {name} is not finite", expected="finite numbers")
    return values, np.unique(units, return_inverse=True)[1]
