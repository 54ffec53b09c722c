"""What was known of the exposed before they were: sums by stage, arm and level."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject
from .clusters import CLUSTER
from .exposures import look_days, look_fractions, read_assigned, stage_starts

#: Days before the exposure whose activity counts, as in the adjustment of estimates.
PRE_PERIOD_DAYS = 28
#: Attributes of fct_exposures as of the exposure.
ATTRIBUTES = ("platform", "country", "plan")

_CELLS = """
with

exposed as (

    select
        exposures.unit_id,
        {stage} as stage,
        exposures.variant,
        {cluster} as cluster_id,
        exposures.exposed_at < $first_until as is_first,
        coalesce(exposures.platform, '') as platform,
        coalesce(exposures.country, '') as country,
        coalesce(exposures.plan, '') as plan,
        cast(exposures.exposed_at as date) as exposed_on,
        ln(1 + greatest(date_diff('day', units.first_seen_at, exposures.exposed_at), 0)) as tenure

    from main.fct_exposures as exposures

    inner join main.dim_units as units
        on exposures.unit_id = units.unit_id

    where
        exposures.release = $release
        and exposures.exposed_at < $cutoff_at
        and not coalesce(exposures.is_bot, false)
        and not coalesce(exposures.is_crossover, false)

),

activity as (

    select
        exposed.unit_id,
        sum(days.event_count)::bigint as event_count

    from main.agg_unit_days as days

    inner join exposed
        on
            days.unit_id = exposed.unit_id
            and days.event_on >= exposed.exposed_on - $pre_period_days::integer
            and days.event_on < exposed.exposed_on

    group by exposed.unit_id

),

described as materialized (

    select
        exposed.*,
        coalesce(activity.event_count, 0) as event_count,
        coalesce(ln(1 + activity.event_count), 0.0) as events,
        coalesce(exposed.tenure, 0.0) as days_known

    from exposed

    left join activity
        on exposed.unit_id = activity.unit_id

),

assigned as ({assigned})

select
    null as event_count, stage, variant, is_first, platform, country, plan,
    count(*) as units,
    sum(events) as events,
    sum(days_known) as days_known,
    sum(events * events) as events_events,
    sum(events * days_known) as events_days_known,
    sum(days_known * days_known) as days_known_days_known

from assigned

group by all

union all

select
    event_count, null, null, null, null, null, null,
    count(*), null, null, null, null, null

from described

group by event_count

order by all
"""

_UNITS = "select * from described"
# Units of a cluster are alike, and say together what one does: it has the attributes of its first
# and the mean of what they did.
_CLUSTERS = """
    select
        min(stage) as stage,
        min(variant) as variant,
        bool_or(is_first) as is_first,
        min_by(platform, (exposed_on, unit_id)) as platform,
        min_by(country, (exposed_on, unit_id)) as country,
        min_by(plan, (exposed_on, unit_id)) as plan,
        avg(events) as events,
        avg(days_known) as days_known

    from described

    where cluster_id is not null

    group by cluster_id

    having min(variant) = max(variant)
"""


@dataclass(frozen=True, slots=True)
class CovariateCell:
    """Units, or clusters that were assigned, of one arm and stage that share all attributes.

    Args:
        is_first: Whether they were exposed by the first look with enough of them.
        levels: Platform, country and plan.
        units: Count.
        sums: Log of events before the exposure, log of days since first seen, and the products of
            the first with itself, of both, and of the second with itself.
    """

    stage: int
    variant: str
    is_first: bool
    levels: tuple[str, str, str]
    units: int
    sums: tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Covariates:
    """What was known of the exposed before they were.

    Args:
        cells: By stage, arm and level.
        active: Units by the events of their days before the exposure. Counts.
    """

    cells: tuple[CovariateCell, ...]
    active: tuple[tuple[int, int], ...]


def balance_looks(subject: Subject, least_units: float) -> dict[str, datetime]:
    """The days after which balance is judged: the first with enough units, and the last planned.

    Clusters are counted where the release assigned them.
    """
    days, fractions = look_days(subject), look_fractions(subject)
    by_day: dict[datetime, int] = {}
    for cell in subject.once(read_assigned).days:
        by_day[cell.day_at] = by_day.get(cell.day_at, 0) + cell.units
    total, found = 0, {}
    for at, day in enumerate(days):
        total += by_day.get(day, 0)
        if total >= least_units and "first" not in found:
            found["first"] = day
        if at < len(fractions) and fractions[at] >= 1 and total >= least_units:
            if found["first"] != day:
                found["last"] = day
            break
    return found


@functools.cache
def covariates_until(first_until: datetime) -> Callable[[Subject], Covariates]:
    """The pass over covariates of the exposed up to the cutoff; ask for it with `subject.once`.

    Args:
        first_until: Who was exposed before it is of the first look.
    """

    def read(subject: Subject) -> Covariates:
        return _read(subject, first_until)

    return read


def _read(subject: Subject, first_until: datetime) -> Covariates:
    is_clustered = subject.release.cluster is not None
    bound = {f"stage_{at}": start for at, start in stage_starts(subject.stages).items()}
    stage = " + ".join(f"(exposures.exposed_at >= ${name})::integer" for name in bound) or "0"
    rows = subject.engine.rows(
        _CELLS.format(
            stage=stage,
            cluster=CLUSTER if is_clustered else "null",
            assigned=_CLUSTERS if is_clustered else _UNITS,
        ),
        {
            "release": subject.release.release,
            "cutoff_at": subject.dates.cutoff_at,
            "first_until": first_until,
            "pre_period_days": PRE_PERIOD_DAYS,
            **bound,
        },
    )
    return Covariates(
        tuple(
            CovariateCell(row[1], row[2], row[3], tuple(row[4:7]), row[7], tuple(row[8:]))
            for row in rows
            if row[0] is None
        ),
        tuple((row[0], row[7]) for row in rows if row[0] is not None),
    )
