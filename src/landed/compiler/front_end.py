"""SQL over metrics: SELECT MEASURE(m), dimensions FROM metrics, in the Postgres dialect.

The text is read into a `MetricQuery` and never passed through: whatever is not on the lists below
is refused by name, with the fix in the same line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import parse_bounded
from ..catalog.names import refused, show
from .names import Names, check_metric, resolve
from .query import GRAINS, Grain, MetricQuery, OrderBy, OutputColumn

_CLAUSES = {"expressions", "from_", "where", "group", "having", "order", "limit"}
#: What a clause is called where people know it by another word than the parser's.
_WORDS = {
    "with_": "WITH",
    "joins": "JOIN",
    "laterals": "LATERAL",
    "operation_modifiers": "modifiers",
    "into": "INTO",
    "locks": "FOR UPDATE",
}
_EXAMPLE = "write SELECT MEASURE(<metric>), <dimension> FROM metrics GROUP BY <dimension>."


@dataclass(frozen=True, slots=True)
class _Item:
    """One selected column: a metric, or a dimension with the grain of `metric_time`."""

    name: str
    alias: str
    is_metric: bool
    grain: Grain | None = None


def parse_metric_sql(sql: str, catalog: Catalog) -> MetricQuery:
    """Read `SELECT MEASURE(m) [AS a], dimension … FROM metrics …` (Postgres dialect).

    Allowed are WHERE on dimensions, GROUP BY names, aliases or positions, HAVING on metrics,
    ORDER BY, LIMIT, and `date_trunc('day' | 'week' | 'month', metric_time)`, with the name of a
    time zone as third argument where another than the project's is meant.

    Raises:
        QueryRefused: Anything else; one line that names the token and gives a fix.
    """
    first = re.match(r"\s*([A-Za-z]+)", sql)
    if first is not None and first.group(1).lower() not in ("select", "with"):
        raise refused(f"{show(first.group(1).upper())} is not allowed", _EXAMPLE, "not_a_select")
    select = _checked(parse_bounded(sql, "postgres"))
    time_zone = _time_zone(select)
    items = _items(select, catalog)
    metrics = [item.name for item in items if item.is_metric]
    having, in_having = _having(select, items, catalog)
    order, in_order = _order(select, items, catalog)
    metrics = list(dict.fromkeys((*metrics, *in_having, *in_order)))
    if not metrics:
        raise refused("the query names no metric", "select MEASURE(<metric>).", "no_metric")
    names = Names(catalog, metrics)
    dimensions = [item for item in items if not item.is_metric]
    for item in dimensions:
        names.full(item.name)
    grouped = _grouped(select, items, names)
    for item in dimensions:
        if names.full(item.name) not in {names.full(one.name) for one in grouped}:
            raise refused(
                f"the dimension {show(item.alias)} is selected but not grouped by",
                f"add GROUP BY {_written(item)}.",
                "not_grouped",
            )
    grains = {one.grain for one in (*dimensions, *grouped) if one.grain is not None}
    if len(grains) > 1:
        raise refused(
            f"metric_time is truncated to {' and '.join(sorted(grains))}", "use one.", "grain"
        )
    query = MetricQuery(
        metrics=tuple(metrics),
        group_by=tuple(dict.fromkeys(item.name for item in grouped)),
        grain=next(iter(grains), None),
        where=_where(select),
        having=having,
        order_by=order,
        limit=_limit(select),
        columns=tuple(OutputColumn(item.name, item.alias) for item in items),
        time_zone=time_zone,
    )
    resolve(catalog, query)
    return query


def _checked(tree: exp.Expr) -> exp.Select:
    """The statement as one SELECT of known clauses from `metrics`."""
    if not isinstance(tree, exp.Select):
        raise refused(f"{show(tree.key.upper())} is not allowed", _EXAMPLE, "not_a_select")
    for clause, value in tree.args.items():
        if value and clause not in _CLAUSES:
            word = _WORDS.get(clause, clause.rstrip("_").replace("_", " ").upper())
            raise refused(
                f"{show(word)} is not allowed", "query `metrics` alone, without it.", "clause"
            )
    inner = next((node for node in tree.find_all(exp.Query) if node is not tree), None)
    if inner is not None:
        raise refused(
            f"the subquery {show(inner.sql('postgres'))} is not allowed",
            "query `metrics` alone, without it.",
            "subquery",
        )
    source = tree.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        shown = show(table.sql("postgres")) if table is not None else "nothing"
        raise refused(f"the query reads {shown}", "write FROM metrics.", "not_metrics")
    extra = [key for key, value in table.args.items() if value and key != "this"]
    if extra or table.name.lower() != "metrics":
        raise refused(
            f"the table {show(table.sql('postgres'))} cannot be read",
            "write FROM metrics, without schema or alias.",
            "not_metrics",
        )
    return tree


def _time_zone(select: exp.Select) -> str | None:
    """The zone that every `date_trunc(grain, metric_time, zone)` names; it is taken off them."""
    found: set[str | None] = set()
    for node in select.find_all(exp.TimestampTrunc):
        zone = node.args.get("zone")
        if zone is not None and not (isinstance(zone, exp.Literal) and zone.is_string):
            raise refused(
                f"the time zone {show(zone.sql('postgres'))} is no text",
                "write an IANA name, e.g. 'Europe/Berlin'.",
                "time_zone",
            )
        found.add(None if zone is None else zone.name)
        node.set("zone", None)
    if len(found) > 1:
        written = " and ".join(sorted("none" if one is None else show(one) for one in found))
        raise refused(
            f"metric_time is truncated in the zones {written}",
            "write the same zone in every date_trunc.",
            "time_zone",
        )
    return next(iter(found), None)


def _items(select: exp.Select, catalog: Catalog) -> list[_Item]:
    items = []
    for projection in select.expressions:
        alias = projection.alias if isinstance(projection, exp.Alias) else ""
        item = _item(projection.unalias(), catalog)
        items.append(_Item(item.name, alias or item.alias, item.is_metric, item.grain))
    return items


def _item(tree: exp.Expr, catalog: Catalog) -> _Item:
    """A selected expression: MEASURE(metric), a dimension, or a truncated `metric_time`."""
    if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
        name = _name(tree)
        if name in catalog.metrics:
            raise refused(
                f"{show(name)} is a metric", f"write MEASURE({name}).", "metric_as_dimension"
            )
        if name == METRIC_TIME:
            raise refused(
                f"{show(name)} has no grain", f"write date_trunc('day', {METRIC_TIME}).", "no_grain"
            )
        return _Item(name, name, False)
    if _is_measure(tree):
        metric = _measured(tree, catalog)
        return _Item(metric, metric, True)
    if isinstance(tree, exp.TimestampTrunc):
        return _Item(METRIC_TIME, METRIC_TIME, False, _truncated(tree))
    if isinstance(tree, exp.Star | exp.Column):
        raise refused(f"{show('*')} is not allowed", _EXAMPLE, "star")
    if isinstance(tree, exp.AggFunc):
        word = tree.sql_name().lower()
        raise refused(
            f"the aggregate {show(word)} is not allowed", "write MEASURE(<metric>).", "aggregate"
        )
    raise refused(
        f"the expression {show(tree.sql('postgres'))} is not allowed",
        "select MEASURE(<metric>), dimensions and date_trunc('week', metric_time).",
        "expression",
    )


def _is_measure(tree: exp.Expr) -> bool:
    return isinstance(tree, exp.Anonymous) and tree.name.lower() == "measure"


def _measured(tree: exp.Expr, catalog: Catalog) -> str:
    """The metric of MEASURE(metric)."""
    arguments = tree.expressions
    if len(arguments) != 1 or not isinstance(arguments[0], exp.Column):
        raise refused(
            f"{show(tree.sql('postgres'))} does not take one metric",
            "write MEASURE(<metric>).",
            "measure",
        )
    name = _name(arguments[0])
    check_metric(catalog, name)
    return name


def _truncated(tree: exp.TimestampTrunc) -> Grain:
    """The grain of date_trunc('grain', metric_time)."""
    if not isinstance(tree.this, exp.Column) or _name(tree.this) != METRIC_TIME:
        raise refused(
            f"date_trunc of {show(tree.this.sql('postgres'))} is not allowed",
            f"truncate {METRIC_TIME}.",
            "grain",
        )
    grain = tree.text("unit").lower()
    if grain not in GRAINS:
        raise refused(
            f"the grain {show(grain)} is not known", f"use one of {', '.join(GRAINS)}.", "grain"
        )
    return cast(Grain, grain)


def _name(column: exp.Column) -> str:
    """A plain column name; Postgres folds unquoted ones to lower case."""
    if column.args.get("table") is not None:
        raise refused(
            f"the name {show(column.sql('postgres'))} has a dot", "name it alone.", "dotted"
        )
    return column.name if column.this.args.get("quoted") else column.name.lower()


def _grouped(select: exp.Select, items: Sequence[_Item], names: Names) -> list[_Item]:
    group = select.args.get("group")
    if group is None:
        return []
    extra = [key for key, value in group.args.items() if value and key != "expressions"]
    if extra:
        raise refused(
            f"GROUP BY {show(extra[0].upper())} is not allowed", "name dimensions.", "group_by"
        )
    found = []
    for tree in group.expressions:
        item = _referred(tree, items)
        if item is None and isinstance(tree, exp.TimestampTrunc):
            item = _Item(METRIC_TIME, METRIC_TIME, False, _truncated(tree))
        if item is None and isinstance(tree, exp.Column):
            name = _name(tree)
            names.full(name)
            item = _Item(name, name, False)
        if item is None or item.is_metric:
            raise refused(
                f"cannot group by {show(tree.sql('postgres'))}",
                "name dimensions, their aliases or positions.",
                "group_by",
            )
        found.append(item)
    return found


def _referred(tree: exp.Expr, items: Sequence[_Item]) -> _Item | None:
    """The selected item that a position or alias stands for."""
    if isinstance(tree, exp.Literal) and not tree.is_string:
        position = int(tree.name) if tree.name.isdecimal() else 0
        if not 1 <= position <= len(items):
            raise refused(
                f"there is no column {show(tree.name)}", f"use 1 to {len(items)}.", "position"
            )
        return items[position - 1]
    if isinstance(tree, exp.Column):
        name = _name(tree)
        return next((item for item in items if item.alias == name), None)
    return None


def _where(select: exp.Select) -> tuple[str, ...]:
    clause = select.args.get("where")
    if clause is None:
        return ()
    for node in clause.find_all(exp.Anonymous, exp.AggFunc):
        if _is_measure(node):
            raise refused(
                f"{show(node.sql('postgres'))} stands in WHERE", "put it in HAVING.", "measure"
            )
    return (_condition(clause.this),)


def _having(
    select: exp.Select, items: Sequence[_Item], catalog: Catalog
) -> tuple[tuple[str, ...], list[str]]:
    """The condition on metrics, with MEASURE(m) and aliases written as names; the metrics."""
    clause = select.args.get("having")
    if clause is None:
        return (), []
    used: list[str] = []

    def named(node: exp.Expr) -> exp.Expr:
        item: _Item | None = None
        if _is_measure(node):
            item = _item(node, catalog)
        elif isinstance(node, exp.Column):
            item = _referred(node, items)
            if item is None or not item.is_metric:
                raise refused(
                    f"{show(node.name)} in HAVING is no metric",
                    "write MEASURE(<metric>), or put it in WHERE.",
                    "having",
                )
        if item is None:
            return node
        used.append(item.name)
        return exp.Column(this=exp.to_identifier(item.name, quoted=True))

    return (_condition(clause.this.transform(named)),), used


def _order(
    select: exp.Select, items: Sequence[_Item], catalog: Catalog
) -> tuple[tuple[OrderBy, ...], list[str]]:
    """Sort keys, and the metrics among them."""
    clause = select.args.get("order")
    keys: list[OrderBy] = []
    used: list[str] = []
    for ordered in clause.expressions if clause is not None else ():
        tree = ordered.this
        item = _referred(tree, items)
        if item is None:
            item = _item(tree, catalog)
        if item.is_metric:
            used.append(item.name)
        keys.append(OrderBy(item.name, bool(ordered.args.get("desc"))))
    return tuple(keys), used


def _limit(select: exp.Select) -> int | None:
    clause = select.args.get("limit")
    if clause is None:
        return None
    count = clause.expression if isinstance(clause, exp.Limit) else clause
    if not isinstance(count, exp.Literal) or not count.name.isdecimal():
        shown = show(count.sql("postgres")) if count is not None else "nothing"
        raise refused(f"the limit {shown} is no whole number", "write LIMIT 100.", "limit")
    return int(count.name)


def _condition(tree: exp.Expr) -> str:
    """A condition as text of the filter grammar, which checks every node of it again."""
    try:
        return tree.sql("duckdb", comments=False)
    except RecursionError:
        raise refused("the condition nests too deeply", "simplify it.", "too_deep") from None


def _written(item: _Item) -> str:
    return f"date_trunc('{item.grain}', metric_time)" if item.grain else item.name
