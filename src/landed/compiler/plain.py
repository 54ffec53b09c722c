"""Metrics over all rows, by dimensions and time."""

from __future__ import annotations

from dataclasses import replace

from ..catalog.catalog import Catalog
from ..catalog.sketched import relative_error
from .answers import answer
from .dialects import Inexpressible, check_dialect
from .names import resolve
from .parts import Frame
from .plan import Plan
from .query import Compiled, Dialect, MetricQuery, Relations
from .refusals import by_metric
from .release_scope import compile_release_scope


def compile_query(
    catalog: Catalog,
    query: MetricQuery,
    dialect: Dialect = "duckdb",
    relations: Relations | None = None,
) -> Compiled:
    """Compile a question to one SELECT.

    With a condition on `release` the unit outcomes of that release are meant, and the numbers
    are the means of its report; without one, all rows.

    Args:
        relations: Where the marts stand; None means schema `main` of the current database.

    Raises:
        QueryRefused: A name is unknown, or the query asks for what does not exist.
        PlanError: The dialect is not known, or has no exact form of a metric.
    """
    check_dialect(dialect)
    places = relations or Relations()
    try:
        return _compiled(catalog, query, dialect, places)
    except Inexpressible as error:

        def alone(name: str) -> Compiled:
            one = replace(query, metrics=(name,), having=(), order_by=(), columns=())
            return _compiled(catalog, one, dialect, places)

        raise by_metric(error, catalog, resolve(catalog, query).metrics, alone) from None


def _compiled(
    catalog: Catalog, query: MetricQuery, dialect: Dialect, places: Relations
) -> Compiled:
    asked = resolve(catalog, query)
    if asked.is_release_scope:
        return compile_release_scope(catalog, query, asked, dialect, places)
    frame = Frame(asked.keys, query.grain, asked.where, places, asked.time_zone)
    plan = Plan(catalog.vocabulary, frame)
    metrics = {name: plan.value(catalog.formula(name)) for name in asked.metrics}
    result = plan.result(metrics)
    columns = dict(zip(asked.keys, frame.columns, strict=True))
    columns |= {name: f"m{index}" for index, name in enumerate(asked.metrics)}
    errors = {name: relative_error(catalog.formula(name)) for name in asked.metrics}
    return answer(
        asked,
        result,
        columns,
        limit=query.limit,
        dialect=dialect,
        models=plan.models(),
        errors=errors,
    )
