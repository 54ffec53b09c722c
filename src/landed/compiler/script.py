"""Queries around metric queries: a checked tree over parts, each of which is one metric query."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from ..catalog.catalog import Catalog
from .dialects import render
from .plain import compile_query
from .query import Column, Compiled, Dialect, MetricQuery, Relations
from .syntax import common


@dataclass(frozen=True)
class MetricScript:
    """One statement over the answers of metric queries.

    Args:
        query: Built anew from lists of what is allowed; it reads the parts by their names.
        parts: The metric queries, by the names they are read under.
        columns: Of the answer, in order.
    """

    query: exp.Query
    parts: tuple[tuple[str, MetricQuery], ...]
    columns: tuple[Column, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """Every metric that a part asks for, each once."""
        return tuple(dict.fromkeys(name for _, part in self.parts for name in part.measured))


def compile_script(
    catalog: Catalog,
    script: MetricQuery | MetricScript,
    dialect: Dialect = "duckdb",
    relations: Relations | None = None,
) -> Compiled:
    """Compile what `parse_sql` read to one SELECT.

    The parts stand in front as common table expressions, each compiled from the definitions.

    Raises:
        QueryRefused: A part asks for what does not exist.
        PlanError: The dialect is not supported.
    """
    if isinstance(script, MetricQuery):
        return compile_query(catalog, script, dialect, relations)
    models: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    errors: dict[str, float | None] = {}
    expressions: list[exp.Expr] = []
    for name, part in script.parts:
        compiled = compile_query(catalog, part, dialect, relations)
        tree = compiled.tree
        assert tree is not None  # noqa: S101 - compile_query always hands it over
        if part.limit is None and not part.offset:
            tree.set("order", None)  # the order of a part is nobody's
        expressions.append(common(name, tree))
        models |= compiled.models
        releases |= compiled.releases
        errors |= {one.source: one.error for one in compiled.columns}
    query = script.query.copy()
    own = query.args.get("with_")
    expressions.extend(own.expressions if own is not None else ())
    query.set("with_", exp.With(expressions=expressions))
    only = next(iter(releases)) if len(releases) == 1 else None
    columns = tuple(replace(one, error=errors.get(one.source)) for one in script.columns)
    return Compiled(render(query, dialect), columns, models, only, releases)


def unsorted(query: MetricQuery) -> MetricQuery:
    """A part without an order that no limit needs."""
    is_cut = query.limit is not None or query.offset
    return query if is_cut else replace(query, order_by=())
