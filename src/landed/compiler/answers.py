"""The outer part every answer shares: filter by metrics, name the columns, sort, cut."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import Reference
from .dialects import render
from .names import Asked
from .query import Column, ColumnKind, Compiled
from .syntax import aliased, all_of, append_cte, column, common, named

RESULT = "result"


def answer(
    asked: Asked,
    result: exp.Select,
    columns: Mapping[str, str],
    *,
    limit: int | None,
    dialect: str,
    models: frozenset[str],
    release: str | None = None,
    errors: Mapping[str, float | None] | None = None,
) -> Compiled:
    """Wrap the rows of a query to give the asked columns, order and number.

    Args:
        result: One row a group, with its common table expressions.
        columns: Column of `result` by metric or full dimension name.
        release: The release in whose scope it stands.
        errors: Relative error by metric, of those that are made of sketches.
    """

    def at(name: str) -> exp.Column:
        return column(columns[name], RESULT)

    def metric(reference: Reference) -> exp.Expr:
        return at(reference.name)

    select = exp.select(*(aliased(at(source), alias) for source, alias in asked.columns))
    select = select.from_(named(RESULT), copy=False)
    having = all_of(condition.bind(metric) for condition in asked.having)
    if having is not None:
        select = select.where(having, copy=False)
    order = asked.order_by or tuple((key, False) for key in asked.keys)
    for name, descending in order:
        key = exp.Ordered(this=at(name), desc=descending, nulls_first=False)
        select = select.order_by(key, copy=False)
    if limit is not None:
        select = select.limit(limit, copy=False)
    with_ = result.args.pop("with_", None)
    for cte in with_.expressions if with_ is not None else ():
        append_cte(select, cte)
    append_cte(select, common(RESULT, result))
    described = tuple(
        Column(alias, _kind(source, asked), source, (errors or {}).get(source))
        for source, alias in asked.columns
    )
    return Compiled(render(select, dialect), described, models, release)


def _kind(source: str, asked: Asked) -> ColumnKind:
    if source in asked.metrics:
        return "metric"
    return "time" if source == METRIC_TIME else "dimension"
