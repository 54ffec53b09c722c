"""One pass over the events that a release promises: who sent them, and when about the exposure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...catalog.versions import version_key
from ..facts import Subject
from .clusters import CLUSTER
from .event_counts import event_counts
from .promised_by_version import LATER, SELECTED, SentOn

# Events of the exposed are read once, and summed up by unit, event, day and version. The exposed by
# day are counted beside those who sent an event, so that a day on which nobody of an arm did is
# seen; those by version stand in their own module. Whoever was exposed less than a day before the
# cutoff could not have yet.
_SENT = """
with

exposed as (

    select
        unit_id,
        {assigned} as assigned_id,
        variant,
        first_app_version,
        exposed_at,
        greatest(date_trunc('day', exposed_at), date_trunc('day', $shipped_at)) as day_at,
        not is_bot as is_person,
        exposed_at < $cutoff_at - interval 1 day
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false) as is_compared

    from main.fct_exposures

    where release = $release

),

heard as materialized (

    select
        exposed.unit_id,
        case when list_contains($events, events.event_name) then events.event_name end as name,
        events.app_version,
        events.event_on,
        bool_or(
            events.occurred_at >= exposed.exposed_at
            and events.occurred_at < exposed.exposed_at + interval 1 day
        ) as is_sent,
        bool_or(
            events.occurred_at < exposed.exposed_at - to_seconds($tolerance_seconds)
        ) as is_early

    from main.fct_events as events

    inner join exposed
        on events.unit_id = exposed.unit_id

    where
        {read}
        and events.occurred_at >= $shipped_at
        and events.occurred_at < $cutoff_at

    group by all

),

senders as (

    select
        unit_id,
        name,
        bool_or(is_sent) as is_sent,
        bool_or(is_early) as is_early,
        bool_or(
            list_contains($free::varchar[], name)
            or list_contains($sending::varchar[][], [name, app_version])
        ) as is_promised

    from heard

    where name is not null

    group by unit_id, name

),

sent as (

    select
        senders.name,
        exposed.variant,
        exposed.day_at,
        count(*) filter (where senders.is_sent or senders.is_early) as sent,
        count(*) filter (where senders.is_early) as early

    from senders

    inner join exposed
        on senders.unit_id = exposed.unit_id

    where exposed.is_compared

    group by all

),

days as (

    select
        names.name,
        exposed.variant,
        exposed.day_at,
        count(*) as units

    from exposed

    cross join (select unnest($events) as name) as names

    where exposed.is_compared

    group by all

),

by_version as (

    select unnest($versions::varchar[][]) as promised

),

{later}

select
    'day' as kind,
    days.name,
    days.variant,
    days.day_at,
    days.units,
    coalesce(sent.sent, 0) as sent,
    coalesce(sent.early, 0) as early,
    null as app_version

from days

left join sent
    on
        days.name = sent.name
        and days.variant = sent.variant
        and days.day_at = sent.day_at

union all

select
    'senders',
    senders.name,
    exposed.variant,
    null,
    count(*),
    count(distinct exposed.assigned_id),
    0,
    null

from senders

inner join exposed
    on senders.unit_id = exposed.unit_id

where senders.is_promised and exposed.is_person

group by senders.name, exposed.variant

union all

select
    'version',
    by_version.promised[1],
    exposed.variant,
    null,
    count(distinct exposed.unit_id),
    count(distinct exposed.assigned_id),
    0,
    null

from heard

inner join by_version
    on heard.app_version = by_version.promised[2]

inner join exposed
    on heard.unit_id = exposed.unit_id

where exposed.is_person

group by by_version.promised[1], exposed.variant

union all

{selected}

order by all
"""

#: Of cohorts no unit is exposed on its own: whoever sends the event counts.
_OF_ANYBODY = """
select
    event_name,
    count(distinct unit_id) as units

from main.fct_events

where
    list_contains($events, event_name)
    and (
        list_contains($free::varchar[], event_name)
        or list_contains($sending::varchar[][], [event_name, app_version])
    )
    and occurred_at >= $shipped_at
    and occurred_at < $cutoff_at

group by event_name
"""
#: Clocks of clients and servers differ by less.
TOLERANCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sent:
    """Units of one arm first exposed on one day, and those of them that sent one event. Counts.

    Args:
        sent: Within a day of the exposure, or before it.
        early: Between shipping and the exposure; part of `sent`.
    """

    event: str
    variant: str
    day_at: datetime
    units: int
    sent: int
    early: int


@dataclass(frozen=True, slots=True)
class Promised:
    """Who sent the events of `must_emit`.

    Args:
        days: By event, arm and day of the exposure; empty where no unit is exposed on its own.
        senders: Units by event and variant that sent it between shipping and cutoff, from a
            version that has to. Bots are none.
        on_version: Units by variant that sent anything from a version as of which an event is
            promised; by that version.
        assigned_senders: As `senders`, of what was assigned: clusters with such a unit, or units.
        assigned_on_version: As `on_version`, of what was assigned.
        exposed_on: By event, arm and the version at the exposure.
        active_on: By event, arm, version and day after the exposure.
    """

    days: tuple[Sent, ...] = ()
    senders: Mapping[tuple[str, str], int] = field(default_factory=dict)
    on_version: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    assigned_senders: Mapping[tuple[str, str], int] = field(default_factory=dict)
    assigned_on_version: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    exposed_on: tuple[SentOn, ...] = ()
    active_on: tuple[SentOn, ...] = ()


def read_promised(subject: Subject) -> Promised:
    """Who sent the events of `must_emit`; ask for it with `subject.once`."""
    release = subject.release
    if not release.must_emit:
        return Promised()
    since = {name: release.emit_rule(name).since_version for name in release.must_emit}
    from_version = {
        first: names
        for first in since.values()
        if first is not None and (names := _sending_versions(subject, first)) is not None
    }
    bound: dict[str, Any] = {
        "events": list(since),
        "free": [name for name, first in since.items() if first not in from_version],
        "sending": [
            [name, version]
            for name, first in since.items()
            if first is not None
            for version in from_version.get(first, ())
        ],
        "shipped_at": subject.dates.shipped_at,
        "cutoff_at": subject.dates.cutoff_at,
    }
    if release.cohorts is not None:
        of_cohorts = release.treatments[0]
        rows = subject.engine.rows(_OF_ANYBODY, bound)
        anybody = {(event, of_cohorts): units for event, units in rows}
        return Promised(senders=anybody, assigned_senders=anybody)
    versions = [[first, name] for first, names in from_version.items() for name in names]
    bound |= {
        "release": release.release,
        "tolerance_seconds": TOLERANCE_SECONDS,
        "versions": versions,
    }
    read = "list_contains($events, events.event_name)"
    if versions:
        read = f"({read} or list_contains($versions_read, events.app_version))"
        bound["versions_read"] = sorted({name for _, name in versions})
    is_clustered = release.cluster is not None
    counted = {"counted": "count(distinct exposed.assigned_id)" if is_clustered else "count(*)"}
    sql = _SENT.format(
        assigned=CLUSTER if is_clustered else "unit_id",
        read=read,
        later=LATER.format(**counted),
        selected=SELECTED.format(**counted),
    )
    days, exposed_on, active_on = [], [], []
    senders: dict[tuple[str, str], int] = {}
    assigned_senders: dict[tuple[str, str], int] = {}
    on_version: dict[str, dict[str, int]] = {first: {} for first in from_version}
    assigned_on: dict[str, dict[str, int]] = {first: {} for first in from_version}
    rows = subject.engine.rows(sql, bound)
    for kind, name, variant, day_at, units, sent, early, app_version in rows:
        if kind == "day":
            days.append(Sent(name, variant, day_at, units, sent, early))
        elif kind == "exposed_on":
            exposed_on.append(SentOn(name, variant, app_version, units, sent))
        elif kind == "active_on":
            active_on.append(SentOn(name, variant, app_version, units, sent, day_at.date()))
        elif kind == "senders":
            senders[name, variant], assigned_senders[name, variant] = units, sent
        else:
            on_version[name][variant], assigned_on[name][variant] = units, sent
    return Promised(
        tuple(days),
        senders,
        on_version,
        assigned_senders,
        assigned_on,
        tuple(exposed_on),
        tuple(active_on),
    )


def _sending_versions(subject: Subject, since: str) -> list[str] | None:
    """Versions seen from one on; None where it is no number, so that any will do."""
    first = version_key(since)
    if first is None:
        return None
    known = subject.once(event_counts).versions
    return sorted(name for name in known if (key := version_key(name)) and key >= first)
