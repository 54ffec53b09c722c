"""Aggregates over a stretch of time that ends at each day: rolling, to date, since the beginning.

Rows are summed to days first, and a window runs over the days, which are dense in every group; so
the cost grows with rows and days, not with rows times the length of the window. Distinct values
are counted by the days on which one enters the window and leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from ..catalog.expressions import Condition
from ..catalog.formulas import Accumulated
from ..catalog.names import refused
from .calendar import calendar, ends_of
from .clock import span, truncated
from .facts import ROWS, FactScan, aggregated
from .grouped import Grouped
from .parts import Frame, grouped, on_time, same_keys
from .sketches import LEAST, REGISTER, VALUE, Sketched, distinct, registers
from .syntax import (
    aliased,
    all_of,
    below,
    column,
    common,
    days,
    divided,
    expression,
    is_known,
    named,
    where,
    zero_if_null,
)

_AT = "at_day"
_VALUE = VALUE


@dataclass
class Running:
    """One accumulated aggregate: its value is column `a0`.

    Args:
        scan: The fact it reads.
        formula: What is accumulated, and over which stretch.
    """

    scan: FactScan
    formula: Accumulated

    @property
    def scans(self) -> Sequence[FactScan]:
        """The fact it reads."""
        return (self.scan,)

    def tables(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Days, the window over them, and the day that stands for each period."""
        if frame.time is None:  # no stretch is asked about: all rows
            aggregate = self.formula.aggregate
            if aggregate.measure.is_approximate:
                return Sketched(self.scan, aggregate).tables(name, frame)
            whole = Grouped(self.scan)
            whole.add(aggregate)
            return whole.tables(name, frame)
        return [*self.daily(name, frame), *self.running(name, frame)]

    def daily(self, name: str, frame: Frame) -> list[exp.CTE]:
        """The rows by day, in `<name>_rows`.

        Raises:
            QueryRefused: Hours are asked for.
        """
        if frame.grain == "hour":
            raise refused(
                "a metric over a stretch of days is asked for by hour",
                "group by day or longer.",
                "cumulative_hours",
            )
        inner = frame.split()[0]
        if self._is_distinct:
            condition = self.scan.filters(self.formula.aggregate)
            what = expression(self.formula.aggregate.measure.expr, ROWS)
            rows = self._rows(inner, condition).select(aliased(what, _VALUE), copy=False)
            if self.formula.aggregate.measure.is_approximate:
                return [common(f"{name}_rows", registers(rows, frame.columns))]
            return [common(f"{name}_rows", grouped(rows, len(frame.keys) + 1))]
        rows = self._rows(inner, self.scan.filters(self.formula.aggregate)).select(
            *(aliased(one, f"b{index}") for index, one in enumerate(self._parts())), copy=False
        )
        return [common(f"{name}_rows", grouped(rows, len(frame.keys)))]

    def running(self, name: str, frame: Frame, reach: str | None = None) -> list[exp.CTE]:
        """The window over the days, and the day that stands for each period.

        Args:
            reach: Table expression that says from which day to which the other metrics of the
                query go; None where there are none.
        """
        inner, outer = frame.split()
        days_of = calendar(
            f"{name}_rows", f"{name}_calendar", replace(inner, grain="day"), ends=reach
        )
        find = self._distinct if self._is_distinct else self._sums
        if self.formula.aggregate.measure.is_approximate:
            find = self._sketched
        found = [*days_of, *find(name, inner)]
        if reach is not None:
            found.append(common(f"{name}_ends", ends_of(f"{name}_rows", str(frame.time))))
        shown = self._shown(name, frame, outer, is_shared=reach is not None)
        found.append(common(f"{name}_days", shown))
        found.append(common(name, self._periods(f"{name}_days", frame)))
        return found

    @property
    def _is_distinct(self) -> bool:
        return self.formula.aggregate.measure.agg == "count_distinct"

    def _parts(self) -> list[exp.Expr]:
        """What is summed of each day."""
        aggregate = self.formula.aggregate
        condition = self.scan.filters(aggregate)
        agg = aggregate.measure.agg
        if agg != "average":
            return [aggregated(aggregate, condition)]
        value = expression(aggregate.measure.expr, ROWS)
        return [
            where(exp.Sum(this=value), condition),
            where(exp.Count(this=value.copy()), condition and condition.copy()),
        ]

    def _sums(self, name: str, frame: Frame) -> list[exp.CTE]:
        """A window over the sums of days."""
        agg = self.formula.aggregate.measure.agg
        runs: list[exp.Expr] = []
        for index in range(2 if agg == "average" else 1):
            function = {"min": exp.Min, "max": exp.Max}.get(agg, exp.Sum)
            runs.append(self._over(function(this=column(f"b{index}", "r")), frame))
        value = divided(*runs) if agg == "average" else runs[0]
        if agg in ("count", "sum_boolean"):
            value = zero_if_null(value)
        run = _dense(name, frame).select(aliased(value, _VALUE), copy=False)
        return [common(f"{name}_run", run)]

    def _distinct(self, name: str, frame: Frame) -> list[exp.CTE]:
        """When each value enters and leaves the window, and the running total of that."""
        params = self.formula.params
        time, others = str(frame.time), frame.others
        gaps: list[exp.CTE] = []
        if params.window is None:
            moves = self._entries(f"{name}_rows", frame)
        else:
            gaps = [common(f"{name}_gaps", _gaps(f"{name}_rows", time, others))]
            moves = _changes(f"{name}_gaps", others, params.window.hours // 24)
        steps = exp.select(*(column(key) for key in others), column(_AT)).from_(
            named(f"{name}_moves")
        )
        steps = steps.select(aliased(exp.Sum(this=column("step")), "step"), copy=False)
        steps = grouped(steps, len(others) + 1)
        days_of = exp.select(
            *(column(key) for key in others),
            aliased(column(_AT), time),
            aliased(column("step"), "b0"),
        ).from_(named(f"{name}_steps"))
        total = self._over(exp.Sum(this=column("b0", "r")), frame, is_total=True)
        run = _dense(name, frame, rows=f"{name}_by_day").select(
            aliased(zero_if_null(total), _VALUE), copy=False
        )
        return [
            *gaps,
            common(f"{name}_moves", moves),
            common(f"{name}_steps", steps),
            common(f"{name}_by_day", days_of),
            common(f"{name}_run", run),
        ]

    def _sketched(self, name: str, frame: Frame) -> list[exp.CTE]:
        """Registers of days, merged over the window: as many steps whatever a day has of rows."""
        others = frame.others
        known = (
            exp.select(*(column(key) for key in others), column(REGISTER))
            .from_(named(f"{name}_rows"))
            .where(is_known(column(REGISTER)), copy=False)
            .distinct(copy=False)
        )
        merged = self._over(exp.Min(this=column(LEAST, "r")), frame)
        merged.args["partition_by"].append(column(REGISTER, "g"))
        of_group = same_keys(others, "d", "g")
        of_day = [same_keys(frame.columns, "d", "r"), _equal(REGISTER, "g", "r")]
        grid = (
            exp.select(*(column(key, "d") for key in frame.columns), aliased(merged, LEAST))
            .from_(named(f"{name}_calendar", "d"), copy=False)
            .join(
                below(known, "g"),
                on=of_group,
                join_type="inner" if of_group is not None else "cross",
                copy=False,
            )
            .join(
                named(f"{name}_rows", "r"),
                on=all_of([one for one in of_day if one is not None]),
                join_type="left",
                copy=False,
            )
        )
        value = zero_if_null(column("a0", "r"))
        run = _dense(name, frame, rows=f"{name}_merged").select(aliased(value, _VALUE), copy=False)
        return [
            common(f"{name}_grid", grid),
            *distinct(f"{name}_grid", f"{name}_merged", frame.columns),
            common(f"{name}_run", run),
        ]

    def _entries(self, rows: str, frame: Frame) -> exp.Expr:
        """The first day of each value, ever or in each period."""
        time, others = str(frame.time), frame.others
        first = exp.Min(this=column(time))
        select = exp.select(*(column(key) for key in others), aliased(first, _AT)).from_(
            named(rows)
        )
        select = select.select(aliased(exp.Literal.number(1), "step"), copy=False)
        select = select.where(is_known(column(_VALUE)), copy=False)
        keys: list[exp.Expr] = [column(key) for key in (*others, _VALUE)]
        if self.formula.params.grain_to_date is not None:
            keys.append(truncated(column(time), self.formula.params.grain_to_date))
        return select.group_by(*keys, copy=False)

    def _rows(self, frame: Frame, condition: exp.Expr | None) -> exp.Select:
        day = self.scan.period("day")
        groups = frame.groups(self.scan, time=day)
        kept = [] if condition is None else [condition.copy()]
        restricted = all_of([*frame.conditions(self.scan), is_known(self.scan.time_column), *kept])
        # the join to the units is known once the groups and conditions were bound
        select = self.scan.source(frame.relations).select(*groups, copy=False)
        return select.where(restricted, copy=False)

    def _over(self, function: exp.Expr, frame: Frame, *, is_total: bool = False) -> exp.Window:
        """The function over the stretch that ends at a day."""
        params, time = self.formula.params, str(frame.time)
        partition: list[exp.Expr] = [column(key, "d") for key in frame.others]
        start: str | exp.Expr = "UNBOUNDED"
        kind = "ROWS"
        if params.grain_to_date is not None:
            partition.append(truncated(column(time, "d"), params.grain_to_date))
        elif params.window is not None and not is_total:
            if params.window.is_calendar:
                kind = "RANGE"
                start = exp.Sub(this=span(params.window), expression=days(1))
            else:
                start = exp.Literal.number(params.window.hours // 24 - 1)
        return exp.Window(
            this=function,
            partition_by=partition,
            order=exp.Order(expressions=[exp.Ordered(this=column(time, "d"), nulls_first=False)]),
            spec=exp.WindowSpec(
                kind=kind, start=start, start_side="PRECEDING", end="CURRENT ROW", end_side=None
            ),
        )

    def _shown(
        self, name: str, frame: Frame, outer: list[Condition], *, is_shared: bool
    ) -> exp.Select:
        """The days that the query asks for, each with its period."""
        time = str(frame.time)
        select = exp.select(
            *(column(key) for key in frame.others),
            aliased(column(time), _AT),
            aliased(truncated(column(time), frame.grain or "day"), time),
            column(_VALUE),
        ).from_(named(f"{name}_run"))
        kept = [on_time(one, column(time)) for one in outer]
        if is_shared:
            select = select.join(named(f"{name}_ends", "e"), join_type="cross", copy=False)
            kept.append(_is_own_or_beyond(time, frame.grain or "day"))
        condition = all_of(kept)
        return select if condition is None else select.where(condition, copy=False)

    def _periods(self, days_: str, frame: Frame) -> exp.Select:
        """One day of each period stands for it, or the mean of its days."""
        keys = frame.columns
        if self.formula.params.period_agg == "average":
            select = exp.select(
                *(column(key) for key in keys), aliased(exp.Avg(this=column(_VALUE)), "a0")
            ).from_(named(days_))
            return grouped(select, len(keys))
        is_last = self.formula.params.period_agg == "last"
        number = exp.Window(
            this=exp.RowNumber(),
            partition_by=[column(key) for key in keys],
            order=exp.Order(
                expressions=[exp.Ordered(this=column(_AT), desc=is_last, nulls_first=False)]
            ),
        )
        ranked = exp.select(
            *(column(key) for key in keys), column(_VALUE), aliased(number, "place")
        ).from_(named(days_))
        is_chosen = exp.EQ(this=column("place", "p"), expression=exp.Literal.number(1))
        return (
            exp.select(*(column(key, "p") for key in keys), aliased(column(_VALUE, "p"), "a0"))
            .from_(below(ranked, "p"), copy=False)
            .where(is_chosen, copy=False)
        )


def _equal(name: str, one: str, other: str) -> exp.EQ:
    return exp.EQ(this=column(name, one), expression=column(name, other))


def _dense(name: str, frame: Frame, rows: str = "") -> exp.Select:
    """Every day of the calendar (`d`), beside the sums of its rows (`r`) where it has some."""
    rows = rows or f"{name}_rows"
    select = exp.select(*(column(key, "d") for key in frame.columns)).from_(
        named(f"{name}_calendar", "d")
    )
    return select.join(
        named(rows, "r"), on=same_keys(frame.columns, "d", "r"), join_type="left", copy=False
    )


def _is_own_or_beyond(time: str, grain: str) -> exp.Expr:
    """Whether a day lies between the metric's own ends, or in a period that holds none of them.

    So a period shows the same alone and beside other metrics.
    """
    first, last = column("first_one", "e"), column("last_one", "e")
    period = truncated(column(time), grain)
    own = exp.Between(this=column(time), low=first, high=last)
    before = exp.LT(this=period, expression=truncated(first.copy(), grain))
    behind = exp.GT(this=period.copy(), expression=truncated(last.copy(), grain))
    return exp.or_(own, before, behind, copy=False)


def _gaps(rows: str, time: str, others: Sequence[str]) -> exp.Select:
    """Every day on which a value was seen, with the days before and after on which it was too."""

    def neighbour(function: type[exp.AggFunc]) -> exp.Window:
        return exp.Window(
            this=function(this=column(time)),
            partition_by=[column(key) for key in (*others, _VALUE)],
            order=exp.Order(expressions=[exp.Ordered(this=column(time), nulls_first=False)]),
        )

    seen = exp.select(
        *(column(key) for key in others),
        aliased(column(time), "seen_on"),
        aliased(neighbour(exp.Lag), "before"),
        aliased(neighbour(exp.Lead), "next"),
    ).from_(named(rows))
    return seen.where(is_known(column(_VALUE)), copy=False)


def _changes(gaps: str, others: Sequence[str], length: int) -> exp.Expr:
    """+1 on the day on which a value enters the window, -1 on the day on which it has left it."""

    def after(tree: exp.Expr) -> exp.Expr:
        later = exp.Add(this=tree, expression=days(length))
        return exp.cast(exp.paren(later, copy=False), "date", copy=False)

    keys = [column(key) for key in others]

    def move(at: exp.Expr, step: int, nearest: str, is_apart: exp.Expr) -> exp.Select:
        is_alone = exp.Is(this=column(nearest), expression=exp.Null())
        return (
            exp.select(
                *(key.copy() for key in keys),
                aliased(at, _AT),
                aliased(exp.convert(step), "step"),
            )
            .from_(named(gaps), copy=False)
            .where(exp.or_(is_alone, is_apart, copy=False), copy=False)
        )

    day = column("seen_on")
    enters = exp.LTE(this=after(column("before")), expression=day.copy())
    leaves = exp.GTE(this=column("next"), expression=after(day.copy()))
    return exp.Union(
        this=move(day.copy(), 1, "before", enters),
        expression=move(after(day.copy()), -1, "next", leaves),
        distinct=False,
    )
