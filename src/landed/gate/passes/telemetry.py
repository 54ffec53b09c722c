"""What the exposed lost of the telemetry their clients send, by signal, arm and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject
from .clusters import CLUSTER

# A unit enters once: with its day of exposure and the days after it, when these are over. Later
# days would tell more, but of the same units: looks would no longer add independent ones. Of
# clusters each enters once, with all its units, on the day of the first.
_LOST = """
with

exposed as (

    select
        unit_id,
        {assigned} as assigned_id,
        variant,
        cast(exposed_at as date) as exposed_on

    from main.fct_exposures

    where
        release = $release
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false)
        and date_trunc('day', exposed_at) + to_days($window_days) <= $cutoff_at
        and {assigned} is not null
    {whole}

),

assigned as (

    select
        days.signal,
        exposed.variant,
        min(exposed.exposed_on) as exposed_on,
        sum(days.expected_count)::double as expected,
        sum(days.expected_count - days.seen_count)::double as lost

    from main.int_telemetry_days as days

    inner join exposed
        on
            days.unit_id = exposed.unit_id
            and days.event_on >= exposed.exposed_on
            and days.event_on < exposed.exposed_on + $window_days::integer

    group by days.signal, exposed.variant, exposed.assigned_id

    having sum(days.expected_count) > 0

)

select
    signal,
    variant,
    date_trunc('day', exposed_on) + to_days($window_days) - interval 1 day as day_at,
    count(*)::double as units,
    sum(lost) as lost,
    sum(expected) as expected,
    sum(lost * lost) as lost_lost,
    sum(expected * expected) as expected_expected,
    sum(lost * expected) as lost_expected

from assigned

group by all

order by all
"""

# a cluster with units of several arms enters none
_WHOLE_CLUSTERS = f"""qualify
        min(variant) over (partition by {CLUSTER})
        = max(variant) over (partition by {CLUSTER})"""


@dataclass(frozen=True, slots=True)
class Lost:
    """Sums over the units, or clusters, of one arm whose days were over on one day.

    Args:
        signal: sequence, heartbeat, or a pair of events.
        sums: Units, lost, expected, lost², expected², lost × expected.
    """

    signal: str
    variant: str
    day_at: datetime
    sums: tuple[float, ...]


def read_lost(subject: Subject, window_days: int) -> tuple[Lost, ...]:
    """Sum up what was lost of units in their first days.

    Args:
        subject: The release under judgement.
        window_days: From the day of exposure on. Days, at least 1.
    """
    is_clustered = subject.release.cluster is not None
    rows = subject.engine.rows(
        _LOST.format(
            assigned=CLUSTER if is_clustered else "unit_id",
            whole=_WHOLE_CLUSTERS if is_clustered else "",
        ),
        {
            "release": subject.release.release,
            "cutoff_at": subject.dates.cutoff_at,
            "window_days": window_days,
        },
    )
    return tuple(Lost(row[0], row[1], row[2], tuple(row[3:])) for row in rows)
