"""The difference of two means with unequal variances."""

from __future__ import annotations

from .distributions import check_confidence_level, t_difference
from .joint import JointSums
from .moments import Moments
from .results import Difference, NotEstimable


def welch(
    control: Moments, treatment: Moments, confidence_level: float = 0.95
) -> Difference | NotEstimable:
    """Estimate the difference of two means with Welch's t interval and test.

    Args:
        control: Moments of control. The metric's unit; n >= 2 needed.
        treatment: Moments of treatment. The metric's unit; n >= 2 needed.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        Treatment minus control in the metric's unit; NotEstimable where an arm has fewer than
        two units or neither arm varies.

    Raises:
        EstimationError: The confidence level is outside its range.

    Assumes:
        Units are independent, and each arm has enough of them for its mean to be near normal.

    Source:
        Welch (1947), The generalization of "Student's" problem when several different population
        variances are involved, Biometrika 34. doi:10.2307/2332510. Degrees of freedom by
        Satterthwaite (1946), Biometrics Bulletin 2, eq. 17.

    Examples:
        >>> found = welch(Moments.of([1, 2, 3, 4]), Moments.of([3, 4, 5, 6]))
        >>> found.absolute_effect, round(found.p_value, 4)
        (2.0, 0.071)
    """
    check_confidence_level(confidence_level)
    few = too_few_units(control, treatment)
    if few is not None:
        return few
    return t_difference(
        method="welch",
        n=(control.n, treatment.n),
        means=(control.mean(), treatment.mean()),
        variances_of_mean=(control.variance() / control.n, treatment.variance() / treatment.n),
        confidence_level=confidence_level,
    )


def too_few_units(
    control: Moments | JointSums, treatment: Moments | JointSums
) -> NotEstimable | None:
    """Refuse arms with fewer than two units; a variance needs two."""
    for name, arm in (("control", control), ("treatment", treatment)):
        if arm.n < 2:
            units = "unit" if arm.n == 1 else "units"
            return NotEstimable(f"{name} has {arm.n} {units}, at least 2 are needed", True)
    return None
