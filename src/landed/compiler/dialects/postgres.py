"""PostgreSQL 14 or later."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Lowering


class Postgres(Lowering):
    """Nearly DuckDB's own words; joins on NULL and estimates are its own."""

    name: ClassVar[str] = "postgres"
    has_range_of_months: ClassVar[bool] = True
    has_is_true: ClassVar[bool] = True
    rounds_half_even: ClassVar[bool] = True

    def null_safe(self, node: exp.Expr) -> exp.Expr:
        """Arrays are equal where their NULLs stand at the same place, and can be hashed."""
        sides = [exp.Array(expressions=[one]) for one in (node.this, node.expression)]
        return exp.EQ(this=sides[0], expression=sides[1])

    def approximate(self, node: exp.Expr) -> exp.Expr:
        """There is no estimate: the exact percentile, which lies within any error."""
        order = exp.Order(expressions=[exp.Ordered(this=node.this, nulls_first=False)])
        exact = exp.PercentileCont(this=node.args["quantile"])
        return exp.WithinGroup(this=exact, expression=order)

    def local(self, node: exp.Expr) -> exp.Expr:
        """From a time in UTC to an instant, and from there to the zone's clock."""
        found = self.instant(node.args["timestamp"])
        for zone in ("source_tz", "target_tz"):
            found = exp.AtTimeZone(this=exp.paren(found, copy=False), zone=node.args[zone])
        return exp.paren(found, copy=False)
