"""A/A tests on history: random splits of the same units, compared as a release would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ..errors import EstimationError


@dataclass(frozen=True, slots=True)
class Replay:
    """Splits that were compared, and those of them that differed. Counts."""

    differing: int
    compared: int


def replayed_splits(
    values: Sequence[float],
    units: Sequence[int],
    *,
    treated_share: float,
    splits: int,
    level: float,
    rng: np.random.Generator,
) -> Replay:
    """Split units at random many times, and count the splits that Welch's test calls different.

    A unit is of the treatment with the planned share, by itself; how many of those that share a
    value are is therefore binomial, and no unit has to be looked at.

    Args:
        values: Values that units have. The metric's unit; (k,), each once.
        units: Units that have each. Count; (k,).
        treated_share: Planned share of the treatment. 0 to 1, exclusive.
        splits: To be drawn. Count, >= 1.
        level: A split differs where its two-sided p-value is below. 0 to 1.
        rng: Of the splits.

    Returns:
        How many differed of those compared; a split that leaves an arm with less than two units,
        or in which nothing varies, is not compared.

    Raises:
        EstimationError: Values and units are not as many, or the share leaves an arm empty.

    Assumes:
        Units were assigned independently of each other.

    Source:
        Kohavi, Tang and Xu (2020), Trustworthy Online Controlled Experiments, ch. 19 (the A/A
        test), replayed over stored outcomes; Welch (1947), Biometrika 34.

    Examples:
        >>> rng = np.random.default_rng(7)
        >>> found = replayed_splits(
        ...     [0, 1, 2], [500, 300, 200], treated_share=0.5, splits=400, level=0.05, rng=rng
        ... )
        >>> found.compared, found.differing < 35
        (400, True)
    """
    y, n_y = np.asarray(values, dtype=float), np.asarray(units, dtype=np.int64)
    if y.shape != n_y.shape or y.ndim != 1:
        raise EstimationError(f"{y.size} values of {n_y.size} counts", expected="as many")
    if not 0 < treated_share < 1:
        raise EstimationError(f"a treated share of {treated_share:g}", expected="above 0, below 1")
    y = y - (y @ n_y) / max(n_y.sum(), 1)  # squares keep their digits
    treated = rng.binomial(n_y, treated_share, (splits, y.size))
    both = np.stack([n_y - treated, treated])
    n = both.sum(axis=-1).astype(float)
    has_two = (n >= 2).all(axis=0)
    n, both = n[:, has_two], both[:, has_two]
    mean = (both @ y) / n
    of_mean = ((both @ y**2) - n * mean**2) / (n - 1) / n
    variance = of_mean.sum(axis=0)
    varies = variance > 0
    n, mean, of_mean, variance = n[:, varies], mean[:, varies], of_mean[:, varies], variance[varies]
    freedom = variance**2 / (of_mean**2 / (n - 1)).sum(axis=0)
    p_values = 2 * special.stdtr(freedom, -np.abs(mean[1] - mean[0]) / np.sqrt(variance))
    return Replay(int((p_values < level).sum()), int(p_values.size))
