"""Snowflake, whose unquoted names are upper case. Rendered and parsed; not run by our tests."""

from __future__ import annotations

import re
from typing import ClassVar

from sqlglot import exp

from .lowering import Lowering, Rule, function

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


class Snowflake(Lowering):
    """No FILTER, weeks that begin by an account's setting, names in upper case."""

    name: ClassVar[str] = "snowflake"
    has_filter: ClassVar[bool] = False
    skips_null_in_greatest: ClassVar[bool] = False

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """Beside the common ones: tables computed once have no word here."""
        return super().rules() | {exp.CTE: self._cte}

    def finish(self, tree: exp.Expr) -> exp.Expr:
        """Names as unquoted ones are stored; those of the answer stay as they were asked for."""
        kept = {id(one.args["alias"]) for one in tree.expressions if isinstance(one, exp.Alias)}
        for one in tree.find_all(exp.Identifier):
            if id(one) not in kept and _PLAIN.fullmatch(one.name):
                one.set("this", one.name.upper())
        return tree

    def cast(self, node: exp.Expr) -> exp.Expr:
        """A plain `timestamp` is what an account's setting says."""
        node = super().cast(node)
        if node.args["to"].this is exp.DataType.Type.TIMESTAMP:
            node.set("to", exp.DataType(this=exp.DataType.Type.TIMESTAMPNTZ))
        return node

    def truncated(self, node: exp.Expr) -> exp.Expr:
        """A week begins on Monday whatever the account's WEEK_START."""
        node = super().truncated(node)
        if node.text("unit").upper() != "WEEK":
            return node
        since = exp.Sub(
            this=exp.Literal.number(1), expression=function("DAYOFWEEKISO", node.this.copy())
        )
        day = exp.TimestampTrunc(this=node.this, unit=exp.var("DAY"))
        return function("DATEADD", exp.var("DAY"), since, day)

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Its own, of 64 bits, which is equal where values are."""
        return function("HASH", value)

    def local(self, node: exp.Expr) -> exp.Expr:
        """Of a time without a zone, whatever the session's."""
        zones = [node.args["source_tz"], node.args["target_tz"]]
        return function("CONVERT_TIMEZONE", *zones, self.instant(node.args["timestamp"]))

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        return node
