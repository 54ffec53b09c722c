"""The effect as a share of the control's mean."""

from __future__ import annotations

import math

from .results import NotEstimable, RelativeEffect


def fieller_relative_effect(
    means: tuple[float, float], variances_of_mean: tuple[float, float], bound: float
) -> RelativeEffect | NotEstimable:
    """Estimate (treatment - control) / |control| with Fieller's interval.

    Args:
        means: Mean of control and of treatment. The metric's unit; (2,).
        variances_of_mean: Their squared standard errors. (2,).
        bound: Critical value of the interval, in standard errors, > 0.

    Returns:
        Shares (0.1 = 10 % more); NotEstimable where the interval would be unbounded, because
        control's mean cannot be told from zero.

    Assumes:
        The arms are independent and both means are near normal. Unlike the delta method nothing
        is assumed about how far control's mean is from zero: near it the interval grows.

    Source:
        Fieller (1954), Some problems in interval estimation, JRSS B 16, 175-185; with
        covariance zero.

    Examples:
        >>> found = fieller_relative_effect((10.0, 11.0), (0.04, 0.04), 1.96)
        >>> round(found.relative_effect, 3), round(found.ci_lower, 4), round(found.ci_upper, 4)
        (0.1, 0.0433, 0.16)
    """
    control, treatment = means
    v_control, v_treatment = variances_of_mean
    if control == 0:
        return NotEstimable("the control mean is zero")
    scale = abs(control)
    # In units of the control mean: solve (r - x)^2 = c^2 (v_t + x^2 v_c) for x
    ratio = treatment / control
    g_root = bound * (math.sqrt(v_control) / scale)
    g = g_root * g_root
    if not g < 1:
        return NotEstimable("the control mean cannot be told from zero", True)
    h_root = bound * (math.sqrt(v_treatment) / scale)
    h = h_root * h_root
    half_width = math.sqrt(max(h * (1 - g) + g * ratio * ratio, 0.0)) / (1 - g)
    centre = ratio / (1 - g)
    sign = math.copysign(1.0, control)  # relative to |control|, so more is always positive
    ends = sorted((sign * (centre - half_width - 1), sign * (centre + half_width - 1)))
    found = RelativeEffect(sign * (ratio - 1), ends[0], ends[1])
    if not all(math.isfinite(x) for x in (found.relative_effect, found.ci_lower, found.ci_upper)):
        return NotEstimable("the control mean is too close to zero")
    return found
