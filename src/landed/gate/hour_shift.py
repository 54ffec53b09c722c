"""Days whose hours look like those of the days before, some whole hours earlier or later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from .volumes import hour_grid

if TYPE_CHECKING:
    import numpy as np

_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Shift:
    """A day that fits its weekday's hours only when it is moved.

    Args:
        hours: By which it is later (earlier below zero).
    """

    day: date
    hours: int


def shifted_days(
    counts: Mapping[datetime, int],
    known_from: date,
    judged: tuple[date, date],
    limits: Mapping[str, float],
) -> Iterator[Shift]:
    """Days on which a source's clock went wrong by two hours or more.

    A day's profile is the square roots of its counts by hour; its misfit is one less its
    correlation with the sum of the same weekday in the four weeks before. What misfits came by
    themselves in those weeks says how far a day may be off.

    Args:
        counts: Events by UTC hour, where there are any.
        known_from: First whole day of the series.
        judged: First day judged, and the day after the last one.
        limits: `min_events` of a day; `misfit_ratio`, how many times the largest misfit of the
            days before; `moved_ratio`, the most of it that may be left once the day is moved.
    """
    import numpy as np

    begin = judged[0] - timedelta(days=2 * 7 * _WEEKS)
    grid = hour_grid(counts, begin, judged[1])
    first = max(0, (known_from - begin).days)
    misfits = np.full(len(grid), np.nan)
    moves = np.zeros(len(grid), dtype=int)
    left = np.full(len(grid), np.nan)
    hours_of_day = np.arange(24)
    moved = (hours_of_day - hours_of_day[:, None]) % 24  # row m takes each hour m hours later
    for day in range(first + 14, len(grid)):
        before = [day - 7 * week for week in range(1, _WEEKS + 1) if day - 7 * week >= first]
        usual = grid[before].sum(axis=0)
        if min(grid[day].sum(), usual.sum() / len(before)) < limits["min_events"]:
            continue
        fits = _correlations(np.sqrt(usual[moved]), np.sqrt(grid[day]))
        misfits[day], moves[day], left[day] = 1 - fits[0], fits.argmax(), 1 - fits.max()
    for day in range((judged[0] - begin).days, len(grid)):
        earlier = misfits[max(0, day - 7 * _WEEKS) : day]
        earlier = earlier[np.isfinite(earlier)]
        if not np.isfinite(misfits[day]) or len(earlier) < 7:
            continue
        hours = int(moves[day]) if moves[day] <= 12 else int(moves[day]) - 24
        usual_misfit = float(np.quantile(earlier, 0.9))
        if (
            abs(hours) >= 2
            and misfits[day] > limits["misfit_ratio"] * usual_misfit
            and left[day] < limits["moved_ratio"] * usual_misfit
        ):
            yield Shift(begin + timedelta(days=day), hours)


def _correlations(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Correlation of each row with some values; 0 where one of both does not vary."""
    import numpy as np

    centred = rows - rows.mean(axis=1, keepdims=True)
    against = values - values.mean()
    size = np.sqrt((centred**2).sum(axis=1) * (against**2).sum())
    found: np.ndarray = np.where(size > 0, centred @ against / np.where(size > 0, size, 1.0), 0.0)
    return found
