"""Ordered funnels: units that take steps one after the other.

Every row of the first step begins an attempt. Going back from the last step, a window gives each
row the earliest time at which that step is reached from it: one pass a step, whatever the number
of rows between. A unit counts once in a group, for the step that any attempt of it reached there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..catalog.definitions import UNIT_ENTITY
from ..catalog.expressions import Reference
from ..catalog.formulas import Funnelled
from ..catalog.kinds import step_named
from .clock import span
from .facts import FactScan
from .parts import Frame, grouped
from .syntax import (
    aliased,
    all_of,
    column,
    common,
    count_rows,
    identifier,
    is_known,
    named,
    union_all,
    where,
)

_UNIT, _AT, _STEP, _REACHED, _PEERS = "unit_id", "at", "step", "reached", "peers"


@dataclass
class Steps:
    """One funnel: units that reached the step `of` in column `a0`, the step `over` in `a1`.

    Args:
        steps: The fact of each step.
        formula: What is asked.
    """

    steps: Sequence[FactScan]
    formula: Funnelled

    @property
    def scans(self) -> Sequence[FactScan]:
        """The facts it reads."""
        return self.steps

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """The steps' rows in one table, what each attempt leads to, and the units."""
        rows = f"{name}_rows"
        if self._is_strict and not frame.is_of_unit(self.steps[0]):
            return self._by_join(name, frame)
        found = [common(rows, self._all_steps(frame))]
        if self._is_strict:
            found.append(common(f"{name}_led", self._next_rows(rows, frame)))
        else:
            found += self._passes(rows, f"{name}_led", frame)
        found.append(common(name, self._counted(f"{name}_led", frame)))
        return found

    @property
    def _lasts(self) -> tuple[int, int]:
        """Positions of the steps `of` and `over`."""
        params = self.formula.params
        return step_named(params.steps, params.of), step_named(params.steps, params.over)

    def _all_steps(self, frame: Frame) -> exp.Expr:
        """Rows of all steps: whose, when, which step; those of the first with their groups.

        Rows of the first step at one instant need not be one here. Loosely, whatever one of them
        leads to the others do too. Strictly only the last of them is before the next step, and
        that one speaks for its unit and group.
        """
        parts = [self._attempts(frame).select(aliased(exp.convert(0), _STEP), copy=False)]
        nothing = [aliased(exp.Null(), key) for key in frame.columns]
        for index in range(1, max(self._lasts) + 1 if not self._is_strict else len(self.steps)):
            later = self._step(index, frame, [one.copy() for one in nothing], ())
            parts.append(later.select(aliased(exp.convert(index), _STEP), copy=False))
        return union_all(parts)

    def _next_rows(self, rows: str, frame: Frame) -> exp.Select:
        """Strictly: an attempt reaches a step if the rows behind it are the steps up to there.

        No two of them are of one step at one instant then: those would stand side by side.
        """

        def behind(what: str, count: int) -> exp.Expr:
            if count == 0:
                return column(what)
            lead = exp.Lead(this=column(what), offset=exp.convert(count))
            return exp.Window(this=lead, partition_by=[column(_UNIT)], order=_in_order())

        select = exp.select(*map(column, (*frame.columns, _UNIT, _AT, _STEP))).from_(named(rows))
        for index, last in enumerate(self._lasts):
            is_chain = all_of(
                exp.EQ(this=behind(_STEP, at), expression=exp.convert(at))
                for at in range(1, last + 1)
            )
            at = behind(_AT, last)
            led = at if is_chain is None else exp.Case(ifs=[exp.If(this=is_chain, true=at)])
            select = select.select(aliased(led, f"{_REACHED}{index}"), copy=False)
        return select

    def _passes(self, rows: str, name: str, frame: Frame) -> list[exp.CTE]:
        """Loosely: back from the last step, the earliest time at which it is reached."""
        labels = [*frame.columns, _UNIT, _AT, _STEP]
        found: list[exp.CTE] = []
        before = rows
        for step in range(max(self._lasts), -1, -1):
            select = exp.select(*map(column, labels)).from_(named(before))
            for index, last in enumerate(self._lasts):
                reached = f"{_REACHED}{index}"
                is_this = exp.EQ(this=column(_STEP), expression=exp.convert(step))
                if step > last:
                    continue
                if step == last:
                    led = exp.Case(ifs=[exp.If(this=is_this, true=column(_AT))])
                else:
                    follows = _earliest_behind(step + 1, column(reached))
                    led = exp.Case(
                        ifs=[exp.If(this=is_this, true=follows)], default=column(reached)
                    )
                select = select.select(aliased(led, reached), copy=False)
            before = f"{name}{step}" if step else name
            found.append(common(before, select))
        return found

    def _counted(self, led: str, frame: Frame) -> exp.Select:
        """Units of each group, by what their attempts there reached."""
        select = exp.select(*map(column, frame.columns)).from_(named(led))
        for index, last in enumerate(self._lasts):
            units: exp.Expr = exp.Count(this=exp.Distinct(expressions=[column(_UNIT)]))
            if last > 0:  # the first step is where an attempt begins
                units = where(units, self._is_in_time(column(f"{_REACHED}{index}")))
            select = select.select(aliased(units, f"a{index}"), copy=False)
        is_attempt = exp.EQ(this=column(_STEP), expression=exp.convert(0))
        return grouped(select.where(is_attempt, copy=False), len(frame.keys))

    # -- strict attempts whose group is more than their unit and time -----------------------------

    def _by_join(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Attempts of one instant are one in the order, and found again by unit and time."""
        params = self.formula.params
        names = [one.name for one in params.steps]
        attempts, rows = f"{name}_attempts", f"{name}_rows"
        found = [
            common(attempts, self._attempts(frame)),
            common(rows, self._rows(attempts, frame)),
        ]
        reached = []
        for label, last in zip(("of", "over"), self._lasts, strict=True):
            reached.append(f"{name}_{label}")
            found += self._reached(rows, reached[-1], last, names)
        found.append(common(name, self._units(attempts, reached, frame)))
        return found

    def _attempts(self, frame: Frame) -> exp.Select:
        """Rows of the first step, with their groups."""
        scan = self.steps[0]
        return self._step(0, frame, frame.groups(scan), frame.conditions(scan))

    def _rows(self, attempts: str, frame: Frame) -> exp.Expr:
        """Rows of all steps: whose, when, which step."""
        first = exp.select(column(_UNIT), column(_AT), aliased(exp.convert(0), _STEP)).from_(
            named(attempts)
        )
        later = [
            self._step(index, frame, (), ()).select(aliased(exp.convert(index), _STEP), copy=False)
            for index in range(1, len(self.steps))
        ]
        rows = union_all([first.distinct(copy=False), *later])
        # rows of one step at one instant follow each other in any order: one, with their number
        labels = [column(label) for label in self._labels[:-1]]
        counted = exp.select(*labels, aliased(count_rows(), _PEERS))
        every = exp.Subquery(this=rows, alias=exp.TableAlias(this=identifier("r")))
        return grouped(counted.from_(every, copy=False), len(labels))

    @property
    def _is_strict(self) -> bool:
        return self.formula.params.order == "strict"

    @property
    def _labels(self) -> list[str]:
        """Columns of a row beside what it leads to."""
        return [_UNIT, _AT, _STEP, _PEERS]

    def _step(
        self, index: int, frame: Frame, groups: Sequence[exp.Expr], conditions: Sequence[exp.Expr]
    ) -> exp.Select:
        scan, aggregate = self.steps[index], self.formula.steps[index]
        unit = scan.reference(Reference("entity", UNIT_ENTITY))
        condition = scan.filters(aggregate)
        kept = [
            *conditions,
            is_known(unit.copy()),
            is_known(scan.time_column),
            *([condition] if condition is not None else []),
        ]
        at = exp.cast(scan.time_column, "timestamp", copy=False)
        return (
            scan.source(frame.relations)
            .select(*groups, aliased(unit, _UNIT), aliased(at, _AT), copy=False)
            .where(all_of(kept), copy=False)
        )

    def _reached(self, rows: str, name: str, last: int, names: Sequence[str]) -> list[exp.CTE]:
        """For each row the earliest time at which the step `last` is reached from it."""
        is_last = exp.EQ(this=column(_STEP), expression=exp.convert(last))
        start = exp.Case(ifs=[exp.If(this=is_last, true=column(_AT))])
        passes = [
            common(
                f"{name}{last}",
                exp.select(*map(column, self._labels), aliased(start, _REACHED)).from_(named(rows)),
            )
        ]
        for step in range(last - 1, -1, -1):
            passes.append(common(f"{name}{step}", self._led(f"{name}{step + 1}", step)))
        return passes

    def _led(self, rows: str, step: int) -> exp.Select:
        """One step back: what the rows of a step lead to, by the next step's rows behind them."""
        is_this = exp.EQ(this=column(_STEP), expression=exp.convert(step))
        is_next = exp.EQ(this=column(_STEP), expression=exp.convert(step + 1))
        next_reached = exp.Case(ifs=[exp.If(this=is_next, true=column(_REACHED))])
        follows: exp.Expr = exp.Window(
            this=exp.Lead(this=next_reached), partition_by=[column(_UNIT)], order=_in_order()
        )
        is_alone = exp.EQ(this=column(_PEERS), expression=exp.convert(1))
        follows = exp.Case(ifs=[exp.If(this=is_alone, true=follows)])  # else a peer is next
        led = exp.Case(ifs=[exp.If(this=is_this, true=follows)], default=column(_REACHED))
        return exp.select(*map(column, self._labels), aliased(led, _REACHED)).from_(named(rows))

    def _units(self, attempts: str, reached: Sequence[str], frame: Frame) -> exp.Select:
        """Units of each group, by what their attempts there reached."""
        select = exp.select(*(column(key, "a") for key in frame.columns)).from_(
            named(attempts, "a")
        )
        for index, name in enumerate(reached):
            alias = f"r{index}"
            first = exp.EQ(this=column(_STEP, alias), expression=exp.convert(0))
            on = all_of(
                [
                    first,
                    *(
                        exp.EQ(this=column(one, "a"), expression=column(one, alias))
                        for one in (_UNIT, _AT)
                    ),
                ]
            )
            select = select.join(named(f"{name}0", alias), on=on, join_type="left", copy=False)
            distinct = exp.Count(this=exp.Distinct(expressions=[column(_UNIT, "a")]))
            counted = where(distinct, self._is_in_time(column(_REACHED, alias), "a"))
            select = select.select(aliased(counted, f"a{index}"), copy=False)
        return grouped(select, len(frame.keys))

    def _is_in_time(self, reached: exp.Expr, table: str | None = None) -> exp.Expr:
        window = self.formula.params.window
        if window is None:
            return is_known(reached)
        end = exp.Add(this=column(_AT, table), expression=span(window))
        return exp.LT(this=reached, expression=exp.paren(end, copy=False))


def _in_order() -> exp.Order:
    """A unit's rows by time, at one instant by step."""
    return exp.Order(
        expressions=[exp.Ordered(this=column(one), nulls_first=False) for one in (_AT, _STEP)]
    )


def _earliest_behind(step: int, reached: exp.Expr) -> exp.Window:
    """The least that any row of a step leads to, of those behind a row."""
    is_next = exp.EQ(this=column(_STEP), expression=exp.convert(step))
    return exp.Window(
        this=exp.Min(this=exp.Case(ifs=[exp.If(this=is_next, true=reached)])),
        partition_by=[column(_UNIT)],
        order=_in_order(),
        spec=exp.WindowSpec(
            kind="ROWS",
            start="CURRENT ROW",
            start_side=None,
            end="UNBOUNDED",
            end_side="FOLLOWING",
        ),
    )
