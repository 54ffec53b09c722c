"""Expressions around metrics, built anew node by node: what is not on the lists is refused.

Nothing of the author's text goes through: names come out quoted, values as bounded literals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from ..catalog.names import refused, show
from .clock import truncated
from .front_end_dates import interval
from .front_end_parts import frame, number_literal, ordered, whole_number
from .front_end_text import only, written
from .query import GRAINS
from .syntax import divided

MAX_LITERAL = 1000  # characters of a text; a number has at most 40

_TWO = ("this", "expression")
_ONE = ("this",)
_MANY = ("this", "expressions")
#: Operators and functions of one row's values, with the parts that each may have.
_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Add: _TWO, exp.Sub: _TWO, exp.Mul: _TWO,
    exp.EQ: _TWO, exp.NEQ: _TWO, exp.GT: _TWO, exp.GTE: _TWO, exp.LT: _TWO, exp.LTE: _TWO,
    exp.NullSafeEQ: _TWO, exp.NullSafeNEQ: _TWO, exp.Nullif: _TWO,
    exp.Not: _ONE, exp.Neg: _ONE, exp.Paren: _ONE,
    exp.Abs: _ONE, exp.Ceil: _ONE, exp.Floor: _ONE, exp.Sign: _ONE, exp.Sqrt: _ONE,
    exp.Ln: _ONE, exp.Lower: _ONE, exp.Upper: _ONE, exp.Trim: _ONE, exp.Length: _ONE,
    exp.Coalesce: _MANY, exp.Greatest: _MANY, exp.Least: _MANY,
    exp.Between: ("this", "low", "high"),
}  # fmt: skip
#: What the parser notes on a node for its own use; it says nothing about the meaning.
_NOTES = {"safe", "typed", "big_int", "ignore_nulls", "negate", "is_string", "_type"}
AGGREGATES: tuple[type[exp.Expr], ...] = (
    exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count, exp.Median, exp.Stddev, exp.StddevSamp,
)  # fmt: skip
_RANKS: tuple[type[exp.Expr], ...] = (
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist,
)  # fmt: skip
_SHIFTS: tuple[type[exp.Expr], ...] = (exp.Lag, exp.Lead)
_ENDS: tuple[type[exp.Expr], ...] = (exp.FirstValue, exp.LastValue)
_TYPES = {
    exp.DataType.Type.INT: "int", exp.DataType.Type.BIGINT: "bigint",
    exp.DataType.Type.SMALLINT: "int", exp.DataType.Type.DOUBLE: "double",
    exp.DataType.Type.FLOAT: "double", exp.DataType.Type.VARCHAR: "varchar",
    exp.DataType.Type.TEXT: "varchar", exp.DataType.Type.BOOLEAN: "boolean",
    exp.DataType.Type.DATE: "date", exp.DataType.Type.TIMESTAMP: "timestamp",
    exp.DataType.Type.DECIMAL: "decimal",
}  # fmt: skip
_FIELDS = ("year", "quarter", "month", "week", "day", "hour", "dow", "isodow", "doy")

FUNCTIONS = (
    "abs, ceil, coalesce, date_trunc, extract, floor, greatest, least, length, ln, lower, nullif, "
    "round, sign, sqrt, trim, upper, avg, count, max, median, min, stddev, sum and, with OVER, "
    "row_number, rank, dense_rank, percent_rank, cume_dist, ntile, lag, lead, first_value, "
    "last_value"
)
_SPELLED: dict[type[exp.Expr], tuple[str, str]] = {
    exp.DPipe: ("||", "select the parts as columns of their own."),
    exp.Concat: ("concat()", "select the parts as columns of their own."),
    exp.RegexpLike: ("~", "write LIKE."),
    exp.RegexpILike: ("~*", "write ILIKE."),
    exp.SimilarTo: ("SIMILAR TO", "write LIKE."),
    exp.Any: ("ANY", "write IN (…)."),
    exp.All: ("ALL", "compare with (SELECT max(…) FROM …)."),
    exp.Exists: ("EXISTS", "write IN (SELECT …)."),
    exp.Placeholder: ("?", "write the value."),
    exp.Parameter: ("$", "write the value."),
    exp.Star: ("*", "name the columns."),
}


class Scope(Protocol):
    """What the names of an expression stand for."""

    def bound(self, tree: exp.Expr) -> exp.Expr | None:
        """A column, MEASURE or subquery built anew; None where the node is none of these."""

    def rows(self, tree: exp.Expr) -> exp.Expr:
        """The query of IN (SELECT …) built anew; it has one column."""


@dataclass(frozen=True)
class Rebuild:
    """Builds expressions anew over what a scope gives.

    Args:
        scope: What names stand for.
        has_aggregates: Whether aggregates of rows may stand here.
        has_windows: Whether OVER may stand here.
        place: The clause, for messages.
    """

    scope: Scope
    has_aggregates: bool = False
    has_windows: bool = False
    place: str = "here"

    def __call__(self, tree: exp.Expr) -> exp.Expr:
        """The expression built anew.

        Raises:
            QueryRefused: It has something that is not on the lists.
        """
        found = self.scope.bound(tree)
        if found is not None:
            return found
        kind = type(tree)
        if kind in _PARTS:
            return self._parts(tree)
        if isinstance(tree, exp.And | exp.Or):
            sides = [self._operand(one) for one in tree.flatten(unnest=False)]
            return (exp.and_ if isinstance(tree, exp.And) else exp.or_)(*sides, copy=False)
        if kind in AGGREGATES or isinstance(tree, exp.Filter):
            return self._aggregate(tree)
        builder = _BUILDERS.get(kind)
        if builder is not None:
            return builder(self, tree)
        raise self._unknown(tree)

    def _unknown(self, tree: exp.Expr) -> Exception:
        if type(tree) in _SPELLED:
            word, fix = _SPELLED[type(tree)]
            return refused(f"{show(word)} is not allowed", fix, "expression")
        if type(tree) in (*_RANKS, *_SHIFTS, *_ENDS, exp.Ntile):
            return refused(
                f"{written(tree)} has no window",
                "write OVER (ORDER BY …) behind it.",
                "window",
            )
        if isinstance(tree, exp.Anonymous | exp.Func):
            name = tree.name if isinstance(tree, exp.Anonymous) else tree.sql_name()
            return refused(
                f"the function {show(name.lower() + '()')} is not allowed",
                f"use {FUNCTIONS}.",
                "function",
            )
        return refused(
            f"the expression {written(tree)} is not allowed",
            "use columns, arithmetic, comparisons, AND, OR, NOT, CASE, CAST and functions.",
            "expression",
        )

    def _parts(self, tree: exp.Expr) -> exp.Expr:
        known = _PARTS[type(tree)]
        only(tree, *known, *_NOTES, what=f" in {written(tree)}", fix="leave it out.")
        if isinstance(tree, exp.Paren):
            return exp.paren(self(tree.this), copy=False)
        made = type(tree)()
        for key in known:
            value = tree.args.get(key)
            if isinstance(value, list):
                made.set(key, [self(one) for one in value])
            elif value is not None:
                made.set(key, self._operand(value))
        return exp.Not(this=made) if tree.args.get("negate") else made

    def _operand(self, tree: exp.Expr) -> exp.Expr:
        """An operand; in brackets, so that no engine's order of operators matters."""
        made = self(tree)
        if isinstance(made, exp.Binary | exp.Unary | exp.Between | exp.In) and not isinstance(
            made, exp.Paren
        ):
            return exp.paren(made, copy=False)
        return made

    def _division(self, tree: exp.Expr) -> exp.Expr:
        return divided(self(tree.this), self(tree.expression))

    def _modulo(self, tree: exp.Expr) -> exp.Expr:
        below = exp.Nullif(this=self._operand(tree.expression), expression=exp.Literal.number(0))
        return exp.Mod(this=self._operand(tree.this), expression=below)

    def _literal(self, tree: exp.Expr) -> exp.Expr:
        text = tree.name
        if tree.args.get("is_string"):
            if len(text) > MAX_LITERAL:
                raise refused(
                    f"the text {show(text)} has {len(text)} characters",
                    f"use at most {MAX_LITERAL}.",
                    "too_long",
                )
            return exp.Literal.string(text)
        return number_literal(text)

    def _case(self, tree: exp.Expr) -> exp.Expr:
        only(tree, "this", "ifs", "default", what=f" in {written(tree)}", fix="leave it out.")
        made = exp.Case(
            ifs=[
                exp.If(this=self(one.this), true=self(one.args["true"])) for one in tree.args["ifs"]
            ]
        )
        for key in ("this", "default"):
            if tree.args.get(key) is not None:
                made.set(key, self._operand(tree.args[key]))
        return made

    def _in(self, tree: exp.Expr) -> exp.Expr:
        only(
            tree, "this", "expressions", "query", "negate",
            what=f" in {written(tree)}", fix="write IN ('a', 'b').",
        )  # fmt: skip
        query = tree.args.get("query")
        made = exp.In(this=self._operand(tree.this))
        if query is not None:
            made.set("query", self.scope.rows(query))
        else:
            made.set("expressions", [self(one) for one in tree.expressions])
        return exp.Not(this=made) if tree.args.get("negate") else made

    def _is(self, tree: exp.Expr) -> exp.Expr:
        if not isinstance(tree.expression, exp.Null | exp.Boolean):
            raise refused(f"{written(tree)} is no test", "write IS NULL or IS TRUE.", "expression")
        made = exp.Is(this=self._operand(tree.this), expression=self(tree.expression))
        return exp.Not(this=made) if tree.args.get("negate") else made

    def _like(self, tree: exp.Expr) -> exp.Expr:
        pattern = tree.expression
        if not isinstance(pattern, exp.Literal) or not pattern.is_string:
            raise refused(
                f"{written(tree)} compares with no text", "write LIKE 'a%'.", "expression"
            )
        made = type(tree)(this=self._operand(tree.this), expression=self._literal(pattern))
        return exp.Not(this=made) if tree.args.get("negate") else made

    def _cast(self, tree: exp.Expr) -> exp.Expr:
        only(tree, "this", "to", "_type", what=f" in {written(tree)}", fix="leave it out.")
        target = tree.args["to"]
        name, sizes = _TYPES.get(target.this), [one.name for one in target.expressions]
        is_sized = name == "decimal" and all(one.isdecimal() and int(one) <= 38 for one in sizes)
        if name is None or target.args.get("nested") or (sizes and not is_sized):
            raise refused(
                f"the type {written(target)} is not allowed",
                "cast to int, bigint, double, decimal(18, 2), varchar, boolean, date or timestamp.",
                "cast_type",
            )
        made = exp.DataType(this=exp.DataType.build(name).this)
        for size in sizes[:2]:
            made.append("expressions", exp.DataTypeParam(this=exp.Literal.number(size)))
        return exp.Cast(this=self(tree.this), to=made)

    def _round(self, tree: exp.Expr) -> exp.Expr:
        only(tree, "this", "decimals", what=f" in {written(tree)}", fix="write round(x, 2).")
        places = tree.args.get("decimals")
        if places is None:
            return exp.Round(this=self(tree.this))
        if not isinstance(places, exp.Literal) or places.name not in map(str, range(16)):
            raise refused(
                f"{written(tree)} rounds to no number of places", "use 0 to 15.", "expression"
            )
        return exp.Round(this=self(tree.this), decimals=exp.Literal.number(places.name))

    def _truncated(self, tree: exp.Expr) -> exp.Expr:
        grain = tree.text("unit").lower()
        if grain not in GRAINS or tree.args.get("zone") is not None:
            raise refused(
                f"the grain {show(grain)} is not known", f"use one of {', '.join(GRAINS)}.", "grain"
            )
        if grain == "us_week":
            return truncated(self(tree.this), grain)
        return exp.TimestampTrunc(this=self(tree.this), unit=exp.var(grain.upper()))

    def _extract(self, tree: exp.Expr) -> exp.Expr:
        field = tree.text("this").lower()
        if field not in _FIELDS:
            raise refused(
                f"the field {show(field)} is not known", f"use {', '.join(_FIELDS)}.", "expression"
            )
        return exp.Extract(this=exp.var(field.upper()), expression=self(tree.expression))

    def _interval(self, tree: exp.Expr) -> exp.Expr:
        count, unit = interval(tree)
        times = {"WEEK": (7, "DAY"), "QUARTER": (3, "MONTH")}
        factor, unit = times.get(unit, (1, unit))
        return exp.Interval(this=exp.Literal.string(str(count * factor)), unit=exp.var(unit))

    def _aggregate(self, tree: exp.Expr) -> exp.Expr:
        """An aggregate of rows, with FILTER where it has one."""
        if not self.has_aggregates:
            raise refused(
                f"the aggregate {written(tree)} is not allowed {self.place}",
                "compute it in a WITH query of its own, or write MEASURE(<metric>).",
                "aggregate",
            )
        row = replace(self, has_aggregates=False, has_windows=False, place="in an aggregate")
        return _aggregated(tree, row)

    def _window(self, tree: exp.Expr) -> exp.Expr:
        if not self.has_windows:
            raise refused(
                f"the window {written(tree)} is not allowed {self.place}",
                "compute it in a WITH query, then use its column.",
                "window",
            )
        if tree.args.get("alias") is not None:
            raise refused(
                f"the window {show(tree.text('alias'))} is named",
                "write the window itself in OVER (…).",
                "window",
            )
        only(
            tree, "this", "partition_by", "order", "spec", "over",
            what=f" in {written(tree)}", fix="leave it out.",
        )  # fmt: skip
        inside = replace(self, has_windows=False, place="in OVER")
        made = exp.Window(this=inside._windowed(tree.this), over="OVER")
        partition = tree.args.get("partition_by")
        if partition:
            made.set("partition_by", [inside(one) for one in partition])
        order = tree.args.get("order")
        if order is not None:
            keys = [ordered(one, inside) for one in order.expressions]
            made.set("order", exp.Order(expressions=keys))
        spec = tree.args.get("spec")
        if spec is not None:
            made.set("spec", frame(spec))
        return made

    def _windowed(self, tree: exp.Expr) -> exp.Expr:
        if type(tree) in _RANKS:
            return type(tree)()
        if type(tree) in _ENDS:
            return type(tree)(this=self(tree.this))
        if isinstance(tree, exp.Ntile):
            return exp.Ntile(this=whole_number(tree.this, tree))
        if type(tree) in _SHIFTS:
            made = type(tree)(this=self(tree.this))
            offset, default = tree.args.get("offset"), tree.args.get("default")
            if offset is not None:
                made.set("offset", whole_number(offset, tree))
            if default is not None:
                made.set("default", self(default))
            return made
        if type(tree) in AGGREGATES or isinstance(tree, exp.Filter):
            return _aggregated(tree, self)  # over what the query's rows hold, aggregates too
        raise refused(
            f"{written(tree)} is no function for OVER",
            "use sum, avg, min, max, count, lag, lead, first_value, last_value, row_number, rank, "
            "dense_rank, percent_rank, cume_dist or ntile.",
            "window",
        )


def _aggregated(tree: exp.Expr, row: Rebuild) -> exp.Expr:
    """An aggregate with its FILTER; its arguments are built by `row`."""
    inner = tree.this if isinstance(tree, exp.Filter) else tree
    if type(inner) not in AGGREGATES:
        raise refused(
            f"FILTER stands behind {written(inner)}",
            "write it behind MEASURE(<metric>) or an aggregate.",
            "filter",
        )
    only(inner, "this", *_NOTES, what=f" in {written(inner)}", fix="give it one column.")
    value = inner.this
    made = type(inner)()
    if isinstance(value, exp.Star) and isinstance(inner, exp.Count):
        made.set("this", exp.Star())
    elif isinstance(value, exp.Distinct) and isinstance(inner, exp.Count):
        only(value, "expressions", what=" in DISTINCT", fix="leave it out.")
        made.set("this", exp.Distinct(expressions=[row(one) for one in value.expressions]))
    elif isinstance(value, exp.Expr):
        made.set("this", row(value))
    else:
        raise refused(f"{written(inner)} has no column", "give it one.", "aggregate")
    if not isinstance(tree, exp.Filter):
        return made
    return exp.Filter(this=made, expression=exp.Where(this=row(tree.expression.this)))


def _constant(_: Rebuild, tree: exp.Expr) -> exp.Expr:
    return exp.Null() if isinstance(tree, exp.Null) else exp.Boolean(this=bool(tree.this))


_BUILDERS: dict[type[exp.Expr], Callable[[Rebuild, exp.Expr], exp.Expr]] = {
    exp.Div: Rebuild._division,
    exp.Mod: Rebuild._modulo,
    exp.Literal: Rebuild._literal,
    exp.Case: Rebuild._case,
    exp.In: Rebuild._in,
    exp.Is: Rebuild._is,
    exp.Like: Rebuild._like,
    exp.ILike: Rebuild._like,
    exp.Cast: Rebuild._cast,
    exp.Round: Rebuild._round,
    exp.TimestampTrunc: Rebuild._truncated,
    exp.Extract: Rebuild._extract,
    exp.Interval: Rebuild._interval,
    exp.Window: Rebuild._window,
    exp.Null: _constant,
    exp.Boolean: _constant,
}
