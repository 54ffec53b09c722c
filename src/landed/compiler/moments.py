"""Per-unit outcomes of a release, summed to moments: one query for all its metrics.

Each fact is scanned once, joined to the release's population; one wide row a unit; one row of
sums a variant; then one row a metric and variant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL
from ..catalog.forms import NoUnitForm, UnitForm
from ..catalog.names import show
from ..catalog.releases import Release
from ..errors import Fault, PlanError
from .dialects import Inexpressible, render
from .outcomes import POPULATION, Outcomes, Value, population
from .query import Column, Compiled, Dialect, Relations
from .refusals import by_metric
from .syntax import (
    aliased,
    append_cte,
    column,
    common,
    count_rows,
    double,
    instant,
    named,
    text,
    union_all,
    where,
    zero_if_null,
)

MOMENT_COLUMNS = (
    "metric",
    "variant",
    "form",
    "n",
    "n_missing",
    "n_immature",
    "nonzero",
    "sum_y",
    "sum_yy",
    "sum_d",
    "sum_dd",
    "sum_yd",
)
_WIDE = "units"
_CELLS = "cells"
_LONG = "long"
_VARIANTS = "variants"


def compile_unit_moments(
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    *,
    cutoff_at: datetime,
    dialect: Dialect = "duckdb",
    relations: Relations | None = None,
) -> Compiled:
    """One query whose rows are the moments of each metric and variant.

    Units are those of `fct_exposures` without bots and crossovers. `n` entered the metric,
    `n_missing` were mature without a value (unit_mean only), `n_immature` had a window that was
    still open at the cutoff; the three sum to the variant's units. A declared variant nobody met
    gives a row with n = 0.

    Args:
        metrics: Names, each with a unit form; a repeated one counts once.
        cutoff_at: Aware; rows at or after it are not looked at.

    Raises:
        PlanError: A metric has no unit form, none is named, the cutoff has no zone, the dialect
            is not known or has no exact form of a metric.
        ContractError: A metric is unknown.
    """
    tree = moments_query(catalog, release, metrics, instant(cutoff_at), relations or Relations())
    ordered = tree.query.order_by(
        exp.Ordered(this=column("metric"), nulls_first=False),
        exp.Ordered(this=column("variant"), nulls_first=False),
        copy=False,
    )
    kinds = {"metric": "dimension", "variant": "dimension", "form": "dimension"}
    columns = tuple(
        Column(name, "dimension" if name in kinds else "metric", name) for name in MOMENT_COLUMNS
    )
    try:
        return Compiled(render(ordered, dialect), columns, tree.models)
    except Inexpressible as error:

        def alone(name: str) -> str:
            one = moments_query(
                catalog, release, [name], instant(cutoff_at), relations or Relations()
            )
            return render(one.query, dialect)

        raise by_metric(error, catalog, list(tree.forms), alone) from None


@dataclass(frozen=True)
class MomentsTree:
    """The moments as a syntax tree, for whatever is built on them."""

    query: exp.Select
    forms: dict[str, UnitForm]
    models: frozenset[str]


def moments_query(
    catalog: Catalog,
    release: Release,
    metrics: Sequence[str],
    cutoff: exp.Expr,
    relations: Relations,
) -> MomentsTree:
    """The moments of a release's metrics as a tree, with any cutoff expression."""
    names = tuple(dict.fromkeys(metrics))
    if not names:
        raise PlanError("no metric is named", expected="at least one", code="no_metric")
    forms = _forms(catalog, names)
    plan = Outcomes(catalog, cutoff)
    values = [
        plan.add(index, catalog.metric(name), forms[name]) for index, name in enumerate(names)
    ]
    query = exp.select(*(column(name) for name in MOMENT_COLUMNS)).from_(named(_LONG))
    append_cte(query, common(_VARIANTS, _variants(release)))
    append_cte(query, common(POPULATION, population(release, plan, relations)))
    for name, outcome in plan.scans(relations):
        append_cte(query, common(name, outcome))
    append_cte(query, common(_WIDE, plan.units(values)))
    append_cte(query, common(_CELLS, _cells(values), materialized=True))
    append_cte(query, common(_LONG, _long(names, forms, values)))
    return MomentsTree(query, forms, plan.models() | {EXPOSURES_MODEL})


def _forms(catalog: Catalog, names: Sequence[str]) -> dict[str, UnitForm]:
    forms: dict[str, UnitForm] = {}
    faults = []
    for name in names:
        form = catalog.unit_form(name)
        if isinstance(form, NoUnitForm):
            what = f"the metric {show(name)} has no unit outcome: {form.reason}"
            where_ = str(catalog.metric(name).path)
            faults.append(Fault(what, "", where_, "leave it out.", "no_unit_form"))
        else:
            forms[name] = form
    if faults:
        raise PlanError(faults)
    return forms


def _variants(release: Release) -> exp.Expr:
    """The declared variants, so that one nobody met still gives a row."""
    parts: list[exp.Expr] = [
        exp.select(aliased(text(name), "variant")) for name in release.variants
    ]
    return union_all(parts)


def _cells(values: Sequence[Value]) -> exp.Select:
    """One wide row of sums a variant."""
    select = exp.select(column("variant", _VARIANTS)).from_(named(_VARIANTS))
    for value in values:
        mature = column(value.mature, _WIDE)
        y = column(value.y, _WIDE)
        has_value = exp.Not(this=exp.Is(this=y.copy(), expression=exp.Null()))
        entered = exp.And(this=mature.copy(), expression=has_value)
        lacks = exp.And(this=mature.copy(), expression=exp.Is(this=y.copy(), expression=exp.Null()))
        moves = exp.NEQ(this=y.copy(), expression=exp.Literal.number(0))
        sums: dict[str, exp.Expr] = {
            "n": where(count_rows(), entered),
            "n_missing": where(count_rows(), lacks),
            "n_immature": where(count_rows(), exp.Not(this=mature)),
            "nonzero": where(count_rows(), exp.And(this=entered.copy(), expression=moves)),
            "sum_y": _sum(y, None, entered),
            "sum_yy": _sum(y, y, entered),
        }
        if value.denominator is not None:
            d = column(value.d, _WIDE)
            sums |= {
                "sum_d": _sum(d, None, entered),
                "sum_dd": _sum(d, d, entered),
                "sum_yd": _sum(y, d, entered),
            }
        select = select.select(
            *(aliased(tree, f"{name}{value.index}") for name, tree in sums.items()), copy=False
        )
    on = exp.EQ(this=column("variant", _VARIANTS), expression=column("variant", _WIDE))
    select = select.join(named(_WIDE), on=on, join_type="left", copy=False)
    return select.group_by(column("variant", _VARIANTS), copy=False)


def _sum(left: exp.Expr, right: exp.Expr | None, condition: exp.Expr) -> exp.Expr:
    product = left.copy() if right is None else exp.Mul(this=left.copy(), expression=right.copy())
    return zero_if_null(where(exp.Sum(this=product), condition.copy()))


def _long(names: Sequence[str], forms: dict[str, UnitForm], values: Sequence[Value]) -> exp.Expr:
    """One row a metric and variant, from the few wide rows."""
    parts: list[exp.Expr] = []
    for name, value in zip(names, values, strict=True):
        is_ratio = value.denominator is not None
        parts.append(
            exp.select(
                aliased(text(name), "metric"),
                column("variant"),
                aliased(text(forms[name].name), "form"),
                *(
                    aliased(
                        double(exp.Null())
                        if column_name.endswith("d") and not is_ratio
                        else column(f"{column_name}{value.index}"),
                        column_name,
                    )
                    for column_name in MOMENT_COLUMNS[3:]
                ),
            ).from_(named(_CELLS))
        )
    return union_all(parts)
