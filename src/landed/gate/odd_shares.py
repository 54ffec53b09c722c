"""Days on which a share of a source's events is far above what it ever was before a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .facts import Fact, NotApplicable, Parameters, Subject, count
from .passes.profiles import SourceDay, source_days
from .persons import Groups, are_of_several


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
    by_person: Callable[[SourceDay], Groups] | None = None,
) -> list[OddDay]:
    """Days since the release of which a share is greater than `min_share` and `ratio` times usual.

    Args:
        days: Of each source, those before the release and those since.
        of: The rows that are looked at, of a day.
        parameters: min_share, min_rows, ratio, min_days_before; min_persons with `by_person`.
        by_person: Those rows by group of persons, where one person may make many of them.
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
            if of(one) >= parameters["min_rows"]
            and of(one) / one.events > limit
            and (by_person is None or _of_several(one, by_person(one), limit, parameters))
        )
    return found


def _of_several(day: SourceDay, groups: Groups, limit: float, parameters: Parameters) -> bool:
    enough = max(parameters["min_rows"], limit * day.events)
    return are_of_several(groups, enough, parameters["min_persons"])


def fact_of_odd_days(  # noqa: PLR0917 - what is counted, then how it is told
    subject: Subject,
    parameters: Parameters,
    of: Callable[[SourceDay], int],
    columns: tuple[str, str],
    said: Callable[[OddDay], str],
    otherwise: str,
    expected: str,
    by_person: Callable[[SourceDay], Groups] | None = None,
) -> Fact | NotApplicable:
    """What a check of such days finds: the worst one in words, and how many are like it.

    Args:
        of: The rows that are looked at, of a day.
        columns: Names of the facts: days of sources whose habits are known, and of others.
        said: The worst day for people.
        otherwise: What is observed where there is none.
        expected: What would pass.
        by_person: As in `odd_days`.
    """
    days = subject.once(source_days)
    if not days:
        return NotApplicable("no source that it reads has a whole day of events")
    odd = odd_days(days, of, parameters, by_person)
    known = [one for one in odd if one.most_before is not None]
    worst = max(known or odd, key=lambda one: one.share, default=None)
    return Fact(
        {columns[0]: len(known), columns[1]: len(odd) - len(known)},
        otherwise if worst is None else f"{said(worst)}; {count(len(odd), 'day')} like it",
        expected,
        details={"days": [f"{one.source} {one.day.isoformat()}" for one in odd]},
        sample=[
            {"source": one.source, "day": one.day.isoformat(), "events": one.rows} for one in odd
        ],
    )
