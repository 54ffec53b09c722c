"""Days on which more of what came was refused, or repeated, than on the days before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from .facts import Account, DayAccount

_WINDOW_DAYS = 28
_FEWEST_DAYS = 7  # of arrivals in the window; fewer have no median worth the name


@dataclass(frozen=True, slots=True)
class Jump:
    """A day of arrivals with far more of something than the days before it."""

    source: str
    day: date
    rows: int
    rows_in: int
    usual_share: float

    @property
    def share(self) -> float:
        """Of the rows that came."""
        return self.rows / self.rows_in


def jumps(
    account: Account,
    counted: Callable[[DayAccount], int],
    since: date,
    limits: Mapping[str, float],
) -> Iterator[Jump]:
    """Days of arrival since a day of which a share is a multiple of its 28-day median.

    Args:
        counted: What is counted of a day.
        limits: `jump_ratio` of the median; `jump_share` and `jump_rows`, the least that counts.
    """
    for one in account.arrivals:
        rows = counted(one)
        if one.day < since or not one.rows_in or rows < limits["jump_rows"]:
            continue
        shares = [
            counted(before) / before.rows_in
            for before in account.arrivals
            if before.rows_in and one.day - timedelta(days=_WINDOW_DAYS) <= before.day < one.day
        ]
        if len(shares) < _FEWEST_DAYS:
            continue
        usual = median(shares)
        share = rows / one.rows_in
        if share > limits["jump_share"] and share > limits["jump_ratio"] * usual:
            yield Jump(account.source, one.day, rows, one.rows_in, usual)
