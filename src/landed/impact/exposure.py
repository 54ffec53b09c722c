"""Who was exposed to what, and whether the split is the planned one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
            that crossed over counts as a bot. Count.
    """

    unit: str
    counts: Mapping[str, int]
    allocation: Mapping[str, float] | None
    sample_ratio_p_value: float | None
    excluded_units: Mapping[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The keys of `exposure` in a report."""
        return {
            "unit": self.unit,
            "counts": dict(self.counts),
            "allocation": None if self.allocation is None else dict(self.allocation),
            "sample_ratio_p_value": self.sample_ratio_p_value,
            "excluded_units": dict(self.excluded_units),
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
    return Exposure(
        unit=release.unit,
        counts=counts,
        allocation=_implied_shares(stages, by_stage),
        sample_ratio_p_value=_p_value(stages, by_stage),
        excluded_units=excluded,
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
