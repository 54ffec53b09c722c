"""FROM around metric queries: what may be read, and joins that cannot multiply rows unasked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from ..catalog.names import did_you_mean, refused, show
from .front_end_expressions import Rebuild
from .front_end_scopes import OuterScope, Table
from .front_end_text import name_of, only, written
from .syntax import identifier, named

MAX_JOINS = 6  # tables that one SELECT joins to its first
RESERVED = "landed_"  # names of our own; no query of an author may have one


@dataclass
class Joins:
    """Fills FROM and the joins of one SELECT.

    Args:
        table: Reads a subquery that stands in FROM.
        tables: What may be read by name.
        scope: Gets the tables, under the names they have here.
        select: Gets the clauses.
    """

    table: Callable[[exp.Expr, Mapping[str, Table], str], Table]
    tables: Mapping[str, Table]
    scope: OuterScope
    select: exp.Select

    def read(self, tree: exp.Select) -> bool:
        """Read all tables; whether the joined rows are at most one."""
        clause = tree.args.get("from_")
        if clause is None:
            raise refused(f"{written(tree)} reads nothing", "write FROM metrics.", "not_metrics")
        first, _, source = self._add(clause.this)
        self.select.from_(source, copy=False)
        is_single = first.is_single
        joins = tree.args.get("joins") or []
        if len(joins) > MAX_JOINS:
            raise refused(
                f"a SELECT joins {len(joins)} tables", f"join at most {MAX_JOINS}.", "join"
            )
        for join in joins:
            is_single = self._join(join, is_single)
        return is_single

    def _join(self, join: exp.Join, is_single: bool) -> bool:
        """Read one more table; whether the rows are still at most one."""
        side, kind = str(join.side or "").upper(), str(join.kind or "").upper()
        only(join, "this", "side", "kind", "on", "using", what=" in JOIN", fix="leave it out.")
        if kind not in ("", "INNER", "OUTER", "CROSS") or side not in ("", "LEFT", "RIGHT", "FULL"):
            raise refused(
                f"the join {written(join)} is not allowed", "write JOIN or LEFT JOIN.", "join"
            )
        before = dict(self.scope.tables)
        table, alias, source = self._add(join.this)
        made = exp.Join(this=source)
        if join.args.get("using"):
            names = self._shared(join, table, before)
            made.set("using", [identifier(name) for name in names])
        elif join.args.get("on") is not None:
            made.set("on", self._condition(join.args["on"], alias))
        elif table.is_single or is_single:
            made.set("kind", "CROSS")
        else:
            raise refused(
                f"the join with {show(alias)} has no condition",
                f"write JOIN {alias} USING (key), with a column that both have.",
                "join",
            )
        if side:
            made.set("side", side)
        self.select.append("joins", made)
        return is_single and table.is_single

    def _shared(self, join: exp.Join, table: Table, before: Mapping[str, Table]) -> list[str]:
        """Columns of USING, which both sides have."""
        names = [name_of(one) for one in join.args["using"] if isinstance(one, exp.Identifier)]
        there = {one.name for one in table.columns}
        here = {one.name for read in before.values() for one in read.columns}
        for name in names:
            if name not in there & here:
                raise refused(
                    f"the column {show(name)} of USING is not in both tables",
                    did_you_mean(name, there & here),
                    "unknown_column",
                )
        self.scope.shared.extend(name for name in names if name not in self.scope.shared)
        return names

    def _condition(self, tree: exp.Expr, alias: str) -> exp.Expr:
        """The condition of ON; one part of it is an equality of columns."""
        condition = Rebuild(self.scope, place="in ON")(tree)
        if not _is_equality(condition, alias):
            raise refused(
                f"the join condition {written(tree)} compares no columns of both tables",
                f"write ON one.key = {alias}.key, or USING (key).",
                "join",
            )
        return condition

    def _add(self, tree: exp.Expr) -> tuple[Table, str, exp.Expr]:
        """A table, its name here, and how FROM writes it."""
        table, alias = self._source(tree)
        if alias.lower() in (one.lower() for one in self.scope.tables):
            raise refused(f"two tables are called {show(alias)}", "give one an alias.", "alias")
        self.scope.tables[alias] = table
        if isinstance(table.place, str):
            return table, alias, named(table.place, alias if alias != table.place else None)
        place = exp.TableAlias(this=identifier(alias))
        return table, alias, exp.Subquery(this=table.place, alias=place)

    def _source(self, tree: exp.Expr) -> tuple[Table, str]:
        alias = tree.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise refused(
                f"{show(tree.alias)} lists its columns", "name them inside by AS.", "with"
            )
        given = name_of(alias.this) if alias is not None and alias.this is not None else ""
        if isinstance(tree, exp.Subquery):
            only(tree, "this", "alias", what=" behind a subquery", fix="leave it out.")
            name = given or f"{RESERVED}sub_{len(self.scope.tables) + 1}"
            return self.table(tree.this, self.tables, ""), name
        if not isinstance(tree, exp.Table) or not isinstance(tree.this, exp.Identifier):
            raise refused(f"the query reads {written(tree)}", "write FROM metrics.", "not_metrics")
        name = name_of(tree.this)
        if name == "metrics" and name not in self.tables and not tree.args.get("db"):
            raise refused(
                f"{show('metrics')} cannot be joined: `JOIN` stands beside it",
                "select from metrics in a WITH query, and join that.",
                "join",
            )
        if name not in self.tables or tree.args.get("db"):
            fix = "write FROM metrics, without schema."
            if self.tables and not tree.args.get("db"):
                fix = did_you_mean(name, (*self.tables, "metrics"))
            raise refused(f"the table {written(tree)} cannot be read", fix, "not_metrics")
        only(tree, "this", "alias", what=f" in {written(tree)}", fix="name the table alone.")
        return self.tables[name], given or name


def reads_metrics(tree: exp.Expr, tables: Mapping[str, Table]) -> bool:
    """Whether a SELECT reads `metrics`, and that alone."""
    clause = tree.args.get("from_")
    table = clause.this if clause is not None else None
    return (
        isinstance(table, exp.Table)
        and isinstance(table.this, exp.Identifier)
        and name_of(table.this) == "metrics"
        and "metrics" not in tables
        and not tree.args.get("joins")
    )


def _is_equality(condition: exp.Expr, joined: str) -> bool:
    """Whether one of the conditions is an equality of columns of the joined and another table."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in parts:
        one = part.unnest()
        if not isinstance(one, exp.EQ | exp.NullSafeEQ):
            continue
        sides = (one.left.unnest(), one.right.unnest())
        tables = [side.table for side in sides if isinstance(side, exp.Column)]
        if len(tables) == 2 and tables.count(joined) == 1:
            return True
    return False
