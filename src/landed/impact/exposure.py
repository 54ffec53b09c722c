"""Who was exposed to what, and whether the split is the planned one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ..catalog.releases import AllocationStage, Release
from ..stats import staged_sample_ratio
from ..warehouse import Engine, without_zone

_COUNTS = """
select
    variant,
    count(*) filter (where not coalesce(is_bot, false) and not coalesce(is_crossover, false)),
    count(*) filter (where coalesce(is_bot, false)),
    count(*) filter (where coalesce(is_crossover, false) and not coalesce(is_bot, false))

from fct_exposures

where release = ?
    and exposed_at >= ?
    and exposed_at < ?

group by variant
"""


#: What a unit needs to enter where clusters were assigned, and the clusters of those that do.
UNITS_BY_CLUSTER = """
with units as (

    select
        unit_id,
        variant,
        exposed_at,
        case when not coalesce(is_in_two_clusters, false) then cluster_id end as cluster_id,
        coalesce(is_in_two_clusters, false) as is_in_two_clusters

    from fct_exposures

    where release = $release
        and exposed_at < $cutoff_at
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false)

),

clusters as (

    select
        cluster_id,
        min_by(variant, (exposed_at, unit_id)) as variant,
        min(variant) <> max(variant) as is_crossover,
        count(*) as units,
        min(exposed_at) as exposed_at

    from units

    where cluster_id is not null

    group by cluster_id

)
"""

_CLUSTERS = (
    UNITS_BY_CLUSTER
    + """
select
    variant,
    exposed_at,
    count(*) filter (where not is_crossover),
    coalesce(sum(units) filter (where not is_crossover), 0),
    count(*) filter (where is_crossover),
    coalesce(sum(units) filter (where is_crossover), 0)

from clusters

group by variant, exposed_at
"""
)

_WITHOUT_ONE = (
    UNITS_BY_CLUSTER
    + """
select
    count(*) filter (where cluster_id is null and not is_in_two_clusters),
    count(*) filter (where is_in_two_clusters)

from units
"""
)


@dataclass(frozen=True, slots=True)
class ExposedClusters:
    """What was assigned as a whole, where a release assigned clusters.

    Args:
        property: Property of an exposure that names the cluster.
        counts: Clusters by variant, those with two variants left out. Count.
        crossover: Clusters with units in more than one variant, left out whole. Count.
    """

    property: str
    counts: Mapping[str, int]
    crossover: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposed units of a release.

    Args:
        unit: What is randomised.
        counts: Distinct exposed units by variant, bots and crossovers left out. Count.
        allocation: Planned shares by variant; over a ramp, the shares its stages imply for the
            units each of them exposed. None without an allocation.
        sample_ratio_p_value: Chance of a split at least this far from the plan, as if it were
            looked at once; the gate judges by bounds that hold under daily looks. 0 to 1; None
            without an allocation, or with no exposed unit.
        excluded_units: Units left out: `crossover` (met another variant later) and `bot`; a bot
            that crossed over counts as a bot. Where clusters were assigned also `without_cluster`,
            `two_clusters`, and `crossover_cluster` for those of clusters with two variants. Count.
        clusters: Where clusters were assigned; the test of the split is then theirs.
    """

    unit: str
    counts: Mapping[str, int]
    allocation: Mapping[str, float] | None
    sample_ratio_p_value: float | None
    excluded_units: Mapping[str, int]
    clusters: ExposedClusters | None = None

    def as_dict(self) -> dict[str, Any]:
        """The keys of `exposure` in a report."""
        return {
            "unit": self.unit,
            "counts": dict(self.counts),
            "allocation": None if self.allocation is None else dict(self.allocation),
            "sample_ratio_p_value": self.sample_ratio_p_value,
            "excluded_units": dict(self.excluded_units),
            **({} if self.clusters is None else {"clusters": asdict(self.clusters)}),
        }


def summarise_exposure(engine: Engine, release: Release, cutoff_at: datetime) -> Exposure:
    """Count exposed units by variant and hold them against the allocation, stage by stage.

    Args:
        engine: The database with the mart `fct_exposures`.
        release: The release; its variants are all there, with 0 where nobody was exposed.
        cutoff_at: Exposures at or after it do not count. UTC.
    """
    if release.cohorts is not None:  # groups get it, and no unit is exposed on its own
        return Exposure(release.unit, {}, None, None, {})
    stages = sorted(release.allocation, key=lambda stage: stage.starts_at)
    # whoever was exposed before the first stage began belongs to it
    starts = [release.shipped_at, *(stage.starts_at for stage in stages[1:])]
    if stages:
        starts[0] = min(release.shipped_at, stages[0].starts_at)
    ends = [*starts[1:], cutoff_at]
    counts = dict.fromkeys(release.variants, 0)
    excluded = {"crossover": 0, "bot": 0}
    by_stage: list[dict[str, int]] = []
    for starts_at, ends_at in zip(starts, ends, strict=True):
        in_stage = dict.fromkeys(release.variants, 0)
        until = min(ends_at, cutoff_at)
        rows = engine.rows(_COUNTS, [release.release, without_zone(starts_at), without_zone(until)])
        for variant, units, bots, crossovers in rows:
            if variant not in in_stage:
                continue
            in_stage[variant] += units
            counts[variant] += units
            excluded["bot"] += bots
            excluded["crossover"] += crossovers
        by_stage.append(in_stage)
    found = Exposure(
        unit=release.unit,
        counts=counts,
        allocation=_implied_shares(stages, by_stage),
        sample_ratio_p_value=_p_value(stages, by_stage),
        excluded_units=excluded,
    )
    if release.cluster is None:
        return found
    return _by_cluster(engine, release, release.cluster, cutoff_at, found, starts)


def _by_cluster(  # noqa: PLR0917 - what is counted, then what is known of units
    engine: Engine,
    release: Release,
    cluster: str,
    cutoff_at: datetime,
    found: Exposure,
    starts: Sequence[datetime],
) -> Exposure:
    """The same of clusters: a cluster is in the stage of its first unit."""
    params = {"release": release.release, "cutoff_at": without_zone(cutoff_at)}
    counts, units = dict.fromkeys(release.variants, 0), dict.fromkeys(release.variants, 0)
    by_stage = [dict.fromkeys(release.variants, 0) for _ in starts]
    crossover = in_crossover = 0
    begins = [without_zone(one) for one in starts]
    for variant, exposed_at, whole, of_whole, mixed, of_mixed in engine.rows(_CLUSTERS, params):
        crossover, in_crossover = crossover + mixed, in_crossover + int(of_mixed)
        if variant in counts:
            counts[variant] += whole
            units[variant] += int(of_whole)
            stage = max(sum(begin <= exposed_at for begin in begins) - 1, 0)
            by_stage[stage][variant] += whole
    missing = engine.one(_WITHOUT_ONE, params)
    without, in_two = (0, 0) if missing is None else missing
    stages = sorted(release.allocation, key=lambda stage: stage.starts_at)
    return replace(
        found,
        counts=units,
        allocation=_implied_shares(stages, by_stage),
        sample_ratio_p_value=_p_value(stages, by_stage),
        excluded_units={
            **found.excluded_units,
            "without_cluster": without,
            "two_clusters": in_two,
            "crossover_cluster": in_crossover,
        },
        clusters=ExposedClusters(cluster, counts, crossover),
    )


def _implied_shares(
    stages: list[AllocationStage], by_stage: list[dict[str, int]]
) -> dict[str, float] | None:
    if not stages:
        return None
    totals = [sum(counts.values()) for counts in by_stage]
    if len(stages) == 1 or not sum(totals):
        return dict(stages[0].shares)
    return {
        variant: sum(
            total * stage.shares.get(variant, 0.0)
            for total, stage in zip(totals, stages, strict=True)
        )
        / sum(totals)
        for variant in stages[0].shares
    }


def _p_value(stages: list[AllocationStage], by_stage: list[dict[str, int]]) -> float | None:
    tested = []
    for stage, counts in zip(stages, by_stage, strict=False):
        planned = {variant: share for variant, share in stage.shares.items() if share > 0}
        if any(count for variant, count in counts.items() if variant not in planned):
            return 0.0  # units in a variant that was given none cannot be chance
        if len(planned) > 1 and any(counts.values()):
            tested.append(({variant: counts[variant] for variant in planned}, planned))
    return staged_sample_ratio(tested).p_value if tested else None
