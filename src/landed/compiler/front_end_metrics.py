"""One SELECT from `metrics`: a metric query, with what is computed from its values around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import METRIC_TIME
from ..catalog.names import refused, show
from .front_end_expressions import AGGREGATES
from .front_end_text import EXAMPLE, name_of, only, written
from .names import Names, check_metric
from .query import GRAINS, FilteredMetric, Grain, OrderBy, OutputColumn

CLAUSES = (
    "expressions", "from_", "where", "group", "having", "order", "limit", "offset", "distinct",
)  # fmt: skip
#: Nodes of a condition that the filter grammar has; what has others is computed around the query.
_PLAIN = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.In, exp.Is, exp.Between, exp.Null, exp.Boolean, exp.Literal, exp.Neg, exp.Column,
    exp.Identifier, exp.Cast, exp.DataType, exp.Coalesce, exp.Abs,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """A metric, perhaps under conditions of its own, or a dimension; `metric_time` has a grain."""

    name: str
    alias: str
    is_metric: bool
    grain: Grain | None = None


@dataclass
class MetricSelect:
    """Reads a SELECT from `metrics` part by part.

    Args:
        select: The statement.
        catalog: The definitions.
        source: What the table is called there; columns may be written with it.
    """

    select: exp.Select
    catalog: Catalog
    source: str
    filtered: dict[tuple[str, tuple[str, ...]], FilteredMetric] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)

    def item(self, tree: exp.Expr) -> Item | None:
        """MEASURE(metric), a dimension or a truncated `metric_time`; None for anything else."""
        if isinstance(tree, exp.Filter) and is_measure(tree.this):
            return self._filtered(tree)
        if is_measure(tree):
            metric = self.metric(tree)
            self.used.append(metric)
            return Item(metric, metric, True)
        if isinstance(tree, exp.TimestampTrunc) and isinstance(tree.this, exp.Column):
            return Item(METRIC_TIME, METRIC_TIME, False, self._truncated(tree))
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
            name = self.name(tree)
            if name in self.catalog.metrics:
                raise refused(
                    f"{show(name)} is a metric", f"write MEASURE({name}).", "metric_as_dimension"
                )
            if name == METRIC_TIME:
                raise refused(
                    f"{show(name)} has no grain",
                    f"write date_trunc('day', {METRIC_TIME}).",
                    "no_grain",
                )
            return Item(name, name, False)
        if isinstance(tree, exp.Star | exp.Column):
            raise refused(f"{show('*')} is not allowed", EXAMPLE, "star")
        if isinstance(tree, exp.Filter):
            tree = tree.this
        if isinstance(tree, exp.Func) and type(tree) in AGGREGATES:
            raise refused(
                f"the aggregate {show(tree.sql_name().lower())} is not allowed",
                "write MEASURE(<metric>).",
                "aggregate",
            )
        return None

    def _filtered(self, tree: exp.Filter) -> Item:
        metric = self.metric(tree.this)
        conditions = (self.condition(tree.expression.this),)
        key = (metric, conditions)
        if key not in self.filtered:
            name = f"{metric} filter {len(self.filtered) + 1}"  # no metric's name has a space
            self.filtered[key] = FilteredMetric(name, metric, conditions)
        return Item(self.filtered[key].name, metric, True)

    def metric(self, tree: exp.Expr) -> str:
        """The metric of MEASURE(metric)."""
        arguments = tree.expressions
        if len(arguments) != 1 or not isinstance(arguments[0], exp.Column):
            raise refused(
                f"{written(tree)} does not take one metric", "write MEASURE(<metric>).", "measure"
            )
        name = self.name(arguments[0])
        check_metric(self.catalog, name)
        return name

    def _truncated(self, tree: exp.TimestampTrunc) -> Grain:
        """The grain of date_trunc('grain', metric_time)."""
        if self.name(tree.this) != METRIC_TIME:
            raise refused(
                f"date_trunc of {written(tree.this)} is not allowed",
                f"truncate {METRIC_TIME}.",
                "grain",
            )
        grain = tree.text("unit").lower()
        if grain not in GRAINS:
            raise refused(
                f"the grain {show(grain)} is not known", f"use one of {', '.join(GRAINS)}.", "grain"
            )
        return cast(Grain, grain)

    def name(self, column: exp.Column) -> str:
        """A column's name, without the table's where that is the one read."""
        only(column, "this", "table", what=f" in {written(column)}", fix="name it alone.")
        table = column.args.get("table")
        if table is not None and name_of(table) != self.source:
            raise refused(f"the name {written(column)} has a dot", "name it alone.", "dotted")
        return name_of(column.this)

    def where(self) -> tuple[str, ...]:
        """The condition on dimensions."""
        clause = self.select.args.get("where")
        if clause is None:
            return ()
        for node in clause.find_all(exp.Anonymous):
            if is_measure(node):
                raise refused(f"{written(node)} stands in WHERE", "put it in HAVING.", "measure")
        return (self.condition(clause.this),)

    def condition(self, tree: exp.Expr) -> str:
        """A condition as text of the filter grammar, which checks every node of it again."""
        inner = tree.find(exp.Query)
        if inner is not None:
            raise refused(
                f"the subquery {written(inner)} is not allowed in a condition on metrics",
                "list the values: IN ('a', 'b').",
                "subquery",
            )
        any_ = tree.find(exp.Any)
        if any_ is not None:
            raise refused(f"{written(any_)} is not allowed", "write IN ('a', 'b').", "expression")
        plain = tree.copy()
        for column in list(plain.find_all(exp.Column)):
            if not isinstance(column.this, exp.Star):
                name = self.name(column)
                column.set("table", None)
                column.set("this", exp.to_identifier(name, quoted=True))
        return plain.sql("duckdb", comments=False)

    def having(self, items: Sequence[Item]) -> tuple[str, ...] | None:
        """The condition on values in the filter grammar; None where it computes more than that."""
        clause = self.select.args.get("having")
        if clause is None:
            return ()
        tree = clause.this.transform(lambda node: self._value(node, items))
        if any(not isinstance(node, _PLAIN) for node in tree.walk()):
            return None
        return (tree.sql("duckdb", comments=False),)

    def _value(self, node: exp.Expr, items: Sequence[Item]) -> exp.Expr:
        """A node of HAVING, its metrics and aliases written as names."""
        item: Item | None = None
        if is_measure(node) or isinstance(node, exp.Filter):
            item = self.item(node)
        elif isinstance(node, exp.Column):
            item = referred(node, items, self)
            if item is None or not item.is_metric:
                raise refused(
                    f"{show(node.name)} in HAVING is no metric",
                    "write MEASURE(<metric>), or put it in WHERE.",
                    "having",
                )
        if item is None:
            return node
        return exp.Column(this=exp.to_identifier(item.name, quoted=True))

    def grouped(self, items: Sequence[Item | None], names: Names) -> list[Item]:
        """Dimensions of GROUP BY: names, aliases, positions, or `metric_time` truncated."""
        group = self.select.args.get("group")
        if group is None:
            return []
        extra = [key for key, value in group.args.items() if value and key != "expressions"]
        if extra:
            raise refused(
                f"GROUP BY {show(extra[0].upper())} is not allowed", "name dimensions.", "group_by"
            )
        found = []
        for tree in group.expressions:
            item = referred(tree, items, self)
            if item is None and not isinstance(tree, exp.Literal):
                item = self._group_key(tree, names)
            if item is None or item.is_metric:
                raise refused(
                    f"cannot group by {written(tree)}",
                    "name dimensions, their aliases or positions.",
                    "group_by",
                )
            found.append(item)
        return found

    def _group_key(self, tree: exp.Expr, names: Names) -> Item | None:
        inner = uncast(tree)
        if isinstance(inner, exp.TimestampTrunc):
            return self.item(inner)
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
            name = self.name(tree)
            names.full(name)
            return self.item(tree) if name == METRIC_TIME else Item(name, name, False)
        return None

    def order(self, items: Sequence[Item]) -> tuple[OrderBy, ...] | None:
        """Sort keys; None where one is computed."""
        clause = self.select.args.get("order")
        keys: list[OrderBy] = []
        for key in clause.expressions if clause is not None else ():
            only(key, "this", "desc", "nulls_first", what=" in ORDER BY", fix="leave it out.")
            item = referred(key.this, items, self) or self.item(key.this)
            if item is None:
                return None
            nulls_first = bool(key.args.get("nulls_first"))
            keys.append(OrderBy(item.name, bool(key.args.get("desc")), nulls_first))
        return tuple(keys)


def is_measure(tree: exp.Expr) -> bool:
    """Whether a node is MEASURE(…)."""
    return isinstance(tree, exp.Anonymous) and tree.name.lower() == "measure"


def is_metric_time(tree: exp.Expr) -> bool:
    """Whether a node is the column `metric_time`."""
    is_column = isinstance(tree, exp.Column) and isinstance(tree.this, exp.Identifier)
    return is_column and name_of(tree.this) == METRIC_TIME


def uncast(tree: exp.Expr) -> exp.Expr:
    """What a truncated time is cast from: as a day or an instant it has the same groups."""
    if isinstance(tree, exp.Cast) and tree.to.this in (
        exp.DataType.Type.DATE,
        exp.DataType.Type.TIMESTAMP,
    ):
        inner = uncast(tree.this)
        is_coarse = isinstance(inner, exp.TimestampTrunc) and inner.text("unit").lower() != "hour"
        return inner if is_coarse else tree
    return tree


def referred(tree: exp.Expr, items: Sequence[Item | None], read: MetricSelect) -> Item | None:
    """The selected item that a position or alias stands for."""
    if isinstance(tree, exp.Literal) and not tree.is_string:
        return items[position(tree, len(items))]
    if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
        name = read.name(tree)
        return next((item for item in items if item is not None and item.alias == name), None)
    return None


def position(tree: exp.Expr, count: int) -> int:
    """The index of a column that is named by its place."""
    place = int(tree.name) if tree.name.isdecimal() and len(tree.name) < 5 else 0
    if not 1 <= place <= count:
        raise refused(f"there is no column {show(tree.name)}", f"use 1 to {count}.", "position")
    return place - 1


def limit_of(tree: exp.Expr) -> int | None:
    """Most rows of LIMIT or FETCH FIRST; None without either."""
    clause = tree.args.get("limit")
    if clause is None:
        return None
    count: exp.Expr | None = None
    if isinstance(clause, exp.Limit):
        only(clause, "expression", what=" in LIMIT", fix="write LIMIT 100.")
        count = clause.expression
    elif isinstance(clause, exp.Fetch):
        options = clause.args.get("limit_options")
        is_plain = options is None or not (
            options.args.get("percent") or options.args.get("with_ties")
        )
        count = clause.args.get("count") if is_plain else None
    return _count(count, clause, "LIMIT 100")


def offset_of(tree: exp.Expr) -> int:
    """Rows to leave out."""
    clause = tree.args.get("offset")
    return 0 if clause is None else _count(clause.expression, clause, "OFFSET 10")


def _count(count: exp.Expr | None, clause: exp.Expr, fix: str) -> int:
    is_number = isinstance(count, exp.Literal) and not count.is_string
    if count is None or not is_number or not count.name.isdecimal() or len(count.name) > 12:
        word = fix.split(maxsplit=1)[0].lower()
        raise refused(
            f"the {word} {written(count or clause)} is no whole number", f"write {fix}.", "limit"
        )
    return int(count.name)


def output_columns(items: Sequence[Item]) -> tuple[OutputColumn, ...]:
    """Columns of a plain answer."""
    return tuple(OutputColumn(item.name, item.alias) for item in items)
