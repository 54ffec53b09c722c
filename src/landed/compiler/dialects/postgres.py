"""PostgreSQL 14 or later."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Lowering, function


class Postgres(Lowering):
    """Nearly DuckDB's own words; joins on NULL are its own."""

    name: ClassVar[str] = "postgres"
    has_range_of_months: ClassVar[bool] = True
    has_is_true: ClassVar[bool] = True
    rounds_half_even: ClassVar[bool] = True

    def null_safe(self, node: exp.Expr) -> exp.Expr:
        """Arrays are equal where their NULLs stand at the same place, and can be hashed."""
        sides = [exp.Array(expressions=[one]) for one in (node.this, node.expression)]
        return exp.EQ(this=sides[0], expression=sides[1])

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Of the text: hashes of the types fold whole numbers to 32 bits, and leave out signs."""
        text = exp.cast(value, "text", copy=False)
        number = exp.cast(text.copy(), "numeric", copy=False)
        plain = exp.cast(function("trim_scale", number), "text", copy=False)  # 1.50 and -0 too
        kinds = [
            exp.Cast(this=exp.Literal.string(one), to=exp.ObjectIdentifier(this="regtype"))
            for one in ("numeric", "double precision", "real")
        ]
        is_fraction = exp.In(this=function("pg_typeof", value.copy()), expressions=kinds)
        written = exp.Case(ifs=[exp.If(this=is_fraction, true=plain)], default=text)
        return function("hashtextextended", written, exp.Literal.number(0))

    def local(self, node: exp.Expr) -> exp.Expr:
        """From a time in UTC to an instant, and from there to the zone's clock."""
        found = self.instant(node.args["timestamp"])
        for zone in ("source_tz", "target_tz"):
            found = exp.AtTimeZone(this=exp.paren(found, copy=False), zone=node.args[zone])
        return exp.paren(found, copy=False)
