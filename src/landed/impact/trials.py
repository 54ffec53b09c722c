"""Who took a version in a week beside who was there that week and did not, as groups of units.

Taking a version needs a visit, so who never takes it is often who never came back: against them
any version looks good. So each unit takes part in one week alone, drawn beforehand, and only if it
was active in that week without having the version. Later weeks take nobody out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import UNIT_ENTITY, Dimension
from ..catalog.release_designs import day_starts_at, shipped_on
from ..catalog.releases import Release
from ..compiler import Relations
from ..warehouse import Engine, without_zone
from .group_panel import Weeks

#: Weeks, from the one it shipped in on, in which taking it is watched. Each has its own units, so
#: more of them leave fewer for the first, in which most take it.
MOST_TRIALS = 3
#: Whole weeks after that of taking it which are compared. Later, the others have it too.
WEEKS_AFTER = 2
#: Weeks before it shipped, in all of which a unit has to be known.
WEEKS_BEFORE = 8
#: Groups of units that each side of a week is cut into, and units that are needed of each side.
GROUPS, LEAST_UNITS = 20, 200
TOOK, OTHERS = "took", "others"
GROUP_DIMENSION = "landed_group"
_UNITS, _GROUPS = "units_by_trial", "trial_groups"
_WEEK = timedelta(days=7)

#: Each unit's number, by which it takes part in one week and stands in one group of it; whether it
#: took the version that week, or later, or not. `md5` is the same in every release of the engine.
_ASSIGN = """
create or replace temp table {groups} as
with numbered as (
    select unit_id, md5_number_lower($release || ':' || unit_id) as number
    from dim_units
    where first_seen_at < $known_before and not coalesce(is_bot, false)
),
weeks as (select * from (values {weeks}) as weeks(trial, starts_at, ends_at)),
placed as (
    select
        numbered.unit_id, weeks.*,
        cast(numbered.number // $trials % $groups as integer) as part
    from numbered
    inner join weeks on numbered.number % $trials = weeks.trial
),
active as (
    select placed.unit_id
    from placed
    inner join fct_events as events on placed.unit_id = events.unit_id
    where events.occurred_at >= $first_at and events.occurred_at < $last_at
        and events.occurred_at >= placed.starts_at and events.occurred_at < placed.ends_at
    group by placed.unit_id
),
took as (
    select unit_id, min(exposed_at) as took_at
    from fct_exposures where release = $release and exposed_at < $cutoff_at
    group by unit_id
)
select
    placed.unit_id, placed.trial, placed.part,
    coalesce(took.took_at < placed.ends_at, false) as is_taken,
    coalesce(took.took_at >= placed.ends_at, false) as is_later
from placed
inner join active on placed.unit_id = active.unit_id
left join took on placed.unit_id = took.unit_id
where took.took_at is null or took.took_at >= placed.starts_at
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """One week in which units could take the version.

    Args:
        week: Its Monday.
        n_took: Units that took it then. Count.
        n_others: Units that were active then and did not. Count.
        n_later: Those of them that took it later, until the end. Count.
    """

    week: date
    n_took: int
    n_others: int
    n_later: int

    @property
    def is_large(self) -> bool:
        """Whether each side has enough units."""
        return min(self.n_took, self.n_others, self.n_later) >= LEAST_UNITS


def planned_trials(release: Release, until: date) -> tuple[date, ...]:
    """Mondays of the weeks that are watched: those with all their weeks after by then."""
    shipped = shipped_on(release.shipped_at, release.time_zone)
    first = shipped - timedelta(days=shipped.weekday())
    weeks = [first + index * _WEEK for index in range(MOST_TRIALS)]
    return tuple(week for week in weeks if week + (1 + WEEKS_AFTER) * _WEEK <= until)


def weeks_of_trials(trials: tuple[date, ...]) -> Weeks:
    """The weeks that are compared; the one more at the start is left out as a metric's first."""
    until = trials[-1] + (1 + WEEKS_AFTER) * _WEEK
    return Weeks(trials[0] - (WEEKS_BEFORE + 1) * _WEEK, trials[0], until)


@contextmanager
def drawn_trials(
    engine: Engine, release: Release, weeks: tuple[date, ...], *, cutoff_at: datetime
) -> Iterator[tuple[Trial, ...]]:
    """Assign every unit to its week, side and group, as long as the block lasts.

    Args:
        engine: The database with the marts; may be read-only.
        release: Of kind `version`.
        weeks: Mondays, as `planned_trials` gives them.
        cutoff_at: Who takes it at or after it counts as one that did not. UTC.

    Yields:
        How many took part, by week.
    """
    zone = release.time_zone
    spans = [
        (
            max(without_zone(day_starts_at(week, zone)), without_zone(release.shipped_at)),
            without_zone(day_starts_at(week + _WEEK, zone)),
        )
        for week in weeks
    ]
    values = ", ".join(
        f"({index}, timestamp '{start}', timestamp '{end}')"
        for index, (start, end) in enumerate(spans)
    )
    known_before = day_starts_at(weeks_of_trials(weeks).first_on + _WEEK, zone)
    params: Mapping[str, Any] = {
        "release": release.release,
        "known_before": without_zone(known_before),
        "trials": len(weeks),
        "groups": GROUPS,
        "first_at": spans[0][0],
        "last_at": spans[-1][1],
        "cutoff_at": without_zone(cutoff_at),
    }
    engine.execute(_ASSIGN.format(groups=_GROUPS, weeks=values), params)
    try:
        rows = engine.rows(
            "select trial, count(*) filter (where is_taken), count(*) filter (where not is_taken),"
            f" count(*) filter (where is_later) from {_GROUPS} group by trial"
        )
        counts = {int(trial): counted for trial, *counted in rows}
        yield tuple(
            Trial(week, *(int(one) for one in counts.get(index, (0, 0, 0))))
            for index, week in enumerate(weeks)
        )
    finally:
        engine.execute(f"drop view if exists {_UNITS}")
        engine.execute(f"drop table if exists {_GROUPS}")


def trial_and_side(group: str) -> tuple[int, str]:
    """Place of the week, and side, of a group of units by its name."""
    trial, side, _ = group.split()
    return int(trial), side


def grouped_by_trial(
    engine: Engine, catalog: Catalog, trials: Collection[int], *, later_only: bool
) -> tuple[Catalog, Relations, str] | None:
    """How metrics are grouped by what `drawn_trials` assigned.

    Args:
        engine: Where the trials were drawn.
        catalog: Definitions of the metrics.
        trials: Places of the weeks whose units are in groups.
        later_only: Whether of the others only those that took it later are in a group.

    Returns:
        The catalog with the groups as a dimension of units, the relation that stands for theirs,
        and the dimension's name; None where no model has one row a unit.
    """
    model = catalog.vocabulary.units
    if model is None:
        return None
    others = "trials.is_later" if later_only else "trials.trial is not null"
    kept = ", ".join(str(trial) for trial in trials)
    key = model.entities[UNIT_ENTITY].expr
    engine.execute(
        f"""
        create or replace temp view {_UNITS} as
        select
            units.*,
            case
                when trials.is_taken then format('{{}} {TOOK} {{:02d}}', trials.trial, trials.part)
                when {others} then format('{{}} {OTHERS} {{:02d}}', trials.trial, trials.part)
            end as {GROUP_DIMENSION}
        from main."{model.model}" as units
        left join {_GROUPS} as trials
            on units.{key} = trials.unit_id and trials.trial in ({kept})
        """
    )
    dimensions = {
        **model.dimensions,
        GROUP_DIMENSION: Dimension(GROUP_DIMENSION, "categorical", GROUP_DIMENSION),
    }
    models = {**catalog.semantic_models, model.name: replace(model, dimensions=dimensions)}
    relations = Relations(instead={model.model: _UNITS})
    return replace(catalog, semantic_models=models), relations, f"{UNIT_ENTITY}__{GROUP_DIMENSION}"
