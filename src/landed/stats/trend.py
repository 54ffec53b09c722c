"""Whether an effect changes over a release: from its looks, whose additions are independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .distributions import normal_p_value
from .results import NotEstimable

#: Fewer additions show a line through anything.
LEAST_ADDITIONS = 4


@dataclass(frozen=True, slots=True)
class EffectTrend:
    """How the effect on units that entered later differs from that on earlier ones.

    Args:
        slope: Change of the effect from the start to the end of the planned time. The metric's
            unit.
        standard_error: Of the slope.
        p_value: Two-sided, against no change. 0 to 1.
        n_additions: Looks that brought units. Count.
    """

    slope: float
    standard_error: float
    p_value: float
    n_additions: int


def effect_trend(looks: Sequence[tuple[float, float, float]]) -> EffectTrend | NotEstimable:
    """Fit a line through what each look added to the one before it.

    Args:
        looks: Fraction of the planned time, effect and standard error of each look, in order.

    Returns:
        The slope by weighted least squares; NotEstimable with fewer than LEAST_ADDITIONS looks
        that added information.

    Assumes:
        A unit enters once, with its final value, so that additions are independent; variances
        stay about the same. A slope is novelty or learning of later units, or another season.

    Source:
        Independent increments of estimates by information: Jennison and Turnbull (2000), Group
        Sequential Methods, section 3.5; weighted least squares with known variances.

    Examples:
        >>> looks = [(0.25, 4.0, 1.0), (0.5, 3.5, 0.7071), (0.75, 3.0, 0.5774), (1.0, 2.5, 0.5)]
        >>> found = effect_trend(looks)
        >>> round(found.slope, 2), found.n_additions
        (-4.0, 4)
    """
    known = summed = before = 0.0
    points: list[tuple[float, float, float]] = []
    for fraction, effect, error in looks:
        information = 1 / (error * error)
        added = information - known
        if added > 1e-9 * information:
            value = (information * effect - summed) / added
            points.append(((before + fraction) / 2, value, added))
            known, summed, before = information, information * effect, fraction
    if len(points) < LEAST_ADDITIONS:
        return NotEstimable(
            f"{len(points)} looks added units, a trend needs {LEAST_ADDITIONS}", True
        )
    total = sum(weight for _, _, weight in points)
    centre = sum(weight * at for at, _, weight in points) / total
    spread = sum(weight * (at - centre) ** 2 for at, _, weight in points)
    slope = sum(weight * (at - centre) * value for at, value, weight in points) / spread
    error = 1 / math.sqrt(spread)
    return EffectTrend(slope, error, normal_p_value(slope / error), len(points))
