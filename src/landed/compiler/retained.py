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
from .clock import UTC, span, truncated
from .facts import FactScan
from .parts import Frame, grouped, on_time
from .syntax import aliased, all_of, column, common, count_rows, is_known, named

_UNIT, _AT, _ENTERED, _BACK, _PLACE = "unit_id", "at", "entered_on", "back_on", "place"

#: Grains whose periods hold whole ones of another: its first day says which one it lies in.
_WHOLE: dict[str, tuple[str, ...]] = {
    "day": ("day", "week", "us_week", "month", "quarter", "year"),
    "month": ("month", "quarter", "year"),
    "quarter": ("quarter", "year"),
}


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
        there = common(back, self._back(frame))
        if self._is_one(frame):
            entered = [
                common(rows, self._first_of(back, frame)),
                common(entries, self._entered(rows, frame)),
            ]
        elif frame.zone == UTC and frame.is_of_unit(self.cohort):
            entered = [
                common(rows, self._first_times(frame)),
                common(entries, self._entered(rows, frame)),
            ]
        else:
            entered = [common(rows, self._rows(frame)), common(entries, self._entries(rows, frame))]
        return [
            there,
            *entered,
            common(f"{name}_end", self._end(frame)),
            common(name, self._shares(entries, back, f"{name}_end", frame)),
        ]

    # -- where a unit's first time says all about it ----------------------------------------------

    def _is_one(self, frame: Frame) -> bool:
        """Whether units enter and come back by the same rows; the query groups by time alone."""
        ours, theirs = self.cohort, self.returns
        return (
            frame.zone == UTC
            and not self.formula.params.is_rolling
            and not frame.others
            and not frame.split()[0].where
            and (ours.fact, ours.time, ours.offset) == (theirs.fact, theirs.time, theirs.offset)
            and self.formula.cohort.filters == self.formula.returns.filters
        )

    def _first_of(self, back: str, frame: Frame) -> exp.Select:
        """When each unit first was there, or in each period, by the periods it was there in."""
        frame.groups(self.cohort)  # refuses hours of a fact that has days
        labels = [_UNIT, *([_BACK] if self.formula.params.is_recurring else [])]
        at = _AT if self._needs_instant(frame) else _BACK
        first = aliased(exp.Min(this=column(at)), _AT)
        select = exp.select(*map(column, labels), first).from_(named(back))
        return grouped(select.where(is_known(column(_BACK)), copy=False), len(labels))

    def _needs_instant(self, frame: Frame) -> bool:
        """Whether the period that a unit entered in does not yet say the query's."""
        period = self.formula.params.period
        is_within = frame.time is None or (frame.grain or "day") in _WHOLE.get(period, (period,))
        return bool(frame.split()[1]) or not is_within

    def _first_times(self, frame: Frame) -> exp.Select:
        """When each unit first was there, or in each period; attributes are the unit's own."""
        scan = self.cohort
        groups = frame.other_groups(scan)
        groups.append(aliased(scan.reference(Reference("entity", UNIT_ENTITY)), _UNIT))
        if self.formula.params.is_recurring:
            groups.append(aliased(scan.period(self.formula.params.period), "period"))
        kept = self._kept(frame)
        select = scan.source(frame.relations).select(*groups, copy=False)
        select = select.select(aliased(exp.Min(this=scan.time_column), _AT), copy=False)
        return grouped(select.where(kept, copy=False), len(groups))

    def _entered(self, rows: str, frame: Frame) -> exp.Select:
        """Those first times that the query asks for."""
        entered = aliased(truncated(column(_AT), self.formula.params.period), _ENTERED)
        select = exp.select(*frame.keys_at(column(_AT)), column(_UNIT), entered).from_(named(rows))
        asked = all_of(on_time(one, column(_AT)) for one in frame.split()[1])
        return select if asked is None else select.where(asked, copy=False)

    # -- else by the first row --------------------------------------------------------------------

    def _kept(self, frame: Frame) -> exp.Expr | None:
        """Conditions on the rows by which units enter.

        One on time chooses among those who entered; it does not make them enter later.
        """
        scan = self.cohort
        unit = scan.reference(Reference("entity", UNIT_ENTITY))
        rows = frame.split()[0].conditions(scan)
        own = _conditions(scan, self.formula.cohort)
        return all_of([*rows, *own, is_known(unit), is_known(scan.time_column)])

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
        kept = self._kept(frame)
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
        """Periods in which each unit was there; the last one, where a later one counts as well."""
        scan = self.returns
        unit = scan.reference(Reference("entity", UNIT_ENTITY))
        there = scan.period(self.formula.params.period)
        kept = all_of([*_conditions(scan, self.formula.returns), is_known(unit.copy())])
        is_rolling = self.formula.params.is_rolling
        if is_rolling:
            there = exp.Max(this=there)
        select = scan.source(frame.relations).select(
            aliased(unit, _UNIT), aliased(there, _BACK), copy=False
        )
        if self._is_one(frame) and self._needs_instant(frame):
            select = select.select(aliased(exp.Min(this=scan.time_column), _AT), copy=False)
        return grouped(select.where(kept, copy=False), 1 if is_rolling else 2)

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
        select = (
            exp.select(*(column(key, "e") for key in frame.columns))
            .from_(named(entries, "e"), copy=False)
            .join(named(end, "l"), join_type="cross", copy=False)
            .join(named(back, "b"), on=on, join_type="left", copy=False)
            .where(is_over, copy=False)
            .select(
                aliased(exp.Count(this=column(_BACK, "b")), "a0"),  # each meets one row at most
                aliased(count_rows(), "a1"),
                copy=False,
            )
        )
        return grouped(select, len(frame.keys))


def _conditions(scan: FactScan, aggregate: Aggregate) -> list[exp.Expr]:
    condition = scan.filters(aggregate)
    return [] if condition is None else [condition]
