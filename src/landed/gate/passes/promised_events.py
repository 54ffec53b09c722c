"""One pass over the events that a release promises: who sent them, and when about the exposure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject

# The exposed by day are counted beside those who sent an event, so that a day on which nobody of
# an arm did is seen. Whoever was exposed less than a day before the cutoff could not have yet.
_SENT = """
with

exposed as (

    select
        unit_id,
        variant,
        exposed_at,
        greatest(date_trunc('day', exposed_at), date_trunc('day', $shipped_at)) as day_at

    from main.fct_exposures

    where
        release = $release
        and exposed_at < $cutoff_at - interval 1 day
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false)

),

senders as (

    select
        events.event_name,
        exposed.unit_id,
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
        list_contains($events, events.event_name)
        and events.occurred_at >= $shipped_at
        and events.occurred_at < $cutoff_at

    group by events.event_name, exposed.unit_id

),

sent as (

    select
        senders.event_name,
        exposed.variant,
        exposed.day_at,
        count(*) filter (where senders.is_sent or senders.is_early) as sent,
        count(*) filter (where senders.is_early) as early

    from senders

    inner join exposed
        on senders.unit_id = exposed.unit_id

    group by all

),

days as (

    select
        names.event_name,
        exposed.variant,
        exposed.day_at,
        count(*) as units

    from exposed

    cross join (select unnest($events) as event_name) as names

    group by all

)

select
    days.event_name,
    days.variant,
    days.day_at,
    days.units,
    coalesce(sent.sent, 0) as sent,
    coalesce(sent.early, 0) as early

from days

left join sent
    on
        days.event_name = sent.event_name
        and days.variant = sent.variant
        and days.day_at = sent.day_at

order by all
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


def read_promised(subject: Subject) -> tuple[Sent, ...]:
    """Who sent the events of `must_emit`; ask for it with `subject.once`."""
    if not subject.release.must_emit:
        return ()
    rows = subject.engine.rows(
        _SENT,
        {
            "release": subject.release.release,
            "events": list(subject.release.must_emit),
            "shipped_at": subject.dates.shipped_at,
            "cutoff_at": subject.dates.cutoff_at,
            "tolerance_seconds": TOLERANCE_SECONDS,
        },
    )
    return tuple(Sent(*row) for row in rows)
