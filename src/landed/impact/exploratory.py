"""What is shown beside a verdict and is in none: trends, overlaps, first assignments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release
from ..stats import Difference, NotEstimable, effect_trend
from ..stats.distributions import normal_p_value
from ..stats.trend import EffectTrend
from ..warehouse import Engine, without_zone
from .clustered import BY_UNIT_ONLY
from .compare import compare
from .looks import ReleaseLooks
from .measure import measure_population

#: Fewer units in both releases, in each combination of variants, say nothing of an interaction.
LEAST_UNITS = 100
#: Releases whose interaction is tested.
MOST_TESTED = 5

#: Units of both releases; a variant is its place among those of the one and of the other.
_UNITS_OF_BOTH = """
select
    a.* replace (
        cast(list_position($variants, a.variant) as varchar) || '.'
        || cast(list_position($other_variants, b.variant) as varchar) as variant
    )
from fct_exposures as a
inner join fct_exposures as b
    on a.unit_id = b.unit_id and b.release = $other and not coalesce(b.is_crossover, false)
where a.release = $release
"""

#: All units of a release: the variant of fct_exposures is that of the first exposure.
_WITH_CROSSOVERS = """
select * replace (false as is_crossover) from fct_exposures where release = $release
"""


@dataclass(frozen=True, slots=True)
class Trend:
    """How the effect on later units differs from that on earlier ones.

    Args:
        metric: The metric's name.
        treatment: The variant compared with control.
        slope: Change from the start to the end of exposure. The metric's unit; None where it is
            not estimable.
        p_value: Two-sided, of no change. 0 to 1.
        reason: Why it is not estimable, else None.
    """

    metric: str
    treatment: str
    slope: float | None
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another release that some of the same units met.

    Args:
        release: Its name.
        n_both: Units that met both. Count.
        metric: A success metric of this release; None where no interaction could be tested.
        treatment: The variant of this release.
        other_treatment: The variant of the other one.
        difference: Effect among units with the other treatment less that among those with its
            control. The metric's unit.
        p_value: Two-sided, of no difference. 0 to 1.
        reason: Why it is not estimable, else None.
    """

    release: str
    n_both: int
    metric: str | None
    treatment: str | None
    other_treatment: str | None
    difference: float | None
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FirstAssignment:
    """The effect where units that met a second variant count with their first one.

    Args:
        metric: The metric's name.
        treatment: The variant compared with control.
        n_crossover: Units that the verdict leaves out. Count.
        absolute_effect: Treatment minus control, with them. The metric's unit; None where it is
            not estimable.
        standard_error: Of the effect.
        reason: Why it is not estimable, else None.
    """

    metric: str
    treatment: str
    n_crossover: int
    absolute_effect: float | None
    standard_error: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Exploratory:
    """All of it; the key `exploratory` of a report."""

    trends: tuple[Trend, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    first_assignments: tuple[FirstAssignment, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The key `exploratory` of a report."""
        return {
            "trends": [asdict(one) for one in self.trends],
            "overlaps": [asdict(one) for one in self.overlaps],
            "first_assignments": [asdict(one) for one in self.first_assignments],
        }


def explore(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    looks: ReleaseLooks | None,
    *,
    cutoff_at: datetime,
    is_final: bool,
) -> Exploratory:
    """Look for what could qualify a verdict; where nobody was assigned at random, nothing.

    Args:
        engine: The build database with its marts.
        catalog: Metrics and the other releases.
        release: The release.
        looks: All looks at it, with this one.
        cutoff_at: Outcomes at or after it do not count. UTC.
        is_final: Whether this is the last planned look: only then are interactions tested, of
            the MOST_TESTED releases that share most units. Each costs a scan of the facts.
    """
    if not release.has_concurrent_control:
        return Exploratory()
    shared = _shared_units(engine, release, cutoff_at)
    others = [(name, n) for name, n in shared if name in catalog.releases]
    overlaps = []
    for place, (name, both) in enumerate(others):
        other = catalog.releases[name]
        if not is_final or place >= MOST_TESTED:
            why = "tested at the last look" if not is_final else "others share more units"
            overlaps.append(Overlap(name, both, None, None, None, None, None, why))
        else:
            overlaps += _overlap(engine, catalog, release, other, cutoff_at, both)
    return Exploratory(
        _trends(release, looks),
        tuple(overlaps),
        _first_assignments(engine, catalog, release, cutoff_at) if is_final else (),
    )


def _shared_units(engine: Engine, release: Release, cutoff_at: datetime) -> list[tuple[str, int]]:
    """Other releases that units of this one met, and how many, most first."""
    rows = engine.rows(
        """
        select b.release, count(*) from fct_exposures as a
        inner join fct_exposures as b on a.unit_id = b.unit_id and b.release <> a.release
        where
            a.release = ? and a.exposed_at < ? and b.exposed_at < ?
            and not coalesce(a.is_crossover, false) and not coalesce(b.is_crossover, false)
            and not coalesce(a.is_bot, false)
        group by b.release order by count(*) desc, b.release
        """,
        [release.release, without_zone(cutoff_at), without_zone(cutoff_at)],
    )
    return [(str(name), int(n)) for name, n in rows]


def _trends(release: Release, looks: ReleaseLooks | None) -> tuple[Trend, ...]:
    if looks is None or looks.plan.looks == "once":
        return ()
    found = []
    for treatment in release.treatments:
        for role in release.with_role("success"):
            taken = looks.of(role.metric, treatment)
            line: EffectTrend | NotEstimable = NotEstimable(f"a trend {BY_UNIT_ONLY}")
            if looks.plan.cluster is None:
                at = [(one.fraction, one.effect, one.standard_error) for one in taken]
                line = effect_trend(at)
            if isinstance(line, NotEstimable):
                found.append(Trend(role.metric, treatment, None, None, line.reason))
            else:
                found.append(Trend(role.metric, treatment, line.slope, line.p_value, None))
    return tuple(found)


def _overlap(  # noqa: PLR0917 - the two releases, and what is known of them
    engine: Engine,
    catalog: Catalog,
    release: Release,
    other: Release,
    cutoff_at: datetime,
    both: int,
) -> tuple[Overlap, ...]:
    def none(reason: str) -> tuple[Overlap, ...]:
        return (Overlap(other.release, both, None, None, None, None, None, reason),)

    if other.unit != release.unit:
        return none(f"its units are of another kind: {other.unit}")
    if release.cluster is not None or other.cluster is not None:
        return none(f"an interaction {BY_UNIT_ONLY}")
    if not other.has_concurrent_control:
        return none("the other release gave its change to all units that could get it")
    metrics = _measurable(catalog, release)
    if not metrics:
        return none("no success metric has a value for a unit")
    codes = {
        (mine, theirs): f"{place}.{other_place}"
        for place, mine in enumerate(release.variants, start=1)
        for other_place, theirs in enumerate(other.variants, start=1)
    }
    control, *treatments = codes.values()
    params = {
        "release": release.release,
        "other": other.release,
        "variants": list(release.variants),
        "other_variants": list(other.variants),
    }
    rows = measure_population(
        engine,
        catalog,
        replace(release, control=control, treatments=tuple(treatments)),
        metrics,
        _UNITS_OF_BOTH,
        params,
        cutoff_at=cutoff_at,
    )
    found = []
    for metric in metrics:
        for treatment in release.treatments:
            for theirs in other.treatments:
                effects = [
                    _effect(
                        rows.get((metric, codes[release.variants[0], of])),
                        rows.get((metric, codes[treatment, of])),
                    )
                    for of in (other.variants[0], theirs)
                ]
                found.append(_interaction(other, both, metric, treatment, theirs, effects))
    return tuple(found)


def _interaction(  # noqa: PLR0917 - who, then what was found
    other: Release,
    both: int,
    metric: str,
    treatment: str,
    theirs: str,
    effects: Sequence[Difference | NotEstimable],
) -> Overlap:
    known = [one for one in effects if isinstance(one, Difference)]
    if len(known) < 2:
        reason = next(one.reason for one in effects if isinstance(one, NotEstimable))
        return Overlap(other.release, both, metric, treatment, theirs, None, None, reason)
    difference = known[1].absolute_effect - known[0].absolute_effect
    error = math.hypot(known[0].standard_error, known[1].standard_error)
    p_value = normal_p_value(difference / error)
    return Overlap(other.release, both, metric, treatment, theirs, difference, p_value, None)


def _first_assignments(
    engine: Engine, catalog: Catalog, release: Release, cutoff_at: datetime
) -> tuple[FirstAssignment, ...]:
    counted = engine.one(
        "select count(*) from fct_exposures where release = ? and is_crossover and exposed_at < ?"
        " and not coalesce(is_bot, false)",
        [release.release, without_zone(cutoff_at)],
    )
    crossovers = int(counted[0]) if counted else 0
    metrics = _measurable(catalog, release)
    if not crossovers or not metrics:
        return ()
    rows = measure_population(
        engine,
        catalog,
        release,
        metrics,
        _WITH_CROSSOVERS,
        {"release": release.release},
        cutoff_at=cutoff_at,
    )
    found = []
    for metric in metrics:
        for treatment in release.treatments:
            effect = _effect(rows.get((metric, release.variants[0])), rows.get((metric, treatment)))
            known: tuple[float | None, float | None, str | None]
            if isinstance(effect, NotEstimable):
                known = (None, None, effect.reason)
            else:
                known = (effect.absolute_effect, effect.standard_error, None)
            found.append(FirstAssignment(metric, treatment, crossovers, *known))
    return tuple(found)


def _measurable(catalog: Catalog, release: Release) -> tuple[str, ...]:
    names = [role.metric for role in release.with_role("success")]
    return tuple(name for name in names if not isinstance(catalog.unit_form(name), NoUnitForm))


def _effect(
    control: Mapping[str, Any] | None, treatment: Mapping[str, Any] | None
) -> Difference | NotEstimable:
    units = min(int(row["n"]) if row else 0 for row in (control, treatment))
    if control is None or treatment is None or units < LEAST_UNITS:
        return NotEstimable(f"{units} units in an arm, {LEAST_UNITS} are needed", True)
    return compare(str(control["form"]), control, treatment)[1]
