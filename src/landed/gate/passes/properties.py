"""What the profiles say of the properties of the events that a release needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from ..facts import Subject
from ..needs import events_needed, reads
from ..persons import Groups
from .profiles import period

_WEEK = 7
#: Sampled rows by type of their value and place of it; a type without places has all at None.
Places = dict[tuple[str, int | None], int]

_NEEDED = """
    event_on >= $since
    and event_on < $until
    and (list_contains($events, event_name) or list_contains($properties, property))
"""

#: Of some rows; groups of persons are what adds up over days and versions.
_COUNT_PERSONS = "len(list_distinct(flatten(list(map_keys(person_groups))))) as persons"

_DAYS = f"""
select
    source,
    event_name,
    property,
    type,
    event_on,
    sum(row_count)::bigint as row_count,
    sum(row_count * log10_median) / sum(row_count) filter (where log10_median is not null)
        as typical,
    sum(name_count) filter (where type = 'left out')::bigint as left_out,
    {_COUNT_PERSONS}

from main.int_property_days

where {_NEEDED} or (type = 'rows' and event_on >= $since and event_on < $until)

group by all

order by all
"""

_VERSIONS = f"""
select
    source,
    event_name,
    property,
    app_version,
    sum(row_count)::bigint as row_count,
    sum(row_count * log10_median) / sum(row_count) as typical,
    {_COUNT_PERSONS}

from main.int_property_days

where
    {_NEEDED}
    and event_on >= $judged_from
    and app_version is not null
    and type = 'number'
    and log10_median is not null

group by all

order by all
"""

_PERSONS = f"""
with

grouped as (

    select
        source,
        event_name,
        property,
        type,
        case when event_on >= $judged_from then event_on end as day,
        unnest(map_entries(person_groups)) as entry

    from main.int_property_days

    where
        ({_NEEDED} or (type = 'rows' and event_on >= $since and event_on < $until))
        and type != 'left out'

),

counted as (

    select
        source,
        event_name,
        property,
        type,
        day,
        entry.key as person_group,
        sum(entry.value)::bigint as row_count

    from grouped

    group by all

)

select
    source,
    event_name,
    property,
    type,
    day,
    map_from_entries(list((person_group, row_count))) as person_groups

from counted

group by all
"""

_PLACES = f"""
with

placed as (

    select
        source,
        event_name,
        property,
        type,
        event_on >= $judged_from as is_judged,
        event_on >= greatest($judged_from, $latest_from) as is_latest,
        case when type = 'number' and is_judged then event_on end as day,
        case when type = 'number' and is_judged then app_version end as version,
        place_persons,
        unnest(map_entries(places)) as entry

    from main.int_property_days

    where {_NEEDED} and type not in ('rows', 'left out')

)

select
    source,
    event_name,
    property,
    type,
    is_judged,
    is_latest,
    day,
    version,
    entry.key as place,
    sum(entry.value)::bigint as row_count,
    coalesce(sum(place_persons[entry.key]), 0)::bigint as persons

from placed

group by all
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Sampled numbers of some judged rows of a property.

    Args:
        what: The day, or the version, that they are of.
        typical: log10 of their usual size; None of too few.
        places: Rows by place. Counts.
        place_persons: Persons by place, each once a day in a place. Counts.
        persons: So many they are of, at least. Count.
    """

    what: date | str
    typical: float | None
    places: Mapping[int, int]
    place_persons: Mapping[int, int]
    persons: int

    @property
    def rows(self) -> int:
        """Numbers. Count."""
        return sum(self.places.values())


@dataclass
class Property:
    """One member of the properties of an event in a source. Counts are of sampled rows.

    Args:
        days: Rows by type of the value and day.
        groups: Rows of the judged days by type, day and group of persons.
        typical: log10 of the usual size of its numbers by day: mean of its versions' medians.
        typical_of: Likewise of the judged days by version.
        persons: Persons who sent its numbers, at least, by day and by version.
        before: Rows of the baseline by type and place.
        since: Rows of the judged days, likewise.
        latest: Of those, the last seven days.
        persons_before: Persons of the baseline's numbers by place, each once a day in a place.
        persons_since: Likewise of the judged days by place, for each day and for each version.
        by_day: Numbers of the judged days by day and place.
        by_version: Numbers of the judged days by version and place.
    """

    days: dict[str, dict[date, int]] = field(default_factory=lambda: defaultdict(dict))
    groups: dict[str, dict[date, Groups]] = field(default_factory=lambda: defaultdict(dict))
    typical: dict[date, float] = field(default_factory=dict)
    typical_of: dict[str, float] = field(default_factory=dict)
    persons: dict[date | str, int] = field(default_factory=dict)
    before: Places = field(default_factory=lambda: defaultdict(int))
    since: Places = field(default_factory=lambda: defaultdict(int))
    latest: Places = field(default_factory=lambda: defaultdict(int))
    persons_before: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    persons_since: dict[date | str, dict[int, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    by_day: dict[date, dict[int, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    by_version: dict[str, dict[int, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )

    def judged_numbers(self) -> list[Numbers]:
        """The judged numbers of each day, and of each version."""
        days = [
            self._numbers(day, self.typical.get(day), self.by_day[day])
            for day in sorted(self.by_day)
        ]
        versions = [
            self._numbers(name, self.typical_of.get(name), self.by_version[name])
            for name in sorted(self.by_version)
        ]
        return [*days, *versions]

    def _numbers(
        self, what: date | str, typical: float | None, places: Mapping[int, int]
    ) -> Numbers:
        return Numbers(what, typical, places, self.persons_since[what], self.persons.get(what, 0))


@dataclass
class Event:
    """What the profiles say of one event of a source.

    Args:
        rows: Sampled rows by day.
        groups: Sampled rows of the judged days by day and group of persons.
        groups_before: Sampled rows of the baseline by group of persons.
        crowded: Days on which it had more properties than a profile holds, with how many more.
        properties: By name.
    """

    source: str
    name: str
    rows: dict[date, int] = field(default_factory=dict)
    groups: dict[date, Groups] = field(default_factory=dict)
    groups_before: Groups = field(default_factory=dict)
    crowded: dict[date, int] = field(default_factory=dict)
    properties: dict[str, Property] = field(default_factory=lambda: defaultdict(Property))


def profiled_events(subject: Subject) -> tuple[Event, ...]:
    """The profiles of the events that the release needs, and of those whose properties it reads."""
    span = period(subject)
    bound: dict[str, Any] = {
        "events": sorted(events_needed(subject)),
        "properties": sorted(subject.once(reads).properties_of_any),
        "since": span.baseline_from,
        "until": span.judged_until,
    }
    judged = {**bound, "judged_from": span.judged_from}
    found: dict[tuple[str, str], Event] = {}
    for row in subject.engine.rows(_DAYS, bound):
        source, event, name, kind, day, rows, typical, left_out, persons = row
        one = found.setdefault((source, event), Event(source, event))
        if kind == "rows":
            one.rows[day] = rows
        elif kind == "left out":
            one.crowded[day] = left_out
        else:
            one.properties[name].days[kind][day] = rows
            if typical is not None:
                one.properties[name].typical[day] = typical
                one.properties[name].persons[day] = persons
    for source, event, name, version, _, typical, persons in subject.engine.rows(_VERSIONS, judged):
        found[source, event].properties[name].typical_of[version] = typical
        found[source, event].properties[name].persons[version] = persons
    for source, event, name, kind, day, groups in subject.engine.rows(_PERSONS, judged):
        one = found[source, event]
        if kind == "rows":
            if day is None:
                one.groups_before = groups
            else:
                one.groups[day] = groups
        elif day is not None:
            one.properties[name].groups[kind][day] = groups
    week = {**judged, "latest_from": span.judged_until - timedelta(days=_WEEK)}
    for row in subject.engine.rows(_PLACES, week):
        source, event, name, kind, is_judged, is_latest, day, version, place, rows, persons = row
        member = found[source, event].properties[name]
        (member.since if is_judged else member.before)[kind, place] += rows
        if is_latest:
            member.latest[kind, place] += rows
        if kind == "number" and not is_judged:
            member.persons_before[place] += persons
        if day is not None:
            member.by_day[day][place] += rows
            member.persons_since[day][place] += persons
        if version is not None:
            member.by_version[version][place] += rows
            member.persons_since[version][place] += persons
    return tuple(one for one in found.values() if one.properties or one.crowded)
