"""One pass over the exposed units of a release: counts by stage, variant, day and slice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...catalog.releases import AllocationStage
from ...warehouse import without_zone
from ..facts import ExposedCell, Subject

#: What a warning may slice the exposed by, and the column of fct_exposures that tells it.
SLICES: Mapping[str, str] = {
    "platform": "platform",
    "country": "country",
    "version": "first_app_version",
}

_COUNTS = """
with

exposed as (

    select
        {stage} as stage,
        variant,
        greatest(date_trunc('day', exposed_at), date_trunc('day', $shipped_at)) as day_at,
        {slices},
        coalesce(is_bot, false) as bot,
        coalesce(is_crossover, false) as crossover

    from {source}

    where
        release = $release
        and exposed_at < $cutoff_at

)

select
    stage,
    variant,
    grouping_id({names}) as left_out,
    day_at,
    coalesce({names_of_slices}) as level,
    count(*) filter (where not bot and not crossover) as units,
    count(*) filter (where crossover and not bot) as crossovers,
    count(*) filter (where bot) as bots

from exposed

group by grouping sets ({sets})

order by all
"""


@dataclass(frozen=True, slots=True)
class ExposedSlice:
    """Units of one variant in one stage that share a day or an attribute. Counts.

    Args:
        by: day, or a key of SLICES.
        level: The day, or the attribute's value as of the exposure.
    """

    by: str
    level: str
    stage: int
    variant: str
    units: int


@dataclass(frozen=True, slots=True)
class DayCell:
    """Units first exposed on one UTC day, of one variant in one stage. Counts."""

    day_at: datetime
    stage: int
    variant: str
    units: int
    crossovers: int
    bots: int


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposed units of a release up to the cutoff.

    Args:
        days: By day, stage and variant, in the order of days.
        slices: By attribute, stage and variant; units of which it is not known are in none.
    """

    days: tuple[DayCell, ...]
    slices: tuple[ExposedSlice, ...]

    @property
    def cells(self) -> tuple[ExposedCell, ...]:
        """By stage and variant."""
        totals: dict[tuple[int, str], list[int]] = {}
        for day in self.days:
            counts = totals.setdefault((day.stage, day.variant), [0, 0, 0])
            for at, number in enumerate((day.units, day.crossovers, day.bots)):
                counts[at] += number
        return tuple(ExposedCell(*key, *counts) for key, counts in sorted(totals.items()))


def read_exposures(subject: Subject) -> Exposures:
    """Count the exposed; ask for it with `subject.once`.

    Units are counted, whatever was assigned; whoever judges the split reads `read_assigned`.
    """
    return _count(subject, "main.fct_exposures")


def read_assigned(subject: Subject) -> Exposures:
    """Count what was assigned; ask for it with `subject.once`.

    Clusters where the release names them, each on the day and in the stage of its first unit: what
    a unit was as of its exposure says nothing of them, so they are in no slice. Else units.
    """
    if subject.release.cluster is None:
        return subject.once(read_exposures)
    from ...impact.exposure import UNITS_BY_CLUSTER  # scipy: as in checks/sample_ratio.py

    unknown = ", ".join(f"cast(null as varchar) as {column}" for column in SLICES.values())
    clusters = (
        f"{UNITS_BY_CLUSTER} select $release as release, variant, exposed_at, is_crossover,"
        f" false as is_bot, {unknown} from clusters"
    )
    return _count(subject, f"({clusters}) as assigned")


def _count(subject: Subject, source: str) -> Exposures:
    names = ["day_at", *SLICES]
    starts = stage_starts(subject.stages)
    bound = {f"stage_{at}": start for at, start in starts.items()}
    rows = subject.engine.rows(
        _COUNTS.format(
            source=source,
            stage=" + ".join(f"(exposed_at >= ${name})::integer" for name in bound) or "0",
            slices=",\n        ".join(f"{column} as {name}" for name, column in SLICES.items()),
            names=", ".join(names),
            names_of_slices=", ".join(SLICES),
            sets=", ".join(f"(stage, variant, {name})" for name in names),
        ),
        {
            "release": subject.release.release,
            "shipped_at": subject.dates.shipped_at,
            "cutoff_at": subject.dates.cutoff_at,
            **bound,
        },
    )
    every = 2 ** len(names) - 1  # grouping_id has a bit set for every name that is left out
    by_mask = {every - 2 ** (len(names) - 1 - at): name for at, name in enumerate(names)}
    days, slices = [], []
    for stage, variant, left_out, day_at, level, units, crossovers, bots in rows:
        name = by_mask[left_out]
        if name == "day_at":
            days.append(DayCell(day_at, stage, variant, units, crossovers, bots))
        elif level is not None:
            slices.append(ExposedSlice(name, level, stage, variant, units))
    days.sort(key=lambda day: (day.day_at, day.stage, day.variant))
    return Exposures(tuple(days), tuple(slices))


def stage_starts(stages: Sequence[AllocationStage]) -> dict[int, datetime]:
    """When each stage but the first began; whoever was exposed before that belongs to the first."""
    return {at: without_zone(stage.starts_at) for at, stage in enumerate(stages) if at}


def look_days(subject: Subject) -> tuple[datetime, ...]:
    """UTC days from shipping to the cutoff, each looked at when it is over."""
    first = _day(subject.dates.shipped_at)
    days = math.ceil((subject.dates.cutoff_at - first) / timedelta(days=1))
    return tuple(first + timedelta(days=at) for at in range(days))


def look_fractions(subject: Subject, delay_days: int = 0) -> tuple[float, ...]:
    """Share of the planned exposure that has passed at the end of each day, at most 1.

    Empty without an end of exposure: nothing is planned to be spent then.

    Args:
        subject: The release under judgement.
        delay_days: How much later than its exposure a unit is counted: the last planned look is as
            much later, but not after the verdict is due. Days.
    """
    dates = subject.dates
    if dates.exposure_ends_at is None:
        return ()
    ends_at = dates.exposure_ends_at + timedelta(days=delay_days)
    if dates.decides_at is not None:
        ends_at = max(min(ends_at, dates.decides_at), dates.exposure_ends_at)
    whole = ends_at - dates.shipped_at
    ends = [day + timedelta(days=1) for day in look_days(subject)]
    return tuple(min((end - dates.shipped_at) / whole, 1.0) for end in ends)


def _day(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
