"""Exposed units that were there for an hour and never else: how many, when, of what shape."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject

# Whoever came at that hour for the first time, and was not seen again up to now.
_EXPOSED = """
with

exposed as (

    select
        exposures.unit_id,
        exposures.variant,
        cast(exposures.exposed_at as date) as exposed_on,
        date_trunc('hour', exposures.exposed_at) as hour_at,
        units.first_seen_at >= exposures.exposed_at - interval 1 hour
        and units.last_seen_at <= exposures.exposed_at + interval 1 hour as is_fleeting

    from main.fct_exposures as exposures

    inner join main.dim_units as units
        on exposures.unit_id = units.unit_id

    where
        exposures.release = $release
        and exposures.exposed_at >= $shipped_at
        and exposures.exposed_at < $cutoff_at
        and not coalesce(exposures.is_bot, false)

)
"""

_HOURS = f"""
{_EXPOSED}

select
    hour_at,
    count(*) as units,
    count(*) filter (where is_fleeting) as fleeting

from exposed

group by hour_at

order by hour_at
"""

_SHAPES = f"""
{_EXPOSED},

shapes as (

    select
        list_contains($hours::timestamp[], exposed.hour_at) as is_burst,
        exposed.variant,
        days.event_count,
        count(*) as units

    from exposed

    inner join main.agg_unit_days as days
        on exposed.unit_id = days.unit_id and exposed.exposed_on = days.event_on

    where exposed.is_fleeting

    group by all

),

commonest as (

    select
        is_burst,
        variant,
        max(units) as commonest,
        sum(units) as units

    from shapes

    group by is_burst, variant

)

select
    is_burst,
    sum(commonest)::bigint as commonest,
    sum(units)::bigint as units

from commonest

group by is_burst
"""


@dataclass(frozen=True, slots=True)
class ExposedHour:
    """Units first exposed within one UTC hour, bots left out. Counts.

    Args:
        fleeting: Those that were not seen more than an hour before or after their exposure.
    """

    hour_at: datetime
    units: int
    fleeting: int


@dataclass(frozen=True, slots=True)
class Shape:
    """Fleeting units that sent as many events as most of their arm. Counts."""

    commonest: int
    units: int


def exposed_hours(subject: Subject) -> tuple[ExposedHour, ...]:
    """Hours in which somebody was exposed, in order."""
    rows = subject.engine.rows(_HOURS, _bound(subject))
    return tuple(ExposedHour(*row) for row in rows)


def shapes(subject: Subject, hours: Collection[datetime]) -> tuple[Shape, Shape]:
    """What the fleeting units of some hours look like, and those of all other hours."""
    rows = subject.engine.rows(_SHAPES, {**_bound(subject), "hours": list(hours)})
    found = {is_burst: Shape(commonest, units) for is_burst, commonest, units in rows}
    return found.get(True, Shape(0, 0)), found.get(False, Shape(0, 0))


def _bound(subject: Subject) -> dict[str, object]:
    dates = subject.dates
    return {
        "release": subject.release.release,
        "shipped_at": dates.shipped_at,
        "cutoff_at": dates.cutoff_at,
    }
