"""Who the units are: there before or for the first time, and spelled in one way or in two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ..facts import Subject

#: Days before the release that its own days are held against.
DAYS_BEFORE = 14

_ACTIVE = """
select
    days.event_on,
    count(*) filter (where cast(units.first_seen_at as date) < days.event_on) as known,
    count(*) filter (where cast(units.first_seen_at as date) >= days.event_on) as new

from main.agg_unit_days as days

inner join main.dim_units as units
    on days.unit_id = units.unit_id

where days.event_on >= $from_on and days.event_on < $until_on

group by days.event_on
"""


# Ids that differ in capitals or in blanks at their ends only are one person's, spelled twice.
_MISSPELT = """
with

twins as (

    select lower(trim(unit_id)) as spelling
    from main.dim_units
    group by all
    having count(*) > 1

)

select count(*), count(twins.spelling)

from main.fct_exposures as exposures

left join twins
    on lower(trim(exposures.unit_id)) = twins.spelling

where
    exposures.release = $release
    and exposures.exposed_at < $cutoff_at
"""


@dataclass(frozen=True, slots=True)
class ActiveDay:
    """Active units of a UTC day. Counts.

    Args:
        known: Seen on an earlier day.
        new: Seen for the first time.
    """

    known: int
    new: int


def known_units(subject: Subject) -> dict[date, ActiveDay]:
    """Active units by day, from two weeks before the release to its last whole day."""
    from_on = subject.dates.shipped_at.date() - timedelta(days=DAYS_BEFORE)
    rows = subject.engine.rows(
        _ACTIVE, {"from_on": from_on, "until_on": subject.dates.cutoff_at.date()}
    )
    return {event_on: ActiveDay(known, new) for event_on, known, new in rows}


def misspelt_units(subject: Subject) -> tuple[int, int]:
    """Exposed units up to the cutoff, and those of them whose id another unit spells otherwise."""
    bound = {"release": subject.release.release, "cutoff_at": subject.dates.cutoff_at}
    return subject.engine.one(_MISSPELT, bound) or (0, 0)
