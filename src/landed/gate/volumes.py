"""Hours and days of a series of counts that their own weeks before do not explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..stats.volume import Array

#: Weeks that say what is usual of a weekday and hour.
WEEKS = 4
#: Days of counts that have to be known before the first one that is judged: four weeks, and the
#: week behind them, of which each day is held against four weeks likewise to see how counts differ.
DAYS_BEFORE = 7 * (WEEKS + 1)
_QUARTER = 6  # hours of a day that are taken to be as restless as each other
_FEWEST_DEGREES = 6  # below, a group's own overdispersion is anybody's guess


@dataclass(frozen=True, slots=True)
class Departure:
    """An hour or day with far fewer or far more events than usual, or hours on end without any.

    Args:
        hours: 1 or 24, or how many of them are empty.
        expected: Median of the same weekday; of an hour the least of it and its neighbours; of
            empty hours their sum.
        p_value: Of a count as far off. Probability.
    """

    starts_at: datetime
    hours: int
    observed: int
    expected: float
    p_value: float

    @property
    def share(self) -> float:
        """Of what was expected."""
        return self.observed / self.expected


def hour_grid(counts: Mapping[datetime, int], begin: date, end: date) -> Array:
    """Counts by UTC hour as (days, 24), 0 where there are none, from a day up to another."""
    import numpy as np

    start = datetime.combine(begin, datetime.min.time())
    grid = np.zeros(((end - begin).days, 24))
    for hour, rows in counts.items():
        place = int((hour - start) / timedelta(hours=1))
        if 0 <= place < grid.size:
            grid[place // 24, place % 24] = rows
    return grid


def departures(
    counts: Mapping[datetime, int],
    known_from: date,
    judged: tuple[date, date],
    closed_at: datetime,
    *,
    min_expected: float,
    usual: tuple[float, float],
    alpha: Mapping[int, float],
) -> Iterator[Departure]:
    """Hours and days outside what is usual, of which a count as far off is rarer than `alpha`.

    Hours that are too sparse to be judged alone are judged together where one after the other is
    empty.

    Args:
        counts: Events by UTC hour, where there are any.
        known_from: First whole day of the series: earlier hours are unknown, not empty.
        judged: First day judged, and the day after the last one.
        closed_at: Hours and days that end later are not judged yet.
        min_expected: Counts that are expected to be smaller are not judged. Count.
        usual: Shares of the expected count between which nothing is judged.
        alpha: Of one hour (1) and of one day (24), one-sided. Probabilities.
    """
    import numpy as np

    begin = judged[0] - timedelta(days=DAYS_BEFORE)
    start = datetime.combine(begin, datetime.min.time())
    grid = hour_grid(counts, begin, judged[1])
    grid[: max(0, (known_from - begin).days)] = np.nan
    closed = int((closed_at - start) / timedelta(hours=1))
    weekend = np.array([(begin + timedelta(days=day)).weekday() >= 5 for day in range(len(grid))])
    by_hour, by_day = (
        _known(values, hours, closed, weekend)
        for hours, values in ((1, grid), (24, grid.sum(axis=1, keepdims=True)))
    )
    for hours, known in ((1, by_hour), (24, by_day)):
        yield from _departures(known, hours, start, min_expected, usual, alpha[hours])
    yield from _empty_runs(by_hour, by_day, start, min_expected, alpha[1])


def usual_and_now(
    counts: Mapping[datetime, int], starts_at: datetime, hours: int, known_from: date
) -> tuple[float, int]:
    """What an hour or a day had in the four weeks before at the median, and what it has. Counts.

    Args:
        counts: Events by UTC hour, where there are any.
        starts_at: Of the hour or day.
        hours: 1 or 24.
        known_from: First whole day of the series.
    """
    import numpy as np

    def total(start: datetime) -> int:
        return sum(counts.get(start + timedelta(hours=at), 0) for at in range(hours))

    starts = [starts_at - timedelta(weeks=week + 1) for week in range(WEEKS)]
    known = [total(start) for start in starts if start.date() >= known_from]
    return float(np.median(known)) if known else 0.0, total(starts_at)


@dataclass(frozen=True, slots=True)
class _Known:
    """Counts by day and hour, or by day, and what their weeks before say of them; (days, places).

    Args:
        low: Usual count, the least of an hour's and its neighbours'; likewise `high`.
        repeats: Weeks behind it. Count.
        phi: Overdispersion, with `degrees` behind it.
        is_fit: Whether enough is known to judge it, and it is closed.
    """

    grid: Array
    low: Array
    high: Array
    repeats: Array
    phi: Array
    degrees: Array
    is_fit: Any


def _known(grid: Array, hours: int, closed: int, weekend: Any) -> _Known:
    import numpy as np

    before = np.full((*grid.shape, WEEKS), np.nan)
    for week in range(WEEKS):
        before[7 * (week + 1) :, :, week] = grid[: -7 * (week + 1)]
    repeats = np.isfinite(before).sum(axis=-1).astype(np.float64)
    usual = np.where(repeats > 0, _median(before), np.nan)
    low, high = (
        (usual, usual) if hours == 24 else (_around(usual, np.fmin), _around(usual, np.fmax))
    )
    phi, degrees = _spread(before, weekend)
    ends = (np.arange(grid.size) * hours + hours).reshape(grid.shape)
    fit = (repeats >= 2) & (degrees >= _FEWEST_DEGREES) & (ends <= closed) & np.isfinite(grid)
    fit[:DAYS_BEFORE] = False
    return _Known(grid, low, high, repeats, phi, degrees, fit)


def _departures(  # noqa: PLR0917 - a grid and what is known of it
    known: _Known,
    hours: int,
    start: datetime,
    min_expected: float,
    bounds: tuple[float, float],
    alpha: float,
) -> Iterator[Departure]:
    import numpy as np

    from ..stats.volume import count_p_values

    grid = known.grid
    outside = grid < bounds[0] * known.low, grid > bounds[1] * known.high
    for expected, is_outside, side in ((known.low, outside[0], 0), (known.high, outside[1], 1)):
        kept = known.is_fit & is_outside & (expected >= min_expected)
        at = np.argwhere(kept)
        if not len(at):
            continue
        behind = (known.repeats[kept], known.phi[kept], known.degrees[kept])
        p_values = count_p_values(grid[kept], expected[kept], *behind)[side]
        for (day, place), p_value in zip(at, p_values, strict=True):
            if p_value < alpha:
                yield Departure(
                    start + timedelta(days=int(day), hours=int(place)),
                    hours,
                    int(grid[day, place]),
                    float(expected[day, place]),
                    float(p_value),
                )


def _empty_runs(
    by_hour: _Known, by_day: _Known, start: datetime, min_expected: float, alpha: float
) -> Iterator[Departure]:
    """Hours on end without an event, none of which is judged alone, but all of them together.

    Hours of a day rise and fall with it, so they are as restless as days are, or as hours if more.
    """
    import numpy as np

    from ..stats.volume import count_p_values

    is_empty = by_hour.is_fit & (by_hour.grid == 0) & (by_hour.low < min_expected)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_empty.reshape(-1), [False]))))
    for first, end in edges.reshape(-1, 2):
        expected = float(by_hour.low.reshape(-1)[first:end].sum())
        if expected < min_expected:
            continue
        hours, days = slice(first, end), slice(first // 24, (end - 1) // 24 + 1)
        phi = max(by_hour.phi.reshape(-1)[hours].max(), by_day.phi[days].max())
        degrees = min(by_hour.degrees.reshape(-1)[hours].min(), by_day.degrees[days].min())
        repeats = by_hour.repeats.reshape(-1)[hours].min()
        values = (np.array([value]) for value in (0.0, expected, repeats, phi, degrees))
        p_value = float(count_p_values(*values)[0][0])
        if p_value < alpha:
            length = int(end - first)
            yield Departure(start + timedelta(hours=int(first)), length, 0, expected, p_value)


def _median(before: Array) -> Array:
    """Medians over the weeks, of those that are known."""
    import numpy as np

    ordered = np.sort(before, axis=-1)  # NaN last
    known = np.isfinite(before).sum(axis=-1)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0)[..., None] // 2, axis=-1)
    upper = np.take_along_axis(ordered, np.minimum(known // 2, WEEKS - 1)[..., None], axis=-1)
    middle: Array = ((lower + upper) / 2)[..., 0]
    return middle


def _around(usual: Array, extreme: Any) -> Array:
    """The least (or most) of an hour's usual count and its neighbours'.

    Where clocks go forward or back, habits move by an hour: what an hour has then is what the one
    before or after it had.
    """
    import numpy as np

    flat = usual.reshape(-1)
    before = np.concatenate(([np.nan], flat[:-1]))
    after = np.concatenate((flat[1:], [np.nan]))
    around: Array = extreme(extreme(before, flat), after).reshape(usual.shape)
    return around


def _spread(before: Array, weekend: Any) -> tuple[Array, Array]:
    """Overdispersion at each count and the degrees behind it: its group's, or the whole's if more.

    A group is the same quarter of the day on workdays, or on weekends, of the week that ends with
    the count's own weekday.
    """
    import numpy as np

    from ..stats.volume import cell_moments

    moments = cell_moments(before)
    days, places = moments.excess.shape
    quarter = _QUARTER if places > 1 else 1

    def pooled(values: Array, of: Any) -> Array:
        kept = np.where(of[:, None], values, 0.0)
        summed = np.cumsum(np.vstack([np.zeros((7, places)), kept]), axis=0)
        week = summed[7:] - summed[:-7]
        by_quarter = week.reshape(days, places // quarter, quarter).sum(axis=-1)
        return np.repeat(by_quarter, quarter, axis=1)

    parts = [moments.excess, moments.scale, moments.degrees]
    workdays, weekends = ([pooled(part, of) for part in parts] for of in (~weekend, weekend))
    own = [
        np.where(weekend[:, None], two, one) for one, two in zip(workdays, weekends, strict=True)
    ]
    every = [
        np.repeat((one + two)[:, ::quarter].sum(axis=1, keepdims=True), places, axis=1)
        for one, two in zip(workdays, weekends, strict=True)
    ]
    phi_own, phi_every = (_ratio(each[0], each[1]) for each in (own, every))
    is_own = (phi_own > phi_every) & (own[2] >= _FEWEST_DEGREES)
    return np.where(is_own, phi_own, phi_every), np.where(is_own, own[2], every[2])


def _ratio(excess: Array, scale: Array) -> Array:
    import numpy as np

    ratio: Array = np.maximum(excess, 0.0) / np.where(scale > 0, scale, np.inf)
    return ratio
