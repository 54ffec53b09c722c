"""The parts of a plain query, brought together on the groups that any of them has."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from sqlglot import exp

from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import Condition, parse_arithmetic, replace_columns
from ..catalog.formulas import (
    Accumulated,
    Aggregate,
    Arithmetic,
    Converted,
    Formula,
    Funnelled,
    Quotient,
    Retained,
    Vocabulary,
    aggregates,
)
from ..catalog.kinds import Span, SpanUnit
from ..catalog.names import refused, show
from .accumulated import Running
from .calendar import SPINE_MODEL, calendar, ends_of
from .clock import UTC
from .converted import Conversions
from .facts import COUNTS, FactScan
from .funnelled import Steps
from .grouped import Grouped
from .levels import Levels
from .offsets import looks_at, shown_keys
from .parts import Frame, Part, same_keys
from .retained import Cohorts
from .sketches import Sketched
from .syntax import (
    aliased,
    all_of,
    append_cte,
    below,
    column,
    common,
    divided,
    named,
    number,
    union_all,
    zero_if_null,
    zero_where_zero,
)

_SPINE = "keys"
_REACH = "reach"

Conditions = tuple[Condition, ...]


class Plan:
    """Which parts some metrics need, and their values over the parts' columns.

    Args:
        vocabulary: What names are resolved in.
        frame: What all parts are grouped and filtered by.
    """

    def __init__(self, vocabulary: Vocabulary, frame: Frame) -> None:
        self._vocabulary = vocabulary
        self._frame = frame
        self._parts: dict[Hashable, Part] = {}
        self._offsets: dict[str, tuple[Span | None, SpanUnit | None]] = {}
        self._grouped: dict[str, Grouped] = {}
        self._frames: dict[str, Frame] = {}
        self._sketches: dict[str, Sketched] = {}
        self._is_filled = False

    def value(self, formula: Formula, more: Conditions = ()) -> exp.Expr:
        """A metric's value over the columns of the parts.

        Args:
            formula: What is computed.
            more: Conditions on this value alone; they mean what those of the frame mean.
        """
        if isinstance(formula, Aggregate):
            return self._aggregate(formula, more)
        if isinstance(formula, Quotient):
            below = self.value(formula.denominator, more)
            quotient = divided(self.value(formula.numerator, more), below)
            return zero_where_zero(quotient, below) if formula.is_zero else quotient
        if isinstance(formula, Arithmetic):
            inputs = {name: self.value(one, more) for name, one in formula.inputs.items()}
            tree = parse_arithmetic(formula.expr)
            bound = replace_columns(tree, lambda found: exp.paren(inputs[found.name]))
            return exp.paren(bound, copy=False)
        first = next(aggregates(formula))
        key = self._vocabulary.key(formula)
        name = self._named(key, lambda: self._part(formula), first, more)
        if isinstance(formula, Accumulated):
            is_whole = self._frame.time is None and first.measure.agg in COUNTS
            return zero_if_null(column("a0", name)) if is_whole else column("a0", name)
        if isinstance(formula, Converted) and formula.params.calculation == "conversions":
            return zero_if_null(column("a0", name))
        return divided(column("a0", name), column("a1", name))

    def result(self, metrics: dict[str, exp.Expr]) -> exp.Select:
        """One row a group: keys as k0…, metrics as m0…, with the parts as table expressions."""
        frame, select = self._frame, exp.Select()
        names = [f"f{index}" for index in range(len(self._parts))]
        for cte in self._tables():
            append_cte(select, cte)
        spine = names[0]
        if frame.keys and (len(names) > 1 or self._offsets or self._is_filled):
            spine = _SPINE
            for cte in self._spine(names):
                append_cte(select, cte)
        select = select.select(
            *(aliased(column(key, spine), key) for key in frame.columns),
            *(aliased(value, f"m{index}") for index, value in enumerate(metrics.values())),
            copy=False,
        )
        select = select.from_(named(spine), copy=False)
        for name in names:
            if name == spine:
                continue
            same = self._same(spine, name)
            kind = "cross" if same is None else "left"  # without groups each has one row
            select = select.join(named(name), on=same, join_type=kind, copy=False)
        return select

    def _tables(self) -> list[exp.CTE]:
        """Table expressions of every part; running ones go on as far as any other part does."""
        frame = self._frame
        parts = {f"f{index}": part for index, part in enumerate(self._parts.values())}
        running = {
            name: part
            for name, part in parts.items()
            if isinstance(part, Running) and name not in self._offsets and frame.time is not None
        }
        if len(parts) == 1:
            running = {}
        found: list[exp.CTE] = []
        ends: list[exp.Expr] = []
        shifted: list[exp.CTE] = []
        for name, part in parts.items():
            if name in running:
                found += running[name].daily(name, self._frames[name])
                ends.append(ends_of(f"{name}_rows", str(frame.time)))
                continue
            own = self._frames[name]
            inner = own.split()[0] if name in self._offsets else own
            moved = self._shifted(name, part, own)
            if moved is not None:
                shifted.append(moved)
            else:
                found += part.tables(name, inner)
            if running:
                shown = name
                if name in self._offsets:
                    shown = f"{name}_shown"
                    keys = shown_keys(name, *self._offsets[name], own)
                    found.append(common(shown, union_all(keys)))
                ends.append(ends_of(shown, str(frame.time), frame.grain))
        found += shifted  # behind what they are made of
        if running:
            every = below(union_all(ends), "e")
            first, last = exp.Min(this=column("first_one")), exp.Max(this=column("last_one"))
            reach = exp.select(aliased(first, "first_one"), aliased(last, "last_one"))
            found.append(common(_REACH, reach.from_(every, copy=False)))
        for name, part_ in running.items():
            found += part_.running(name, self._frames[name], _REACH)
        return found

    def _shifted(self, name: str, part: Part, frame: Frame) -> exp.CTE | None:
        """A part whose rows count later, made of one whose rows do not; None where it cannot be.

        Periods stay whole only where the offset is made of whole ones, and conditions on time
        would not be on the same rows.
        """
        offset = part.scan.offset if isinstance(part, Grouped) else None
        hours = {"hour": 1, "day": 24, "week": 168}.get(frame.grain or "day")
        is_timed = any(one.name == METRIC_TIME for where in frame.where for one in where.references)
        if not isinstance(part, Grouped) or offset is None or frame.time is None:
            return None
        if frame.where != self._frame.where:
            return None  # conditions of its own choose its rows
        if hours is None or offset.hours % hours or is_timed:
            return None
        if frame.zone != UTC and "hour" in (offset.unit, frame.grain):
            return None  # a day of the clock may have 23 hours
        for other, base in self._grouped.items():
            positions = part.positions_in(base) if base.scan.offset is None else None
            if positions is not None:
                return common(name, part.shifted(other, positions, offset, frame))
        return None

    def models(self) -> frozenset[str]:
        """dbt models that the query reads."""
        parts = self._parts.values()
        found = frozenset().union(*(scan.models() for part in parts for scan in part.scans))
        is_dense = self._is_filled or any(isinstance(part, Running) for part in parts)
        return found | {SPINE_MODEL} if is_dense and self._frame.time is not None else found

    def _aggregate(self, aggregate: Aggregate, more: Conditions) -> exp.Expr:
        frame, measure = self._frame, aggregate.measure
        scan = self._scan(aggregate)
        kind = "levels" if measure.non_additive is not None else "grouped"
        key: list[Hashable] = [kind, scan.fact.name, scan.time, aggregate.is_unit_mean]
        key += [aggregate.offset, aggregate.offset_to]
        if measure.non_additive is not None:
            key.append(self._vocabulary.key(aggregate))
            name = self._named(tuple(key), lambda: Levels(scan, aggregate), aggregate, more)
            found: exp.Expr = column("a0", name)
        elif measure.is_approximate:
            found = self._sketched(scan, aggregate, more)
        else:
            fresh = Grouped(scan, aggregate.is_unit_mean)
            # rows that count at another time are chosen by the part; else by the aggregate, so
            # that one scan serves it with and without conditions
            is_moved = aggregate.offset is not None or aggregate.offset_to is not None
            ahead, beside = (more, ()) if is_moved else ((), more)
            name = self._named(tuple(key), lambda: fresh, aggregate, ahead)
            self._grouped.setdefault(name, fresh)
            found = column(f"a{self._grouped[name].add(aggregate, beside)}", name)
        is_dense = aggregate.fill is not None and aggregate.fill.has_periods
        self._is_filled |= is_dense and frame.time is not None
        # a group that only another part has: nothing was counted there
        return _filled(zero_if_null(found) if measure.agg in COUNTS else found, aggregate)

    def _sketched(self, scan: FactScan, aggregate: Aggregate, more: Conditions) -> exp.Expr:
        """A sketch; all percentiles of one expression are read from the same."""
        measure = aggregate.measure
        rows = (scan.fact.name, scan.time, measure.expr, aggregate.filters)
        key = ("sketch", measure.agg, *rows, aggregate.offset, aggregate.offset_to)
        fresh = Sketched(scan, aggregate)
        name = self._named(key, lambda: fresh, aggregate, more)
        self._sketches.setdefault(name, fresh)
        return column(f"a{self._sketches[name].add(measure)}", name)

    def _part(self, formula: Accumulated | Converted | Funnelled | Retained) -> Part:
        if isinstance(formula, Accumulated):
            return Running(self._scan(formula.aggregate), formula)
        if isinstance(formula, Converted):
            base, converting = self._scan(formula.base), self._scan(formula.converted)
            return Conversions(base, converting, formula)
        if isinstance(formula, Funnelled):
            return Steps([self._scan(one) for one in formula.steps], formula)
        return Cohorts(self._scan(formula.cohort), self._scan(formula.returns), formula)

    def _scan(self, aggregate: Aggregate) -> FactScan:
        time, offset = aggregate.measure.agg_time_dimension, aggregate.offset
        moved = offset if offset is not None and not offset.is_calendar else None
        is_hourly = self._frame.grain == "hour"
        return FactScan(self._vocabulary, aggregate.fact, time, moved, self._frame.zone, is_hourly)

    def _named(
        self,
        key: Hashable,
        make: Callable[[], Part],
        aggregate: Aggregate,
        more: Conditions,
    ) -> str:
        """Name of a part, whose rows fulfil more conditions; the same one is computed once."""
        key = (key, *((one.tree.sql("duckdb"), one.references) for one in more))
        if key not in self._parts:
            self._parts[key] = make()
        name = f"f{list(self._parts).index(key)}"
        self._frames[name] = replace(self._frame, where=(*self._frame.where, *more))
        offset, offset_to = aggregate.offset, aggregate.offset_to
        if (offset or offset_to) and self._frame.time is None:
            raise refused(
                "a metric of an earlier time is asked for without metric_time",
                "group by date_trunc('day', metric_time).",
                "no_metric_time",
            )
        if offset_to is not None or (offset is not None and offset.is_calendar):
            if self._frame.grain == "hour":
                raise refused(
                    f"a metric of {offset or f'the start of the {offset_to}'} before is asked for "
                    "by hour",
                    "group by day or longer.",
                    "offset_hours",
                )
            if any(one.name == METRIC_TIME for condition in more for one in condition.references):
                raise refused(
                    f"FILTER names {show(METRIC_TIME)} for a metric that looks at another period",
                    f"put the condition on {METRIC_TIME} in WHERE.",
                    "filter_time",
                )
            self._offsets[name] = (offset, offset_to)
        return name

    def _same(self, spine: str, name: str) -> exp.Expr | None:
        """Whether a part's row belongs to a row of the spine; None without groups."""
        frame = self._frame
        if name not in self._offsets:
            return same_keys(frame.columns, spine, name)
        time = str(frame.time)
        looked_at = looks_at(column(time, spine), *self._offsets[name], frame.grain or "day")
        at = exp.NullSafeEQ(this=column(time, name), expression=looked_at)
        return all_of([one for one in (same_keys(frame.others, spine, name), at) if one])

    def _spine(self, names: list[str]) -> list[exp.CTE]:
        """Every group that a part has, once; every period too where one fills its gaps."""
        frame, time = self._frame, self._frame.time
        parts: list[exp.Expr] = []
        for name in names:
            if name in self._offsets:
                parts.extend(shown_keys(name, *self._offsets[name], self._frames[name]))
            else:
                parts.append(exp.select(*map(column, frame.columns)).from_(named(name)))
        union = parts[0]
        for part in parts[1:]:
            union = exp.Union(this=union, expression=part, distinct=True)
        if not self._is_filled or time is None:
            return [common(_SPINE, union)]
        timeless = exp.Is(this=column(time), expression=exp.Null())  # no period, but not lost
        both = union_all(
            [
                exp.select(*map(column, frame.columns)).from_(named("dense")),
                exp.select(*map(column, frame.columns)).from_(named("seen")).where(timeless),
            ]
        )
        return [common("seen", union), *calendar("seen", "dense", frame), common(_SPINE, both)]


def _filled(value: exp.Expr, aggregate: Aggregate) -> exp.Expr:
    """A value, or what stands for periods without rows."""
    if aggregate.fill is None or aggregate.fill.value is None:
        return value
    return exp.Coalesce(this=value, expressions=[number(aggregate.fill.value)])
