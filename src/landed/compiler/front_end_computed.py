"""A SELECT from `metrics` as one metric query, or as what is computed from the values of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import METRIC_TIME
from ..catalog.names import refused, show
from .front_end_expressions import Rebuild
from .front_end_metrics import (
    CLAUSES,
    Item,
    MetricSelect,
    is_measure,
    is_metric_time,
    limit_of,
    offset_of,
    output_columns,
    position,
    uncast,
)
from .front_end_parts import ordered
from .front_end_scopes import Built, MetricScope
from .front_end_text import name_of, only, written
from .names import Names
from .query import Column, ColumnKind, Grain, MetricQuery, OutputColumn
from .syntax import aliased, column, named

#: Stands for the part until it has its name.
_PART = "landed_part"


@dataclass(frozen=True)
class Made:
    """What a SELECT from `metrics` came to.

    Args:
        query: The metric query where it is one and no more.
        columns: Of its rows.
        is_single: Whether it has at most one row.
        part: Else the metric query that it computes from,
        tree: and what it computes.
        keys: Columns of the part that it is grouped by.
    """

    query: MetricQuery | None
    columns: tuple[Column, ...]
    is_single: bool
    part: MetricQuery | None = None
    tree: exp.Select | None = None
    keys: tuple[str, ...] = ()

    def around(self, name_part: Callable[[MetricQuery], str], *, is_sorted: bool) -> Built:
        """The computing query over its part.

        Args:
            name_part: Names a part.
            is_sorted: Whether rows are sorted by the groups where no other order is asked for.
        """
        assert self.part is not None and self.tree is not None  # noqa: S101, PT018 - see `query`
        place, tree = name_part(self.part), self.tree
        for node in list(tree.find_all(exp.Column)):
            if node.table == _PART:
                node.replace(column(node.name, place))
        if is_sorted and tree.args.get("order") is None:
            count = len(self.columns)
            is_distinct = tree.args.get("distinct") is not None
            keys: list[exp.Expr] = [column(key, place) for key in self.keys]
            if is_distinct:
                keys = [exp.Literal.number(index + 1) for index in range(count)]
            for key in keys:
                tree.order_by(exp.Ordered(this=key, desc=False, nulls_first=False), copy=False)
        tree.from_(named(place), copy=False)
        return Built(tree, self.columns, self.is_single)


def metric_query(select: exp.Select, catalog: Catalog) -> Made:
    """Read a SELECT from `metrics`.

    Raises:
        QueryRefused: It is not one over metrics; one line that names the token and gives a fix.
    """
    read = MetricSelect(select, catalog, _source(select))
    only(select, *CLAUSES, "with_", fix="query `metrics` alone, without it.")
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        raise refused(f"{show('DISTINCT ON')} is not allowed", "group by it.", "distinct")
    time_zone = _time_zone(select)
    items = _items(select, read)
    metrics = _measured(select, read)
    if not metrics:
        raise refused("the query names no metric", "select MEASURE(<metric>).", "no_metric")
    names = Names(catalog, metrics)
    keyed = [item or _cast_time(one, read) for item, one in zip(items, select.expressions)]  # noqa: B905 - as many
    grouped = read.grouped(keyed, names)
    plain = [item for item in items if item is not None]
    having = order = None
    if len(plain) == len(items) and distinct is None:
        having, order = read.having(plain), read.order(plain)
    for item in plain:
        if not item.is_metric:
            _check_grouped(item, grouped, names)
    grain = _grain([*plain, *grouped, *(one for one in keyed if one is not None)])
    keys = tuple(dict.fromkeys(item.name for item in grouped))
    is_single = not keys or limit_of(select) in (0, 1)
    if having is None or order is None:
        made = _computed(read, items, names, grouped, grain=grain, is_single=is_single)
        assert made.part is not None  # noqa: S101 - see `Made`
        return replace(made, part=replace(made.part, time_zone=time_zone))
    query = MetricQuery(
        metrics=tuple(dict.fromkeys(read.used)),
        group_by=keys,
        grain=grain,
        where=read.where(),
        having=having,
        order_by=order,
        limit=limit_of(select),
        columns=output_columns(plain),
        filtered=tuple(read.filtered.values()),
        offset=offset_of(select),
        time_zone=time_zone,
    )
    columns = tuple(_column(item, item.alias, read, names) for item in plain)
    return Made(query, columns, is_single)


def _source(select: exp.Select) -> str:
    """What the table is called in the query."""
    table = select.args["from_"].this
    if table.args.get("db") is not None:
        raise refused(
            f"the table {written(table)} cannot be read",
            "write FROM metrics, without schema.",
            "not_metrics",
        )
    only(table, "this", "alias", what=" behind metrics", fix="write FROM metrics, without schema.")
    alias = table.args.get("alias")
    if alias is None:
        return "metrics"
    only(alias, "this", what=" behind metrics", fix="write FROM metrics AS m.")
    return name_of(alias.this)


def _time_zone(select: exp.Select) -> str | None:
    """The zone that every `date_trunc(grain, metric_time, zone)` names; it is taken off them."""
    found: set[str | None] = set()
    for node in select.find_all(exp.TimestampTrunc):
        zone = node.args.get("zone")
        if zone is not None and not (isinstance(zone, exp.Literal) and zone.is_string):
            raise refused(
                f"the time zone {written(zone)} is no text",
                "write an IANA name, e.g. 'Europe/Berlin'.",
                "time_zone",
            )
        found.add(None if zone is None else zone.name)
        node.set("zone", None)
    if len(found) > 1:
        zones = " and ".join(sorted("none" if one is None else show(one) for one in found))
        raise refused(
            f"metric_time is truncated in the zones {zones}",
            "write the same zone in every date_trunc.",
            "time_zone",
        )
    return next(iter(found), None)


def _items(select: exp.Select, read: MetricSelect) -> list[Item | None]:
    items: list[Item | None] = []
    for projection in select.expressions:
        item = read.item(projection.unalias())
        if item is not None:
            alias = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
            name = name_of(alias) if alias is not None else item.alias
            item = Item(item.name, name, item.is_metric, item.grain)
        items.append(item)
    return items


def _cast_time(projection: exp.Expr, read: MetricSelect) -> Item | None:
    """The truncated time behind a cast to a day: it may be grouped by under its alias."""
    inner = projection.unalias()
    bare = uncast(inner)
    if bare is inner:
        return None
    item = read.item(bare)
    alias = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
    name = name_of(alias) if alias is not None else METRIC_TIME
    return None if item is None else Item(item.name, name, False, item.grain)


def _measured(select: exp.Select, read: MetricSelect) -> list[str]:
    """Every metric in any MEASURE of the statement."""
    found: list[str] = []
    for node in select.walk():
        if is_measure(node):
            found.append(read.metric(node))
    return list(dict.fromkeys(found))


def _check_grouped(item: Item, grouped: list[Item], names: Names) -> None:
    if names.full(item.name) not in {names.full(one.name) for one in grouped}:
        said = f"date_trunc('{item.grain}', metric_time)" if item.grain else item.name
        raise refused(
            f"the dimension {show(item.alias)} is selected but not grouped by",
            f"add GROUP BY {said}.",
            "not_grouped",
        )


def _grain(items: list[Item]) -> Grain | None:
    grains = {one.grain for one in items if one.grain is not None}
    if len(grains) > 1:
        raise refused(
            f"metric_time is truncated to {' and '.join(sorted(grains))}", "use one.", "grain"
        )
    return next(iter(grains), None)


def _column(item: Item, alias: str, read: MetricSelect, names: Names) -> Column:
    if item.is_metric:
        own = {one.name: one.metric for one in read.filtered.values()}
        return Column(alias, "metric", own.get(item.name, item.name))
    kind: ColumnKind = "time" if item.name == METRIC_TIME else "dimension"
    return Column(alias, kind, names.full(item.name))


def _computed(
    read: MetricSelect,
    items: list[Item | None],
    names: Names,
    grouped: list[Item],
    *,
    grain: Grain | None,
    is_single: bool,
) -> Made:
    """What is computed from values: they come from a part, and the rest stands around it."""
    select = read.select
    scope = MetricScope(read, items, names, _PART)
    rebuild = Rebuild(scope, has_windows=True, place="over metrics")
    trees: list[exp.Expr] = []
    columns: list[Column] = []
    for projection, item in zip(select.expressions, items, strict=True):
        inner = projection.unalias()
        trees.append(scope.of(item) if item is not None else rebuild(inner))
        if item is not None:
            columns.append(_column(item, item.alias, read, names))
            continue
        alias = projection.args.get("alias") if isinstance(projection, exp.Alias) else None
        name = name_of(alias) if alias is not None else default_name(inner, columns)
        kind: ColumnKind = "time" if uncast(inner) is not inner else "computed"
        columns.append(Column(name, kind, METRIC_TIME if kind == "time" else ""))
        if trees[-1].find(exp.Window) is None:
            scope.computed[name] = trees[-1]
    _once(columns)
    aliases = [one.name for one in columns]
    made = exp.select(*(aliased(*one) for one in zip(trees, aliases, strict=True)))
    having = select.args.get("having")
    if having is not None:
        made.where(Rebuild(scope, place="in HAVING")(having.this), copy=False)
    if select.args.get("distinct") is not None:
        made.set("distinct", exp.Distinct())

    def key(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Literal) and not node.is_string:
            return exp.Literal.number(position(node, len(aliases)) + 1)
        if isinstance(node, exp.Column) and node.name and node.args.get("table") is None:
            name = read.name(node)
            if name in aliases:
                return exp.Literal.number(aliases.index(name) + 1)
        return rebuild(node)

    order = select.args.get("order")
    if order is not None:
        made.set("order", exp.Order(expressions=[ordered(one, key) for one in order.expressions]))
    limit, offset = limit_of(select), offset_of(select)
    if limit is not None:
        made.limit(limit, copy=False)
    if offset:
        made.offset(offset, copy=False)
    for item in scope.dimensions:
        _check_grouped(item, grouped, names)
    key_columns = tuple(scope.of(item).name for item in grouped)
    part = MetricQuery(
        metrics=tuple(dict.fromkeys(read.used)),
        group_by=tuple(dict.fromkeys(item.name for item in grouped)),
        grain=_grain([*grouped, *scope.dimensions]) or grain,
        where=read.where(),
        columns=tuple(OutputColumn(name, alias) for (name, _), alias in scope.columns.items()),
        filtered=tuple(read.filtered.values()),
    )
    return Made(None, tuple(columns), is_single, part, made, key_columns)


def default_name(tree: exp.Expr, before: Sequence[Column]) -> str:
    """What a column without an alias is called: after its function, and no other column."""
    while isinstance(tree, exp.Window | exp.Filter | exp.Cast | exp.Paren):
        tree = tree.this
    if isinstance(tree, exp.Column):
        return name_of(tree.this)
    if isinstance(tree, exp.TimestampTrunc):
        name = METRIC_TIME if is_metric_time(tree.this) else "date_trunc"
    elif is_measure(tree) or not isinstance(tree, exp.Func) or isinstance(tree, exp.Connector):
        name = f"column_{len(before) + 1}"
    else:
        name = tree.sql_name().lower()
    taken = {one.name.lower() for one in before}
    return name if name not in taken else f"{name}_{len(before) + 1}"


def _once(columns: list[Column]) -> None:
    seen: set[str] = set()
    for one in columns:
        if one.name.lower() in seen:
            raise refused(f"two columns are called {show(one.name)}", "give one an alias.", "alias")
        seen.add(one.name.lower())
