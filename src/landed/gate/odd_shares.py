"""Days on which a share of a source's events is far above what it ever was before a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .facts import Parameters
from .passes.profiles import SourceDay


@dataclass(frozen=True, slots=True)
class OddDay:
    """One day of a source.

    Args:
        share: Of its events. 0 to 1.
        rows: How many they are. Count.
        most_before: The greatest share of any day before; None where too few days are known.
    """

    source: str
    day: date
    share: float
    rows: int
    most_before: float | None


def odd_days(
    days: Mapping[str, tuple[Sequence[SourceDay], Sequence[SourceDay]]],
    of: Callable[[SourceDay], int],
    parameters: Parameters,
) -> list[OddDay]:
    """Days since the release of which a share is greater than `min_share` and `ratio` times usual.

    Args:
        days: Of each source, those before the release and those since.
        of: The rows that are looked at, of a day.
        parameters: min_share, min_rows, ratio, min_days_before.
    """
    found: list[OddDay] = []
    for source, (before, since) in sorted(days.items()):
        shares = [of(one) / one.events for one in before if one.events]
        is_known = len(shares) >= parameters["min_days_before"]
        most = max(shares, default=0.0) if is_known else None
        limit = max(parameters["min_share"], parameters["ratio"] * (most or 0.0))
        found.extend(
            OddDay(source, one.day, of(one) / one.events, of(one), most)
            for one in since
            if of(one) >= parameters["min_rows"] and of(one) / one.events > limit
        )
    return found
