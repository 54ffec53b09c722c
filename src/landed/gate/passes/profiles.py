"""What the profiles of a release's days say: one pass a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ..facts import Subject
from ..needs import events_needed, reads
from ..persons import Groups

#: Days before a release that what is normal is read from: four of each weekday.
BASELINE_DAYS = 28
#: Days before a release of which counts by hour are read: a baseline, and one for each of its days.
COUNTED_DAYS = 2 * BASELINE_DAYS


@dataclass(frozen=True, slots=True)
class Series:
    """Events by UTC hour: of one event of a source, or of all of a source.

    Args:
        event: None for all events of the source.
        first_on: First day the source, or its event, was ever seen.
        counts: Events by hour that has any. Count.
        habitual: Of those, the events that were sent before the release shipped.
    """

    source: str
    event: str | None
    first_on: date
    counts: Mapping[datetime, int]
    habitual: Mapping[datetime, int]


@dataclass(frozen=True, slots=True)
class Period:
    """The whole UTC days that a release's numbers use, and those before that they are held against.

    Args:
        baseline_from: First day of the baseline.
        judged_from: Day it shipped.
        judged_until: The day after the last one.
    """

    baseline_from: date
    judged_from: date
    judged_until: date


def period(subject: Subject) -> Period:
    """The days of a release: from the one it shipped on, as long as they are whole and in use."""
    shipped_on = subject.dates.shipped_at.date()
    return Period(
        shipped_on - timedelta(days=BASELINE_DAYS), shipped_on, subject.dates.cutoff_at.date()
    )


_HOURS = """
with

days as (

    select
        source,
        event_name,
        event_on,
        hour_at,
        min(event_on) over (partition by source, event_name) < $shipped_on as is_habitual,
        sum(event_count) as event_count

    from main.int_event_hours

    where event_on < $until

    group by source, event_name, event_on, hour_at

),

grouped as (

    select
        source,
        case when list_contains($events, event_name) then event_name end as event_name,
        is_habitual,
        min(event_on) as first_on,
        hour_at,
        sum(event_count) as event_count

    from days

    group by all

)

select
    source,
    event_name,
    is_habitual,
    min(first_on) as first_on,
    map_from_entries(list((hour_at, event_count::bigint)) filter (where hour_at >= $since))
        as counts

from grouped

group by all
"""


def event_hours(subject: Subject) -> tuple[Series, ...]:
    """Counts by hour of each source, and of each event in it that the release needs."""
    span = period(subject)
    rows = subject.engine.rows(
        _HOURS,
        {
            "events": sorted(events_needed(subject)),
            "since": span.judged_from - timedelta(days=COUNTED_DAYS),
            "shipped_on": span.judged_from,
            "until": span.judged_until,
        },
    )
    series = [
        Series(source, event, first_on, counts, counts if is_habitual else {})
        for source, event, is_habitual, first_on, counts in rows
    ]
    return (*_totals(series), *(one for one in series if one.event is not None))


def _totals(series: Sequence[Series]) -> Iterator[Series]:
    """All events of a source: the named ones with the rest."""
    for source in sorted({one.source for one in series}):
        parts = [one for one in series if one.source == source]
        total: Counter[datetime] = Counter()
        habitual: Counter[datetime] = Counter()
        for one in parts:
            total.update(one.counts)
            habitual.update(one.habitual)
        yield Series(source, None, min(one.first_on for one in parts), total, habitual)


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """Events of a source in the marts. Counts.

    Args:
        ever: Of its whole life.
        events: On the days that the release uses.
        skewed: Of those, by a clock that was ahead of ours, or had to be set right.
    """

    source: str
    ever: int
    events: int
    skewed: int


_TOTALS = """
select
    source,
    sum(event_count)::bigint as ever,
    coalesce(sum(event_count) filter (where {used}), 0)::bigint as events,
    coalesce(sum(ahead_count + corrected_count) filter (where {used}), 0)::bigint as skewed

from main.int_event_hours

group by all

order by source
""".format(used="event_on >= $since and event_on < $until")


def event_totals(subject: Subject) -> tuple[SourceTotal, ...]:
    """Counts of each source, of its whole life and since the release shipped."""
    span = period(subject)
    rows = subject.engine.rows(_TOTALS, {"since": span.judged_from, "until": span.judged_until})
    return tuple(SourceTotal(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class SourceDay:
    """Events of a source on one whole UTC day. Counts.

    Args:
        events: All of them.
        copied: Of those, with who, when and properties of another one, under another id.
        copied_by: Of days since the release shipped: those copies by group of persons.
        late: Of all, that came half an hour to half a day late.
        local: Of those, that came half hours late to the minute.
    """

    day: date
    events: int
    copied: int
    late: int
    local: int
    copied_by: Groups = field(default_factory=dict)

    @property
    def local_beyond_chance(self) -> int:
        """Of those, more than there are among rows that wait: two of every 30 minutes."""
        waiting = self.late - self.local
        return max(0, round(self.local - waiting * 2 / 28))


_DAYS = """
select
    source,
    event_on,
    sum(event_count)::bigint as events,
    sum(copied_count)::bigint as copied,
    sum(late_count)::bigint as late,
    sum(local_count)::bigint as local

from main.int_event_hours

where
    event_on >= $since
    and event_on < $until
    and source in (
        select hours.source from main.int_event_hours as hours
        where list_contains($events, hours.event_name) or $is_all
    )

group by all

order by all
"""


_COPIES = """
with

grouped as (

    select
        source,
        event_on,
        unnest(map_entries(copied_groups)) as entry

    from main.int_event_hours

    where event_on >= $since and event_on < $until and copied_count > 0

),

counted as (

    select
        source,
        event_on,
        entry.key as person_group,
        sum(entry.value)::bigint as copied

    from grouped

    group by all

)

select
    source,
    event_on,
    map_from_entries(list((person_group, copied))) as copied_by

from counted

group by all
"""


def source_days(subject: Subject) -> dict[str, tuple[list[SourceDay], list[SourceDay]]]:
    """Days of each source that the release reads: those before it shipped, and those since."""
    span = period(subject)
    needed = {"events": sorted(events_needed(subject)), "is_all": subject.once(reads).is_all}
    rows = subject.engine.rows(
        _DAYS, {"since": span.baseline_from, "until": span.judged_until, **needed}
    )
    found: dict[str, tuple[list[SourceDay], list[SourceDay]]] = {}
    judged = {"since": span.judged_from, "until": span.judged_until}
    copies = {(source, day): by for source, day, by in subject.engine.rows(_COPIES, judged)}
    for source, day, events, copied, late, local in rows:
        one = SourceDay(day, events, copied, late, local, copies.get((source, day), {}))
        before_and_since = found.setdefault(source, ([], []))
        before_and_since[one.day >= span.judged_from].append(one)
    return found
