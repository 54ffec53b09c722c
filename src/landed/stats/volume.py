"""Whether a count is lower, or higher, than its own history explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CellMoments:
    """What cells of repeated counts say of their overdispersion; sums over cells pool it.

    Args:
        excess: Variance beyond a Poisson count's, times degrees; (...).
        scale: Squared expectation, times degrees; (...).
        degrees: Of freedom: repeats - 1, 0 where there are fewer than two; (...).
    """

    excess: Array
    scale: Array
    degrees: Array


def cell_moments(cells: Array) -> CellMoments:
    """Moments of cells of counts that have one expectation each.

    The overdispersion of several cells is the sum of `excess` over the sum of `scale`.

    Args:
        cells: Counts; (..., n_repeats). NaN where a count is not known.

    Assumes:
        Variance = mean + phi * mean^2, with one phi for the cells that are pooled.

    Source:
        Breslow (1984), Extra-Poisson variation in log-linear models, Applied Statistics 33:38-44:
        phi by the method of moments.

    Examples:
        >>> found = cell_moments(np.array([100.0, 140.0, 60.0]))
        >>> round(float(found.excess / found.scale), 3)
        0.158
    """
    known = np.isfinite(cells)
    repeats = known.sum(axis=-1)
    degrees = np.maximum(repeats - 1, 0).astype(np.float64)
    filled = np.where(known, cells, 0.0)
    means = filled.sum(axis=-1) / np.maximum(repeats, 1)
    squares = (np.where(known, cells - means[..., None], 0.0) ** 2).sum(axis=-1)
    variances = squares / np.maximum(degrees, 1)
    # E[mean^2] is mu^2 + variance / n: without the second term few repeats understate phi
    scale = np.maximum(means**2 - variances / np.maximum(repeats, 1), 0.0)
    return CellMoments(degrees * (variances - means), degrees * scale, degrees)


def count_p_values(
    observed: Array, expected: Array, repeats: Array, phi: Array, degrees: Array
) -> tuple[Array, Array]:
    """Probabilities of a count as low, and as high, given the median of its history.

    Each is the larger of two answers: of a negative binomial count, which is right for small
    counts, and of Student's t on the logarithm, which knows that phi is itself an estimate.

    Args:
        observed: Counts; (n,).
        expected: Medians of the counts before; (n,), > 0.
        repeats: Counts behind each median; (n,), >= 1.
        phi: Overdispersion, >= 0; (n,).
        degrees: Of freedom behind phi; (n,), >= 1.

    Returns:
        One-sided p-values of a low and of a high count, 0 to 1; (n,) each.

    Assumes:
        Counts before and now have one expectation.

    Source:
        Variance of a median, pi/2 of the mean's: Kendall & Stuart, The Advanced Theory of
        Statistics, vol. 1, 10.10. Predictive t: Geisser (1993), Predictive Inference, ch. 2.

    Examples:
        >>> a = [np.array([value]) for value in (20.0, 100.0, 4.0, 0.01, 100.0)]
        >>> low, high = count_p_values(*a)
        >>> bool(low[0] < 1e-7), bool(high[0] > 0.99)
        (True, True)
    """
    from scipy import stats

    variance = (expected + phi * expected**2) * (1 + np.pi / 2 / repeats)
    size = expected**2 / np.maximum(variance - expected, 1e-9)
    success = size / (size + expected)
    deviation = np.log((observed + 0.5) / expected) * expected / np.sqrt(variance)
    low = np.maximum(stats.nbinom.cdf(observed, size, success), stats.t.cdf(deviation, degrees))
    high = np.maximum(stats.nbinom.sf(observed - 1, size, success), stats.t.sf(deviation, degrees))
    return low, high
