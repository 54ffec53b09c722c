"""A difference where whole clusters were assigned: teams, shops, regions."""

from __future__ import annotations

import math

from ..errors import EstimationError
from .distributions import check_confidence_level, t_difference
from .moments import Moments
from .ratios import linearised
from .results import Difference, NotEstimable

#: Clusters an arm, below which the variance between clusters is too uncertain.
LEAST_CLUSTERS = 20
#: Clusters of one size that an arm's are worth at least: 15, or this share of them where they are
#: few. Below it the largest decide the mean they are held against, so the variance looks smaller
#: than it is: with half of all units in one cluster of 50, +0 is above 0 in 20 % instead of 2.5 %.
LEAST_WORTH, LEAST_WORTH_SHARE = 15.0, 0.4


def difference_of_clusters(
    control: Moments,
    treatment: Moments,
    confidence_level: float = 0.95,
    *,
    centre: float = 0.0,
) -> Difference | NotEstimable:
    """Estimate a difference of means or ratios of units that were assigned by cluster.

    A cluster counts once, however many units it has: more units in the same clusters add little,
    so information is 1 / `standard_error`^2, never the units.

    Args:
        control: Moments of control over clusters: y the sum of a cluster's outcomes, d the count
            of its units (of a ratio metric, the sum of its denominators).
        treatment: The same of treatment.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).
        centre: What was taken off each unit's outcome before it was summed, to keep the digits of
            large values that differ by little. The metric's unit.

    Returns:
        Treatment minus control of the mean over units, in the metric's unit, n the clusters, with
        Student's t of all clusters less 2 degrees of freedom. NotEstimable where an arm has fewer
        than 20 clusters, where a few of them hold most of its units, where no unit is in them, or
        neither arm varies.

    Raises:
        EstimationError: The moments carry no counts, or the confidence level is outside its
            range.

    Assumes:
        Clusters were assigned at random and are independent.

    Source:
        Donner and Klar (2000), Design and Analysis of Cluster Randomization Trials, section 7.2:
        clusters less 2 degrees of freedom; the ratio of cluster sums as in Deng, Knoblich and Lu
        (2018), KDD '18, section 3.1. Carter, Schnepel and Steigerwald (2017), Review of Economics
        and Statistics 99(4): what clusters of unequal sizes are worth.

    Examples:
        >>> control = Moments.of([3.0, 5.0] * 10, [4.0, 6.0] * 10)
        >>> treatment = Moments.of([4.0, 5.0] * 10, [4.0, 6.0] * 10)
        >>> found = difference_of_clusters(control, treatment)
        >>> round(found.absolute_effect, 3), found.degrees_of_freedom
        (0.1, 38)
    """
    check_confidence_level(confidence_level)
    for name, arm in (("control", control), ("treatment", treatment)):
        if arm.n < LEAST_CLUSTERS:
            return NotEstimable(
                f"{name} has {arm.n} {'cluster' if arm.n == 1 else 'clusters'}, at least "
                f"{LEAST_CLUSTERS} are needed",
                True,
            )
    for name, arm in (("control", control), ("treatment", treatment)):
        refused = _too_unequal(name, arm)
        if refused is not None:
            return refused
    found = []
    for name, arm in (("control", control), ("treatment", treatment)):
        one = linearised(name, arm, confidence_level)
        if isinstance(one, NotEstimable):
            return one
        found.append(one)
    return t_difference(
        method="difference_of_clusters",
        n=(control.n, treatment.n),
        means=(found[0][0] + centre, found[1][0] + centre),
        variances_of_mean=(found[0][1], found[1][1]),
        confidence_level=confidence_level,
        degrees_of_freedom=control.n + treatment.n - 2,
    )


def design_effect(clustered: Difference, of_units: Difference) -> float:
    """How many times the variance is what it were, had each unit been assigned on its own.

    Args:
        clustered: The difference by `difference_of_clusters`.
        of_units: The same of the same units, taken as independent.

    Returns:
        The ratio of the two variances. 1 where units of a cluster are no more alike than others,
        below it where they are less.

    Raises:
        EstimationError: The difference of units has no variance.

    Assumes:
        Both are of the same outcomes of the same units.

    Source:
        Kish (1965), Survey Sampling, section 5.4; Donner and Klar (2000), section 1.2.

    Examples:
        >>> from landed.stats import welch
        >>> units = Moments.of([1.0] * 10 + [2.0] * 10 + [3.0] * 10 + [4.0] * 10)
        >>> clusters = Moments.of([2.0, 4.0, 6.0, 8.0] * 5, [2.0] * 20)
        >>> found = difference_of_clusters(clusters, clusters)
        >>> round(design_effect(found, welch(units, units)), 2)
        2.05
    """
    if not of_units.standard_error > 0:
        raise EstimationError(
            f"the standard error over units is {of_units.standard_error}", expected="above 0"
        )
    return (clustered.standard_error / of_units.standard_error) ** 2


def intracluster_correlation(effect: float, mean_size: float) -> float | None:
    """The correlation of two units of one cluster that a design effect stands for.

    Args:
        effect: As `design_effect` gives it. >= 0.
        mean_size: Units of a cluster, averaged over units: sum of squared sizes by sum of sizes.
            Count, >= 1.

    Returns:
        -1 to 1; None where clusters have one unit each, or hardly more.

    Assumes:
        The correlation is the same in all clusters.

    Source:
        Kish (1965), section 5.4: effect = 1 + (size - 1) correlation; Donner and Klar (2000),
        section 5.2, for sizes that differ.

    Examples:
        >>> intracluster_correlation(2.0, 11.0)
        0.1
    """
    if not mean_size > 1 + 1e-6 or not math.isfinite(effect):
        return None
    return min(max((effect - 1) / (mean_size - 1), -1.0), 1.0)


def _too_unequal(name: str, arm: Moments) -> NotEstimable | None:
    """Why clusters of which a few weigh nearly all cannot be compared."""
    if not arm.sum_d or not arm.sum_dd:
        return None  # without a denominator there is no mean: `linearised` says so
    worth = arm.sum_d * arm.sum_d / arm.sum_dd
    needed = min(LEAST_WORTH, LEAST_WORTH_SHARE * arm.n)
    if worth >= needed:
        return None
    return NotEstimable(
        f"a few clusters of {name} hold most of it: its {arm.n} are worth {worth:.1f} of one size,"
        f" at least {needed:.1f} are needed",
        True,
    )
