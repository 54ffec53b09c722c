"""Who was exposed in the first week of a release, and who in its latest: by attribute and level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..facts import Subject
from .covariates import ATTRIBUTES

WEEK = timedelta(days=7)

_LEVELS = """
with

exposed as (

    select
        exposed_at >= $latest_from as is_latest,
        coalesce(platform, '') as platform,
        coalesce(country, '') as country,
        coalesce(plan, '') as plan

    from main.fct_exposures

    where
        release = $release
        and (exposed_at < $first_until or exposed_at >= $latest_from)
        and exposed_at < $latest_until
        and not coalesce(is_bot, false)
        and not coalesce(is_crossover, false)

)

select
    grouping_id(platform, country, plan) as left_out,
    coalesce(platform, country, plan) as level,
    count(*) filter (where not is_latest) as first_units,
    count(*) filter (where is_latest) as latest_units

from exposed

group by grouping sets (platform, country, plan)

order by all
"""


@dataclass(frozen=True, slots=True)
class Level:
    """Exposed units that share a level of an attribute. Counts; an unknown level is ''."""

    level: str
    first: int
    latest: int


@dataclass(frozen=True, slots=True)
class ExposedWeeks:
    """Who was exposed in the first seven days and in the latest.

    Args:
        latest_from: When the latest seven days began.
        levels: By attribute.
    """

    latest_from: datetime
    levels: dict[str, tuple[Level, ...]]


def read_exposed_weeks(subject: Subject) -> ExposedWeeks | None:
    """Count both weeks; None as long as they are not two."""
    dates = subject.dates
    until = dates.exposure_until
    if until - dates.shipped_at < 2 * WEEK:
        return None
    rows = subject.engine.rows(
        _LEVELS,
        {
            "release": subject.release.release,
            "first_until": dates.shipped_at + WEEK,
            "latest_from": until - WEEK,
            "latest_until": until,
        },
    )
    every = 2 ** len(ATTRIBUTES) - 1  # grouping_id has a bit set for every name that is left out
    by_mask = {every - 2 ** (len(ATTRIBUTES) - 1 - at): name for at, name in enumerate(ATTRIBUTES)}
    levels: dict[str, list[Level]] = {name: [] for name in ATTRIBUTES}
    for left_out, level, first, latest in rows:
        levels[by_mask[left_out]].append(Level(level, first, latest))
    return ExposedWeeks(until - WEEK, {name: tuple(found) for name, found in levels.items()})
