"""Who took a version and who did not: how they differ after it, and how they did before.

Nobody was assigned, so none of this is an effect; it goes into no verdict. `adoption.py` judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release
from ..warehouse import Engine, without_zone
from .measure import measure_population

ADOPTED, OTHERS = "adopted", "others"

#: Everybody seen since the release, from their first event on, by whether they took it.
_POPULATION = """
select
    $release as release,
    events.unit_id,
    if(
        events.unit_id in (
            select unit_id from fct_exposures
            where release = $release and exposed_at < $cutoff_at
        ),
        $adopted, $others
    ) as variant,
    min(events.occurred_at) as exposed_at,
    false as is_crossover,
    coalesce(bool_or(units.is_bot), false) as is_bot
from fct_events as events
left join dim_units as units on events.unit_id = units.unit_id
where events.unit_id is not null
    and events.occurred_at >= $shipped_at
    and events.occurred_at < $cutoff_at
group by events.unit_id
"""


@dataclass(frozen=True, slots=True)
class AdopterMeans:
    """One metric of those who took a version and of those who did not.

    Args:
        metric: Its name.
        label: Its name for people.
        n_adopted: Units that took it and entered. Count.
        n_others: Units that did not. Count.
        after_adopted: Mean since their first event after it shipped. The metric's unit; None
            without a value, as with the others.
        after_others: The same of those who did not.
        before_adopted: Mean of the 28 days before that event.
        before_others: The same of those who did not.
    """

    metric: str
    label: str
    n_adopted: int
    n_others: int
    after_adopted: float | None
    after_others: float | None
    before_adopted: float | None
    before_others: float | None

    def as_dict(self) -> dict[str, Any]:
        """An entry of `descriptive` in a report."""
        return asdict(self)

    def words(self) -> str:
        """What it says, and why it is no effect."""

        def shown(value: float | None) -> str:
            return "no value" if value is None else f"{value:.4g}"

        return (
            f"{self.label}, described only: {shown(self.after_adopted)} of those who took the"
            f" version and {shown(self.after_others)} of those who did not; before it"
            f" {shown(self.before_adopted)} and {shown(self.before_others)}. They chose it"
            " themselves, so the difference is no effect and goes into no verdict"
        )


def describe_adopters(
    engine: Engine, catalog: Catalog, release: Release, *, cutoff_at: datetime
) -> tuple[AdopterMeans, ...]:
    """Means of every metric, before and after, of those who took a version and those who did not.

    Args:
        engine: The database with the marts; may be read-only.
        catalog: Definitions of the metrics.
        release: Of kind `version`.
        cutoff_at: Outcomes at or after it do not count. UTC.

    Returns:
        One a metric that has a per-unit outcome, in the release's order.
    """
    names = [one for one in release.metrics if not isinstance(catalog.unit_form(one), NoUnitForm)]
    if not names:
        return ()
    arms = replace(release, control=OTHERS, treatments=(ADOPTED,))
    params = {
        "release": release.release,
        "adopted": ADOPTED,
        "others": OTHERS,
        "shipped_at": without_zone(release.shipped_at),
        "cutoff_at": without_zone(cutoff_at),
    }
    rows = measure_population(
        engine, catalog, arms, names, _POPULATION, params, cutoff_at=cutoff_at
    )
    return tuple(_means(catalog, name, rows) for name in names)


def _means(
    catalog: Catalog, name: str, rows: Mapping[tuple[str, str], Mapping[str, Any]]
) -> AdopterMeans:
    adopted, others = rows[name, ADOPTED], rows[name, OTHERS]
    return AdopterMeans(
        metric=name,
        label=catalog.metric(name).label,
        n_adopted=int(adopted["n"]),
        n_others=int(others["n"]),
        after_adopted=_mean(adopted, "y", "d", "n"),
        after_others=_mean(others, "y", "d", "n"),
        before_adopted=_mean(adopted, "x", "w", "n_x"),
        before_others=_mean(others, "x", "w", "n_x"),
    )


def _mean(row: Mapping[str, Any], of: str, by: str, count: str) -> float | None:
    divisor = row[f"sum_{by}"] if row["form"] == "ratio" else row[count]
    total = row[f"sum_{of}"]
    return float(total) / float(divisor) if divisor and total is not None else None
