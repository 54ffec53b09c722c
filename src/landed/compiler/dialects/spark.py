"""Spark 3.5 or later, with UTC as the session's time zone."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from .lowering import Lowering, Rule, function


class Spark(Lowering):
    """Frames of time become frames of microseconds; NULL-safe joins are its `<=>`."""

    name: ClassVar[str] = "spark"
    has_is_true: ClassVar[bool] = True

    def rules(self) -> dict[type[exp.Expr], Rule]:
        """Beside the common ones: tables computed once have no word here."""
        return super().rules() | {exp.CTE: self._cte}

    def finish(self, tree: exp.Expr) -> exp.Expr:
        """The writer lifts tables of inner queries to the top: there each needs its own name."""
        seen: set[str] = set()
        for scope in reversed(list(tree.find_all(exp.With))):
            for one in scope.expressions:
                name = one.alias
                if name in seen and scope.parent is not tree and scope.parent is not None:
                    fresh = f"{name}_of_{len(seen)}"
                    for table in scope.parent.find_all(exp.Table):
                        if table.name == name and not table.db:
                            if not table.alias:
                                table.set("alias", exp.TableAlias(this=table.this.copy()))
                            table.set("this", exp.to_identifier(fresh, quoted=True))
                    one.args["alias"].set("this", exp.to_identifier(fresh, quoted=True))
                seen.add(one.alias)
        return tree

    def cast(self, node: exp.Expr) -> exp.Expr:
        """Times are `timestamp`, as tables hold them."""
        node = super().cast(node)
        if node.args["to"].this is exp.DataType.Type.TIMESTAMPNTZ:
            node.set("to", exp.DataType.build("timestamp"))
        return node

    def percentile(self, node: exp.Expr) -> exp.Expr:
        """By the words of which none is an estimate."""
        share = node.this.this
        if isinstance(node.this, exp.PercentileCont):
            return function("PERCENTILE", node.expression.expressions[0].this, share)
        node.set("this", function("PERCENTILE_DISC", share))
        return node

    def hashed(self, value: exp.Expr) -> exp.Expr:
        """Of the value: it takes minus zero for zero, and decimals of a column by their digits."""
        return function("XXHASH64", value)

    def local(self, node: exp.Expr) -> exp.Expr:
        """Of a time without a zone, whatever the session's."""
        at = exp.cast(node.args["timestamp"], exp.DataType.Type.TIMESTAMPNTZ, copy=False)
        zones = [node.args["source_tz"], node.args["target_tz"]]
        return self.instant(function("CONVERT_TIMEZONE", *zones, at))

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        return node
