"""One pass over `int_event_hours`: rows by source, event, day and version about a release."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ..facts import Subject

#: Days before a release shipped that tell how often an event came. Eight weeks: each weekday often
#: enough to be told apart, and little enough for habits to hold.
DAYS_BEFORE = 56

_COUNTS = """
with

counts as materialized (

    select
        source,
        event_name,
        app_version,
        event_on,
        sum(event_count) as event_count

    from main.int_event_hours

    where event_on >= $from_on and event_on < $until_on

    group by all

)

select 'day' as kind, source, event_name, null as app_version, event_on, event_on,
    sum(event_count)::bigint

from counts

group by all

union all

select 'version', source, event_name, app_version, min(event_on), max(event_on),
    sum(event_count)::bigint

from counts

where app_version is not null

group by all

union all

select 'version_day', source, null, app_version, event_on, event_on, sum(event_count)::bigint

from counts

where app_version is not null

group by all
"""


@dataclass(frozen=True, slots=True)
class VersionCount:
    """Rows of one event in one version. Count, and the UTC days of the first and the last."""

    rows: int
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What one source sent on whole days about a release.

    Args:
        by_day: Rows by event and UTC day. Count.
        total_by_day: Rows of all events by day. Count.
        by_version: By version and event.
        version_days: Rows of all events by version and day. Count.
    """

    by_day: Mapping[str, Mapping[date, int]]
    total_by_day: Mapping[date, int]
    by_version: Mapping[str, Mapping[str, VersionCount]]
    version_days: Mapping[str, Mapping[date, int]]


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Events about a release.

    Args:
        from_on: First UTC day that is counted.
        until_on: The day after the last whole one before the cutoff.
        sources: By source.
    """

    from_on: date
    until_on: date
    sources: Mapping[str, SourceCounts]

    @property
    def versions(self) -> frozenset[str]:
        """Every version seen."""
        return frozenset(name for one in self.sources.values() for name in one.by_version)

    @property
    def version_days(self) -> Mapping[str, Mapping[date, int]]:
        """Rows of all events by version and UTC day, of all sources. Count."""
        found: dict[str, Counter[date]] = defaultdict(Counter)
        for one in self.sources.values():
            for version, days in one.version_days.items():
                found[version].update(days)
        return found

    @property
    def events(self) -> frozenset[str]:
        """Every event seen."""
        return frozenset(name for one in self.sources.values() for name in one.by_day)


def event_counts(subject: Subject) -> EventCounts:
    """Events by day from eight weeks before the release up to its last whole day."""
    dates = subject.dates
    from_on = dates.shipped_at.date() - timedelta(days=DAYS_BEFORE)
    until_on = dates.cutoff_at.date()  # a day that the cutoff divides is no whole one
    rows = subject.engine.rows(_COUNTS, {"from_on": from_on, "until_on": until_on})
    by_day: dict[str, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    total: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    by_version: dict[str, dict[str, dict[str, VersionCount]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    version_days: dict[str, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    for kind, source, event, version, first_on, last_on, count in rows:
        name = source or ""
        first, last = _day(first_on), _day(last_on)
        if kind == "day":
            by_day[name][event][first] = count
            total[name][first] += count
        elif kind == "version":
            by_version[name][version][event] = VersionCount(count, first, last)
        else:
            version_days[name][version][first] = count
    return EventCounts(
        from_on,
        until_on,
        {
            name: SourceCounts(by_day[name], total[name], by_version[name], version_days[name])
            for name in sorted(by_day)
        },
    )


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
