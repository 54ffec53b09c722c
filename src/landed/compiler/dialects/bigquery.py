"""BigQuery, whose times without a zone are DATETIME. Rendered and parsed; not run by our tests."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Inexpressible, Lowering, Rule, function


class BigQuery(Lowering):
    """No FILTER, no exact percentile of a group, joins on equality alone."""

    name: ClassVar[str] = "bigquery"
    refused: ClassVar[dict[type[exp.Expr], str]] = {exp.Trim: "trim"}  # it cuts all white space
    has_filter: ClassVar[bool] = False
    has_is_true: ClassVar[bool] = True
    skips_null_in_greatest: ClassVar[bool] = False

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """Beside the common ones: distinct pairs, names, tables computed once."""
        return super().rules() | {
            exp.Count: self._count,
            exp.Identifier: self._identifier,
            exp.CTE: self._cte,
        }

    def cast(self, node: exp.Expr) -> exp.Expr:
        """Times without a zone are DATETIME."""
        node = super().cast(node)
        kinds = exp.DataType.Type
        if node.args["to"].this in (kinds.TIMESTAMP, kinds.TIMESTAMPNTZ):
            node.set("to", exp.DataType.build("datetime", dialect="bigquery"))
        return node

    def window(self, node: exp.Expr) -> exp.Expr:
        """A RANGE frame may not say where NULLs stand; its keys, days and instants, are known."""
        spec = node.args.get("spec")
        if spec is not None and spec.text("kind") == "RANGE":
            for ordered in node.args["order"].expressions:
                ordered.set("nulls_first", True)
        return super().window(node)

    def truncated(self, node: exp.Expr) -> exp.Expr:
        """Weeks begin on Monday only by their ISO name."""
        unit = node.text("unit").upper()
        return function(
            "DATETIME_TRUNC",
            self.instant(node.this),
            exp.var({"WEEK": "ISOWEEK"}.get(unit, unit)),
        )

    def null_safe(self, node: exp.Expr) -> exp.Expr:
        """An outer join wants an equality of its two sides; NULL is a text of its own in JSON."""
        sides = [function("TO_JSON_STRING", one) for one in (node.this, node.expression)]
        return exp.EQ(this=sides[0], expression=sides[1])

    def percentile(self, node: exp.Expr) -> exp.Expr:
        """Its PERCENTILE_CONT is a window function, and no aggregate."""
        raise Inexpressible(
            self.name,
            "an exact percentile",
            "set use_approximate_percentile where an estimate will do.",
        )

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Of the value in JSON, where texts have quotes: what reads -0 or -0.0 is a number."""
        written = function("TO_JSON_STRING", value)
        zeros = [exp.Literal.string(one) for one in ("-0", "-0.0")]
        is_zero = exp.In(this=written.copy(), expressions=zeros)
        zero = exp.If(this=is_zero, true=function("TO_JSON_STRING", exp.Literal.number("0.0")))
        return function("FARM_FINGERPRINT", exp.Case(ifs=[zero], default=written))

    def days(self, later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
        """Of days on both sides."""
        return function(
            "DATE_DIFF", self.date(later.copy()), self.date(earlier.copy()), exp.var("DAY")
        )

    def _count(self, node: exp.Expr) -> exp.Expr:
        """Several values are counted as one text; where one of them is NULL, not at all."""
        argument = node.this
        if isinstance(argument, exp.Distinct) and len(argument.expressions) > 1:
            values = argument.expressions
            whole = function("TO_JSON_STRING", function("STRUCT", *values))
            known = exp.and_(
                *(exp.Not(this=exp.Is(this=one.copy(), expression=exp.Null())) for one in values),
                copy=False,
            )
            argument.set("expressions", [exp.Case(ifs=[exp.If(this=known, true=whole)])])
        return node

    def _identifier(self, node: exp.Expr) -> exp.Expr:
        """Backslash and backtick escape within quoted names."""
        if "\\" in node.name or "`" in node.name:
            raise Inexpressible(self.name, f"the name {node.name!r}", "rename it.")
        return node

    def local(self, node: exp.Expr) -> exp.Expr:
        """From a time in UTC to an instant, and from there to the zone's clock."""
        at = function("TIMESTAMP", self.instant(node.args["timestamp"]), node.args["source_tz"])
        return function("DATETIME", at, node.args["target_tz"])

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        return node
