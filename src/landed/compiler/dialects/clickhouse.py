"""ClickHouse 25 or later."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from ..syntax import identifier
from .lowering import PREDICATES, Inexpressible, Lowering, Rule, function

#: Set in the statement itself, so that a server's or user's profile changes no value.
SETTINGS: dict[str, int | str] = {
    "join_use_nulls": 1,  # else a row without a partner has 0, '' and 1970 for it
    "prefer_column_name_to_alias": 1,  # else an alias hides the column it is made of
    "enable_positional_arguments": 1,
    "session_timezone": "UTC",
    "enable_extended_results_for_datetime_functions": 1,  # else days before 1970 wrap round
    "least_greatest_legacy_null_behavior": 0,
    "cast_keep_nullable": 1,
    "transform_null_in": 0,
    "aggregate_functions_null_for_empty": 0,  # said for each aggregate below
}
_OR_NULL = {"sum": "sumOrNull", "avg": "avgOrNull", "min": "minOrNull", "max": "maxOrNull"}


class ClickHouse(Lowering):
    """Its aggregates give 0 for no rows, its types no NULL, its joins neither, unless told."""

    name: ClassVar[str] = "clickhouse"
    has_filter: ClassVar[bool] = False  # its CASE form lets one aggregate become several

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """Beside the common ones: aggregates, texts, identifiers, types."""
        return super().rules() | {
            exp.Sum: self._or_null,
            exp.Min: self._or_null,
            exp.Max: self._or_null,
            exp.Count: self._count,
            exp.Lead: self._neighbour,
            exp.Lag: self._neighbour,
            exp.Length: lambda node: function("lengthUTF8", node.this),
            exp.Lower: lambda node: function("lowerUTF8", node.this),
            exp.Upper: lambda node: function("upperUTF8", node.this),
            exp.CTE: self._cte,
        }

    def finish(self, tree: exp.Expr) -> exp.Expr:
        """Name every column that is selected, which joins else do by themselves; add settings."""
        tables = {one.alias for one in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            # of two tables of WITH by one name it reads the outer one
            if table.name.startswith("landed_with_") and table.alias in tables:
                raise Inexpressible(
                    self.name, "WITH inside a query of WITH", f"rename {table.alias!r} in it."
                )
        for select in tree.find_all(exp.Select):
            for one in list(select.expressions):
                if isinstance(one, exp.Column) and not one.is_star:
                    one.replace(exp.Alias(this=one.copy(), alias=one.this.copy()))
        tree.set(
            "settings",
            [
                exp.EQ(this=exp.column(name), expression=exp.convert(value))
                for name, value in SETTINGS.items()
            ],
        )
        return tree

    def cast(self, node: exp.Expr) -> exp.Expr:
        """Times keep microseconds, days reach from 1900 to 2299, everything may be NULL."""
        node = super().cast(node)
        kinds = exp.DataType.Type
        to = node.args["to"]
        if to.this in (kinds.TIMESTAMP, kinds.TIMESTAMPNTZ):
            return _as(node.this, "DateTime64(6, 'UTC')")
        if to.this is kinds.DATE:
            return _as(node.this, "Date32")
        if to.this in (kinds.VARCHAR, kinds.TEXT) and isinstance(node.this.unnest(), PREDICATES):
            node.set("this", function("toBool", node.this))  # a comparison is a number: 1, not true
        return node

    def average(self, node: exp.Expr) -> exp.Expr:
        """A mean in double precision, NULL of nothing."""
        return self._or_null(super().average(node))

    def percentile(self, node: exp.Expr) -> exp.Expr:
        """Between two values as everywhere; one that occurs is looked up in the sorted values."""
        value = node.expression.expressions[0].this
        share = node.this.this
        if isinstance(node.this, exp.PercentileCont):
            found = _parameterised("quantileExactInclusiveOrNull", share, value)
        else:
            found = _first_at(share, function("arraySort", function("groupArray", value.copy())))
        return _without_nan(found, value)

    def days(self, later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
        """Of Date32 on both sides."""
        return function(
            "dateDiff",
            exp.Literal.string("day"),
            self.date(earlier.copy()),
            self.date(later.copy()),
        )

    def truncated(self, node: exp.Expr) -> exp.Expr:
        """The start of a period; weeks begin on Monday."""
        unit = exp.Literal.string(node.text("unit").lower())
        return function("dateTrunc", unit, self.instant(node.this))

    def _or_null(self, node: exp.Expr) -> exp.Expr:
        """NULL of nothing; a window's frame holds at least its own row."""
        if isinstance(node.parent, exp.Window):
            return node
        found = function(_OR_NULL[node.key], node.this)
        return _without_nan(found, node.this) if isinstance(node, exp.Max) else found

    def _count(self, node: exp.Expr) -> exp.Expr:
        """`count(distinct …)` may be an estimate by a server's profile."""
        if isinstance(node.this, exp.Distinct):
            return function("uniqExact", *node.this.expressions)
        return node

    def _neighbour(self, node: exp.Expr) -> exp.Expr:
        """Beyond the last row there is NULL, which only a nullable type can say."""
        node.set("this", function("toNullable", node.this))
        return node

    def local(self, node: exp.Expr) -> exp.Expr:
        """A value's zone is how it is written: written in the zone, and read as it stands."""
        shown = function("toTimeZone", self.instant(node.args["timestamp"]), node.args["target_tz"])
        return self.instant(function("toString", shown))

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Of the value; of a fraction the text, in which minus zero can be told and mended."""
        kind = function("toTypeName", value.copy())
        is_fraction = function("match", kind, exp.Literal.string("Float"))
        written = function("toString", value.copy())
        is_zero = exp.EQ(this=written.copy(), expression=exp.Literal.string("-0"))
        mended = function("if", is_zero, exp.Literal.string("0"), written)
        return function(
            "if", is_fraction, function("sipHash64", mended), function("sipHash64", value)
        )

    def shifted(self, node: exp.Expr) -> exp.Expr:
        """By functions: it has no signs for bits."""
        kept = exp.convert(2 ** (64 - int(node.expression.name)) - 1)
        return function("bitAnd", function("bitShiftRight", node.this, node.expression), kept)

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        return node


def _as(tree: exp.Expr, kind: str) -> exp.Expr:
    """`cast(tree, 'Nullable(kind)')`."""
    return function("CAST", tree, exp.Literal.string(f"Nullable({kind})"))


def _parameterised(name: str, share: exp.Expr, value: exp.Expr) -> exp.Expr:
    return exp.ParameterizedAgg(this=name, expressions=[share], params=[value])


def _without_nan(aggregate: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The aggregate; the query fails where a value is NaN, which is skipped here, not greatest."""
    is_nan = exp.NEQ(this=value.copy(), expression=value.copy())
    count = function("countIf", is_nan)
    any_ = exp.GT(this=count, expression=exp.Literal.number(0))
    fails = function("throwIf", any_, exp.Literal.string("a value is NaN"))
    none = exp.EQ(this=fails, expression=exp.Literal.number(0))
    return function("if", none, aggregate, exp.Null())


def _first_at(share: exp.Expr, values: exp.Expr) -> exp.Expr:
    """The first of sorted values whose share of values at or below it is `share`; NULL of none."""
    every, value, place = (identifier(name) for name in ("every", "value", "place"))
    reached = exp.Div(this=_used(place), expression=function("length", _used(every)))
    is_there = exp.Lambda(this=exp.GTE(this=reached, expression=share), expressions=[value, place])
    first = function(
        "arrayFirstOrNull", is_there, _used(every), function("arrayEnumerate", _used(every))
    )
    found = function(
        "arrayMap", exp.Lambda(this=first, expressions=[every]), function("array", values)
    )
    return function("arrayElement", found, exp.Literal.number(1))


def _used(name: exp.Identifier) -> exp.Column:
    return exp.Column(this=name.copy())
