"""Whether a share differs between two arms, looked at every day: for checks of measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError
from .sample_ratio_looks import ratio_bounds

#: What a row of sums holds, in this order: units, parts, wholes, parts², wholes², parts × wholes.
SUMS = ("units", "part", "whole", "part_part", "whole_whole", "part_whole")

_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class DifferenceLook:
    """Two arms' shares at one look.

    Args:
        control: Share in control. 0 where nothing was counted.
        treatment: Share in the treatment.
        z: Of their difference, treatment minus control, if there were none.
        bound: What |z| had to stay below; None at a look that spends nothing.
        units: Units of the smaller arm. Count.
    """

    control: float
    treatment: float
    z: float
    bound: float | None
    units: int

    @property
    def difference(self) -> float:
        """Treatment minus control."""
        return self.treatment - self.control

    @property
    def is_crossed(self) -> bool:
        """Whether the look crossed its bound."""
        return self.bound is not None and abs(self.z) >= self.bound


def difference_path(
    control: Sequence[Sequence[float]],
    treatment: Sequence[Sequence[float]],
    fractions: Sequence[float],
    *,
    alpha: float,
    least_units: float,
) -> tuple[DifferenceLook, ...]:
    """Hold two arms' ratios of sums against each other at every look, alpha spent over them.

    Args:
        control: Sums over the units that are new at each look, as `SUMS`; (looks, 6). A unit
            enters once, with its parts (lost, exposed) and wholes (expected, assigned).
        treatment: Likewise.
        fractions: Share of the planned time at each look, as in `sample_ratio_path`.
        alpha: Of all looks, two-sided. Probability.
        least_units: An arm with fewer units is not looked at. Count.

    Returns:
        One look a row.

    Raises:
        EstimationError: The rows are not one a look of both arms.

    Assumes:
        Units are independent of each other, so that a unit with many wholes counts as one cluster;
        where there is no difference, units of both arms vary alike.

    Source:
        Deng, Knoblich and Lu (2018), Applying the delta method in metric analytics, KDD '18,
        eq. 3; spending as Lan and DeMets (1983), Biometrika 70.

    Examples:
        >>> arm = lambda lost: [[1_000, lost, 1_000, lost, 1_000, lost]]
        >>> look = difference_path(arm(20), arm(60), [1.0], alpha=0.001, least_units=100)[0]
        >>> round(look.difference, 3), round(look.z, 2), look.is_crossed
        (0.04, 4.56, True)
    """
    both = np.array([control, treatment], dtype=float).cumsum(axis=1)
    if both.ndim != 3 or both.shape[1:] != (len(fractions), len(SUMS)):
        raise EstimationError(
            f"sums of shape {both.shape[1:]}", expected=f"({len(fractions)}, {len(SUMS)})"
        )
    shares, z = pooled_scores(both[0], both[1])
    units = both[:, :, 0]
    smaller = units.min(axis=0)
    total = units.sum(axis=0)
    known = np.where(
        smaller >= max(least_units, 1), units[0] * units[1] / np.maximum(total, 1.0), 0.0
    )
    bounds = ratio_bounds(known, fractions, alpha) if known.any() else np.full(len(known), np.inf)
    return tuple(
        DifferenceLook(
            control=float(shares[0, at]),
            treatment=float(shares[1, at]),
            z=float(z[at]),
            bound=float(bounds[at]) if np.isfinite(bounds[at]) else None,
            units=int(smaller[at]),
        )
        for at in range(len(known))
    )


def pooled_scores(control: _Array, treatment: _Array) -> tuple[_Array, _Array]:
    """Shares of both arms, and z of their difference if both had the pooled share.

    Args:
        control: Sums so far, as `SUMS`; (…, 6).
        treatment: Likewise.

    Returns:
        Shares, (2, …), and z, (…); 0 where an arm has nothing or nothing varies.
    """
    both = np.stack([control, treatment])
    part, whole = both[..., 1], both[..., 2]
    shares = np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
    pooled = np.divide(
        part.sum(axis=0), whole.sum(axis=0), out=np.zeros(part.shape[1:]), where=whole.sum(0) > 0
    )
    # the greater of two variances: by that of both arms' units a small arm that lost nothing is not
    # certain of it, and by each arm's own a small one that lost much by accident is not either
    everybody = both[..., 0].sum(axis=0)
    of_a_unit = _squares(both, pooled).sum(axis=0) / np.maximum(everybody, 1.0)
    over = np.divide(1.0, whole**2, out=np.zeros(part.shape), where=whole > 0)
    variance = np.maximum(
        of_a_unit * (both[..., 0] * over).sum(axis=0), (_squares(both, shares) * over).sum(axis=0)
    )
    has_both = (whole > 0).all(axis=0) & (variance > 0)
    z = np.divide(
        shares[1] - shares[0], np.sqrt(variance), out=np.zeros(variance.shape), where=has_both
    )
    return shares, z


def _squares(sums: _Array, share: _Array) -> _Array:
    """Sum over units of (part - share x whole) squared."""
    found: _Array = sums[..., 3] - 2 * share * sums[..., 5] + share**2 * sums[..., 4]
    return np.maximum(found, 0.0)
