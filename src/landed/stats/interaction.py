"""Whether an effect differs between groups of units: tests, shrunken effects, false discoveries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import EstimationError
from .distributions import check_confidence_level, t_bound, t_p_value
from .results import Difference, NotEstimable


@dataclass(frozen=True, slots=True)
class Interaction:
    """The effect in one group less that in the others.

    Args:
        difference: Of the two effects. The metric's unit.
        standard_error: Of that difference. The metric's unit.
        ci_lower: Lower end of its interval. The metric's unit.
        ci_upper: Upper end. The metric's unit.
        p_value: Two-sided, against equal effects. 0 to 1.
        degrees_of_freedom: Of Student's t.
    """

    difference: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    degrees_of_freedom: float


def interaction(
    group: Difference, rest: Difference, confidence_level: float = 0.95
) -> Interaction | NotEstimable:
    """Test whether the effect in a group is that in the rest.

    That one effect is significant and the other is not says nothing of their difference; this
    does.

    Args:
        group: Treatment against control among the units of the group.
        rest: The same among all other units.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        The difference of the two differences in the metric's unit; NotEstimable where neither
        group varies.

    Raises:
        EstimationError: The confidence level is outside its range.

    Assumes:
        No unit is in both; what makes the group was known before exposure.

    Source:
        Gelman and Stern (2006), The difference between "significant" and "not significant" is not
        itself statistically significant, The American Statistician 60. Degrees of freedom by
        Satterthwaite (1946), Biometrics Bulletin 2, eq. 17, over the four means.

    Examples:
        >>> from landed.stats import Moments, welch
        >>> group = welch(Moments.of([1, 2, 3, 4]), Moments.of([5, 6, 7, 8]))
        >>> rest = welch(Moments.of([1, 2, 3, 4]), Moments.of([1, 2, 3, 5]))
        >>> found = interaction(group, rest)
        >>> found.difference, round(found.standard_error, 2), round(found.p_value, 2)
        (3.75, 1.41, 0.02)
    """
    check_confidence_level(confidence_level)
    parts = [
        (variance, n - 1)
        for found in (group, rest)
        for variance, n in zip(
            found.variances_of_mean, (found.n_control, found.n_treatment), strict=True
        )
    ]
    variance = sum(one for one, _ in parts)
    if not variance > 0:
        return NotEstimable("the outcome varies in neither group", True)
    error = math.sqrt(variance)
    degrees = 1 / sum((one / variance) ** 2 / free for one, free in parts)
    difference = group.absolute_effect - rest.absolute_effect
    half_width = t_bound(confidence_level, degrees) * error
    return Interaction(
        difference,
        error,
        difference - half_width,
        difference + half_width,
        t_p_value(difference / error, degrees),
        degrees,
    )


def shrunken_effects(
    effects: Sequence[float], standard_errors: Sequence[float], towards: float | None = None
) -> tuple[float, ...]:
    """Pull effects of groups towards their common one, the more the less is known of each.

    The largest of many estimates is too large; a shrunken one is right on average.

    Args:
        effects: One a group. The metric's unit; (k,), k >= 1.
        standard_errors: Of each. The metric's unit, > 0; (k,).
        towards: The common effect; None takes the groups' mean, weighted by precision.

    Returns:
        One effect a group, between its own and the common one. The metric's unit; (k,).

    Raises:
        EstimationError: No group, lengths differ, or a standard error is not above 0.

    Assumes:
        The groups' true effects are draws from one normal distribution.

    Source:
        Efron and Morris (1975), Data analysis using Stein's estimator and its generalizations,
        JASA 70; the variance between groups by moments as in DerSimonian and Laird (1986),
        Meta-analysis in clinical trials, Controlled Clinical Trials 7, eq. 8.

    Examples:
        >>> [round(one, 2) for one in shrunken_effects([0.0, 1.0, 5.0], [1.0, 1.0, 1.0])]
        [0.29, 1.14, 4.57]
        >>> shrunken_effects([0.0, 1.0], [1.0, 1.0])
        (0.5, 0.5)
    """
    if not effects or len(effects) != len(standard_errors):
        raise EstimationError(
            f"{len(effects)} effects with {len(standard_errors)} standard errors",
            expected="as many of each, at least one",
        )
    for error in standard_errors:
        if not 0 < error < math.inf:
            raise EstimationError(f"a standard error is {error}", expected="a number above 0")
    # in units of the smallest error, so that no weight overflows
    smallest = min(standard_errors)
    weights = [(smallest / error) ** 2 for error in standard_errors]
    total = math.fsum(weights)
    mean = math.fsum(w * one for w, one in zip(weights, effects, strict=True)) / total
    deviance = math.fsum(
        w * ((one - mean) / smallest) ** 2 for w, one in zip(weights, effects, strict=True)
    )
    spare = total - math.fsum(w * w for w in weights) / total
    # eq. 8: what the groups scatter beyond their own errors
    between = max((deviance - (len(effects) - 1)) / spare, 0.0) if spare > 0 else 0.0
    centre = mean if towards is None else towards
    return tuple(
        centre + (one - centre) * between / (between + 1 / weight)
        for one, weight in zip(effects, weights, strict=True)
    )


def false_discovery_p_values(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values of one family, so that claiming those up to q makes a share of at most q wrong.

    Args:
        p_values: Of all tests of the family, none left out. 0 to 1; (m,).

    Returns:
        Adjusted p-values in the same order. 0 to 1; (m,).

    Raises:
        EstimationError: One is outside its range.

    Assumes:
        The tests are independent or positively dependent; they are done once, not at every look.

    Source:
        Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57, by scipy.

    Examples:
        >>> [round(one, 6) for one in false_discovery_p_values([0.01, 0.04, 0.03, 0.9])]
        [0.04, 0.053333, 0.053333, 0.9]
    """
    for one in p_values:
        if not 0 <= one <= 1:
            raise EstimationError(f"a p-value is {one}", expected="a probability")
    if not p_values:
        return ()
    from scipy.stats import false_discovery_control  # half a second to import, needed here only

    return tuple(float(one) for one in false_discovery_control(p_values, method="bh"))
