"""What names stand for around metric queries: columns of tables, of a metric query, subqueries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.names import did_you_mean, refused, show
from .front_end_metrics import Item, MetricSelect, is_measure
from .front_end_text import name_of, only, written
from .names import Names
from .query import Column
from .syntax import column


@dataclass(frozen=True)
class Built:
    """A query built anew.

    Args:
        tree: The query; it reads parts and tables that were built before it.
        columns: Of its rows, in order.
        is_single: Whether it has at most one row, whatever the data.
    """

    tree: exp.Query
    columns: tuple[Column, ...]
    is_single: bool = False


@dataclass(frozen=True)
class Table:
    """Something that FROM may read.

    Args:
        place: Name of the part or common table expression; or the query itself.
        columns: Of its rows.
        is_single: Whether it has at most one row.
    """

    place: str | exp.Query
    columns: tuple[Column, ...]
    is_single: bool


@dataclass
class OuterScope:
    """Columns of the tables of one FROM; subqueries see none of them.

    Args:
        subquery: Builds a query that stands inside an expression.
        tables: Those read so far, by the names they have there.
        shared: Columns that USING made one of.
    """

    subquery: Callable[[exp.Expr], Built]
    tables: dict[str, Table] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)

    def bound(self, tree: exp.Expr) -> exp.Expr | None:
        """A column or a subquery of one value; None for other nodes."""
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
            return self.column(tree)
        if is_measure(tree) or (isinstance(tree, exp.Filter) and is_measure(tree.this)):
            raise refused(
                f"{written(tree)} does not read metrics",
                "select it FROM metrics in a WITH query, and name its column here.",
                "measure",
            )
        if isinstance(tree, exp.Subquery):
            built = self._one_column(tree)
            if not built.is_single:
                raise refused(
                    f"the subquery {written(tree)} may have several rows",
                    "take max(…) or min(…) there, or add LIMIT 1.",
                    "subquery",
                )
            return exp.Subquery(this=built.tree)
        return None

    def rows(self, tree: exp.Expr) -> exp.Expr:
        """The rows of IN (SELECT …)."""
        return exp.Subquery(this=self._one_column(tree).tree)

    def _one_column(self, tree: exp.Expr) -> Built:
        built = self.subquery(tree)
        if len(built.columns) != 1:
            raise refused(
                f"the subquery {written(tree)} has {len(built.columns)} columns",
                "select one.",
                "subquery",
            )
        return built

    def column(self, tree: exp.Column) -> exp.Column:
        """A column of one of the tables."""
        only(tree, "this", "table", what=f" in {written(tree)}", fix="write table.column.")
        name, table = name_of(tree.this), tree.args.get("table")
        if table is not None:
            place = name_of(table)
            if place not in self.tables:
                raise refused(
                    f"unknown table {show(place)} in {written(tree)}",
                    did_you_mean(place, self.tables),
                    "unknown_table",
                )
            if name not in _names(self.tables[place].columns):
                fix = did_you_mean(name, _names(self.tables[place].columns))
                raise refused(f"unknown column {written(tree)}", fix, "unknown_column")
            return column(name, place)
        if name in self.shared:
            return column(name)
        found = [one for one, read in self.tables.items() if name in _names(read.columns)]
        if len(found) > 1:
            raise refused(
                f"the column {show(name)} is ambiguous",
                f"write {' or '.join(show(f'{one}.{name}') for one in found)}.",
                "ambiguous_column",
            )
        if not found:
            known = [one for read in self.tables.values() for one in _names(read.columns)]
            raise refused(
                f"unknown column {show(name)}", did_you_mean(name, known), "unknown_column"
            )
        return column(name, found[0])

    def has(self, name: str) -> bool:
        """Whether a table has such a column."""
        return any(name in _names(read.columns) for read in self.tables.values())

    def describe(self, tree: exp.Expr, alias: str) -> Column:
        """What a selected expression is: a column of a table, or computed."""
        if isinstance(tree, exp.Column):
            for place, read in self.tables.items():
                if tree.table not in ("", place):
                    continue
                for one in read.columns:
                    if one.name == tree.name:
                        return Column(alias, one.kind, one.source)
        return Column(alias, "computed", "")


@dataclass
class MetricScope:
    """Values and dimensions of one metric query, which is computed in a part.

    Args:
        read: The statement.
        items: What is selected plainly, None for what is computed.
        names: Dimensions of its metrics.
        part: Name of the part.
        computed: What is selected and computed, by alias; once it is built.
    """

    read: MetricSelect
    items: Sequence[Item | None]
    names: Names
    part: str = ""
    computed: dict[str, exp.Expr] = field(default_factory=dict)
    columns: dict[tuple[str, bool], str] = field(default_factory=dict)
    dimensions: list[Item] = field(default_factory=list)

    def bound(self, tree: exp.Expr) -> exp.Expr | None:
        """A value, a dimension, or an alias of either; None for other nodes."""
        if isinstance(tree, exp.Subquery):
            raise refused(
                f"the subquery {written(tree)} is not allowed beside metrics",
                "select the metrics in a WITH query, and compare there.",
                "subquery",
            )
        is_column = False
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
            is_column = True
            name = self.read.name(tree)
            if not self.names.has(name):
                item = next((one for one in self.items if one and one.alias == name), None)
                if item is None and name in self.computed:
                    return exp.paren(self.computed[name])
                if item is not None:
                    return self.of(item)
        is_value = is_measure(tree) or (isinstance(tree, exp.Filter) and is_measure(tree.this))
        is_time = isinstance(tree, exp.TimestampTrunc) and isinstance(tree.this, exp.Column)
        if not is_column and not is_value and not is_time:
            return None
        found = self.read.item(tree)
        return None if found is None else self.of(found)

    def rows(self, tree: exp.Expr) -> exp.Expr:
        """There is none beside metrics."""
        raise refused(
            f"the subquery {written(tree)} is not allowed beside metrics",
            "select the metrics in a WITH query, and filter there.",
            "subquery",
        )

    def of(self, item: Item) -> exp.Column:
        """The part's column of a value or a dimension."""
        name = item.name if item.is_metric else self.names.full(item.name)
        if not item.is_metric:
            self.dimensions.append(item)
        key = (name, item.is_metric)
        if key not in self.columns:
            taken = {one.lower() for one in self.columns.values()}
            wanted = item.name
            while wanted.lower() in taken:
                wanted += "_"
            self.columns[key] = wanted
        return column(self.columns[key], self.part)


def _names(columns: Sequence[Column]) -> list[str]:
    return [one.name for one in columns]
