"""PostgreSQL 14 or later."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Lowering


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

    def local(self, node: exp.Expr) -> exp.Expr:
        """From a time in UTC to an instant, and from there to the zone's clock."""
        found = self.instant(node.args["timestamp"])
        for zone in ("source_tz", "target_tz"):
            found = exp.AtTimeZone(this=exp.paren(found, copy=False), zone=node.args[zone])
        return exp.paren(found, copy=False)
