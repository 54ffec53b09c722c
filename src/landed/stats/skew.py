"""Whether a difference of skewed values is near enough to normal: told from history alone."""

from __future__ import annotations

import math

from ..errors import EstimationError
from .joint import JointSums
from .results import NotEstimable

#: Largest skewness of the difference; beyond it one side of a 95 % interval misses 3 % and more.
LARGEST_SKEW = 0.06
#: Units other than zero that each arm is expected to have; with fewer, coverage drifts.
LEAST_NONZERO = 200


def skewness(history: JointSums, numerator: str = "x", denominator: str | None = None) -> float:
    """Skewness of one value of the units, or of a ratio's linear part.

    Args:
        history: Sums with third powers of the letters, e.g. `xxx`. n >= 3 is the caller's to
            ensure.
        numerator: Letter of the value.
        denominator: Letter of the denominators; None where the value is no ratio.

    Returns:
        Third central moment by the 1.5th power of the second. No unit; 0.0 without variation.

    Raises:
        EstimationError: The sums have no third powers of the letters.

    Assumes:
        Units are independent.

    Source:
        Cramer (1946), Mathematical Methods of Statistics, section 15.8; of a ratio, that of
        numerator - ratio x denominator.

    Examples:
        >>> sums = {"x": 4.0, "xx": 4.0, "xxx": 4.0}  # 4 of 20 units have 1, the others 0
        >>> round(skewness(JointSums(20, {"x": 0.0}, sums)), 6)
        1.5
    """
    weights = {numerator: 1.0}
    if denominator is not None:
        mean_d = history.mean(denominator)
        if mean_d == 0:
            return 0.0
        weights[denominator] = -history.mean(numerator) / mean_d
    if numerator * 3 not in history.sums:
        raise EstimationError(f"there is no sum of {numerator * 3}", expected="third powers")
    second = _power(history, weights, 2) / history.n
    third = _power(history, weights, 3) / history.n
    return third / (second * math.sqrt(second)) if second > 0 else 0.0


def skew_of_difference(skewness_of_units: float, n_control: int, n_treatment: int) -> float:
    """Skewness of the difference of two means, of units with one skewness in both arms.

    With as many units in each arm it is 0: the two tails cancel.

    Args:
        skewness_of_units: Of one unit's value. No unit.
        n_control: Units of control. Count, >= 1.
        n_treatment: Units of treatment. Count, >= 1.

    Returns:
        Its absolute value. No unit; the error of a one-sided tail probability at 1.96 is about
        a seventh of it, beside its size of 0.025.

    Raises:
        EstimationError: An arm has no unit.

    Assumes:
        Both arms have the same skewness and variance.

    Source:
        Hall (1992), The Bootstrap and Edgeworth Expansion, section 2.3: cumulants of a sum add
        up, and the first error of the normal is the third one's.

    Examples:
        >>> skew_of_difference(8.2, 5000, 5000)
        0.0
        >>> round(skew_of_difference(8.2, 9000, 1000), 2)
        0.22
    """
    if n_control < 1 or n_treatment < 1:
        raise EstimationError(f"the arms have {n_control} and {n_treatment} units", expected=">= 1")
    third = abs(1 / n_treatment**2 - 1 / n_control**2)
    second = 1 / n_treatment + 1 / n_control
    return abs(skewness_of_units) * third / (second * math.sqrt(second))


def refuse_skew(
    skewness_of_units: float, nonzero_share: float, n_control: int, n_treatment: int
) -> NotEstimable | None:
    """Refuse a difference whose interval would not keep its promise, by a rule fixed beforehand.

    Args:
        skewness_of_units: From history. No unit.
        nonzero_share: Share of units with a value other than zero, from history. 0 to 1.
        n_control: Units of control at this look. Count.
        n_treatment: Units of treatment. Count.

    Returns:
        None where 95 % intervals cover 94 to 96.5 %, else the reason with its numbers.

    Raises:
        EstimationError: An arm has no unit.

    Assumes:
        Values after exposure are about as skewed, and as often zero, as those before. Rules that
        look at the outcomes themselves were seen to make the coverage of what passes worse.

    Source:
        As `skew_of_difference`; the limits were set by simulation of skewed revenue, see
        docs/calibration.md.

    Examples:
        >>> refuse_skew(8.2, 0.1, 5000, 5000) is None
        True
        >>> refuse_skew(8.2, 0.1, 1000, 1000).reason
        'about 100 units of control are expected to be other than 0 (10 % of 1000), at least 200 \
are needed'
    """
    for name, n in (("control", n_control), ("treatment", n_treatment)):
        expected = nonzero_share * n
        if expected < LEAST_NONZERO:
            return NotEstimable(
                f"about {math.floor(expected)} units of {name} are expected to be other than 0 "
                f"({100 * nonzero_share:.3g} % of {n}), at least {LEAST_NONZERO} are needed",
                True,
            )
    skew = skew_of_difference(skewness_of_units, n_control, n_treatment)
    if skew > LARGEST_SKEW:
        return NotEstimable(
            f"the values are too skewed for {n_control} and {n_treatment} units: skewness "
            f"{skewness_of_units:.3g} of units leaves {skew:.2g} of the difference, "
            f"{LARGEST_SKEW} is the most",
            True,
        )
    return None


def _power(history: JointSums, weights: dict[str, float], power: int) -> float:
    """Central sum of (weighted letters) to the power of 2 or 3."""
    letters = list(weights)
    if len(letters) == 1:
        return history.centred(letters[0] * power)
    a, b = letters
    u, v = weights[a], weights[b]
    if power == 2:
        squares = (history.centred(a + a), history.centred(a + b), history.centred(b + b))
        return u * u * squares[0] + 2 * u * v * squares[1] + v * v * squares[2]
    cubes = [history.centred(a * (3 - k) + b * k) for k in range(4)]
    binomial = (1, 3, 3, 1)
    return sum(c * u ** (3 - k) * v**k * binomial[k] for k, c in enumerate(cubes))
