"""A difference where whole clusters were assigned: teams, shops, regions."""

from __future__ import annotations

from .distributions import check_confidence_level, t_difference
from .moments import Moments
from .ratios import linearised
from .results import Difference, NotEstimable

#: Clusters an arm, below which the variance between clusters is too uncertain.
LEAST_CLUSTERS = 20


def difference_of_clusters(
    control: Moments, treatment: Moments, confidence_level: float = 0.95
) -> Difference | NotEstimable:
    """Estimate a difference of means or ratios of units that were assigned by cluster.

    A cluster counts once, however many units it has: more units in the same clusters add little,
    so information is 1 / `standard_error`^2, never the units.

    Args:
        control: Moments of control over clusters: y the sum of a cluster's outcomes, d the count
            of its units (of a ratio metric, the sum of its denominators).
        treatment: The same of treatment.
        confidence_level: Of the two-sided interval. Share, 0.5 to 1 (exclusive).

    Returns:
        Treatment minus control of the mean over units, in the metric's unit, n the clusters, with
        Student's t of all clusters less 2 degrees of freedom. NotEstimable where an arm has fewer
        than 20 clusters, where no unit is in them, or neither arm varies.

    Raises:
        EstimationError: The moments carry no counts, or the confidence level is outside its
            range.

    Assumes:
        Clusters were assigned at random and are independent; none is a large share of all units.

    Source:
        Donner and Klar (2000), Design and Analysis of Cluster Randomization Trials, section 7.2:
        clusters less 2 degrees of freedom; the ratio of cluster sums as in Deng, Knoblich and Lu
        (2018), KDD '18, section 3.1.

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
    found = []
    for name, arm in (("control", control), ("treatment", treatment)):
        one = linearised(name, arm, confidence_level)
        if isinstance(one, NotEstimable):
            return one
        found.append(one)
    return t_difference(
        method="difference_of_clusters",
        n=(control.n, treatment.n),
        means=(found[0][0], found[1][0]),
        variances_of_mean=(found[0][1], found[1][1]),
        confidence_level=confidence_level,
        degrees_of_freedom=control.n + treatment.n - 2,
    )
