"""Whether the shares of variants changed on the way, though all together they fit the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import EstimationError

_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class AllocationChange:
    """The change of a variant's share that stands out most.

    Args:
        day: Place of the first day after the change.
        look: Place of the look at which it stood out most.
        before: Share above the planned one before it. -1 to 1.
        after: Likewise after it, up to the look.
        z: Of the difference, in standard errors.
        bound: What |z| has to stay below.
    """

    day: int
    look: int
    before: float
    after: float
    z: float
    bound: float

    @property
    def difference(self) -> float:
        """After minus before, by as much as the plan does not explain."""
        return self.after - self.before


def change_in_allocation(
    variant_units: Sequence[float],
    expected_units: Sequence[float],
    variances: Sequence[float],
    units: Sequence[float],
    *,
    alpha: float,
    planned_looks: int,
    least_units: float,
    least_difference: float,
) -> AllocationChange | None:
    """Hold the days before and after every possible change against each other, at every look.

    Args:
        variant_units: Units of the variant first exposed on each day. Count; (days,).
        expected_units: What the plan gives it of that day's units. Count; (days,).
        variances: Of that number by the plan: units × share × (1 - share). (days,).
        units: All units of the day. Count; (days,).
        alpha: Of all changes and looks, two-sided. Probability.
        planned_looks: Days that will be looked at; every pair of a change and a later look has the
            same part of alpha. Count, >= 2.
        least_units: Fewer before or after a change are not compared. Count.
        least_difference: A smaller one is left out. Share.

    Returns:
        Of the changes that cross the bound the one that stands out most, else None.

    Raises:
        EstimationError: The rows differ in length.

    Assumes:
        As `sample_ratio`; the plan's own stages are in `expected_units`.

    Source:
        Hinkley and Hinkley (1970), Inference about the change-point in a sequence of binomial
        variables, Biometrika 57; Bonferroni over all pairs.

    Examples:
        >>> swapped = change_in_allocation(
        ...     [620, 580, 400, 410], [500] * 4, [250] * 4, [1_000] * 4,
        ...     alpha=0.0005, planned_looks=4, least_units=100, least_difference=0.02,
        ... )
        >>> swapped.day, round(swapped.before, 2), round(swapped.after, 3)
        (2, 0.1, -0.095)
    """
    rows = [np.asarray(row, float) for row in (variant_units, expected_units, variances, units)]
    if len({len(row) for row in rows}) != 1:
        raise EstimationError("the rows differ in length", expected="one value a day in each")
    pairs = max(planned_looks * (planned_looks - 1) / 2, 1)
    bound = float(-special.ndtri(alpha / pairs / 2))
    observed, expected, spread, everybody = (row.cumsum() for row in rows)
    off = observed - expected

    def between(total: _Array) -> tuple[_Array, _Array]:
        """Up to each change (columns), and from it up to each look (rows)."""
        return np.broadcast_to(total, (len(total),) * 2), total[:, None] - total[None, :]

    (off_before, off_after), (v_before, v_after) = between(off), between(spread)
    n_before, n_after = between(everybody)
    is_pair = (n_before >= max(least_units, 1)) & (n_after >= max(least_units, 1))
    is_pair &= (v_before > 0) & (v_after > 0) & np.tri(len(off), k=-1, dtype=bool)
    if not is_pair.any():
        return None
    n_before, n_after = np.where(is_pair, n_before, 1.0), np.where(is_pair, n_after, 1.0)
    before, after = off_before / n_before, off_after / n_after
    noise = np.where(is_pair, v_before / n_before**2 + v_after / n_after**2, 1.0)
    z = np.where(is_pair, (after - before) / np.sqrt(noise), 0.0)
    counts = np.where(np.abs(after - before) >= least_difference, np.abs(z), 0.0)
    look, change = np.unravel_index(int(counts.argmax()), counts.shape)
    if counts[look, change] < bound:
        return None
    return AllocationChange(
        day=int(change) + 1,
        look=int(look),
        before=float(before[look, change]),
        after=float(after[look, change]),
        z=float(z[look, change]),
        bound=bound,
    )
