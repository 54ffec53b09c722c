"""Metrics of one release by variant: the unit outcomes, hence the means of its report."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import RELEASE, VARIANT
from ..catalog.expressions import Condition, Reference
from ..catalog.names import did_you_mean, refused, show
from ..catalog.releases import Release
from ..errors import PlanError
from .answers import answer
from .moments import moments_query
from .names import RELEASE_SCOPE, Asked
from .query import Compiled, Dialect, MetricQuery, Relations
from .syntax import (
    aliased,
    all_of,
    append_cte,
    column,
    common,
    divided,
    named,
    relation,
    text,
    where,
)

_MOMENTS = "moments"


def compile_release_scope(
    catalog: Catalog, query: MetricQuery, asked: Asked, dialect: Dialect, relations: Relations
) -> Compiled:
    """Compile `WHERE release = 'x' [GROUP BY variant]`.

    The cutoff is the one that `dim_releases` holds, which the report uses too.

    Raises:
        QueryRefused: No single release is named, a dimension is neither release nor variant, or
            a metric has no unit outcome.
    """
    for name in _names(asked):
        if name not in RELEASE_SCOPE:
            raise refused(
                f"the dimension {show(name)} cannot be used with a release",
                "group and filter by variant only, or leave the release out.",
                "release_scope",
            )
    if asked.filters:
        raise refused(
            "FILTER cannot be used with a release",
            "leave FILTER out, or leave the release out.",
            "release_scope",
        )
    release, rest = _release(catalog, asked)
    if query.grain is not None:
        raise refused("a grain cannot be used with a release", "leave it out.", "release_scope")
    try:
        found = moments_query(
            catalog, release, asked.metrics, _cutoff(release, relations), relations
        )
    except PlanError as error:
        raise refused(
            error.faults[0].what, "name another metric, or leave the release out.", "no_unit_form"
        ) from None
    result = exp.Select()
    append_cte(result, common(_MOMENTS, found.query))
    columns: dict[str, str] = {}
    for index, key in enumerate(asked.keys):
        value: exp.Expr = text(release.release) if key == RELEASE else column(VARIANT, _MOMENTS)
        columns[key] = f"k{index}"
        result = result.select(aliased(value, columns[key]), copy=False)
    for index, name in enumerate(asked.metrics):
        below = "sum_d" if found.forms[name].name == "ratio" else "n"
        mean = divided(_sum("sum_y", name), _sum(below, name))
        columns[name] = f"m{index}"
        result = result.select(aliased(mean, columns[name]), copy=False)
    result = result.from_(named(_MOMENTS), copy=False)
    condition = all_of(one.bind(lambda _: column(VARIANT, _MOMENTS)) for one in rest)
    if condition is not None:
        result = result.where(condition, copy=False)
    if VARIANT in asked.keys:
        result = result.group_by(column(VARIANT, _MOMENTS), copy=False)
    models = found.models | {"dim_releases"}
    return answer(
        asked,
        result,
        columns,
        limit=query.limit,
        offset=query.offset,
        dialect=dialect,
        models=models,
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


def _sum(name: str, metric: str) -> exp.Expr:
    is_metric = exp.EQ(this=column("metric", _MOMENTS), expression=text(metric))
    return where(exp.Sum(this=column(name, _MOMENTS)), is_metric)
