"""One pass a mart over the outcomes of a release's success metrics: who acted, exposed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..facts import Subject
from ..outcomes import OutcomeRows, outcome_rows
from .clusters import CLUSTER
from .exposures import read_exposures, stage_starts

#: How long before a unit's exposure its outcomes are looked for. Longer would add what units do
#: anyhow, which hides the little that a late exposure adds.
HOURS_BEFORE = 1

_Key = tuple[int, str, datetime]

# Metrics of one mart are flags of its rows, so that the mart is read once for all of them.
_ACTED = """
with

outcomes as (

    select
        {unit} as unit_id,
        cast({happened_at} as timestamp) as happened_at,
        {flags}

    from main."{model}" as facts

    where
        cast({happened_at} as timestamp) >= {from_at} - to_hours($hours_before)
        and cast({happened_at} as timestamp) < $cutoff_at

),

assigned as (

    select unit_id

    from main.int_assigned_units

    where release = $release

    group by unit_id

),

exposed as (

    select
        unit_id,
        variant,
        exposed_at,
        {cluster} as cluster_id,
        exposed_at < $cutoff_at
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false) as may_enter

    from main.fct_exposures

    where release = $release

),

people as (

    select
        exposed.*,
        coalesce(assigned.unit_id, exposed.unit_id) as person,
        assigned.unit_id is not null as is_assigned,
        exposed.unit_id is not null as is_exposed

    from assigned

    full join exposed
        on assigned.unit_id = exposed.unit_id

),

acted as (

    select
        people.person,
        {has},
        {early}

    from outcomes

    inner join people
        on outcomes.unit_id = people.person

    where {any_flag}

    group by people.person

)
"""

# Of units, those who acted are enough: how many were exposed is known from `read_exposures`.
_OF_UNITS = """
select
    {stage} as stage,
    people.variant,
    greatest(date_trunc('day', people.exposed_at), date_trunc('day', $shipped_at)) as day_at,
    coalesce(people.may_enter, false) as may_enter,
    [{assigned}] as assigned,
    [{never}] as never,
    [{acted_early}] as early

from acted

inner join people
    on acted.person = people.person

group by stage, people.variant, day_at, may_enter
"""

# Clusters enter whole, with all their units, on the day and in the stage of the first.
_OF_CLUSTERS = """,

clusters as (

    select
        min_by(people.variant, (people.exposed_at, people.unit_id)) as variant,
        min(people.exposed_at) as exposed_at,
        count(*)::double as units,
        {early_in_cluster}

    from people

    left join acted
        on people.person = acted.person

    where people.may_enter and people.cluster_id is not null

    group by people.cluster_id

    having min(people.variant) = max(people.variant)

)

select
    null as stage,
    null as variant,
    null as day_at,
    [{assigned}] as assigned,
    [{never}] as never,
    null as sums

from acted

inner join people
    on acted.person = people.person

union all

select
    {stage} as stage,
    variant,
    greatest(date_trunc('day', exposed_at), date_trunc('day', $shipped_at)) as day_at,
    null,
    null,
    [{sums}]

from clusters

group by stage, variant, day_at
"""


@dataclass(frozen=True, slots=True)
class Early:
    """Units of one arm and stage first exposed on one day, and who of them acted before that.

    Args:
        sums: As `landed.stats.difference_looks.SUMS`, with those who had an outcome within
            `HOURS_BEFORE` their exposure as part and all as whole; of clusters where the release
            assigned them.
    """

    metric: str
    stage: int
    variant: str
    day_at: datetime
    sums: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Acted:
    """Units with an outcome of one success metric since shipping.

    Args:
        assigned: Those that carry an arm's label. Count.
        never_exposed: Those of them without an exposure. Count.
        early: By stage, arm and day; empty where the mart knows no instants but days.
    """

    metric: str
    assigned: int
    never_exposed: int
    early: tuple[Early, ...]


def read_outcomes(subject: Subject) -> tuple[Acted, ...]:
    """Count the units that acted, in the order of the success metrics; ask with `subject.once`."""
    names = [role.metric for role in subject.release.with_role("success")]
    marts: dict[tuple[str, str, str], list[tuple[str, OutcomeRows]]] = {}
    for name in dict.fromkeys(names):
        rows = outcome_rows(subject.catalog, subject.catalog.metric(name))[0]
        key = (rows.model, rows.unit, rows.happened_at)
        marts.setdefault(key, []).append((name, rows))
    found = {one.metric: one for mart in marts.values() for one in _read(subject, mart)}
    return tuple(found[name] for name in dict.fromkeys(names))


def _read(subject: Subject, mart: Sequence[tuple[str, OutcomeRows]]) -> list[Acted]:
    first, is_clustered = mart[0][1], subject.release.cluster is not None
    starts = {f"stage_{at}": start for at, start in stage_starts(subject.stages).items()}
    from_at = "date_trunc('day', $shipped_at)" if first.by_day else "$shipped_at"

    def each(text: str, separator: str = ", ") -> str:
        return separator.join(text.format(at=at) for at in range(len(mart)))

    rows = subject.engine.rows(
        (_ACTED + (_OF_CLUSTERS if is_clustered else _OF_UNITS)).format(
            model=first.model,
            unit=first.unit,
            happened_at=first.happened_at,
            from_at=from_at,
            cluster=CLUSTER if is_clustered else "null",
            flags=", ".join(f"{_condition(one)} as is_{at}" for at, (_, one) in enumerate(mart)),
            any_flag=each("outcomes.is_{at}", " or "),
            has=each(
                "coalesce(bool_or(outcomes.is_{at} and outcomes.happened_at >="
                f" {from_at}), false) as has_{{at}}"
            ),
            early=each(
                "coalesce(bool_or(outcomes.is_{at} and outcomes.happened_at < people.exposed_at and"
                " outcomes.happened_at >= people.exposed_at - to_hours($hours_before)), false)"
                " as early_{at}"
            ),
            assigned=each("count(*) filter (where acted.has_{at} and people.is_assigned)"),
            never=each(
                "count(*) filter (where acted.has_{at} and people.is_assigned"
                " and not people.is_exposed)"
            ),
            acted_early=each("count(*) filter (where acted.early_{at})::double"),
            early_in_cluster=each("count(*) filter (where acted.early_{at})::double as early_{at}"),
            stage=" + ".join(f"(exposed_at >= ${name})::integer" for name in starts) or "0",
            sums=each(
                "[count(*), sum(early_{at}), sum(units), sum(early_{at} * early_{at}),"
                " sum(units * units), sum(early_{at} * units)]"
            ),
        ),
        {
            "release": subject.release.release,
            "shipped_at": subject.dates.shipped_at,
            "cutoff_at": subject.dates.cutoff_at,
            "hours_before": HOURS_BEFORE,
            **starts,
        },
    )
    arms: dict[_Key, Sequence[Sequence[float]]] = {}
    if is_clustered:
        arms = {row[:3]: row[5] for row in rows if row[1] is not None}
    elif not first.by_day:
        acted = {row[:3]: row[6] for row in rows if row[3]}
        arms = {
            key: [(n, one, n, one, n, one) for one in acted.get(key, [0.0] * len(mart))]
            for day in subject.once(read_exposures).days
            if (n := float(day.units)) and (key := (day.stage, day.variant, day.day_at))
        }
    place = 3 if is_clustered else 4
    totals = [
        [
            sum(row[place + which][at] for row in rows if row[place + which])
            for at in range(len(mart))
        ]
        for which in range(2)
    ]
    return [
        Acted(
            name,
            int(totals[0][at]),
            int(totals[1][at]),
            ()
            if first.by_day
            else tuple(Early(name, *key, tuple(arms[key][at])) for key in sorted(arms)),
        )
        for at, (name, _) in enumerate(mart)
    ]


def _condition(rows: OutcomeRows) -> str:
    return " and ".join(f"({condition})" for condition in (*rows.conditions, rows.counts))
