"""Retention: units that come back in a later period than the one they entered in.

Periods are those of the calendar. A unit whose period is not over in the data is left out, since
it may still come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from ..catalog.definitions import UNIT_ENTITY
from ..catalog.expressions import Reference
from ..catalog.formulas import Aggregate, Retained
from ..catalog.kinds import Span
from .clock import span, truncated
from .facts import FactScan
from .parts import Frame, grouped, on_time
from .syntax import aliased, all_of, column, common, is_known, named, where

_UNIT, _AT, _ENTERED, _BACK, _PLACE = "unit_id", "at", "entered_on", "back_on", "place"


@dataclass
class Cohorts:
    """One retention metric: units that came back in column `a0`, all units in `a1`.

    Args:
        cohort: The fact of the rows by which a unit enters.
        returns: The fact of the rows by which it comes back.
        formula: What is asked.
    """

    cohort: FactScan
    returns: FactScan
    formula: Retained

    @property
    def scans(self) -> Sequence[FactScan]:
        """The facts it reads."""
        return (self.cohort, self.returns)

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Who entered when, who was there when, and the share that came back."""
        rows, entries, back = f"{name}_rows", f"{name}_entries", f"{name}_back"
        return [
            common(rows, self._rows(frame)),
            common(entries, self._entries(rows, frame)),
            common(back, self._back(frame)),
            common(f"{name}_end", self._end(frame)),
            common(name, self._shares(entries, back, f"{name}_end", frame)),
        ]

    def _rows(self, frame: Frame) -> exp.Select:
        """Rows by which units enter, numbered along each unit, or each unit and period."""
        scan = self.cohort
        groups = frame.groups(scan)
        unit = scan.reference(Reference("entity", UNIT_ENTITY))
        entered = scan.period(self.formula.params.period)
        partition = [unit.copy()]
        if self.formula.params.is_recurring:
            partition.append(entered.copy())
        primary = scan.fact.entities.get(scan.fact.primary_entity)
        order = [scan.time_column]
        if primary is not None:
            order.append(scan.reference(Reference("entity", primary.name)))
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=partition,
            order=exp.Order(expressions=[exp.Ordered(this=one) for one in order]),
        )
        # a condition on time chooses among those who entered; it does not make them enter later
        rows = frame.split()[0].conditions(scan)
        kept = all_of(
            [
                *rows,
                *_conditions(scan, self.formula.cohort),
                is_known(unit.copy()),
                is_known(scan.time_column),
            ]
        )
        return (
            scan.source(frame.relations)
            .select(
                *groups,
                aliased(unit, _UNIT),
                aliased(scan.wall, _AT),
                aliased(entered, _ENTERED),
                aliased(place, _PLACE),
                copy=False,
            )
            .where(kept, copy=False)
        )

    def _entries(self, rows: str, frame: Frame) -> exp.Select:
        """The first row of each, if the query asks for its time."""
        is_first = exp.EQ(this=column(_PLACE), expression=exp.convert(1))
        asked = [on_time(one, column(_AT)) for one in frame.split()[1]]
        labels = [*frame.columns, _UNIT, _ENTERED]
        return (
            exp.select(*(column(label) for label in labels))
            .from_(named(rows), copy=False)
            .where(all_of([is_first, *asked]), copy=False)
        )

    def _back(self, frame: Frame) -> exp.Select:
        """Periods in which each unit was there."""
        scan = self.returns
        unit = scan.reference(Reference("entity", UNIT_ENTITY))
        there = scan.period(self.formula.params.period)
        kept = all_of([*_conditions(scan, self.formula.returns), is_known(unit.copy())])
        return (
            scan.source(frame.relations)
            .select(aliased(unit, _UNIT), aliased(there, _BACK), copy=False)
            .where(kept, copy=False)
            .distinct(copy=False)
        )

    def _end(self, frame: Frame) -> exp.Select:
        """The last period of the data, which may not be over yet."""
        scan = replace(self.returns)  # of its own: it joins nothing
        last = truncated(scan.wall_at_last, self.formula.params.period)
        return scan.source(frame.relations).select(aliased(last, "last_one"), copy=False)

    def _shares(self, entries: str, back: str, end: str, frame: Frame) -> exp.Select:
        params = self.formula.params
        later = exp.Add(
            this=column(_ENTERED, "e"), expression=span(Span(params.number, params.period))
        )
        due = exp.cast(exp.paren(later, copy=False), "date", copy=False)
        compare = exp.GTE if params.is_rolling else exp.EQ
        on = all_of(
            [
                exp.EQ(this=column(_UNIT, "e"), expression=column(_UNIT, "b")),
                compare(this=column(_BACK, "b"), expression=due),
            ]
        )
        is_over = exp.LT(this=due.copy(), expression=column("last_one", "l"))
        one = exp.Distinct(expressions=[column(_UNIT, "e"), column(_ENTERED, "e")])
        counted = exp.Count(this=one)
        select = (
            exp.select(*(column(key, "e") for key in frame.columns))
            .from_(named(entries, "e"), copy=False)
            .join(named(end, "l"), join_type="cross", copy=False)
            .join(named(back, "b"), on=on, join_type="left", copy=False)
            .where(is_over, copy=False)
            .select(
                aliased(where(counted, is_known(column(_BACK, "b"))), "a0"),
                aliased(counted.copy(), "a1"),
                copy=False,
            )
        )
        return grouped(select, len(frame.keys))


def _conditions(scan: FactScan, aggregate: Aggregate) -> list[exp.Expr]:
    condition = scan.filters(aggregate)
    return [] if condition is None else [condition]
