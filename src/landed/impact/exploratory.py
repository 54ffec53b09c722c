"""What is shown beside a verdict and is in none: trends, overlaps, first assignments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL
from ..catalog.forms import NoUnitForm
from ..catalog.releases import Release
from ..compiler import compile_unit_moments
from ..compiler.query import Relations
from ..stats import Difference, NotEstimable, effect_trend
from ..stats.distributions import normal_p_value
from ..warehouse import Engine
from .compare import compare
from .looks import ReleaseLooks

#: Fewer units in both releases, in each combination of variants, say nothing of an interaction.
LEAST_UNITS = 100
_VIEW = "exposures_looked_at_otherwise"


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
) -> Exploratory:
    """Look for what could qualify a verdict; where nobody was assigned at random, nothing.

    Args:
        engine: The build database with its marts.
        catalog: Metrics and the other releases.
        release: The release.
        looks: All looks at it, with this one.
        cutoff_at: Outcomes at or after it do not count. UTC.
    """
    if not release.has_concurrent_control:
        return Exploratory()
    return Exploratory(
        _trends(release, looks),
        tuple(
            found
            for other in catalog.releases.values()
            if other.release != release.release
            for found in _overlap(engine, catalog, release, other, cutoff_at)
        ),
        _first_assignments(engine, catalog, release, cutoff_at),
    )


def _trends(release: Release, looks: ReleaseLooks | None) -> tuple[Trend, ...]:
    if looks is None or looks.plan.looks == "once":
        return ()
    found = []
    for treatment in release.treatments:
        for role in release.with_role("success"):
            taken = looks.of(role.metric, treatment)
            line = effect_trend([(one.fraction, one.effect, one.standard_error) for one in taken])
            if isinstance(line, NotEstimable):
                found.append(Trend(role.metric, treatment, None, None, line.reason))
            else:
                found.append(Trend(role.metric, treatment, line.slope, line.p_value, None))
    return tuple(found)


def _overlap(
    engine: Engine, catalog: Catalog, release: Release, other: Release, cutoff_at: datetime
) -> tuple[Overlap, ...]:
    counted = engine.one(
        """
        select count(*) from fct_exposures as a
        inner join fct_exposures as b on a.unit_id = b.unit_id
        where a.release = ? and b.release = ? and a.exposed_at < ? and b.exposed_at < ?
        """,
        [release.release, other.release, _plain(cutoff_at), _plain(cutoff_at)],
    )
    both = int(counted[0]) if counted else 0
    if not both:
        return ()

    def none(reason: str) -> tuple[Overlap, ...]:
        return (Overlap(other.release, both, None, None, None, None, None, reason),)

    if not other.has_concurrent_control:
        return none("the other release gave its change to all units that could get it")
    metrics = _measurable(catalog, release)
    if not metrics:
        return none("no success metric has a value for a unit")
    variants = {
        (mine, theirs): f"{index}"
        for index, (mine, theirs) in enumerate(
            (mine, theirs) for mine in release.variants for theirs in other.variants
        )
    }
    case = " ".join(
        f"when a.variant = {_text(mine)} and b.variant = {_text(theirs)} then {_text(code)}"
        for (mine, theirs), code in variants.items()
    )
    engine.execute(
        f"""
        create or replace temp view {_VIEW} as
        select a.* replace (case {case} end as variant)
        from fct_exposures as a
        inner join fct_exposures as b
            on a.unit_id = b.unit_id and b.release = {_text(other.release)}
            and not coalesce(b.is_crossover, false)
        where a.release = {_text(release.release)}
        """
    )
    crossed = replace(
        release,
        control=variants[release.variants[0], other.variants[0]],
        treatments=tuple(list(variants.values())[1:]),
    )
    rows = _rows(engine, catalog, crossed, metrics, cutoff_at)
    found = []
    for metric in metrics:
        for treatment in release.treatments:
            for theirs in other.treatments:
                effects = [
                    _effect(
                        rows.get((metric, variants[release.variants[0], of])),
                        rows.get((metric, variants[treatment, of])),
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
        [release.release, _plain(cutoff_at)],
    )
    crossovers = int(counted[0]) if counted else 0
    metrics = _measurable(catalog, release)
    if not crossovers or not metrics:
        return ()
    # the variant of fct_exposures is that of the first exposure
    engine.execute(
        f"create or replace temp view {_VIEW} as select * replace (false as is_crossover)"
        f" from fct_exposures where release = {_text(release.release)}"
    )
    rows = _rows(engine, catalog, release, metrics, cutoff_at)
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


def _rows(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    cutoff_at: datetime,
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Moments by metric and variant, of the exposures as the view shows them."""
    compiled = compile_unit_moments(
        catalog,
        release,
        metrics,
        cutoff_at=cutoff_at,
        relations=Relations(instead={EXPOSURES_MODEL: _VIEW}),
    )
    return {(str(row["metric"]), str(row["variant"])): row for row in engine.dicts(compiled.sql)}


def _effect(
    control: Mapping[str, Any] | None, treatment: Mapping[str, Any] | None
) -> Difference | NotEstimable:
    units = min(int(row["n"]) if row else 0 for row in (control, treatment))
    if control is None or treatment is None or units < LEAST_UNITS:
        return NotEstimable(f"{units} units in an arm, {LEAST_UNITS} are needed", True)
    return compare(str(control["form"]), control, treatment)[1]


def _text(value: str) -> str:
    """A literal; names of variants are the product's words."""
    return "'" + value.replace("'", "''") + "'"


def _plain(instant: datetime) -> datetime:
    """The engine keeps UTC without a zone."""
    return instant.astimezone(UTC).replace(tzinfo=None)
