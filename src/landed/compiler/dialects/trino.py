"""Trino 440 or later. Rendered and parsed; not run by our tests."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Inexpressible, Lowering, Rule, function


class Trino(Lowering):
    """Times default to milliseconds, intervals have no microseconds, percentiles are estimates."""

    name: ClassVar[str] = "trino"
    refused: ClassVar[dict[type[exp.Expr], str]] = {exp.Trim: "trim"}  # it cuts all white space
    skips_null_in_greatest: ClassVar[bool] = False
    keeps_backslash_in_like: ClassVar[bool] = True

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """Beside the common ones: intervals, and tables computed once."""
        return super().rules() | {exp.Interval: self._interval, exp.CTE: self._cte}

    def cast(self, node: exp.Expr) -> exp.Expr:
        """A timestamp without a precision would cut microseconds."""
        node = super().cast(node)
        kinds = exp.DataType.Type
        if node.args["to"].this in (kinds.TIMESTAMP, kinds.TIMESTAMPNTZ):
            node.set("to", exp.DataType.build("timestamp(6)", dialect="trino"))
        return node

    def percentile(self, node: exp.Expr) -> exp.Expr:
        """There is only an estimate, which is no answer to an exact question."""
        raise Inexpressible(
            self.name,
            "an exact percentile",
            "set use_approximate_percentile where an estimate will do.",
        )

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Of the text, in which minus zero is mended."""
        text = exp.cast(value, "varchar", copy=False)
        is_zero = exp.EQ(this=text.copy(), expression=exp.Literal.string("-0.0"))
        kinds = [exp.Literal.string(one) for one in ("double", "real")]
        is_fraction = exp.In(this=function("TYPEOF", value.copy()), expressions=kinds)
        minus = exp.and_(is_fraction, is_zero, copy=False)
        mended = exp.Case(ifs=[exp.If(this=minus, true=exp.Literal.string("0.0"))], default=text)
        return function("FROM_BIG_ENDIAN_64", function("XXHASH64", function("TO_UTF8", mended)))

    def _interval(self, node: exp.Expr) -> exp.Expr:
        """Microseconds as parts of a second, which it keeps to milliseconds."""
        if node.text("unit").upper() != "MICROSECOND":
            return node
        count = int(node.this.name)
        if count % 1000 == 0:
            seconds = f"{count // 1_000_000}.{count // 1000 % 1000:03}"
            return exp.Interval(this=exp.Literal.string(seconds), unit=exp.var("SECOND"))
        raise Inexpressible(
            self.name, "an interval of microseconds", "use whole milliseconds in window_days."
        )

    def local(self, node: exp.Expr) -> exp.Expr:
        """From a time in UTC to an instant, and from there to the zone's clock."""
        at = function("with_timezone", self.instant(node.args["timestamp"]), node.args["source_tz"])
        return self.instant(exp.AtTimeZone(this=at, zone=node.args["target_tz"]))

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        return node
