"""Whether a difference of two arms turned over from one day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError

_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Reversal:
    """A day from which on a difference has the other sign.

    Args:
        day: Place of the first day after it.
        before: Share of the treatment minus control's before it. -1 to 1.
        after: From it on. -1 to 1.
        z: The smaller of both differences in standard errors.
    """

    day: int
    before: float
    after: float
    z: float


def reversal(
    control: Sequence[Sequence[float]],
    treatment: Sequence[Sequence[float]],
    *,
    least_z: float,
    least_difference: float,
) -> Reversal | None:
    """Look for a day from which on what one arm did more often is done by the other.

    Both differences, before and after, have to be beyond `least_z` and of at least
    `least_difference`. Where there is no difference at all, both being so by chance on one of the
    days is rarer than days × p(least_z)²; where there is one, the other cannot come by chance.

    Args:
        control: Units, and those of them that did it, by day. Count; (days, 2).
        treatment: Likewise.
        least_z: Standard errors, > 0.
        least_difference: Share, > 0.

    Returns:
        The most certain one, else None.

    Raises:
        EstimationError: The arms do not have one row a day each.

    Assumes:
        Units are counted on one day only, and are independent.

    Source:
        Two proportions with pooled variance on either side; product of the two tails.

    Examples:
        >>> arm = lambda *did: [[100, one] for one in did]
        >>> found = reversal(
        ...     arm(1, 0, 40, 39), arm(41, 38, 2, 0), least_z=3.5, least_difference=0.1
        ... )
        >>> found.day, round(found.before, 2), round(found.after, 2)
        (2, 0.39, -0.39)
    """
    arms = np.array([control, treatment], dtype=float)
    if arms.ndim != 3 or arms.shape[2] != 2:
        raise EstimationError(f"counts of shape {arms.shape[1:]}", expected="(days, 2)")
    before = arms.cumsum(axis=1)[:, :-1]
    after = arms.sum(axis=1, keepdims=True) - before
    if not before.shape[1]:
        return None
    (first, z_first), (second, z_second) = _differences(before), _differences(after)
    is_turned = (
        (z_first * z_second < 0)
        & (np.minimum(np.abs(first), np.abs(second)) >= least_difference)
        & (np.minimum(np.abs(z_first), np.abs(z_second)) >= least_z)
    )
    if not is_turned.any():
        return None
    weaker = np.where(is_turned, np.minimum(np.abs(z_first), np.abs(z_second)), 0.0)
    at = int(weaker.argmax())
    return Reversal(at + 1, float(first[at]), float(second[at]), float(weaker[at]))


def _differences(arms: _Array) -> tuple[_Array, _Array]:
    units, did = arms[..., 0], arms[..., 1]
    has_both = (units > 0).all(axis=0)
    safe = np.where(has_both, units, 1.0)
    difference = np.where(has_both, did[1] / safe[1] - did[0] / safe[0], 0.0)
    pooled = did.sum(axis=0) / safe.sum(axis=0)
    variance = pooled * (1 - pooled) * (1 / safe).sum(axis=0)
    is_known = has_both & (variance > 0)
    safe_variance = np.where(is_known, variance, 1.0)
    z = np.where(is_known, difference / np.sqrt(safe_variance), 0.0)
    return difference, z
