"""Which columns a column of a statement is made of: followed through its table expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from .lineage_templates import UnreadError

#: Columns of a table by its name; None where nobody says them.
Columns = Callable[[str], "frozenset[str] | None"]


@dataclass(frozen=True, order=True, slots=True)
class Field:
    """A column of a table outside: of `landed_ref.<model>` or `landed_source.<table>`."""

    table: str
    name: str


@dataclass
class _Walk:
    """What following a column has found so far.

    Args:
        said: Expressions on the way, the outermost first.
        seen: Queries and columns that have been followed.
    """

    found: set[Field] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    seen: set[tuple[int, str]] = field(default_factory=set)


@dataclass
class Statement:
    """One statement, with what its columns and its rows are made of.

    Args:
        tree: The statement.
        columns: What is known of the tables it reads.
    """

    tree: exp.Query
    columns: Columns
    _names: dict[int, tuple[str, ...] | None] = field(default_factory=dict)

    def outputs(self) -> tuple[str, ...] | None:
        """Names of its columns; None where a star over an unknown table hides them."""
        return self._outputs(self.tree, {})

    def sources(self, column: str) -> tuple[set[Field], list[str]]:
        """Fields that a column is made of, and the expressions on the way.

        Raises:
            UnreadError: A name on the way cannot be placed.
        """
        walk = _Walk()
        self._column(self.tree, column.lower(), {}, walk)
        return walk.found, walk.said

    def rows(self) -> set[Field]:
        """Fields that choose or join its rows: of conditions, joins and groups, on every level."""
        walk = _Walk()
        for select in self._selects():
            tables = self._visible(select)
            clauses: list[exp.Expr] = [
                one
                for key in ("where", "having", "qualify")
                if (one := select.args.get(key)) is not None
            ]
            clauses += [
                on for join in select.args.get("joins") or () if (on := join.args.get("on"))
            ]
            for clause in clauses:
                for column in _own_columns(clause):
                    try:
                        self._read(select, column, tables, walk)
                    except UnreadError:
                        continue  # an outer query's name: it is found there
        return walk.found

    def tables(self) -> set[str]:
        """Tables it reads, each as `landed_ref.x` or `landed_source.x`."""
        return {_outer(one) for select in self._selects() for one in _tables(select) if one.db}

    def _selects(self) -> list[exp.Select]:
        """The selects that its rows come from: of table expressions those that one reads."""
        found: dict[int, exp.Select] = {}
        waiting: list[exp.Expr] = [self.tree]
        while waiting:
            query = waiting.pop()
            for select in query.find_all(exp.Select):
                if id(select) in found or _expression_around(select, query):
                    continue
                found[id(select)] = select
                named = self._visible(select)
                names = {one.name.lower() for one in _tables(select) if not one.db}
                waiting += [tree for name, tree in named.items() if name in names]
        return list(found.values())

    def _visible(self, select: exp.Select) -> dict[str, exp.Query]:
        """The table expressions that a select can name, those of the selects around it included."""
        found: dict[str, exp.Query] = {}
        node: exp.Expr | None = select
        while node is not None:
            with_ = node.args.get("with_") if isinstance(node, exp.Query) else None
            for cte in with_.expressions if with_ is not None else ():
                found.setdefault(cte.alias.lower(), cte.this)
            node = node.parent
        return found

    def _column(
        self,
        query: exp.Expr,
        name: str,
        tables: Mapping[str, exp.Query],
        walk: _Walk,
    ) -> None:
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if (id(query), name) in walk.seen:
            return  # a recursive expression: its first part has been followed
        walk.seen.add((id(query), name))
        if isinstance(query, exp.SetOperation):
            inner = self._scope(query, tables)
            first = self._outputs(query.left, inner)
            self._column(query.left, name, inner, walk)
            other = self._outputs(query.right, inner)
            place = first.index(name) if first and name in first else None
            if place is not None and other is not None and place < len(other):
                name = other[place]
            self._column(query.right, name, inner, walk)
            return
        if not isinstance(query, exp.Select):
            raise UnreadError(f"a {query.key} is no query that can be followed")
        for projection in query.expressions:
            if projection.alias_or_name.lower() == name and not projection.is_star:
                tree = projection.unalias()
                if not isinstance(tree, exp.Column):
                    walk.said.append(tree.sql("duckdb"))
                for column in _own_columns(tree):
                    self._read(query, column, tables, walk)
                for inner_query in tree.find_all(exp.Select):  # a subquery in an expression
                    for one in inner_query.expressions:
                        for column in _own_columns(one):
                            self._read(inner_query, column, tables, walk)
                return
        stars = [one for one in query.expressions if one.is_star]
        for star in stars:
            prefix = star.table.lower() if isinstance(star, exp.Column) else ""
            if self._from_any(query, prefix, name, tables, walk):
                return
        raise UnreadError(f"the column `{name}` cannot be placed")

    def _read(
        self,
        select: exp.Select,
        column: exp.Column,
        tables: Mapping[str, exp.Query],
        walk: _Walk,
    ) -> None:
        name, prefix = column.name.lower(), column.table.lower()
        if self._from_any(select, prefix, name, tables, walk):
            return
        if not prefix:  # DuckDB lets an expression name another one of the same select
            for projection in select.expressions:
                is_other = column.find_ancestor(exp.Alias) is not projection
                if is_other and projection.alias_or_name.lower() == name:
                    for inner in _own_columns(projection):
                        self._read(select, inner, tables, walk)
                    return
        around = select.parent_select
        if around is not None:
            self._read(around, column, tables, walk)
            return
        raise UnreadError(f"the column `{column.sql()}` cannot be placed")

    def _from_any(
        self,
        select: exp.Select,
        prefix: str,
        name: str,
        tables: Mapping[str, exp.Query],
        walk: _Walk,
    ) -> bool:
        """Whether one of a select's tables has the column; then it is followed there."""
        inner = self._scope(select, tables)
        candidates = [
            one for one in _read_by(select) if not prefix or one.alias_or_name.lower() == prefix
        ]
        for is_sure in (True, False):  # a table that is known to have it, before one that may
            for table in candidates:
                known = self._outputs_of(table, inner)
                if name in known if known is not None else not is_sure:
                    if isinstance(table, exp.Table):
                        query = None if table.db else inner.get(table.name.lower())
                        if query is None:
                            walk.found.add(Field(_outer(table), name))
                            return True
                        self._column(query, name, inner, walk)
                        return True
                    if isinstance(table, exp.Subquery):
                        self._column(table.this, name, inner, walk)
                        return True
                    for column in table.find_all(exp.Column):  # unnest(…), a lateral
                        self._read(select, column, tables, walk)
                    return True
        return False

    def _scope(self, query: exp.Expr, tables: Mapping[str, exp.Query]) -> Mapping[str, exp.Query]:
        if isinstance(query, exp.Select):
            return {**tables, **self._visible(query)}
        with_ = query.args.get("with_")
        own = {one.alias.lower(): one.this for one in with_.expressions} if with_ else {}
        return {**tables, **own}

    def _outputs(self, query: exp.Expr, tables: Mapping[str, exp.Query]) -> tuple[str, ...] | None:
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if id(query) in self._names:
            return self._names[id(query)]
        self._names[id(query)] = None  # while it is found out: a recursive expression
        inner = self._scope(query, tables)
        names: list[str] = []
        if isinstance(query, exp.SetOperation):
            found = self._outputs(query.left, inner)
            self._names[id(query)] = found
            return found
        if not isinstance(query, exp.Select):
            return None
        for projection in query.expressions:
            if not projection.is_star:
                names.append(projection.alias_or_name.lower())
                continue
            prefix = projection.table.lower() if isinstance(projection, exp.Column) else ""
            for table in _read_by(query):
                if prefix and table.alias_or_name.lower() != prefix:
                    continue
                known = self._outputs_of(table, inner)
                if known is None:
                    return None
                names.extend(known)
        self._names[id(query)] = tuple(names)
        return tuple(names)

    def _outputs_of(self, table: exp.Expr, tables: Mapping[str, exp.Query]) -> Iterable[str] | None:
        if isinstance(table, exp.Table):
            query = None if table.db else tables.get(table.name.lower())
            if query is not None:
                return self._outputs(query, tables)
            known = self.columns(_outer(table))
            return sorted(known) if known is not None else None
        if isinstance(table, exp.Subquery):
            return self._outputs(table.this, tables)
        alias = table.args.get("alias")
        columns = [one.name.lower() for one in alias.args.get("columns") or ()] if alias else []
        return columns or None


def parse_statement(text: str, columns: Columns) -> Statement:
    """The statement of a text whose templates are written out.

    Raises:
        UnreadError: It is not one query that sqlglot reads.
    """
    try:
        trees = [one for one in sqlglot.parse(text, dialect="duckdb") if one is not None]
    except (SqlglotError, RecursionError) as error:
        said = " ".join(str(error).split())[:120]
        raise UnreadError(f"its SQL cannot be read: {said}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise UnreadError("it is not one query")
    return Statement(trees[0], columns)


def _outer(table: exp.Table) -> str:
    """The name of a table that stands outside the statement."""
    return f"{table.db}.{table.name}" if table.db else table.name


def _tables(select: exp.Select) -> list[exp.Table]:
    return [one for one in _read_by(select) if isinstance(one, exp.Table)]


def _expression_around(select: exp.Select, query: exp.Expr) -> bool:
    """Whether a select stands in a table expression within a query, not in the query itself."""
    node: exp.Expr | None = select
    while node is not None and node is not query:
        if isinstance(node, exp.CTE):
            return True
        node = node.parent
    return False


def _read_by(select: exp.Select) -> list[exp.Expr]:
    """What stands in FROM and JOIN."""
    from_ = select.args.get("from_")
    found = [from_.this] if from_ is not None else []
    found += [join.this for join in select.args.get("joins") or ()]
    return found + list(select.args.get("laterals") or ())


def _own_columns(tree: exp.Expr) -> list[exp.Column]:
    """Columns of an expression, but for those of subqueries in it."""
    found: list[exp.Column] = []
    for node in tree.walk(prune=lambda one: isinstance(one, exp.Query)):
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            found.append(node)
    return found
