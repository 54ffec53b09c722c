"""Which events a metric reads, by name, and which of their properties.

A metric's conditions and measures are followed through the SQL of its models down to the event's
name. What a name does not decide counts as read; an event that nothing names is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from .event_values import EVENT, PROPERTIES, value_of
from .expressions import parse_column_expression, parse_condition
from .formulas import Aggregate, Formula, Vocabulary, aggregates
from .lineage_models import Models
from .lineage_templates import REF, SOURCE, UnreadError

#: Tables whose rows are events, as they came.
_EVENT_TABLES = frozenset({f"{REF}.fct_events", f"{REF}.stg_lake__events", f"{SOURCE}.lake.events"})
_MOST_NODES = 4000  # of an expression written out; beyond it stands for itself
_ZERO_IS_NOTHING = ("sum", "sum_boolean")


@dataclass(frozen=True, slots=True)
class MetricEvents:
    """Events that one aggregate of a metric reads.

    Args:
        events: Names; each of them adds to the number.
        properties: Names of the properties that are read, whatever the event.
    """

    events: frozenset[str]
    properties: frozenset[str]


def metric_events(
    formula: Formula, vocabulary: Vocabulary, models: Models
) -> tuple[MetricEvents, ...]:
    """Events that a formula reads, one entry an aggregate that names any."""
    reader = _Reader(models)
    found = (_of_aggregate(one, vocabulary, reader) for one in aggregates(formula))
    return tuple(dict.fromkeys(one for one in found if one.events or one.properties))


def _of_aggregate(one: Aggregate, vocabulary: Vocabulary, reader: _Reader) -> MetricEvents:
    fact, time = one.fact, one.measure.agg_time_dimension

    def resolve(reference: Any) -> exp.Expr:
        place = vocabulary.place(fact, reference, time)
        if place.path:  # an attribute of the unit, of whatever event
            return exp.column(f"joined_{place.model.model}")
        return reader.expression(place.model.model, parse_column_expression(place.expr))

    conditions = list(reader.conditions(fact.model))
    conditions += [parse_condition(text).bind(resolve) for text in one.filters]
    value = reader.expression(fact.model, parse_column_expression(one.measure.expr))
    named = set().union(*(_names(tree) for tree in (*conditions, value)))
    properties = set().union(*(_properties(tree) for tree in (*conditions, value)))
    is_sum = one.measure.agg in _ZERO_IS_NOTHING
    read = {name for name in named if _adds(conditions, value, name, is_sum=is_sum)}
    return MetricEvents(frozenset(read), frozenset(properties))


def _adds(conditions: list[exp.Expr], value: exp.Expr, event: str, *, is_sum: bool) -> bool:
    """Whether rows of an event can change the number."""
    if any(
        found is None or found is False for one in conditions for found in [value_of(one, event)]
    ):
        return False
    given = value_of(value, event)
    return not (given is None or (is_sum and (given is False or given == 0)))


def _names(tree: exp.Expr) -> set[str]:
    """Texts that the event's name is compared with."""
    found: set[str] = set()
    for node in tree.find_all(exp.EQ, exp.NEQ, exp.In, exp.Case):
        if isinstance(node, exp.EQ | exp.NEQ):
            sides = [node.this, node.expression]
            values = [side for side in sides if any(map(_is_event, sides))]
        elif node.this is None or not _is_event(node.this):
            continue
        elif isinstance(node, exp.In):
            values = node.expressions
        else:
            values = [branch.this for branch in node.args["ifs"]]
        plain = (one.unnest() for one in values)
        found |= {one.name for one in plain if isinstance(one, exp.Literal) and one.is_string}
    return found


def _is_event(node: exp.Expr) -> bool:
    inner = node.unnest()
    return isinstance(inner, exp.Column) and inner.name == EVENT


def _properties(tree: exp.Expr) -> set[str]:
    """Properties that JSON functions take from the event's properties."""
    found: set[str] = set()
    for column in tree.find_all(exp.Column):
        around = column.parent
        while isinstance(around, exp.Paren):
            around = around.parent
        if column.name != PROPERTIES or around is None:
            continue
        path = around.args.get("expression")
        if isinstance(path, exp.JSONPath):
            keys = [one.this for one in path.expressions if isinstance(one, exp.JSONPathKey)]
            found |= {str(key) for key in keys[:1]}
        elif isinstance(path, exp.Literal) and path.is_string:
            found.add(_first_key(path.name))
    return found - {""}


def _first_key(path: str) -> str:
    """`plan` of `/plan`, `$.plan` and `$."plan"`."""
    if path.startswith("/"):
        return path[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
    rest = path[2:]
    return rest[1:].partition('"')[0] if rest.startswith('"') else rest.partition(".")[0]


class _Reader:
    """Writes columns of models out in terms of the event, each once."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._known: dict[tuple[str, str], exp.Expr] = {}
        self._busy: set[tuple[str, str]] = set()

    def expression(self, model: str, tree: exp.Expr) -> exp.Expr:
        """An expression over a model's columns, written out."""
        return _replaced(tree, lambda column: self.column(f"{REF}.{model}", column.name.lower()))

    def conditions(self, model: str) -> Iterator[exp.Expr]:
        """What holds for every row of a model, written out."""
        if f"{REF}.{model}" in _EVENT_TABLES:
            return
        try:
            tree = self._models.statement(model).tree
        except UnreadError:
            return
        yield from self._held(tree, {})

    def column(self, table: str, name: str) -> exp.Expr:
        """A column of a table, written out; one that cannot be stands for itself."""
        table = table.replace('"', "")
        if table in _EVENT_TABLES and name in ("event_name", "properties"):
            return exp.column(EVENT if name == "event_name" else PROPERTIES)
        key = (table, name)
        if table in _EVENT_TABLES or not table.startswith(f"{REF}.") or key in self._busy:
            return exp.column(f"{table.replace('.', '_')}_{name}")
        if key not in self._known:
            self._busy.add(key)
            found: exp.Expr = exp.column(f"{table.replace('.', '_')}_{name}")
            try:
                tree = self._models.statement(table.partition(".")[2]).tree
                written = self._of_query(tree, name, {})
            except UnreadError:
                written = None
            self._busy.discard(key)
            if written is not None and sum(1 for _ in written.walk()) <= _MOST_NODES:
                found = written
            self._known[key] = found
        return self._known[key].copy()

    def _of_query(
        self, query: exp.Expr, name: str, tables: Mapping[str, exp.Expr]
    ) -> exp.Expr | None:
        """A column of a query: its expression, and NULL where the query's own rows end."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if not isinstance(query, exp.Select):
            return None
        scope = _scope(query, tables)
        written: exp.Expr | None = None
        for item in query.expressions:
            if not item.is_star and item.alias_or_name.lower() == name:
                written = self._written(query, item.unalias(), scope)
                break
        else:
            if any(item.is_star for item in query.expressions):
                written = self._from_tables(query, exp.column(name), scope)
        where = query.args.get("where")
        if written is None or where is None:
            return written
        held = self._written(query, where.this, scope)
        return exp.Case(ifs=[exp.If(this=held, true=written)])

    def _written(
        self, query: exp.Select, tree: exp.Expr, scope: Mapping[str, exp.Expr]
    ) -> exp.Expr:
        def of(column: exp.Column) -> exp.Expr:
            found = self._from_tables(query, column, scope)
            return found if found is not None else exp.column(f"own_{column.name}")

        return _replaced(tree, of)

    def _from_tables(
        self, query: exp.Select, column: exp.Column, scope: Mapping[str, exp.Expr]
    ) -> exp.Expr | None:
        name, prefix = column.name.lower(), column.table.lower()
        tables = _read_by(query)
        if prefix:
            tables = [one for one in tables if one.alias_or_name.lower() == prefix]
        if len(tables) != 1:
            return None  # which of several has it is not asked: it stands for itself
        table = tables[0]
        if isinstance(table, exp.Subquery):
            return self._of_query(table.this, name, scope)
        if not isinstance(table, exp.Table):
            return None
        inner = None if table.db else scope.get(table.name.lower())
        if inner is None:
            outside = f"{table.db}.{table.name}" if table.db else table.name
            return self.column(outside, name)
        return self._of_query(inner, name, {k: v for k, v in scope.items() if v is not inner})

    def _held(self, query: exp.Expr, tables: Mapping[str, exp.Expr]) -> Iterator[exp.Expr]:
        """Conditions of a query and of the first table it reads."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if not isinstance(query, exp.Select):
            return
        scope = _scope(query, tables)
        where = query.args.get("where")
        if where is not None:
            yield self._written(query, where.this, scope)
        read = _read_by(query)
        if not read:
            return
        first = read[0]
        if isinstance(first, exp.Subquery):
            yield from self._held(first.this, scope)
        elif isinstance(first, exp.Table):
            inner = None if first.db else scope.get(first.name.lower())
            if inner is not None:
                rest = {name: one for name, one in scope.items() if one is not inner}
                yield from self._held(inner, rest)
            elif first.db == REF:
                yield from self.conditions(first.name)


def _replaced(tree: exp.Expr, of: Any) -> exp.Expr:
    """A copy of a tree with its columns replaced; those of subqueries in it stay."""
    held = exp.Paren(this=tree.copy())
    columns = [
        node
        for node in held.walk(prune=lambda one: isinstance(one, exp.Query))
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star)
    ]
    for column in columns:
        column.replace(exp.Paren(this=of(column)))
    return held


def _scope(query: exp.Select, tables: Mapping[str, exp.Expr]) -> dict[str, exp.Expr]:
    with_ = query.args.get("with_")
    own = {one.alias.lower(): one.this for one in with_.expressions} if with_ else {}
    return {**tables, **own}


def _read_by(query: exp.Select) -> list[exp.Expr]:
    from_ = query.args.get("from_")
    found = [from_.this] if from_ is not None else []
    return found + [join.this for join in query.args.get("joins") or ()]
