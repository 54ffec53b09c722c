"""The difference of two quantiles of rows, where a unit may have many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError
from .distributions import check_confidence_level, normal_bound, t_difference
from .results import Difference, NotEstimable

#: Independent rows that must lie beyond the quantile on its thinner side; with fewer the ranks
#: around it are too far apart for a normal interval.
LEAST_BEYOND = 50
#: Of the interval whose width, in standard errors of the normal, is the standard error.
CONFIDENCE_LEVEL = 0.95

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QuantileOfRows:
    """A quantile of one variant's rows, and how well it is known.

    Args:
        value: The quantile. The metric's unit.
        standard_error: Of it, over units. The metric's unit.
        n: Units that have rows. Count.
    """

    value: float
    standard_error: float
    n: int


def quantile_of_rows(
    values: Sequence[float] | npt.NDArray[Any],
    units: Sequence[Any] | npt.NDArray[Any],
    quantile: float,
    *,
    is_discrete: bool = False,
    relative_error: float = 0.0,
) -> QuantileOfRows | NotEstimable:
    """Estimate a quantile of rows (p95 latency of requests) and its standard error, by units.

    The share of rows at or below the quantile is a ratio of sums over units; its error, read off
    at the values of these ranks, is that of the quantile. Rows of one unit may be as alike as
    they want. No density has to be guessed.

    Args:
        values: One a row. The metric's unit; (n,).
        units: The unit of each row, by number or name. (n,).
        quantile: Share of rows at or below it, e.g. 0.95. 0 to 1 (exclusive).
        is_discrete: Whether the quantile is the least value that has that share at or below it;
            else it lies between two values.
        relative_error: Most that a value may be off, as a share of it (of a sketch: 0.01), >= 0.
            It adds to the standard error in full.

    Returns:
        The quantile in the metric's unit; NotEstimable where there are fewer than two units, or
        fewer than 50 rows, after the likeness of a unit's rows, beyond the quantile on a side.

    Raises:
        EstimationError: A value is not finite, lengths differ, or a number is out of range.

    Assumes:
        Units are independent; values around the quantile are many and differ.

    Source:
        Woodruff (1952), Confidence intervals for medians and other position measures, JASA 47;
        for clustered rows Deng, Knoblich and Lu (2018), Applying the Delta Method in Metric
        Analytics, KDD '18, section 4.2 (outer confidence interval). doi:10.1145/3219819.3219919

    Examples:
        >>> found = quantile_of_rows(range(1000), [at // 4 for at in range(1000)], 0.5)
        >>> found.value, round(found.standard_error, 1), found.n
        (499.5, 32.1, 250)
    """
    if not 0 < quantile < 1:
        raise EstimationError(f"the quantile is {quantile}", expected="a share between 0 and 1")
    if not 0 <= relative_error < 1:
        raise EstimationError(f"relative_error is {relative_error}", expected="0 to below 1")
    rows, codes = _checked(values, units)
    count, n = rows.size, int(codes.max()) + 1 if codes.size else 0
    if n < 2:
        named = "unit" if n == 1 else "units"
        return NotEstimable(f"{n} {named} with a value, at least 2 are needed", True)
    if is_discrete:
        value = float(np.quantile(rows, quantile, method="inverted_cdf"))
    else:
        value = float(np.quantile(rows, quantile))
    share_error = _error_of_share(rows <= value, codes, n)
    # rows that would be as good if they were independent
    independent = float(count)
    if share_error > 0:
        binomial = quantile * (1 - quantile)
        independent = min(binomial / share_error**2 * n / (n - 1), independent)
    beyond = independent * min(quantile, 1 - quantile) + 1e-6
    if beyond < LEAST_BEYOND:
        side = "above" if quantile >= 0.5 else "below"
        return NotEstimable(
            f"{math.floor(beyond)} rows {side} the quantile, at least {LEAST_BEYOND} are needed "
            f"({count} rows of {n} units are worth {independent:.0f} independent ones)",
            True,
        )
    bound = normal_bound(CONFIDENCE_LEVEL)
    reach = bound * share_error
    lower = math.floor(count * (quantile - reach))
    upper = math.floor(count * (quantile + reach)) + 1
    if lower < 1 or upper > count:
        return NotEstimable(
            "its interval reaches beyond the values: the share at or below the quantile is known "
            f"to {reach:.2g} only",
            True,
        )
    ends = np.partition(rows, (lower - 1, upper - 1))
    error = float(ends[upper - 1] - ends[lower - 1]) / (2 * bound)
    if error > 0:  # without any, a sketch's bucket would pass for knowledge
        error = math.hypot(error, relative_error * abs(value))
    return QuantileOfRows(value, error, n)


def difference_of_quantiles(
    control: QuantileOfRows, treatment: QuantileOfRows, confidence_level: float = 0.95
) -> Difference | NotEstimable:
    """Estimate the difference of two quantiles.

    Args:
        control: Control's quantile, as `quantile_of_rows` gives it.
        treatment: Treatment's.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        Treatment minus control in the metric's unit, with quantiles for means, n the units that
        have rows, and Student's t over units. NotEstimable where the values around either
        quantile are all one.

    Raises:
        EstimationError: The confidence level is outside its range.

    Assumes:
        As `quantile_of_rows`; the arms are independent.

    Source:
        As `quantile_of_rows`; degrees of freedom by Satterthwaite (1946), Biometrics Bulletin 2.

    Examples:
        >>> control, treatment = QuantileOfRows(200.0, 4.0, 900), QuantileOfRows(212.0, 3.0, 850)
        >>> found = difference_of_quantiles(control, treatment)
        >>> found.absolute_effect, found.standard_error, round(found.p_value, 3)
        (12.0, 5.0, 0.017)
    """
    check_confidence_level(confidence_level)
    for name, arm in (("control", control), ("treatment", treatment)):
        if not arm.standard_error > 0:
            return NotEstimable(f"the values of {name} around the quantile are all {arm.value:g}")
    return t_difference(
        method="difference_of_quantiles",
        n=(control.n, treatment.n),
        means=(control.value, treatment.value),
        variances_of_mean=(control.standard_error**2, treatment.standard_error**2),
        confidence_level=confidence_level,
    )


def _error_of_share(
    at_or_below: npt.NDArray[np.bool_], codes: npt.NDArray[Any], units: int
) -> float:
    """Standard error of the share of rows, a ratio of sums over units."""
    rows = np.bincount(codes, minlength=units)
    below = np.bincount(codes, weights=at_or_below, minlength=units)
    left = below - below.sum() / rows.sum() * rows
    squares = float(left @ left) * units / (units - 1)
    return math.sqrt(squares) / float(rows.sum())


def _checked(
    values: Sequence[float] | npt.NDArray[Any], units: Sequence[Any] | npt.NDArray[Any]
) -> tuple[_Array, npt.NDArray[Any]]:
    rows, of_units = np.asarray(values, dtype=np.float64), np.asarray(units)
    if rows.shape != of_units.shape:
        raise EstimationError(
            f"there are {rows.size} values of {of_units.size} units", expected="one unit a value"
        )
    if not np.isfinite(rows).all():
        raise EstimationError("a value is not finite", expected="finite numbers")
    return rows, np.unique(of_units, return_inverse=True)[1]
