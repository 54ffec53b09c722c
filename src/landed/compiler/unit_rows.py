"""The rows behind a quantile: value and unit, of units whose outcome window has ended."""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.forms import RankForm
from ..catalog.releases import Release
from ..errors import PlanError
from .dialects import render
from .facts import ROWS, FactScan
from .outcomes import POPULATION, Outcomes, population
from .query import Column, Compiled, Relations
from .syntax import (
    aliased,
    all_of,
    append_cte,
    column,
    common,
    count_rows,
    days,
    double,
    expression,
    instant,
    is_known,
    named,
    text,
    where,
    zero_if_null,
)

_ROWS = "rows_of_units"
_UNITS = "rows_by_unit"


def compile_row_counts(
    catalog: Catalog,
    release: Release,
    metric: str,
    *,
    cutoff_at: datetime,
    relations: Relations | None = None,
) -> Compiled:
    """How many units and rows a quantile has, by variant.

    Args:
        metric: A metric with a rank form.
        cutoff_at: Aware; rows at or after it are not looked at.

    Returns:
        Columns `variant`, `n` (mature units with rows), `n_missing` (without), `n_immature` and
        `row_count`. A variant nobody met has no row.

    Raises:
        PlanError: The metric has no rank form, or the cutoff has no zone.
        ContractError: The metric is unknown.
    """
    query, models = _query(catalog, release, metric, cutoff_at, relations or Relations())
    by_unit = (
        exp.select(column("unit_id"), aliased(count_rows(), "row_count"))
        .from_(named(_ROWS))
        .group_by(column("unit_id"))
    )
    append_cte(query, common(_UNITS, by_unit))
    mature, has_rows = column("mature0", POPULATION), is_known(column("row_count", _UNITS))
    counts = {
        "n": all_of([mature, has_rows]),
        "n_missing": all_of([mature.copy(), exp.Not(this=exp.Paren(this=has_rows.copy()))]),
        "n_immature": exp.Not(this=mature.copy()),
    }
    on = exp.EQ(this=column("unit_id", POPULATION), expression=column("unit_id", _UNITS))
    query = (
        query.select(
            column("variant", POPULATION),
            *(aliased(where(count_rows(), one), name) for name, one in counts.items()),
            aliased(zero_if_null(exp.Sum(this=column("row_count", _UNITS))), "row_count"),
        )
        .from_(named(POPULATION))
        .join(named(_UNITS), on=on, join_type="left")
        .group_by(column("variant", POPULATION))
    )
    names = ("variant", *counts, "row_count")
    columns = tuple(Column(name, "metric", name) for name in names)
    return Compiled(render(query, "duckdb"), columns, models)


def compile_unit_rows(
    catalog: Catalog,
    release: Release,
    metric: str,
    variant: str,
    *,
    cutoff_at: datetime,
    one_unit_in: int = 1,
    relations: Relations | None = None,
) -> Compiled:
    """Value and unit of each row of a variant that a quantile ranks.

    Args:
        metric: A metric with a rank form.
        variant: Whose units.
        cutoff_at: Aware; rows at or after it are not looked at.
        one_unit_in: Above 1 takes one unit in so many, with all of its rows, by a hash of its id.

    Returns:
        Columns `value` (double) and `unit` (a number that stands for the unit), for DuckDB.

    Raises:
        PlanError: The metric has no rank form, or the cutoff has no zone.
        ContractError: The metric is unknown.
    """
    query, models = _query(catalog, release, metric, cutoff_at, relations or Relations())
    # 64 bits: two of a million units share one in one of a hundred million releases
    hashed = exp.Anonymous(this="hash", expressions=[column("unit_id", _ROWS)])
    conditions: list[exp.Expr] = [exp.EQ(this=column("variant", _ROWS), expression=text(variant))]
    if one_unit_in > 1:
        rest = exp.Mod(this=hashed.copy(), expression=exp.Literal.number(one_unit_in))
        conditions.append(exp.EQ(this=rest, expression=exp.Literal.number(0)))
    query = (
        query.select(column("value", _ROWS), aliased(hashed, "unit"))
        .from_(named(_ROWS))
        .where(all_of(conditions))
    )
    columns = (Column("value", "metric", "value"), Column("unit", "dimension", "unit"))
    return Compiled(render(query, "duckdb"), columns, models)


def _query(
    catalog: Catalog,
    release: Release,
    metric: str,
    cutoff_at: datetime,
    relations: Relations,
) -> tuple[exp.Select, frozenset[str]]:
    """The population and the rows of its mature units as common table expressions."""
    form = catalog.rank_form(metric)
    if not isinstance(form, RankForm):
        raise PlanError(f"{metric} ranks no rows", expected="a median or percentile")
    cutoff = instant(cutoff_at)
    window = catalog.metric(metric).window_days
    plan = Outcomes(catalog, cutoff)
    plan.windows.append(window)
    fact, measure = form.aggregate.fact, form.aggregate.measure
    scan = FactScan(catalog.vocabulary, fact, measure.agg_time_dimension)
    if fact.unit is None:
        raise PlanError(f"{fact.name} has no entity `unit`", code="no_unit")
    exposed, value = column("exposed_at", "p"), expression(measure.expr, ROWS)
    conditions: list[exp.Expr] = [
        column("mature0", "p"),
        exp.GTE(this=scan.time_column, expression=exposed),
        exp.LT(this=scan.time_column, expression=cutoff.copy()),
        is_known(value.copy()),
    ]
    if window is not None:
        end = exp.Add(this=exposed.copy(), expression=days(window))
        conditions.append(exp.LT(this=scan.time_column, expression=end))
    only = scan.filters(form.aggregate)
    if only is not None:
        conditions.append(only)
    on = exp.EQ(this=expression(fact.unit.expr, ROWS), expression=column("unit_id", "p"))
    rows = (
        scan.source(relations)
        .join(named(POPULATION, "p"), on=on)
        .select(column("unit_id", "p"), column("variant", "p"), aliased(double(value), "value"))
        .where(all_of(conditions))
    )
    query = exp.select()
    people = population(release, plan, relations)
    append_cte(query, common(POPULATION, people, materialized=True))
    append_cte(query, common(_ROWS, rows))
    return query, scan.models()
