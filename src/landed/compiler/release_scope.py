"""Metrics of one release by variant: the unit outcomes, hence the means of its report."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL, RELEASE, UNIT_ENTITY, VARIANT
from ..catalog.expressions import Condition, Reference
from ..catalog.names import did_you_mean, refused, show
from ..catalog.releases import Release
from ..catalog.segments import segment_expressions
from ..errors import PlanError
from .answers import answer
from .moments import declared_variants, unit_forms
from .names import RELEASE_SCOPE, Asked
from .outcomes import POPULATION, Outcomes, population
from .query import Compiled, Dialect, MetricQuery, Relations
from .syntax import (
    aliased,
    all_of,
    append_cte,
    column,
    common,
    divided,
    expression,
    named,
    relation,
    text,
)

_UNITS = "units"
_VARIANTS = "variants"


def compile_release_scope(
    catalog: Catalog, query: MetricQuery, asked: Asked, dialect: Dialect, relations: Relations
) -> Compiled:
    """Compile `WHERE release = 'x' [GROUP BY variant, plan]`.

    The cutoff is the one that `dim_releases` holds, which the report uses too. Dimensions of the
    unit are those as of its exposure.

    Raises:
        QueryRefused: No single release is named, a dimension is neither release, variant nor one
            of the unit known as of the exposure, or a metric has no unit outcome.
    """
    known = {
        f"{UNIT_ENTITY}__{name}": text_
        for name, text_ in segment_expressions(catalog.vocabulary).items()
    }
    for name in _names(asked):
        if name not in RELEASE_SCOPE and name not in known:
            raise refused(
                f"the dimension {show(name)} cannot be used with a release",
                f"group and filter by {', '.join(['variant', *sorted(known)])} only, or leave the "
                "release out.",
                "release_scope",
            )
    release, rest = _release(catalog, asked)
    if query.grain is not None:
        raise refused("a grain cannot be used with a release", "leave it out.", "release_scope")
    try:
        forms = unit_forms(catalog, asked.metrics)
    except PlanError as error:
        raise refused(
            error.faults[0].what, "name another metric, or leave the release out.", "no_unit_form"
        ) from None

    def of_exposure(reference: Reference) -> exp.Expr:
        if reference.name == VARIANT:
            return column(VARIANT, "e")
        return expression(known[reference.name], "e")

    plan = Outcomes(catalog, _cutoff(release, relations))
    values = [
        plan.add(index, catalog.metric(name), forms[name])
        for index, name in enumerate(asked.metrics)
    ]
    cuts = {key: f"s{index}" for index, key in enumerate(key for key in asked.keys if key in known)}
    of_variants = [one for one in rest if {ref.name for ref in _used(one)} <= {VARIANT}]
    of_units = [one.bind(of_exposure) for one in rest if one not in of_variants]
    segments = [(name, expression(known[key], "e")) for key, name in cuts.items()]
    people = population(release, plan, relations, segments=segments, only=of_units)
    units = plan.units(values, [column(name, POPULATION) for name in (VARIANT, *cuts.values())])
    result = exp.Select()
    append_cte(result, common(_VARIANTS, declared_variants(release)))
    append_cte(result, common(POPULATION, people))
    for name, outcome in plan.scans(relations):
        append_cte(result, common(name, outcome))
    append_cte(result, common(_UNITS, units))
    columns: dict[str, str] = {}
    groups: list[exp.Expr] = []
    for index, key in enumerate(asked.keys):
        value: exp.Expr = text(release.release)
        if key != RELEASE:
            value = column(cuts[key], _UNITS) if key in cuts else column(VARIANT, _VARIANTS)
            groups.append(value)
        columns[key] = f"k{index}"
        result = result.select(aliased(value.copy(), columns[key]), copy=False)
    for index, value_ in enumerate(values):
        y = column(value_.name("y"), _UNITS)
        below = (
            exp.Sum(this=column(value_.name("d"), _UNITS))
            if "d" in value_.parts
            else exp.Count(this=y.copy())
        )
        columns[asked.metrics[index]] = f"m{index}"
        mean = divided(exp.Sum(this=y), below)
        result = result.select(aliased(mean, f"m{index}"), copy=False)
    on = exp.EQ(this=column(VARIANT, _VARIANTS), expression=column(VARIANT, _UNITS))
    # a variant nobody met has a row; of a level that nobody has there is nothing to say
    kind = "inner" if cuts else "left"
    result = result.from_(named(_VARIANTS), copy=False)
    result = result.join(named(_UNITS), on=on, join_type=kind, copy=False)
    condition = all_of(one.bind(lambda _: column(VARIANT, _VARIANTS)) for one in of_variants)
    if condition is not None:
        result = result.where(condition, copy=False)
    if groups:
        result = result.group_by(*groups, copy=False)
    return answer(
        asked,
        result,
        columns,
        limit=query.limit,
        dialect=dialect,
        models=plan.models() | {EXPOSURES_MODEL, "dim_releases"},
        release=release.release,
    )


def _release(catalog: Catalog, asked: Asked) -> tuple[Release, list[Condition]]:
    """The release of the one `release = '…'`, and the conditions on variants."""
    names: list[str] = []
    rest: list[Condition] = []
    for condition in asked.where:
        tree = condition.tree.unnest()
        parts = list(tree.flatten()) if isinstance(tree, exp.And) else [tree]
        for part in parts:
            one = Condition(part, condition.references)
            name = _named_release(one)
            if name is not None:
                names.append(name)
            elif any(reference.name == RELEASE for reference in _used(one)):
                raise refused(
                    "release is not compared with one name", "write release = '…'.", "release_scope"
                )
            else:
                rest.append(one)
    if len(names) != 1:
        raise refused(
            f"the query names {len(names)} releases", "add WHERE release = '…', once.", "release"
        )
    found = catalog.releases.get(names[0])
    if found is None:
        fix = did_you_mean(names[0], catalog.releases)
        raise refused(f"unknown release {show(names[0])}", fix, "unknown_release")
    return found, rest


def _named_release(condition: Condition) -> str | None:
    tree = condition.tree.unnest()
    if not isinstance(tree, exp.EQ):
        return None
    sides = (tree.left, tree.right)
    for one, other in (sides, sides[::-1]):
        if isinstance(one, exp.Column) and isinstance(other, exp.Literal) and other.is_string:
            reference = _used(Condition(one, condition.references))[0]
            return other.name if reference.name == RELEASE else None
    return None


def _used(condition: Condition) -> list[Reference]:
    """References of a part of a condition."""
    found: list[Reference] = []

    def note(reference: Reference) -> exp.Expr:
        found.append(reference)
        return exp.Null()

    condition.bind(note)
    return found


def _names(asked: Asked) -> list[str]:
    used = [reference.name for condition in asked.where for reference in condition.references]
    return [*asked.keys, *used]


def _cutoff(release: Release, relations: Relations) -> exp.Expr:
    """The release's cutoff as the snapshot holds it."""
    select = (
        exp.select(exp.Max(this=column("cutoff_at", "r")))
        .from_(relation("dim_releases", "r", relations), copy=False)
        .where(exp.EQ(this=column("release", "r"), expression=text(release.release)), copy=False)
    )
    return exp.Subquery(this=select)
