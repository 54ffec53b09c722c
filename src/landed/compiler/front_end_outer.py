"""Queries around metric queries: WITH, subqueries in FROM, joins on equality, UNION ALL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.names import did_you_mean, refused, show
from .front_end_computed import default_name, metric_query
from .front_end_expressions import AGGREGATES, Rebuild
from .front_end_joins import RESERVED, Joins, reads_metrics
from .front_end_metrics import limit_of, offset_of, position
from .front_end_parts import ordered
from .front_end_scopes import Built, OuterScope, Table
from .front_end_text import EXAMPLE, name_of, only, written
from .query import Column, MetricQuery
from .script import unsorted
from .syntax import aliased, column, common, named

MAX_QUERIES = 24  # SELECTs of one statement
_CLAUSES = (
    "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit",
    "offset", "distinct",
)  # fmt: skip
_WITH_FIX = "compute it in a WITH query, and filter that with WHERE."


@dataclass
class Reader:
    """Reads one statement; every metric query in it becomes a part.

    Args:
        catalog: The definitions.
        parts: Metric queries by the names they are read under.
        queries: How many SELECTs were read.
        numbers: For names of its own.
    """

    catalog: Catalog
    parts: dict[str, MetricQuery] = field(default_factory=dict)
    queries: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def query(self, tree: exp.Expr, tables: Mapping[str, Table], *, is_top: bool = False) -> Built:
        """Build a query anew.

        Args:
            tree: What was parsed.
            tables: What FROM may read beside `metrics`.
            is_top: Whether its WITH is the statement's, and its rows the answer's.
        """
        if isinstance(tree, exp.Subquery):
            only(tree, "this", "alias", "with_", what=" behind a subquery", fix="leave it out.")
            return self.query(tree.this, tables, is_top=is_top)
        if not isinstance(tree, exp.Select | exp.Union) or type(tree) not in (
            exp.Select,
            exp.Union,
        ):
            raise refused(f"{show(tree.key.upper())} is not allowed", EXAMPLE, "not_a_select")
        self.queries += 1
        if self.queries > MAX_QUERIES:
            raise refused(
                f"the statement has more than {MAX_QUERIES} SELECTs", "use fewer.", "too_long"
            )
        inner, own = self._with(tree, tables, is_top)
        if isinstance(tree, exp.Union):
            built = self._union(tree, inner)
        elif reads_metrics(tree, inner):
            built = self._metrics(tree, is_top=is_top)
        else:
            built = self._select(tree, inner)
        if own:
            built.tree.set("with_", exp.With(expressions=own))
        return built

    def part(self, query: MetricQuery, name: str = "") -> str:
        """The name under which a metric query is read; the same one is computed once."""
        query = unsorted(query)
        for known, other in self.parts.items():
            if other == query:
                return known
        name = name or f"{RESERVED}{len(self.parts) + 1}"
        self.parts[name] = query
        return name

    def _with(
        self, tree: exp.Expr, tables: Mapping[str, Table], is_top: bool
    ) -> tuple[dict[str, Table], list[exp.Expr]]:
        """The tables with those of WITH, and the expressions to write for the latter."""
        inner, own = dict(tables), list[exp.Expr]()
        clause = tree.args.get("with_")
        if clause is None:
            return inner, own
        only(
            clause, "expressions", what="", fix="write WITH without it; a query cannot read itself."
        )
        seen: set[str] = set()
        for cte in clause.expressions:
            only(cte, "this", "alias", "materialized", what=" in WITH", fix="leave it out.")
            alias = cte.args["alias"]
            if alias.args.get("columns"):
                raise refused(
                    f"{show(cte.alias)} lists its columns", "name them inside by AS.", "with"
                )
            name = name_of(alias.this)
            if name == "metrics" or name.lower().startswith(RESERVED):
                raise refused(f"the name {show(name)} is reserved", "name it w.", "reserved_name")
            if name.lower() in seen:
                raise refused(f"two queries are called {show(name)}", "rename one.", "alias")
            seen.add(name.lower())
            table = self._table(cte.this, inner, name if is_top else "")
            if isinstance(table.place, exp.Query):
                # of its own, where parts are seen that may be called like it
                place = name if is_top else f"{RESERVED}with_{next(self.numbers)}"
                own.append(common(place, table.place))
                table = replace(table, place=place)
            inner[name] = table
        return inner, own

    def _table(self, tree: exp.Expr, tables: Mapping[str, Table], name: str) -> Table:
        """A query that FROM reads: a part where it is a metric query and no more."""
        while isinstance(tree, exp.Subquery) and tree.args.get("with_") is None:
            only(tree, "this", "alias", what=" behind a subquery", fix="leave it out.")
            tree = tree.this
        if (
            isinstance(tree, exp.Select)
            and reads_metrics(tree, tables)
            and not tree.args.get("with_")
        ):
            self.queries += 1
            made = metric_query(tree, self.catalog)
            if made.query is not None:
                place = self.part(made.query, "" if name in self.parts else name)
                return Table(place, _once(made.columns), made.is_single)
        built = self.query(tree, tables)
        return Table(built.tree, _once(built.columns), built.is_single)

    def _metrics(self, tree: exp.Select, *, is_top: bool) -> Built:
        """A SELECT from `metrics` as a query over its part."""
        made = metric_query(tree, self.catalog)
        if made.query is not None:
            place = self.part(made.query)
            names = [one.name for one in made.columns]
            select = exp.select(*(column(one) for one in names)).from_(named(place), copy=False)
            for key in _sorted(made.query):
                select = select.order_by(key, copy=False)
            return Built(select, made.columns, made.is_single)
        return made.around(self.part, is_sorted=is_top)

    def _union(self, tree: exp.Union, tables: Mapping[str, Table]) -> Built:
        only(
            tree, "this", "expression", "distinct", "with_", "order", "limit", "offset",
            what=" in UNION", fix="leave it out.",
        )  # fmt: skip
        sides = [self.query(one, tables) for one in (tree.this, tree.expression)]
        counts = [len(one.columns) for one in sides]
        if counts[0] != counts[1]:
            raise refused(
                f"UNION of {counts[0]} and {counts[1]} columns", "select as many in both.", "union"
            )
        trees = [
            exp.Subquery(this=one.tree)
            if any(one.tree.args.get(key) for key in ("order", "limit", "offset", "with_"))
            else one.tree
            for one in sides
        ]
        made = exp.Union(
            this=trees[0], expression=trees[1], distinct=bool(tree.args.get("distinct"))
        )
        columns = tuple(
            one if one.kind == other.kind and one.source == other.source
            else Column(one.name, "computed", "")
            for one, other in zip(sides[0].columns, sides[1].columns, strict=True)
        )  # fmt: skip

        def unknown(node: exp.Expr) -> exp.Expr:
            raise refused(
                f"UNION is sorted by {written(node)}", "sort by a column's name or place.", "order"
            )

        _cut(made, tree, columns, unknown)
        return Built(made, columns)

    def _select(self, tree: exp.Select, tables: Mapping[str, Table]) -> Built:
        only(tree, *_CLAUSES, fix=_WITH_FIX)
        scope = OuterScope(lambda inner: self.query(inner, tables))
        select = exp.Select()
        is_single = Joins(self._table, tables, scope, select).read(tree)
        rebuild = Rebuild(scope, has_aggregates=True, has_windows=True)
        row = Rebuild(scope, place="in WHERE")
        trees, columns = _projections(tree, scope, rebuild)
        aliases = [one.name for one in columns]
        where = tree.args.get("where")
        if where is not None:
            select.where(row(where.this), copy=False)
        groups = [
            _group_key(one, scope, trees, aliases, replace(row, place="in GROUP BY"))
            for one in _group(tree)
        ]
        select.set("expressions", [aliased(*one) for one in zip(trees, aliases, strict=True)])
        if groups:
            select.group_by(*(one.copy() for one in groups), copy=False)
        having = tree.args.get("having")
        kept: list[exp.Expr] = []
        if having is not None:
            kept = [replace(rebuild, has_windows=False, place="in HAVING")(having.this)]
            select.having(kept[0], copy=False)
        distinct = _distinct(tree)
        if distinct:
            select.set("distinct", exp.Distinct())

        def computed(node: exp.Expr) -> exp.Expr:
            if distinct:
                raise refused(
                    f"SELECT DISTINCT is sorted by {written(node)}", "select it too.", "order"
                )
            kept.append(rebuild(node))
            return kept[-1]

        _cut(select, tree, columns, computed)
        is_aggregated = bool(groups) or having is not None
        is_aggregated |= any(_has_aggregate(one) for one in (*trees, *kept))
        if is_aggregated:
            for one in (*trees, *kept):
                _check_grouped(one, groups)
        is_single |= (is_aggregated and not groups) or limit_of(tree) in (0, 1)
        return Built(select, tuple(columns), is_single)


def _sorted(query: MetricQuery) -> list[exp.Ordered]:
    """Sort keys of a metric query over its own answer, as far as it selects them."""
    aliases = {one.name: one.alias for one in query.columns}
    return [
        exp.Ordered(
            this=column(aliases[one.name]), desc=one.descending, nulls_first=one.nulls_first
        )
        for one in query.order_by
        if one.name in aliases
    ]


def _once(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Columns of a table: each name once, whatever its case."""
    seen: set[str] = set()
    for one in columns:
        if one.name.lower() in seen:
            raise refused(f"two columns are called {show(one.name)}", "give one an alias.", "alias")
        seen.add(one.name.lower())
    return columns


def _projections(
    tree: exp.Select, scope: OuterScope, rebuild: Rebuild
) -> tuple[list[exp.Expr], list[Column]]:
    """What is selected, built anew, and its columns; a star is written out."""
    trees: list[exp.Expr] = []
    columns: list[Column] = []
    if not tree.expressions:
        raise refused(f"{written(tree)} selects nothing", "name a column.", "expression")
    for projection in tree.expressions:
        starred = _starred(projection, scope)
        if starred is not None:
            trees.extend(starred)
            columns.extend(scope.describe(one, one.name) for one in starred)
            continue
        inner = projection.unalias()
        trees.append(rebuild(inner))
        alias = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
        name = name_of(alias) if alias is not None else default_name(inner, columns)
        columns.append(scope.describe(trees[-1], name))
    return trees, list(_once(tuple(columns)))


def _starred(tree: exp.Expr, scope: OuterScope) -> list[exp.Expr] | None:
    """The columns that `*` or `w.*` stands for; None for anything else."""
    if isinstance(tree, exp.Star):
        only(tree, what=" behind *", fix="name the columns.")
        names = list(dict.fromkeys(scope.shared))
        shared: list[exp.Expr] = [column(name) for name in names]
        return shared + [
            column(one.name, place)
            for place, table in scope.tables.items()
            for one in table.columns
            if one.name not in names
        ]
    if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
        only(tree.this, what=" behind *", fix="name the columns.")
        place = name_of(tree.args["table"])
        if place not in scope.tables:
            raise refused(
                f"unknown table {show(place)}", did_you_mean(place, scope.tables), "unknown_table"
            )
        return [column(one.name, place) for one in scope.tables[place].columns]
    return None


def _group(tree: exp.Select) -> list[exp.Expr]:
    clause = tree.args.get("group")
    if clause is None:
        return []
    only(clause, "expressions", what=" in GROUP BY", fix="name columns.")
    return list(clause.expressions)


def _group_key(
    tree: exp.Expr, scope: OuterScope, trees: list[exp.Expr], aliases: list[str], row: Rebuild
) -> exp.Expr:
    if isinstance(tree, exp.Literal) and not tree.is_string:
        return trees[position(tree, len(trees))]
    if isinstance(tree, exp.Column) and tree.args.get("table") is None:
        name = name_of(tree.this)
        if name in aliases and not scope.has(name):
            return trees[aliases.index(name)]
    return row(tree)


def _distinct(tree: exp.Select) -> bool:
    clause = tree.args.get("distinct")
    if clause is not None and clause.args.get("on") is not None:
        raise refused(
            f"{show('DISTINCT ON')} is not allowed",
            "number the rows by row_number() OVER (…) in a WITH query, and keep number 1.",
            "distinct",
        )
    return clause is not None


def _cut(
    made: exp.Query,
    tree: exp.Expr,
    columns: list[Column] | tuple[Column, ...],
    rebuild: Callable[[exp.Expr], exp.Expr],
) -> None:
    """ORDER BY, LIMIT and OFFSET; a selected column is sorted by at its place."""
    aliases = [one.name for one in columns]

    def key(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Literal) and not node.is_string:
            return exp.Literal.number(position(node, len(aliases)) + 1)
        if isinstance(node, exp.Column) and node.args.get("table") is None:
            name = name_of(node.this) if isinstance(node.this, exp.Identifier) else ""
            if name in aliases:
                return exp.Literal.number(aliases.index(name) + 1)
        return rebuild(node)

    order = tree.args.get("order")
    if order is not None:
        keys = [ordered(one, key) for one in order.expressions]
        made.set("order", exp.Order(expressions=keys))
    limit, offset = limit_of(tree), offset_of(tree)
    if limit is not None:
        made.set("limit", exp.Limit(expression=exp.Literal.number(limit)))
    if offset:
        made.set("offset", exp.Offset(expression=exp.Literal.number(offset)))


def _has_aggregate(tree: exp.Expr) -> bool:
    """Whether an expression aggregates rows, other than by OVER or in a subquery."""
    if isinstance(tree, exp.Query | exp.Subquery):
        return False
    if isinstance(tree, AGGREGATES):
        return True
    return any(_has_aggregate(one) for one in _inner(tree))


def _inner(tree: exp.Expr) -> list[exp.Expr]:
    """Children; of an aggregate over a window those of the aggregate."""
    children = list(tree.iter_expressions())
    if not isinstance(tree, exp.Window):
        return children
    function = tree.this.this if isinstance(tree.this, exp.Filter) else tree.this
    rest = [one for one in children if one is not tree.this]
    return [*function.iter_expressions(), *rest]


def _check_grouped(tree: exp.Expr, groups: list[exp.Expr]) -> None:
    """Refuse a column that is neither grouped by nor aggregated."""
    if tree in groups or isinstance(tree, (*AGGREGATES, exp.Filter, exp.Query, exp.Subquery)):
        return
    if isinstance(tree, exp.Column):
        raise refused(
            f"the column {show(tree.name)} is neither grouped by nor aggregated",
            f"add it to GROUP BY, or write max({tree.name}).",
            "not_grouped",
        )
    for one in _inner(tree):
        _check_grouped(one, groups)
