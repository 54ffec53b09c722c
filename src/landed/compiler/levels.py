"""Measures that are levels: only the rows at the latest (or earliest) moment count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..catalog.expressions import Reference
from ..catalog.formulas import Aggregate
from ..errors import PlanError
from .facts import ROWS, FactScan, total
from .parts import Frame, grouped
from .syntax import aliased, all_of, column, common, expression, named

_MOMENT, _CHOSEN, _VALUE = "moment", "chosen", "v"


@dataclass
class Levels:
    """One semi-additive aggregate: its value is column `a0`.

    The moment is chosen within each period that the query asks for, and for each of the measure's
    `entities`; other groups of the query share it.
    """

    scan: FactScan
    aggregate: Aggregate

    @property
    def scans(self) -> Sequence[FactScan]:
        """The fact it reads."""
        return (self.scan,)

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """The rows with their moment, and the sums of those at the chosen one."""
        level = self.aggregate.measure.non_additive
        if level is None:
            raise PlanError("the measure is additive", code="additive")
        scan = self.scan
        moment = expression(scan.fact.dimensions[level.dimension].expr, ROWS)
        partition = [scan.reference(Reference("entity", one)) for one in level.entities]
        if frame.time is not None:
            partition.append(frame.period(scan))
        function = exp.Max if level.choice == "max" else exp.Min
        chosen = exp.Window(this=function(this=moment.copy()), partition_by=partition)
        conditions = all_of(
            [*frame.conditions(scan), *([own] if (own := scan.filters(self.aggregate)) else [])]
        )
        groups = frame.groups(scan)
        rows = scan.source(frame.relations).select(
            *groups,
            aliased(moment, _MOMENT),
            aliased(chosen, _CHOSEN),
            aliased(expression(self.aggregate.measure.expr, ROWS), _VALUE),
            copy=False,
        )
        if conditions is not None:
            rows = rows.where(conditions, copy=False)
        value = total(self.aggregate.measure, column(_VALUE))
        select = exp.select(*(column(key) for key in frame.columns), aliased(value, "a0")).from_(
            named(f"{name}_rows")
        )
        is_chosen = exp.EQ(this=column(_MOMENT), expression=column(_CHOSEN))
        select = grouped(select.where(is_chosen, copy=False), len(frame.columns))
        return [common(f"{name}_rows", rows), common(name, select)]
