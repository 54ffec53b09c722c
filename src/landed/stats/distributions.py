"""Critical values, tail probabilities and the t interval that several methods share."""

from __future__ import annotations

import math

from scipy import special

from ..errors import EstimationError
from .relative import fieller_relative_effect
from .results import Difference, NotEstimable


def check_confidence_level(confidence_level: float) -> None:
    """Raise EstimationError unless 0.5 <= confidence_level < 1."""
    if not 0.5 <= confidence_level < 1:
        raise EstimationError(
            f"confidence_level is {confidence_level}", expected="a share from 0.5 to below 1"
        )


def normal_bound(confidence_level: float) -> float:
    """Two-sided critical value of the standard normal, e.g. 1.96 for 0.95."""
    return float(special.ndtri((1 + confidence_level) / 2))


def t_bound(confidence_level: float, degrees_of_freedom: float) -> float:
    """Two-sided critical value of Student's t."""
    return float(special.stdtrit(degrees_of_freedom, (1 + confidence_level) / 2))


def t_bound_of(z: float, degrees_of_freedom: float) -> float:
    """Critical value of Student's t with the same tail as the normal's beyond z."""
    return -float(special.stdtrit(degrees_of_freedom, special.ndtr(-z)))


def normal_p_value(z: float) -> float:
    """Two-sided tail probability of the standard normal."""
    return float(2 * special.ndtr(-abs(z)))


def t_p_value(t: float, degrees_of_freedom: float) -> float:
    """Two-sided tail probability of Student's t."""
    return float(2 * special.stdtr(degrees_of_freedom, -abs(t)))


def t_difference(
    *,
    method: str,
    n: tuple[int, int],
    means: tuple[float, float],
    variances_of_mean: tuple[float, float],
    confidence_level: float,
    fitted: int = 0,
    degrees_of_freedom: float | None = None,
    raw_means: tuple[float, float] | None = None,
) -> Difference | NotEstimable:
    """Interval and test of a difference of two independent estimates, by Satterthwaite's t.

    Args:
        method: Name to give the result.
        n: Units in control and treatment. Count, >= 2 each.
        means: The two estimates. The metric's unit.
        variances_of_mean: Squared standard errors of the two estimates.
        confidence_level: Share.
        fitted: Coefficients that were fitted to the same units; each costs a degree of freedom.
        degrees_of_freedom: Those that the design gives; None takes Satterthwaite's.
        raw_means: The means before `means` were adjusted; None where they were not.
    """
    v_control, v_treatment = variances_of_mean
    variance = v_control + v_treatment
    standard_error = math.sqrt(variance)
    if not variance > 0 or standard_error == 0:
        return NotEstimable("the outcome does not vary in either arm", True)
    if degrees_of_freedom is None:
        # shares of the variance, not variances: their squares cannot underflow
        share_control, share_treatment = v_control / variance, v_treatment / variance
        degrees_of_freedom = 1 / (share_control**2 / (n[0] - 1) + share_treatment**2 / (n[1] - 1))
        degrees_of_freedom = max(degrees_of_freedom - fitted, 1.0)
    bound = t_bound(confidence_level, degrees_of_freedom)
    effect = means[1] - means[0]
    shown = raw_means or means
    difference = Difference(
        method=method,
        n_control=n[0],
        n_treatment=n[1],
        mean_control=shown[0],
        mean_treatment=shown[1],
        absolute_effect=effect,
        standard_error=standard_error,
        ci_lower=effect - bound * standard_error,
        ci_upper=effect + bound * standard_error,
        p_value=t_p_value(effect / standard_error, degrees_of_freedom),
        bound=bound,
        degrees_of_freedom=degrees_of_freedom,
        confidence_level=confidence_level,
        relative=fieller_relative_effect(means, variances_of_mean, bound),
        variances_of_mean=variances_of_mean,
        adjusted_means=None if raw_means is None else means,
    )
    return finite_or_not_estimable(difference)


def finite_or_not_estimable(found: Difference) -> Difference | NotEstimable:
    """Keep NaN and infinity from leaving: sums near the largest double overflow on the way."""
    numbers = (
        found.mean_control,
        found.mean_treatment,
        found.absolute_effect,
        found.standard_error,
        found.ci_lower,
        found.ci_upper,
        found.p_value,
        found.bound,
    )
    if all(math.isfinite(number) for number in numbers):
        return found
    return NotEstimable("the values are too large for double precision")
