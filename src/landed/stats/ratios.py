"""The difference of two ratios of sums, by the delta method."""

from __future__ import annotations

import math

from ..errors import EstimationError
from .distributions import check_confidence_level, t_bound, t_difference
from .means import too_few_units
from .moments import LOST_DIGITS_SHARE, Moments
from .results import Difference, NotEstimable


def ratio_of_sums(
    control: Moments, treatment: Moments, confidence_level: float = 0.95
) -> Difference | NotEstimable:
    """Estimate the difference of two ratios of sums (clicks by views, seconds by session).

    A unit is what was randomised, its numerator and denominator are correlated, and the
    denominator is random: the delta method linearises the ratio around its means. Where every
    denominator is 1 this is Welch's estimate exactly.

    Args:
        control: Moments of (numerator, denominator) in control; n >= 2 needed.
        treatment: The same of treatment.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        Treatment minus control in the metric's unit; NotEstimable where an arm has fewer than
        two units, a denominator's mean cannot be told from zero, or neither arm varies.

    Raises:
        EstimationError: The moments carry no denominators, or the confidence level is outside
            its range.

    Assumes:
        Units are independent; the relative error of each arm's mean denominator is small.

    Source:
        Deng, Knoblich and Lu (2018), Applying the Delta Method in Metric Analytics, KDD '18,
        section 3.1. doi:10.1145/3219819.3219919

    Examples:
        >>> control = Moments.of([1, 0, 2, 1], [2, 1, 3, 3])
        >>> treatment = Moments.of([2, 1, 2, 3], [2, 2, 3, 3])
        >>> found = ratio_of_sums(control, treatment)
        >>> round(found.mean_control, 4), round(found.absolute_effect, 4)
        (0.4444, 0.3556)
    """
    check_confidence_level(confidence_level)
    few = too_few_units(control, treatment)
    if few is not None:
        return few
    means, variances = [], []
    for name, arm in (("control", control), ("treatment", treatment)):
        found = linearised(name, arm, confidence_level)
        if isinstance(found, NotEstimable):
            return found
        means.append(found[0])
        variances.append(found[1])
    return t_difference(
        method="ratio_of_sums",
        n=(control.n, treatment.n),
        means=(means[0], means[1]),
        variances_of_mean=(variances[0], variances[1]),
        confidence_level=confidence_level,
    )


def linearised(
    name: str, arm: Moments, confidence_level: float
) -> tuple[float, float] | NotEstimable:
    """One arm's ratio and its variance."""
    if arm.sum_d is None or arm.sum_dd is None or arm.sum_yd is None:
        raise EstimationError(f"{name} has no denominators", expected="moments of a ratio")
    if arm.sum_d == 0:
        return NotEstimable(f"the denominator is zero for {name} ({arm.n} units)", True)
    mean_d = arm.sum_d / arm.n
    yy, dd, yd = arm.centred_sums()
    error_d = math.sqrt(max(dd, 0.0) / (arm.n - 1) / arm.n)
    if abs(mean_d) <= t_bound(confidence_level, arm.n - 1) * error_d:
        return NotEstimable(f"the denominator of {name} cannot be told from zero", True)
    ratio = arm.sum_y / arm.sum_d
    # Residuals y - R d sum to zero: their squares are those of the centred values.
    squares = yy - 2 * ratio * yd + ratio * ratio * dd
    scale = arm.sum_yy + ratio * ratio * arm.sum_dd
    if not math.isfinite(squares):
        return NotEstimable("the values are too large for double precision")
    if squares <= LOST_DIGITS_SHARE * scale:
        squares = 0.0
    error = math.sqrt(squares / (arm.n - 1) / arm.n) / abs(mean_d)
    return ratio, error * error
