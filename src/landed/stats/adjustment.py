"""The difference of two means or ratios, adjusted by what was known of the units before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import EstimationError
from .distributions import check_confidence_level, t_difference
from .joint import JointSums
from .means import too_few_units
from .moments import LAST_DIGIT_SHARE, LOST_DIGITS_SHARE, Moments
from .ratios import linearised
from .results import Difference, NotEstimable

#: A covariate of which those before it leave a smaller share unexplained says nothing new: sums
#: of a million doubles are right to about 1e-12 of their size.
COLLINEAR_SHARE = 1e-9

_Weights = tuple[tuple[str, float], ...]
_Square = list[list[float]]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An adjusted difference, and what adjusting did.

    Args:
        difference: Treatment minus control. Its `mean_control` and `mean_treatment` are the raw
            ones; `adjusted_means` are those that the effect is the difference of.
        variance_reduction_share: 1 - variance of the adjusted effect / of the raw one. Share;
            0.0 where covariates do not help.
        coefficients: By covariate that was used, what a unit of it takes from the outcome.
    """

    difference: Difference
    variance_reduction_share: float
    coefficients: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Value:
    """A mean or ratio of one arm, as the linear function of letters that it is near its mean."""

    mean: float
    variance_of_mean: float
    weights: _Weights


def adjusted_difference(
    control: JointSums,
    treatment: JointSums,
    covariates: Sequence[str] = ("x",),
    confidence_level: float = 0.95,
    *,
    coefficients: Mapping[str, float] | None = None,
) -> Adjusted | NotEstimable:
    """Estimate a difference of means or ratios, less what covariates explain of it (CUPED).

    Each arm's mean is moved to where it would be with the covariates at their mean over both
    arms. The coefficients are the same in both: fitted to products about each arm's own means, so
    that the effect itself has no part in them. Without a covariate that varies the result is that
    of `welch` or `ratio_of_sums`, exactly.

    Args:
        control: Sums of control with products of two: letter y, with d where the outcome is the
            ratio of y to d, and the letters of the covariates. n >= 2 needed.
        treatment: The same of treatment.
        covariates: Each a letter, or two whose ratio of sums it is, as "xw". One that does not
            vary, whose denominators cannot be told from zero, or that others explain is left out.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).
        coefficients: By covariate, fixed before these units were seen; None fits them.

    Returns:
        The difference in the metric's unit, with the share of variance that is gone. The relative
        effect is Fieller's of the adjusted means. NotEstimable as `welch` and `ratio_of_sums`,
        and where the covariates leave nothing of the outcome.

    Raises:
        EstimationError: A letter is missing, or the confidence level is outside its range.

    Assumes:
        Covariates were known before exposure and fixed before the first look; units are
        independent; some ten units an arm for each covariate.

    Source:
        Deng, Xu, Kohavi and Walker (2013), Improving the Sensitivity of Online Controlled
        Experiments by Utilizing Pre-Experiment Data, WSDM '13, section 3.2; ratios in Deng et al.
        (2018), KDD '18, section 4. Variance by residuals of each arm as in Lin (2013), Annals of
        Applied Statistics 7, with the degrees of freedom that the coefficients cost.

    Examples:
        >>> before = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        >>> control = JointSums.of({"x": before, "y": [1.1, 2.0, 2.9, 4.2, 5.0, 6.1]})
        >>> treatment = JointSums.of({"x": before[::-1], "y": [6.8, 6.1, 5.0, 3.9, 3.0, 2.2]})
        >>> found = adjusted_difference(control, treatment)
        >>> round(found.difference.absolute_effect, 3), round(found.variance_reduction_share, 3)
        (0.95, 0.995)
    """
    check_confidence_level(confidence_level)
    few = too_few_units(control, treatment)
    if few is not None:
        return few
    arms = (control, treatment)
    letters = "yd" if "d" in control.shifts else "y"
    outcomes: list[_Value] = []
    for name, arm in zip(("control", "treatment"), arms, strict=True):
        outcome = _value(name, arm, letters, confidence_level)
        if isinstance(outcome, NotEstimable):
            return outcome
        outcomes.append(outcome)
    known = {
        one: values
        for one in (covariates if coefficients is None else coefficients)
        if (values := _covariate(arms, one, confidence_level)) is not None
    }
    squares, products = _products(arms, outcomes, list(known.values()))
    if coefficients is None:
        fitted = _fit(_plus(*squares), [a + b for a, b in zip(*products, strict=True)])
    else:
        fitted = [coefficients[one] for one in known]
    raw = (outcomes[0].variance_of_mean, outcomes[1].variance_of_mean)
    lost = sum(one != 0 for one in fitted) if coefficients is None else 0
    spare = control.n + treatment.n - 2
    if lost >= spare:
        return NotEstimable(f"{spare + 2} units are too few for {lost} covariates", True)
    adjusted = [
        _residual(arm, variance, products[at], squares[at], fitted) * spare / (spare - lost)
        for at, (arm, variance) in enumerate(zip(arms, raw, strict=True))
    ]
    if sum(raw) > 0 and sum(adjusted) == 0:
        return NotEstimable("the covariates explain all of the outcome, nothing is left to compare")
    means = [one.mean for one in outcomes]
    for one, share in zip(known, fitted, strict=True):
        centre = _centre(arms, one)
        for at in (0, 1):
            means[at] -= share * (known[one][at].mean - centre)
    found = t_difference(
        method="adjusted_difference" if known else ("ratio_of_sums" if "d" in letters else "welch"),
        n=(control.n, treatment.n),
        means=(means[0], means[1]),
        variances_of_mean=(adjusted[0], adjusted[1]),
        confidence_level=confidence_level,
        fitted=lost,
        raw_means=(outcomes[0].mean, outcomes[1].mean) if known else None,
    )
    if isinstance(found, NotEstimable):
        return found
    reduction = min(max(1 - sum(adjusted) / sum(raw), 0.0), 1.0)
    used = {one: share for one, share in zip(known, fitted, strict=True) if share != 0}
    return Adjusted(found, reduction, used)


def _value(
    name: str, arm: JointSums, letters: str, confidence_level: float
) -> _Value | NotEstimable:
    a, b = letters[0], letters[-1]
    for needed in (a, b, a + a, b + b, a + b if a <= b else b + a):
        if needed not in arm.sums:
            raise EstimationError(f"there is no sum of {needed}", expected=f"sums of {letters}")
    if a == b:
        variance = _spread(arm, a) / (arm.n - 1) / arm.n
        return _Value(arm.mean(a), variance, ((a, 1.0),))
    found = linearised(name, _moments(arm, a, b), confidence_level)
    if isinstance(found, NotEstimable):
        return found
    mean_d = arm.mean(b)
    return _Value(found[0], found[1], ((a, 1 / mean_d), (b, -found[0] / mean_d)))


def _spread(arm: JointSums, letter: str) -> float:
    """Sum of squares about the mean, by the rules of `Moments.spread`."""
    squares = arm.sums[letter + letter]
    found = arm.centred(letter + letter)
    if squares < 0 or found < -1e-9 * squares:
        raise EstimationError(
            f"the sums of {letter} are {arm.sums[letter]} and {squares} over {arm.n} units",
            expected="squares at least as large as their sums imply",
        )
    rounding = arm.n * (LAST_DIGIT_SHARE * arm.shifts[letter]) ** 2
    return found if found > max(LOST_DIGITS_SHARE * squares, rounding) else 0.0


def _moments(arm: JointSums, a: str, b: str) -> Moments:
    """The sums of a numerator and a denominator."""
    n, shifts, sums = arm.n, arm.shifts, arm.sums
    return Moments(
        n,
        sums[a] + n * shifts[a],
        sums[a + a],
        sums[b] + n * shifts[b],
        sums[b + b],
        sums[min(a, b) + max(a, b)],
        shifts[a],
        shifts[b],
    )


def _covariate(
    arms: tuple[JointSums, JointSums], letters: str, confidence_level: float
) -> tuple[_Value, _Value] | None:
    """The covariate of both arms; None where it cannot say anything."""
    found = [_value("covariate", arm, letters, confidence_level) for arm in arms]
    control, treatment = found
    if isinstance(control, NotEstimable) or isinstance(treatment, NotEstimable):
        return None
    varies = control.variance_of_mean + treatment.variance_of_mean > 0
    return (control, treatment) if varies else None


def _centre(arms: tuple[JointSums, JointSums], letters: str) -> float:
    """Mean or ratio of a covariate over both arms."""
    control, treatment = arms
    first = letters[0]
    total = control.mean(first) * control.n + treatment.mean(first) * treatment.n
    if len(letters) == 1:
        return total / (control.n + treatment.n)
    second = letters[1]
    return total / (control.mean(second) * control.n + treatment.mean(second) * treatment.n)


def _products(
    arms: tuple[JointSums, JointSums],
    outcomes: Sequence[_Value],
    covariates: Sequence[tuple[_Value, _Value]],
) -> tuple[tuple[_Square, _Square], tuple[list[float], list[float]]]:
    """By arm: centred products of the covariates, and of each with the outcome."""
    squares: list[_Square] = []
    products: list[list[float]] = []
    for at, arm in enumerate(arms):
        values = [one[at] for one in covariates]
        square = [[0.0] * len(values) for _ in values]
        for row, one in enumerate(values):
            square[row][row] = one.variance_of_mean * arm.n * (arm.n - 1)
            for column in range(row):
                found = _product(arm, one.weights, values[column].weights)
                square[row][column] = square[column][row] = found
        squares.append(square)
        products.append([_product(arm, one.weights, outcomes[at].weights) for one in values])
    return (squares[0], squares[1]), (products[0], products[1])


def _product(arm: JointSums, left: _Weights, right: _Weights) -> float:
    """Centred sum of products of two linear functions of letters."""
    total, sums, n = 0.0, arm.sums, arm.n
    for a, weight in left:
        for b, other in right:
            together = sums[a + b if a <= b else b + a] - sums[a] / n * sums[b]
            total += weight * other * together
    return total


def _plus(left: _Square, right: _Square) -> _Square:
    return [
        [a + b for a, b in zip(row, other, strict=True)]
        for row, other in zip(left, right, strict=True)
    ]


def _fit(squares: _Square, products: Sequence[float]) -> list[float]:
    """Least squares by Cholesky's method; 0.0 for a covariate that those before it explain."""
    count = len(products)
    if count == 1:
        return [products[0] / squares[0][0]]
    root = [[0.0] * count for _ in range(count)]
    forward = [0.0] * count
    for at in range(count):
        left, explained = root[at], 0.0
        for before in range(at):
            if root[before][before]:
                taken = squares[at][before]
                for k in range(before):
                    taken -= left[k] * root[before][k]
                left[before] = taken / root[before][before]
                explained += left[before] * left[before]
        unexplained = squares[at][at] - explained
        if unexplained > COLLINEAR_SHARE * squares[at][at]:
            left[at] = math.sqrt(unexplained)
            taken = products[at]
            for k in range(at):
                taken -= left[k] * forward[k]
            forward[at] = taken / left[at]
    found = [0.0] * count
    for at in reversed(range(count)):
        if root[at][at]:
            taken = forward[at]
            for k in range(at + 1, count):
                taken -= root[k][at] * found[k]
            found[at] = taken / root[at][at]
    return found


def _residual(
    arm: JointSums,
    variance_of_mean: float,
    products: Sequence[float],
    squares: _Square,
    coefficients: Sequence[float],
) -> float:
    """Variance of an arm's adjusted mean, before the coefficients' degrees of freedom."""
    explained = 0.0
    for at, share in enumerate(coefficients):
        both = 0.0
        for square, other in zip(squares[at], coefficients, strict=True):
            both += square * other
        explained += share * (2 * products[at] - both)
    left = variance_of_mean - explained / (arm.n - 1) / arm.n
    return left if left > LOST_DIGITS_SHARE * variance_of_mean else 0.0
