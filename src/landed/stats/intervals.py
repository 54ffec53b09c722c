"""The interval of a difference at another critical value: that of the look it is judged at."""

from __future__ import annotations

import math

from ..errors import EstimationError
from .distributions import t_bound_of
from .proportions import score_interval
from .relative import fieller_relative_effect
from .results import Difference, NotEstimable, RelativeEffect


def interval_at(found: Difference, z: float) -> tuple[float, float]:
    """The interval of the absolute effect at a critical value of the normal.

    Args:
        found: The difference.
        z: Critical value, > 0. Where the difference has degrees of freedom, Student's t with the
            same tail is taken.

    Returns:
        Lower and upper end. The metric's unit.

    Raises:
        EstimationError: z is not above 0.

    Assumes:
        As the method that made the difference.

    Source:
        Repeated confidence intervals: Jennison and Turnbull (1989), Interim analyses: the
        repeated confidence interval approach, JRSS B 51, section 2.

    Examples:
        >>> from landed.stats import Moments, welch
        >>> found = welch(Moments.of([1, 2, 3, 4]), Moments.of([3, 4, 5, 6]))
        >>> lower, upper = interval_at(found, 2.155)
        >>> round(lower, 2), round(upper, 2)
        (-0.56, 4.56)
    """
    bound = critical_value(found, z)
    if found.method == "two_proportions":
        means = (found.mean_control, found.mean_treatment)
        return score_interval(means, (found.n_control, found.n_treatment), bound)
    half_width = bound * found.standard_error
    return found.absolute_effect - half_width, found.absolute_effect + half_width


def relative_interval_at(found: Difference, z: float) -> RelativeEffect | NotEstimable:
    """The effect as a share of control's mean, with Fieller's interval at a critical value.

    Args:
        found: The difference.
        z: As in `interval_at`.

    Returns:
        Shares; NotEstimable where control's mean cannot be told from zero at that value, so that
        the interval would be unbounded.

    Raises:
        EstimationError: z is not above 0.

    Assumes:
        As `fieller_relative_effect`.

    Source:
        As `interval_at` and `fieller_relative_effect`.

    Examples:
        >>> from landed.stats import Moments, welch
        >>> found = welch(Moments.of([1, 2, 3, 4]), Moments.of([3, 4, 5, 6]))
        >>> relative_interval_at(found, 8.0).reason
        'the control mean cannot be told from zero'
    """
    bound = critical_value(found, z)
    # an adjusted effect is not the difference of the raw means
    means = found.adjusted_means or (found.mean_control, found.mean_treatment)
    return fieller_relative_effect(means, found.variances_of_mean, bound)


def critical_value(found: Difference, z: float) -> float:
    """Standard errors that an interval at z reaches: z, or Student's t with the same tail.

    Args:
        found: The difference.
        z: Critical value of the normal, > 0.

    Returns:
        A number of standard errors, at least z.

    Raises:
        EstimationError: z is not above 0.

    Assumes:
        As the method that made the difference.

    Source:
        Jennison and Turnbull (2000), Group Sequential Methods, section 4.4: bounds of known
        variance carried over to t by their tail probability.

    Examples:
        >>> from landed.stats import Moments, welch
        >>> found = welch(Moments.of([1, 2, 3, 4]), Moments.of([3, 4, 5, 6]))
        >>> round(critical_value(found, 1.96), 2)
        2.45
    """
    if not 0 < z < math.inf:
        raise EstimationError(f"z is {z}", expected="a number above 0")
    degrees = found.degrees_of_freedom
    return z if degrees is None else t_bound_of(z, degrees)
