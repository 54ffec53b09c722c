"""The difference of two proportions, by the score test and the interval that inverts it."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..errors import EstimationError
from .distributions import (
    check_confidence_level,
    finite_or_not_estimable,
    normal_bound,
    normal_p_value,
)
from .means import too_few_units
from .moments import Moments
from .relative import fieller_relative_effect
from .results import Difference, NotEstimable

#: Two secants nearer than this agree to more digits than shares of counts have.
LAST_STEP = 1e-14
LEAST_EVENTS = 5  # per arm, of events and of non-events; with fewer the normal tail is far off


def two_proportions(
    control: Moments, treatment: Moments, confidence_level: float = 0.95
) -> Difference | NotEstimable:
    """Estimate the difference of two proportions with the score interval and test.

    The p-value is the pooled z test's; the interval holds every difference that the same kind of
    test would not reject, so it excludes 0 exactly where the p-value is below 1 - confidence_level.
    (The unpooled Wald interval would be simpler, but covers too little at small counts and can
    contradict the pooled test; Newcombe's covers well but belongs to no test.)

    Args:
        control: Moments of 0/1 outcomes in control. Share.
        treatment: Moments of 0/1 outcomes in treatment. Share.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        Treatment minus control as a share; `standard_error` is the unpooled one. NotEstimable
        where an arm has fewer than 5 events or fewer than 5 non-events.

    Raises:
        EstimationError: The outcomes are not 0 and 1, or the confidence level is out of range.

    Assumes:
        Units are independent.

    Source:
        Mee (1984), Confidence bounds for the difference between two probabilities, Biometrics
        40; restricted maximum likelihood in closed form by Farrington and Manning (1990),
        Statistics in Medicine 9, appendix. doi:10.1002/sim.4780091208

    Examples:
        >>> found = two_proportions(Moments(1586, 375, 375), Moments(1645, 439, 439))
        >>> round(found.absolute_effect, 4), round(found.p_value, 4)
        (0.0304, 0.0464)
    """
    check_confidence_level(confidence_level)
    few = too_few_units(control, treatment)
    if few is not None:
        return few
    for name, arm in (("control", control), ("treatment", treatment)):
        if not math.isclose(arm.sum_y, arm.sum_yy, rel_tol=1e-9) or not 0 <= arm.sum_y <= arm.n:
            raise EstimationError(
                f"{name} has sum {arm.sum_y} and sum of squares {arm.sum_yy} over {arm.n} units",
                expected="outcomes that are 0 or 1, whose sum is the sum of their squares",
            )
        for kind, count in (("events", arm.sum_y), ("non-events", arm.n - arm.sum_y)):
            if count < LEAST_EVENTS:
                return NotEstimable(
                    f"{name} has {count:.0f} {kind}, at least {LEAST_EVENTS} are needed", True
                )
    p_c, p_t = control.mean(), treatment.mean()
    effect = p_t - p_c
    v_control, v_treatment = p_c * (1 - p_c) / control.n, p_t * (1 - p_t) / treatment.n
    bound = normal_bound(confidence_level)
    lower, upper = score_interval((p_c, p_t), (control.n, treatment.n), bound)
    found = Difference(
        method="two_proportions",
        n_control=control.n,
        n_treatment=treatment.n,
        mean_control=p_c,
        mean_treatment=p_t,
        absolute_effect=effect,
        standard_error=math.sqrt(v_control + v_treatment),
        ci_lower=lower,
        ci_upper=upper,
        p_value=normal_p_value(
            effect / math.sqrt(_score_variance(p_c, control.n, p_t, treatment.n, 0.0))
        ),
        bound=bound,
        degrees_of_freedom=None,
        confidence_level=confidence_level,
        relative=fieller_relative_effect((p_c, p_t), (v_control, v_treatment), bound),
        variances_of_mean=(v_control, v_treatment),
    )
    return finite_or_not_estimable(found)


def score_interval(
    means: tuple[float, float], n: tuple[int, int], bound: float
) -> tuple[float, float]:
    """Differences that the score test does not reject.

    Args:
        means: Shares of control and of treatment. (2,).
        n: Their units. Counts.
        bound: Critical value in standard errors, > 0.
    """
    effect = means[1] - means[0]
    return (
        _interval_end(means, n, effect, bound, side=1.0),
        _interval_end(means, n, effect, bound, side=-1.0),
    )


def _interval_end(
    means: tuple[float, float], n: tuple[int, int], effect: float, bound: float, *, side: float
) -> float:
    """The difference below (side 1) or above (side -1) the effect that the test just rejects."""

    def excess(difference: float) -> float:
        # > 0 where the score test rejects `difference` on this side
        error = math.sqrt(_score_variance(means[0], n[0], means[1], n[1], difference))
        return side * (effect - difference) - bound * error

    # secants from the unpooled interval's end arrive in some five steps
    inside, beyond = effect, -side
    at_effect = excess(effect)
    before, of_before = effect, at_effect
    now = effect + side * at_effect
    for _ in range(12):
        if not min(inside, beyond) < now < max(inside, beyond):
            break
        of_now = excess(now)
        if of_now > 0:
            beyond = now
        else:
            inside = now
        slope = of_now - of_before
        if slope == 0.0:
            break
        step = of_now * (now - before) / slope
        before, of_before, now = now, of_now, now - step
        if abs(step) < LAST_STEP:
            return now
    return _bisect(excess, beyond, inside)  # at the edge of what shares can be it takes all steps


def _score_variance(p_c: float, n_c: int, p_t: float, n_t: int, difference: float) -> float:
    """Variance of the difference at the shares that fit best when they differ by `difference`."""
    theta = n_c / n_t
    pooled = (p_t + theta * p_c) / (1 + theta)
    if difference == 0.0:
        return pooled * (1 - pooled) * (1 / n_c + 1 / n_t)
    # Farrington and Manning, appendix: the root of a x^3 + b x^2 + c x + d that is a share
    a = 1 + theta
    b = -(1 + theta + p_t + theta * p_c + difference * (theta + 2))
    c = difference * difference + difference * (2 * p_t + theta + 1) + p_t + theta * p_c
    d = -p_t * difference * (1 + difference)
    v = b**3 / (27 * a**3) - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max(b * b / (9 * a * a) - c / (3 * a), 0.0)), v)
    cosine = v / u**3 if u else 0.0
    w = (math.pi + math.acos(min(1.0, max(-1.0, cosine)))) / 3
    fitted_t = min(1.0, max(0.0, 2 * u * math.cos(w) - b / (3 * a)))
    fitted_c = min(1.0, max(0.0, fitted_t - difference))
    return fitted_t * (1 - fitted_t) / n_t + fitted_c * (1 - fitted_c) / n_c


def _bisect(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """The end of the interval between a rejected and an accepted difference."""
    for _ in range(80):  # from a width of 2 to the last bit of a share
        middle = (outside + inside) / 2
        if middle in (outside, inside):
            break
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return (outside + inside) / 2
