"""A saved query as a question: for the compiler, and as SQL for the door that people use."""

from __future__ import annotations

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import Reference, parse_condition
from ..catalog.saved import SavedQuery
from .query import MetricQuery, OrderBy
from .syntax import aliased, column, text


def saved_query(saved: SavedQuery) -> MetricQuery:
    """What a saved query asks for."""
    return MetricQuery(
        metrics=saved.metrics,
        group_by=saved.group_by,
        grain=saved.grain,
        where=saved.where,
        order_by=tuple(OrderBy(name, descending) for name, descending in saved.order_by),
        limit=saved.limit,
    )


def saved_sql(saved: SavedQuery) -> str:
    """The same question as `SELECT … FROM metrics`, as a person would ask it."""
    select = exp.select(*(aliased(_key(saved, name), name) for name in saved.group_by))
    for name in saved.metrics:
        measured = exp.Anonymous(this="MEASURE", expressions=[column(name)])
        select = select.select(aliased(measured, name), copy=False)
    select = select.from_("metrics", copy=False)
    for said in saved.where:
        select = select.where(parse_condition(said).bind(_reference), copy=False)
    for index, _ in enumerate(saved.group_by):
        select = select.group_by(exp.Literal.number(index + 1), copy=False)
    for name, descending in saved.order_by:
        key = exp.Ordered(this=column(name), desc=descending, nulls_first=False)
        select = select.order_by(key, copy=False)
    if saved.limit is not None:
        select = select.limit(saved.limit, copy=False)
    return select.sql("postgres", pretty=True)


def _key(saved: SavedQuery, name: str) -> exp.Expr:
    if name == METRIC_TIME:
        return _truncated(name, str(saved.grain))
    return column(name)


def _reference(reference: Reference) -> exp.Expr:
    if reference.grain is not None:
        return _truncated(reference.name, reference.grain)
    return column(reference.name)


def _truncated(name: str, grain: str) -> exp.Expr:
    return exp.Anonymous(this="date_trunc", expressions=[text(grain), column(name)])
