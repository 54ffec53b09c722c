"""What a plan of looks can show: effects it would find, and paths of several correlated metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize

from ..errors import EstimationError
from .joint import JointSums
from .power import DEFAULT_POWER
from .sequential import LARGEST_BOUND, Look, crossing_probabilities

_Array = npt.NDArray[np.float64]


def detectable_drift(looks: Sequence[Look], power: float = DEFAULT_POWER) -> float:
    """Say how many standard errors an effect must be, so that these looks find it.

    Args:
        looks: Bounds and information, rising. The plan up to some day, at least one look.
        power: Chance that one of these looks crosses its bound. Share, 0 to 1 (exclusive).

    Returns:
        The effect divided by the standard error at the last of these looks. > 0.

    Raises:
        EstimationError: There is no look, or the power is outside its range.

    Assumes:
        As `next_bound`; the effect is the same at every look.

    Source:
        Jennison and Turnbull (2000), Group Sequential Methods, section 2.3: the drift of a design
        as its crossing probabilities give it, here solved for.

    Examples:
        >>> from landed.stats import planned_looks
        >>> plan = planned_looks("obrien_fleming", 0.025, [1, 2, 3, 4, 5])
        >>> round(detectable_drift(plan, 0.9), 3), round(detectable_drift(plan[:2], 0.9), 3)
        (3.279, 4.639)
    """
    if not looks:
        raise EstimationError("there is no look", expected="at least one look")
    if not 0 < power < 1:
        raise EstimationError(f"power is {power}", expected="a share between 0 and 1")
    highest = max(2 * LARGEST_BOUND, max(look.bound for look in looks) + LARGEST_BOUND)
    return float(
        optimize.brentq(
            lambda drift: sum(crossing_probabilities(looks, drift)) - power,
            0.0,
            highest,
            xtol=1e-4,
        )
    )


def correlated_paths(
    rng: np.random.Generator,
    fractions: Sequence[float],
    metrics: int,
    correlation: float,
    draws: int,
) -> _Array:
    """Draw z of several metrics of the same units as those enter, without any effect.

    Args:
        rng: Source of randomness.
        fractions: Share of all units that entered by each look. Rising, above 0; (k,).
        metrics: Count, >= 1.
        correlation: Of the values of any two metrics of one unit. 0 to 1 (exclusive).
        draws: Count, >= 1.

    Returns:
        z of each draw, metric and look; (draws, metrics, k). With an effect of `drift` standard
        errors at fraction 1, add `drift * sqrt(fraction)`.

    Raises:
        EstimationError: An argument is outside its range.

    Assumes:
        The score has independent normal increments; all pairs of metrics correlate alike.

    Source:
        Jennison and Turnbull (2000), Group Sequential Methods, section 3.1: the canonical joint
        distribution, here with a common factor for the metrics.

    Examples:
        >>> paths = correlated_paths(np.random.default_rng(1), [0.25, 1.0], 2, 0.3, 20_000)
        >>> bool(abs(np.corrcoef(paths[:, 0, 1], paths[:, 1, 1])[0, 1] - 0.3) < 0.03)
        True
        >>> bool(abs(np.corrcoef(paths[:, 0, 0], paths[:, 0, 1])[0, 1] - 0.5) < 0.03)
        True
    """
    shares = np.asarray(fractions, dtype=np.float64)
    steps = np.diff(shares, prepend=0.0)
    if shares.size == 0 or not (steps > 0).all() or not np.isfinite(shares).all():
        raise EstimationError(f"fractions are {list(fractions)}", expected="rising, above 0")
    if not 0 <= correlation < 1:
        raise EstimationError(f"correlation is {correlation}", expected="0 to below 1")
    if metrics < 1 or draws < 1:
        raise EstimationError(f"{metrics} metrics, {draws} draws", expected="at least one of each")
    common = rng.standard_normal((draws, 1, shares.size))
    own = rng.standard_normal((draws, metrics, shares.size))
    increments = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
    paths: _Array = np.cumsum(increments * np.sqrt(steps), axis=2) / np.sqrt(shares)
    return paths


def explained_share(with_x: JointSums, outcomes: JointSums) -> float:
    """Say which share of an outcome's variance its own past explains: what adjustment would spare.

    Args:
        with_x: Sums over units with a value x in the pre-period: x, y and xy (of a ratio also the
            denominators w and d).
        outcomes: Sums over all units: y (and d).

    Returns:
        Share, 0 to 1: the squared correlation where every unit has an x; units without one add
        variance and nothing to explain it. 0 where x or y does not vary.

    Raises:
        EstimationError: A product that is needed is missing.

    Assumes:
        Units differ from each other tomorrow as they did; effects do not change the slope.

    Source:
        Deng, Xu, Kohavi and Walker (2013), Improving the sensitivity of online controlled
        experiments by utilizing pre-experiment data, WSDM '13, section 3.1: the variance falls by
        the squared correlation. Ratios by their linear form, section 3.4 and appendix B.

    Examples:
        >>> sums = {"x": 0.0, "y": 0.0, "xx": 4.0, "yy": 9.0, "xy": 3.0}
        >>> both = JointSums(3, {"x": 1.0, "y": 2.0}, sums)
        >>> round(explained_share(both, JointSums(3, {"y": 2.0}, {"y": 0.0, "yy": 9.0})), 4)
        0.25
    """
    if with_x.n < 3 or outcomes.n < 3:
        return 0.0
    if "d" in outcomes.shifts:
        if outcomes.mean("d") == 0 or "w" not in with_x.shifts or with_x.mean("w") == 0:
            return 0.0
        now, before = outcomes.mean("y") / outcomes.mean("d"), with_x.mean("x") / with_x.mean("w")
        whole = _squares(outcomes, "y", "d", now)
        past = _squares(with_x, "x", "w", before)
        both = (
            with_x.centred("xy")
            - now * with_x.centred("dx")
            - before * with_x.centred("wy")
            + now * before * with_x.centred("dw")
        )
    else:
        whole, past = outcomes.centred("yy"), with_x.centred("xx")
        both = with_x.centred("xy")
    if not (whole > 0 and past > 0):
        return 0.0
    return min(max(both / past * (both / whole), 0.0), 1.0)


def _squares(sums: JointSums, top: str, bottom: str, ratio: float) -> float:
    """Sum of squares of `top - ratio * bottom` about its mean."""
    return (
        sums.centred(top * 2)
        - 2 * ratio * sums.centred(top + bottom)
        + ratio**2 * sums.centred(bottom * 2)
    )
