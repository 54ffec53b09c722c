"""Events that came steadily and then came no more: since a day, or since a version.

Rows of all other events of the same source say how many were to be expected: where the whole
source is silent, or a holiday empties the product, no event has stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ..catalog.versions import version_key
from ..stats import part_silence_p_value, silence_p_value
from .passes.event_counts import SourceCounts

_REFERENCE_DAYS = 28
_WEEK = 7
#: Days before a silence whose rates are compared; the lowest counts.
_SPANS = (3, _WEEK, _REFERENCE_DAYS)


@dataclass(frozen=True, slots=True)
class Stop:
    """An event that is not seen any more.

    Args:
        event: Its name.
        source: Where it came from.
        since: The first day without it (ISO), or the first version.
        is_version: Whether `since` is a version.
        last_on: The last UTC day on which it was seen.
        silent_on: The whole days without it.
        expected: Rows that were to be expected since. Count.
        renamed: An event that began as this one ended, about as often; None without one.
    """

    event: str
    source: str
    since: str
    is_version: bool
    last_on: date
    silent_on: tuple[date, ...]
    expected: float
    renamed: str | None = None

    @property
    def days(self) -> int:
        """Whole days without it. Count."""
        return len(self.silent_on)


@dataclass(frozen=True, slots=True)
class Window:
    """Between which days an event is looked for, and by which rule it counts as stopped.

    Args:
        after_on: A silence that ended before this day is not looked at.
        until_on: The day after the last one that is.
        alpha: Chance of the silence, below which it is none. Probability.
        min_days: Whole silent days. Count.
        min_days_before: Days before on which the event was seen. Count.
        version_share: Of the rate in older versions, that is expected of newer ones at least.
        rename_ratio: How many times more or less often a new name may come. Ratio, > 1.
        knows_weekdays: Whether something is expected only of weekdays seen before; else the rows
            beside the event tell one day from another.
    """

    after_on: date
    until_on: date
    alpha: float
    min_days: int
    min_days_before: int
    version_share: float
    rename_ratio: float
    knows_weekdays: bool = True


def stop_of(counts: SourceCounts, source: str, event: str, window: Window) -> Stop | None:
    """The silence of an event in one source; None where it is none, or was never heard."""
    if event not in counts.by_day:
        return None
    by_version = _since_version(counts, source, event, window)
    return by_version or next(_since_day(counts, source, event, window), None)


def _since_day(counts: SourceCounts, source: str, event: str, window: Window) -> Iterator[Stop]:
    seen = counts.by_day[event]
    days = [day for day in sorted(counts.total_by_day) if day < window.until_on]
    others = {day: counts.total_by_day[day] - seen.get(day, 0) for day in days}
    days = [day for day in days if others[day] or seen.get(day)]
    for run in _silences(days, seen):
        if len(run) < window.min_days or run[-1] < window.after_on:
            continue
        before = [day for day in days if min(seen) <= day < run[0]][-_REFERENCE_DAYS:]
        if sum(1 for day in before if seen.get(day)) < window.min_days_before:
            continue
        rates = _Rates(before, seen, others, knows_weekdays=window.knows_weekdays)
        expected = [rates.of(day) * others[day] for day in run]
        p_value = silence_p_value(
            expected,
            [seen.get(day, 0) for day in before],
            [rates.of(day) * others[day] for day in before],
        )
        if p_value < window.alpha:
            total = sum(expected)
            yield Stop(
                event,
                source,
                run[0].isoformat(),
                is_version=False,
                last_on=before[-1],
                silent_on=tuple(run),
                expected=total,
                renamed=_new_name_by_day(counts, run, total, window),
            )


def _silences(days: Sequence[date], seen: Mapping[date, int]) -> Iterator[list[date]]:
    """Runs of days without the event, after the first day with it, earliest first."""
    run: list[date] = []
    is_heard = False
    for day in days:
        if seen.get(day):
            if run:
                yield run
            run, is_heard = [], True
        elif is_heard:
            run.append(day)
    if run:
        yield run


class _Rates:
    """Rows of an event for one row of other events: over all days, of late, and of each weekday.

    An event that dwindles, as after a launch, does not stop: what it was of late counts as well.
    Nor does a new one on its first weekend: nothing is expected of a weekday not seen yet.
    """

    def __init__(
        self,
        days: Sequence[date],
        seen: Mapping[date, int],
        others: Mapping[date, int],
        *,
        knows_weekdays: bool,
    ) -> None:
        self._lowest = min(_rate(days[-length:], seen, others) for length in _SPANS)
        self._of = _weekday_rates(days, seen, others)
        self._unseen = 0.0 if knows_weekdays else self._lowest

    def of(self, day: date) -> float:
        """The lowest of the day's rates."""
        return min(self._lowest, self._of.get(day.weekday(), self._unseen))


def _weekday_rates(
    days: Sequence[date], seen: Mapping[date, int], others: Mapping[date, int]
) -> dict[int, float]:
    by_weekday: dict[int, list[date]] = {}
    for day in days:
        by_weekday.setdefault(day.weekday(), []).append(day)
    return {weekday: _rate(found, seen, others) for weekday, found in by_weekday.items()}


def _rate(days: Sequence[date], seen: Mapping[date, int], others: Mapping[date, int]) -> float:
    of = sum(others[day] for day in days)
    return sum(seen.get(day, 0) for day in days) / of if of else 0.0


def _since_version(counts: SourceCounts, source: str, event: str, window: Window) -> Stop | None:
    keys = {name: key for name in counts.by_version if (key := version_key(name)) is not None}
    having = [name for name in keys if event in counts.by_version[name]]
    if not having:
        return None
    last = max(having, key=keys.__getitem__)
    older = [name for name in keys if keys[name] <= keys[last]]
    newer = successors(
        counts.version_days,
        older,
        [name for name in keys if keys[name] > keys[last]],
        window.until_on,
    )
    days = sorted({day for name in newer for day in _days(counts, name, window)})
    if len(days) < window.min_days or days[-1] < window.after_on:
        return None
    rate = min(_version_rate(counts, older, event), _version_rate(counts, [last], event))
    rows = sum(sum(_days(counts, name, window).values()) for name in newer)
    expected = rate * rows
    if _chance_by_version(counts, event, days[0], window, expected) >= window.alpha:
        return None
    return Stop(
        event,
        source,
        newer[0],
        is_version=True,
        last_on=max(counts.by_version[name][event].last_on for name in having),
        silent_on=tuple(days),
        expected=expected,
        renamed=_new_name_by_version(counts, older, newer, expected, window),
    )


def _chance_by_version(
    counts: SourceCounts, event: str, began_on: date, window: Window, expected: float
) -> float:
    """Chance of no row in the newer versions, where `expected` were to come."""
    seen = counts.by_day[event]
    before = [
        day for day in sorted(counts.total_by_day) if min(seen) <= day < began_on
    ][-_REFERENCE_DAYS:]  # fmt: skip
    others = {day: counts.total_by_day[day] - seen.get(day, 0) for day in before}
    rates = _weekday_rates(before, seen, others)
    return part_silence_p_value(
        window.version_share * expected,
        [seen.get(day, 0) for day in before],
        [rates[day.weekday()] * others[day] for day in before],
        fitted=max(len(rates), 1),
    )


def _days(counts: SourceCounts, version: str, window: Window) -> dict[date, int]:
    return {
        day: rows for day, rows in counts.version_days[version].items() if day < window.until_on
    }


def successors(
    version_days: Mapping[str, Mapping[date, int]],
    older: Sequence[str],
    newer: Sequence[str],
    until_on: date,
) -> list[str]:
    """The newer versions, from the lowest on, that took traffic over from older ones.

    Those that did not are another product that happens to have higher numbers, such as a site
    beside an app, and need not send the same events.

    Args:
        version_days: Rows of all events by version and UTC day. Count.
        older: Versions that may have been replaced.
        newer: Versions with higher numbers than all of these.
        until_on: The day after the last one that is looked at.
    """
    ordered = sorted(newer, key=lambda name: version_key(name) or ())
    for length in range(len(ordered), 0, -1):
        if _took_over(version_days, older, ordered[:length], until_on):
            return ordered[:length]
    return []


def _took_over(
    version_days: Mapping[str, Mapping[date, int]],
    older: Sequence[str],
    newer: Sequence[str],
    until_on: date,
) -> bool:
    days = {day for name in newer for day in version_days.get(name, ()) if day < until_on}
    if not days:
        return False
    began_on = min(days)
    length = min(_WEEK, (until_on - began_on).days)
    before = _daily(version_days, older, began_on - timedelta(days=_WEEK), _WEEK)
    since = until_on - timedelta(days=length)
    lost = before - _daily(version_days, older, since, length)
    return lost >= _daily(version_days, newer, since, length) / 2


def _daily(
    version_days: Mapping[str, Mapping[date, int]],
    versions: Sequence[str],
    start: date,
    length: int,
) -> float:
    days = [start + timedelta(days=n) for n in range(length)]
    rows = sum(version_days.get(name, {}).get(day, 0) for name in versions for day in days)
    return rows / length


def _version_rate(counts: SourceCounts, versions: Sequence[str], event: str) -> float:
    """Rows of an event for one row of other events, in some versions."""
    rows = sum(one.rows for name in versions if (one := counts.by_version[name].get(event)))
    of = sum(sum(one.rows for one in counts.by_version[name].values()) for name in versions)
    return rows / (of - rows) if of > rows else 0.0


def _new_name_by_day(
    counts: SourceCounts, run: Sequence[date], expected: float, window: Window
) -> str | None:
    first = run[0] - timedelta(days=1)  # the day of the change may have both
    found = {
        name: sum(rows.get(day, 0) for day in run)
        for name, rows in counts.by_day.items()
        if min(rows) >= first
    }
    return _nearest(found, expected, window)


def _new_name_by_version(
    counts: SourceCounts,
    older: Sequence[str],
    newer: Sequence[str],
    expected: float,
    window: Window,
) -> str | None:
    known = {name for version in older for name in counts.by_version[version]}
    found: dict[str, int] = {}
    for version in newer:
        for name, one in counts.by_version[version].items():
            if name not in known:
                found[name] = found.get(name, 0) + one.rows
    return _nearest(found, expected, window)


def _nearest(found: Mapping[str, int], expected: float, window: Window) -> str | None:
    """The event that came about as often as was expected of the one that stopped."""
    far = {
        name: abs(math.log(rows / expected)) for name, rows in found.items() if rows and expected
    }
    near = [name for name in sorted(far) if far[name] <= math.log(window.rename_ratio)]
    return min(near, key=far.__getitem__, default=None)
