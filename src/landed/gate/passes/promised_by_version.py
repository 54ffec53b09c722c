"""The part of the pass over promised events that tells one version from another.

It reads the exposed and the events of theirs that `promised_events` names first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

#: Who was there on a version on a day after the exposure, and who sent an event on that day.
LATER = """\
-- the version that a unit had first on a day is the one it went on with
active as (

    select
        exposed.variant,
        days.event_on,
        days.first_app_version as app_version,
        {counted} as units

    from exposed

    inner join main.int_unit_days as days
        on exposed.unit_id = days.unit_id

    where
        exposed.is_compared
        and days.event_on > cast(exposed.exposed_at as date)
        and days.event_on < cast($cutoff_at as date)
        and days.first_app_version is not null

    group by exposed.variant, days.event_on, days.first_app_version

),

sent_later as (

    select
        heard.name,
        exposed.variant,
        heard.event_on,
        heard.app_version,
        {counted} as sent

    from heard

    inner join exposed
        on heard.unit_id = exposed.unit_id

    where
        heard.name is not null
        and exposed.is_compared
        and heard.event_on > cast(exposed.exposed_at as date)

    group by heard.name, exposed.variant, heard.event_on, heard.app_version

)"""

#: Who was exposed on a version, and who was there on it later, beside those who sent each event.
SELECTED = """\
select
    'exposed_on',
    names.name,
    exposed.variant,
    null,
    {counted},
    {counted} filter (where senders.is_sent or senders.is_early),
    0,
    exposed.first_app_version

from exposed

cross join (select unnest($events) as name) as names

left join senders
    on
        exposed.unit_id = senders.unit_id
        and names.name = senders.name

where exposed.is_compared and exposed.first_app_version is not null

group by names.name, exposed.variant, exposed.first_app_version

union all

select
    'active_on',
    names.name,
    active.variant,
    active.event_on,
    active.units,
    least(coalesce(sent_later.sent, 0), active.units),
    0,
    active.app_version

from active

cross join (select unnest($events) as name) as names

left join sent_later
    on
        names.name = sent_later.name
        and active.variant = sent_later.variant
        and active.event_on = sent_later.event_on
        and active.app_version = sent_later.app_version"""


@dataclass(frozen=True, slots=True)
class SentOn:
    """Units, or clusters, of one arm on one version, and those that sent one event. Counts.

    Args:
        day: Of the units that were there on a day after their exposure, that day; None of those
            that were exposed on the version.
    """

    event: str
    variant: str
    version: str
    units: int
    sent: int
    day: date | None = None
