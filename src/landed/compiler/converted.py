"""Conversions: base rows that are followed by another row of the same entity, of any two facts.

Base and converting rows stand in one sequence an entity, in order of time, and a window finds for
each the row it belongs to: one sort, where a join by time would meet every pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..catalog.definitions import UNIT_ENTITY
from ..catalog.expressions import Reference
from ..catalog.formulas import Aggregate, Converted
from .clock import UTC, span
from .facts import ROWS, FactScan, total
from .parts import Frame, grouped, same_keys
from .syntax import (
    aliased,
    all_of,
    below,
    column,
    common,
    expression,
    is_known,
    named,
    union_all,
    zero_if_null,
)

_ENTITY, _AT, _SIDE, _VALUE, _PLACE, _FOUND = "entity", "at", "side", "v", "place", "found"
_BOUND = "bound"  # the other end of a converting row's window, for which base rows are checked
_BASE, _CONVERTING = 0, 1


@dataclass
class Conversions:
    """One conversion metric: conversions in column `a0`, base rows in `a1`.

    Args:
        base: The fact of the base rows.
        converting: The fact of the converting rows.
        formula: What is asked.
    """

    base: FactScan
    converting: FactScan
    formula: Converted

    @property
    def scans(self) -> Sequence[FactScan]:
        """The facts it reads."""
        return (self.base, self.converting)

    @property
    def _constants(self) -> list[str]:
        return [f"c{index}" for index in range(len(self.formula.params.constants))]

    @property
    def _sequence(self) -> list[str]:
        return [_ENTITY, *self._constants]

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """The sequence, who belongs to whom, and the sums of groups."""
        if self.formula.params.touch == "any":
            return self._by_next(name, frame)
        if self._is_told_by_time(frame):
            return self._by_time(name, frame)
        base, rows, found = f"{name}_base", f"{name}_rows", f"{name}_found"
        return [
            common(base, self._base(frame)),
            common(rows, self._rows(base, frame)),
            common(found, self._found(rows)),
            common(f"{name}_converted", self._converted(base, found, frame)),
            common(name, self._result(base, f"{name}_converted", frame)),
        ]

    def _by_next(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Each base row with the next converting one: it counts itself, in its own group."""
        nothing = [aliased(exp.Null(), key) for key in frame.columns]
        rows = union_all(
            [
                self._side(_BASE, frame, frame.groups(self.base)),
                self._side(_CONVERTING, frame, nothing, has_value=False),
            ]
        )
        over, is_found = self._next()
        labels = [*frame.columns, _AT, _SIDE, _VALUE]
        seen = exp.select(*map(column, labels), aliased(over, _FOUND)).from_(named(f"{name}_rows"))
        measure = self.formula.base.measure
        select = exp.select(
            *map(column, frame.columns),
            aliased(zero_if_null(total(measure, column(_VALUE), is_found)), "a0"),
            aliased(total(measure, column(_VALUE)), "a1"),
        ).from_(below(seen, "s"), copy=False)
        select = select.where(_is(_BASE), copy=False)
        return [common(f"{name}_rows", rows), common(name, grouped(select, len(frame.keys)))]

    def _is_told_by_time(self, frame: Frame) -> bool:
        """Whether a base row's entity and time say its group, whichever row it is."""
        is_unit = self.formula.params.entity == UNIT_ENTITY
        is_told = frame.zone == UTC and frame.is_of_unit(self.base)  # else by its clock
        return is_told and (is_unit or not frame.others)

    def _by_time(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Each converting row with the time of its base row, which says where it counts."""
        rows, converted, base = f"{name}_rows", f"{name}_converted", f"{name}_base"
        nothing = [aliased(exp.Null(), key) for key in frame.others]
        both = union_all(
            [
                self._side(_BASE, frame, nothing, has_value=False),
                self._side(_CONVERTING, frame, frame.other_groups(self.converting)),
            ]
        )
        at = exp.Case(ifs=[exp.If(this=_is(_BASE), true=column(_AT))])
        labels = [*frame.others, _AT, _SIDE, _VALUE]
        over = self._latest(at) if self.formula.params.touch == "last" else self._earliest(at)
        seen = exp.select(*map(column, labels), aliased(over, _FOUND)).from_(named(rows))
        value = total(self.formula.converted.measure, column(_VALUE))
        found = exp.select(*frame.keys_at(column(_FOUND)), aliased(value, "a0"))
        found = found.from_(below(seen, "s"), copy=False)
        found = found.where(all_of([_is(_CONVERTING), *self._is_reached()]), copy=False)
        groups = self._side(_BASE, frame, frame.groups(self.base), is_whole=True)
        return [
            common(rows, both),
            common(converted, grouped(found, len(frame.keys))),
            common(base, groups),
            common(name, self._result(base, converted, frame)),
        ]

    def _side(
        self,
        side: int,
        frame: Frame,
        groups: Sequence[exp.Expr],
        *,
        has_value: bool = True,
        is_whole: bool = False,
    ) -> exp.Select:
        """Base or converting rows of the sequence; converting rows of nobody reach nothing.

        Args:
            groups: The query's keys, or what stands in their place.
            has_value: Whether the measure's value is asked for.
            is_whole: Only groups and values are, where no sequence is needed.
        """
        is_base = side == _BASE
        scan, aggregate = (
            (self.base, self.formula.base) if is_base else (self.converting, self.formula.converted)
        )
        sides = [pair[side] for pair in self.formula.params.constants]
        parts = [self._entity(scan), *(self._constant(scan, one) for one in sides)]
        kept = [*_conditions(scan, aggregate), _is_timed(scan)]
        if is_base:
            kept = [*frame.conditions(scan), *kept]
        else:
            kept += [is_known(part.copy()) for part in parts]
        value = expression(aggregate.measure.expr, ROWS) if has_value else exp.Null()
        select = scan.source(frame.relations).select(*groups, copy=False)
        if not is_whole:
            named_parts = zip(parts, self._sequence, strict=True)
            select = select.select(
                *(aliased(part, label) for part, label in named_parts),
                aliased(_instant(scan), _AT),
                aliased(exp.convert(side), _SIDE),
                copy=False,
            )
        return select.select(aliased(value, _VALUE), copy=False).where(all_of(kept), copy=False)

    def _latest(self, at: exp.Expr) -> exp.Window:
        """The time of the last base row before; where it is out of reach, so are all others."""
        return self._window(exp.Max(this=at), ("UNBOUNDED", "PRECEDING", "CURRENT ROW", None))

    def _earliest(self, at: exp.Expr) -> exp.Window:
        """The time of the first base row within reach, or of one behind the converting row.

        A converting row stands where its reach begins, behind base rows of that instant: those are
        out of it.
        """
        window = self.formula.params.window
        if window is None:
            return self._window(exp.Min(this=at), ("UNBOUNDED", "PRECEDING", "CURRENT ROW", None))
        begins = exp.Sub(this=column(_AT), expression=span(window))
        turn = exp.Case(ifs=[exp.If(this=_is(_BASE), true=column(_AT))], default=begins)
        return exp.Window(
            this=exp.Min(this=at),
            partition_by=[column(label) for label in self._sequence],
            order=exp.Order(
                expressions=[
                    exp.Ordered(this=one, nulls_first=False) for one in (turn, column(_SIDE))
                ]
            ),
            spec=exp.WindowSpec(
                kind="ROWS",
                start="CURRENT ROW",
                start_side=None,
                end="UNBOUNDED",
                end_side="FOLLOWING",
            ),
        )

    def _is_reached(self) -> list[exp.Expr]:
        """Whether a base row of that time reaches a converting row."""
        window = self.formula.params.window
        found = is_known(column(_FOUND))
        if window is None:
            return [found]
        if self.formula.params.touch == "first":
            return [found, exp.LTE(this=column(_FOUND), expression=column(_AT))]
        start = exp.paren(exp.Sub(this=column(_AT), expression=span(window)), copy=False)
        return [found, exp.GT(this=column(_FOUND), expression=start)]

    def _base(self, frame: Frame) -> exp.Select:
        """Base rows with their groups, numbered along each sequence."""
        scan, aggregate = self.base, self.formula.base
        primary = scan.fact.entities.get(scan.fact.primary_entity)
        order = [scan.time_column]
        if primary is not None:  # else rows of one instant have no order of their own
            order.append(expression(primary.expr, ROWS))
        sides = [pair[0] for pair in self.formula.params.constants]
        parts = [self._entity(scan), *(self._constant(scan, one) for one in sides)]
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=[part.copy() for part in parts],
            order=exp.Order(expressions=[exp.Ordered(this=one) for one in order]),
        )
        groups = frame.groups(scan)
        conditions = all_of(
            [*frame.conditions(scan), *_conditions(scan, aggregate), _is_timed(scan)]
        )
        return (
            scan.source(frame.relations)
            .select(
                *groups,
                *(aliased(part, label) for part, label in zip(parts, self._sequence, strict=True)),
                aliased(_instant(scan), _AT),
                aliased(expression(aggregate.measure.expr, ROWS), _VALUE),
                aliased(place, _PLACE),
                copy=False,
            )
            .where(conditions, copy=False)
        )

    def _rows(self, base: str, frame: Frame) -> exp.Expr:
        """Base and converting rows in one table; those of nobody belong to nothing."""
        scan, aggregate = self.converting, self.formula.converted
        is_somebody = [is_known(column(label)) for label in self._sequence]
        ours = (
            exp.select(
                *(column(label) for label in (*self._sequence, _AT)),
                aliased(exp.convert(_BASE), _SIDE),
                column(_PLACE),
                aliased(exp.Null(), _VALUE),
                *(aliased(exp.Null(), label) for label in self._bounds),
            )
            .from_(named(base))
            .where(all_of(is_somebody), copy=False)
        )
        sides = [pair[1] for pair in self.formula.params.constants]
        parts = [self._entity(scan), *(self._constant(scan, one) for one in sides)]
        conditions = [*_conditions(scan, aggregate), _is_timed(scan)]
        at, bound = self._ends()
        theirs = (
            scan.source(frame.relations)
            .select(
                *(aliased(part, label) for part, label in zip(parts, self._sequence, strict=True)),
                aliased(at, _AT),
                aliased(exp.convert(_CONVERTING), _SIDE),
                aliased(exp.Null(), _PLACE),
                aliased(expression(aggregate.measure.expr, ROWS), _VALUE),
                *(aliased(bound, label) for label in self._bounds),
                copy=False,
            )
            .where(all_of([*conditions, *(is_known(part.copy()) for part in parts)]), copy=False)
        )
        return exp.Union(this=ours, expression=theirs, distinct=False)

    def _found(self, rows: str) -> exp.Select:
        """For each converting row the base row it belongs to."""
        labels = [*self._sequence, _AT, _SIDE, _PLACE, _VALUE, *self._bounds]
        seen = exp.select(
            *(column(label) for label in labels), aliased(self._belongs(), _FOUND)
        ).from_(named(rows))
        return (
            exp.select(
                *(column(label) for label in self._sequence),
                aliased(column(_FOUND), _PLACE),
                column(_VALUE),
                *(column(label) for label in self._bounds),
            )
            .from_(below(seen, "s"), copy=False)
            .where(all_of([_is(_CONVERTING), is_known(column(_FOUND))]), copy=False)
        )

    def _next(self) -> tuple[exp.Expr, exp.Expr]:
        """The next converting row's time: if the window does not hold it, it holds none."""
        later = exp.Case(ifs=[exp.If(this=_is(_CONVERTING), true=column(_AT))])
        ends = ("CURRENT ROW", None, "UNBOUNDED", "FOLLOWING")
        over = self._window(exp.Min(this=later), ends)
        window = self.formula.params.window
        if window is None:
            return over, is_known(column(_FOUND))
        start = exp.paren(exp.Sub(this=column(_FOUND), expression=span(window)), copy=False)
        return over, exp.GT(this=column(_AT), expression=start)

    @property
    def _bounds(self) -> list[str]:
        """The column of the window's other end, where there is one to check."""
        return [_BOUND] if self.formula.params.window is not None else []

    def _ends(self) -> tuple[exp.Expr, exp.Expr]:
        """Where a converting row stands in the sequence, and the other end of its window.

        For `last` it stands at its own time: the base row before it is the one, if it is not too
        old. For `first` it stands where its window begins: the base row behind that is the one,
        if it is not too late.
        """
        at, window = _instant(self.converting), self.formula.params.window
        if window is None or not self._bounds:
            return at, at
        start = exp.paren(exp.Sub(this=at.copy(), expression=span(window)), copy=False)
        return (start, at) if self.formula.params.touch == "first" else (at, start)

    def _belongs(self) -> exp.Expr:
        """The place of the one base row that a converting row may belong to."""
        is_first, place = self.formula.params.touch == "first", column(_PLACE)
        ends = ("UNBOUNDED", "PRECEDING", "CURRENT ROW", None)
        if not is_first or not self._bounds:
            function = exp.Min(this=place) if is_first else exp.Max(this=place)
            return self._window(function, ends)
        outside = zero_if_null(self._window(exp.Max(this=place), ends))  # base rows too old
        return exp.Add(this=outside, expression=exp.Literal.number(1))

    def _is_within(self) -> list[exp.Expr]:
        """Whether the base row lies within the window of the row that found it."""
        compare = exp.LTE if self.formula.params.touch == "first" else exp.GT
        return [
            compare(this=column(_AT, "b"), expression=column(label, "f")) for label in self._bounds
        ]

    def _window(self, function: exp.Expr, ends: tuple[object, ...]) -> exp.Window:
        return exp.Window(
            this=function,
            partition_by=[column(label) for label in self._sequence],
            order=exp.Order(expressions=[exp.Ordered(this=column(_AT), nulls_first=False)]),
            spec=exp.WindowSpec(
                kind="RANGE",
                **dict(zip(("start", "start_side", "end", "end_side"), ends, strict=True)),
            ),
        )

    def _converted(self, base: str, found: str, frame: Frame) -> exp.Select:
        """Conversions in the groups of their base rows."""
        same = (
            exp.EQ(this=column(label, "b"), expression=column(label, "f"))
            for label in (*self._sequence, _PLACE)
        )
        on = all_of([*same, *self._is_within()])
        select = (
            exp.select(*(column(key, "b") for key in frame.columns))
            .from_(named(base, "b"), copy=False)
            .join(named(found, "f"), on=on, join_type="inner", copy=False)
            .select(
                aliased(total(self.formula.converted.measure, column(_VALUE, "f")), "a0"),
                copy=False,
            )
        )
        return grouped(select, len(frame.keys))

    def _result(self, base: str, converted: str, frame: Frame) -> exp.Select:
        """Every group of base rows, with its conversions beside."""
        whole = f"{base}_total"
        sums = grouped(
            exp.select(
                *(column(key) for key in frame.columns),
                aliased(total(self.formula.base.measure, column(_VALUE)), "a1"),
            ).from_(named(base)),
            len(frame.keys),
        )
        on = same_keys(frame.columns, whole, converted)
        return (
            exp.select(
                *(column(key, whole) for key in frame.columns),
                aliased(zero_if_null(column("a0", converted)), "a0"),
                column("a1", whole),
            )
            .from_(below(sums, whole), copy=False)
            .join(
                named(converted),
                on=on,
                join_type="left" if on is not None else "cross",
                copy=False,
            )
        )

    def _entity(self, scan: FactScan) -> exp.Expr:
        return scan.reference(Reference("entity", self.formula.params.entity))

    def _constant(self, scan: FactScan, name: str) -> exp.Expr:
        return scan.reference(scan.vocabulary.constant(scan.fact, name))


def _conditions(scan: FactScan, aggregate: Aggregate) -> list[exp.Expr]:
    condition = scan.filters(aggregate)
    return [] if condition is None else [condition]


def _is(side: int) -> exp.EQ:
    return exp.EQ(this=column(_SIDE), expression=exp.convert(side))


def _is_timed(scan: FactScan) -> exp.Expr:
    return is_known(scan.time_column)


def _instant(scan: FactScan) -> exp.Expr:
    """A row's time as an instant, where the fact knows only its day too."""
    return exp.cast(scan.time_column, "timestamp", copy=False)
