"""Hours in which far more of something came than in the hours around them and on other days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..stats.volume import Array

_DAY = 24
_WEEK = 7
#: A burst may lie across the end of an hour: its neighbours say nothing of what is usual.
_BESIDE = 1
_FEWEST_AROUND = 12  # hours known of the day before, or after
_FEWEST_DAYS = 3  # on which the same hour is known
_LEAST_EXPECTED = 5.0  # of less, an hour with some is not odd


@dataclass(frozen=True, slots=True)
class Burst:
    """An hour with far more than usual.

    Args:
        expected: Count that a full hour around it, or the same hour of other days, has.
        p_value: Of as many. Probability.
    """

    hour_at: datetime
    observed: int
    expected: float
    p_value: float


def bursts(
    counts: Mapping[datetime, int],
    since: datetime,
    until: datetime,
    judged_until: datetime,
    *,
    ratio: float,
    alpha: float,
) -> Iterator[Burst]:
    """Hours with more than `ratio` times what is expected, beyond chance at `alpha`.

    What is expected is the greatest of three counts: the upper quartile of the hours of the day
    before, that of the day after, and the median of the same hour on the days of a week before and
    after. So what stays high once it began, as a ramp or a Monday does, is no burst, nor is what
    comes every day.

    Args:
        counts: By UTC hour, where there are any.
        since: The first hour known.
        until: The end of the last one.
        judged_until: Hours that end later are known, but not judged.
        ratio: > 1.
        alpha: Of one hour. Probability.
    """
    import numpy as np

    from ..stats.volume import cell_moments, count_p_values

    hour = timedelta(hours=1)
    start = since.replace(minute=0, second=0, microsecond=0)
    days = -(-(until - start) // (hour * _DAY))
    grid = np.full(days * _DAY, np.nan)
    grid[: (until - start) // hour] = 0.0
    for hour_at, number in counts.items():
        grid[(hour_at - start) // hour] = number
    judged = np.arange(len(grid)) < (judged_until - start) // hour
    expected = np.maximum(_expected(grid), _LEAST_EXPECTED)
    with np.errstate(invalid="ignore"):
        odd = grid > ratio * expected
    # what is odd itself says nothing of how restless the other days are at that hour
    quiet = np.where(odd, np.nan, grid).reshape(days, _DAY)
    moments = cell_moments(quiet.T)
    degrees = float(moments.degrees.sum())
    if degrees < 1:
        return
    scale = float(moments.scale.sum())
    phi = max(float(moments.excess.sum()), 0.0) / scale if scale > 0 else 0.0
    for at in np.flatnonzero(odd & judged).tolist():
        values = (grid[at], expected[at], float(_FEWEST_DAYS), phi, degrees)
        p_value = float(count_p_values(*(np.array([value]) for value in values))[1][0])
        if p_value < alpha:
            yield Burst(start + at * hour, int(grid[at]), float(expected[at]), p_value)


def _expected(grid: Array) -> Array:
    """What a full hour has, by those around it and on other days; infinite where unknown."""
    import numpy as np

    found = np.zeros(len(grid))
    for at in np.flatnonzero(np.isfinite(grid)).tolist():
        before = grid[max(at - _DAY, 0) : max(at - _BESIDE, 0)]
        after = grid[at + _BESIDE + 1 : at + _DAY + 1]
        same = [
            grid[at + _DAY * away]
            for away in range(-_WEEK, _WEEK + 1)
            if away and 0 <= at + _DAY * away < len(grid)
        ]
        around = [
            float(np.quantile(known, 0.75))
            for hours in (before, after)
            if len(known := hours[np.isfinite(hours)]) >= _FEWEST_AROUND
        ]
        other_days = [value for value in same if np.isfinite(value)]
        if len(other_days) >= _FEWEST_DAYS:
            around.append(float(np.median(other_days)))
        found[at] = max(around, default=np.inf)
    return found
