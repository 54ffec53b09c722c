"""A release's population and, for every unit of it, the outcome of every metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL, Metric
from ..catalog.forms import UnitForm
from ..catalog.formulas import Aggregate
from ..catalog.releases import Release
from ..errors import PlanError
from .facts import ROWS, FactScan, aggregated, row_filter
from .query import Relations
from .syntax import (
    aliased,
    all_of,
    column,
    days,
    double,
    expression,
    named,
    number,
    relation,
    text,
    where,
    zero_if_null,
)

POPULATION = "population"


@dataclass(frozen=True)
class Value:
    """A metric's place in the wide row: maturity flag, outcome, denominator."""

    index: int
    mature: str
    form: UnitForm
    outcome: exp.Expr
    denominator: exp.Expr | None

    @property
    def y(self) -> str:
        """Column of the outcome."""
        return f"y{self.index}"

    @property
    def d(self) -> str:
        """Column of the denominator."""
        return f"d{self.index}"


@dataclass
class _Scan:
    """The aggregates of one fact, each with its filter and window."""

    scan: FactScan
    columns: list[tuple[str, exp.Expr]] = field(default_factory=list)
    filters: list[exp.Expr | None] = field(default_factory=list)
    windows: list[float | None] = field(default_factory=list)


class Outcomes:
    """The outcomes of several metrics: which scans they need, which columns they make."""

    def __init__(self, catalog: Catalog, cutoff: exp.Expr) -> None:
        self._vocabulary = catalog.vocabulary
        self.cutoff = cutoff
        self._scans: dict[tuple[str, str], _Scan] = {}
        self.windows: list[float | None] = []

    def add(self, index: int, metric: Metric, form: UnitForm) -> Value:
        """Plan a metric's aggregates; its columns in the wide row."""
        window = metric.window_days
        if window not in self.windows:
            self.windows.append(window)
        mature = f"mature{self.windows.index(window)}"
        top, bottom = form.numerator, form.denominator
        below: exp.Expr | None = None
        if form.name == "unit_mean":
            outcome: exp.Expr = double(self._column(top, window, "mean"))
        elif form.name == "proportion":
            found = zero_if_null(self._column(top, window, "rows"))
            is_found = exp.GT(this=found, expression=exp.Literal.number(0))
            outcome = double(is_found)
        elif form.name == "ratio" and bottom is None:  # a simple average
            outcome = double(zero_if_null(self._column(top, window, "sum")))
            below = double(zero_if_null(self._column(top, window, "values")))
        else:
            outcome = double(zero_if_null(self._column(top, window, "own")))
            if bottom is not None:
                below = double(zero_if_null(self._column(bottom, window, "own")))
        if metric.cap_value is not None:
            cap = number(metric.cap_value)
            is_over = exp.GT(this=outcome, expression=cap)  # least() would drop a NULL
            outcome = exp.Case(ifs=[exp.If(this=is_over, true=cap.copy())], default=outcome.copy())
        return Value(index, mature, form, outcome, below)

    def scans(self, relations: Relations) -> list[tuple[str, exp.Select]]:
        """One statement a fact: a row a unit that has rows in its window."""
        return [
            (f"outcome{index}", self._statement(scan, relations))
            for index, scan in enumerate(self._scans.values())
        ]

    def units(self, values: Sequence[Value]) -> exp.Select:
        """The population with every outcome beside it: a row a unit."""
        select = exp.select(
            column("variant", POPULATION),
            *(column(f"mature{index}", POPULATION) for index in range(len(self.windows))),
        ).from_(named(POPULATION))
        for value in values:
            select = select.select(aliased(value.outcome, value.y), copy=False)
            if value.denominator is not None:
                select = select.select(aliased(value.denominator, value.d), copy=False)
        for index in range(len(self._scans)):
            name = f"outcome{index}"
            on = exp.EQ(this=column("unit_id", POPULATION), expression=column("unit_id", name))
            select = select.join(named(name), on=on, join_type="left", copy=False)
        return select

    def models(self) -> frozenset[str]:
        """dbt models that the outcomes read."""
        return frozenset().union(*(scan.scan.models() for scan in self._scans.values()))

    def maturity(self) -> list[exp.Expr]:
        """For each window, whether a unit's has ended by the cutoff."""
        flags: list[exp.Expr] = []
        for window in self.windows:
            exposed = column("exposed_at", "e")
            if window is None:  # it ends at the cutoff, if it has begun
                flags.append(exp.LT(this=exposed, expression=self.cutoff.copy()))
                continue
            end = exp.Add(this=exposed, expression=days(window))
            flags.append(exp.LTE(this=end, expression=self.cutoff.copy()))
        return flags

    def _column(self, aggregate: Aggregate, window: float | None, what: str) -> exp.Column:
        """The column of an aggregate within a window; the same one is computed once."""
        time = aggregate.measure.agg_time_dimension
        key = (aggregate.fact.name, time)
        if key not in self._scans:
            self._scans[key] = _Scan(FactScan(self._vocabulary, aggregate.fact, time))
        planned = self._scans[key]
        condition = planned.scan.filters(aggregate)
        parts = [] if condition is None else [condition.copy()]
        if window is not None:
            end = exp.Add(this=column("exposed_at", "p"), expression=days(window))
            parts.append(exp.LT(this=planned.scan.time_column, expression=end))
        tree = _outcome(aggregate, all_of(parts), what)
        name = next(
            (known for known, other in planned.columns if other == tree),
            f"a{len(planned.columns)}",
        )
        if all(known != name for known, _ in planned.columns):
            planned.columns.append((name, tree))
        planned.filters.append(condition)
        planned.windows.append(window)
        return column(name, f"outcome{list(self._scans).index(key)}")

    def _statement(self, planned: _Scan, relations: Relations) -> exp.Select:
        scan, time = planned.scan, planned.scan.time_column
        unit = scan.fact.unit
        if unit is None:
            raise PlanError(f"{scan.fact.name} has no entity `unit`", code="no_unit")
        exposed = column("exposed_at", "p")
        conditions: list[exp.Expr] = [
            exp.GTE(this=time, expression=exposed),
            exp.LT(this=time.copy(), expression=self.cutoff.copy()),
        ]
        bounded = [window for window in planned.windows if window is not None]
        if len(bounded) == len(planned.windows):
            end = exp.Add(this=exposed.copy(), expression=days(max(bounded)))
            conditions.append(exp.LT(this=time.copy(), expression=end))
        relevant = row_filter(planned.filters)
        if relevant is not None:
            conditions.append(relevant)
        on = exp.EQ(this=expression(unit.expr, ROWS), expression=column("unit_id", "p"))
        select = scan.source(relations).join(named(POPULATION, "p"), on=on, copy=False)
        return (
            select.select(
                column("unit_id", "p"),
                *(aliased(tree, name) for name, tree in planned.columns),
                copy=False,
            )
            .where(all_of(conditions), copy=False)
            .group_by(column("unit_id", "p"), copy=False)
        )


def population(release: Release, plan: Outcomes, relations: Relations) -> exp.Select:
    """Units of the release, bots and crossovers left out, with their maturity."""
    flags = plan.maturity()
    is_kept = [
        exp.EQ(this=column("release", "e"), expression=text(release.release)),
        exp.In(this=column("variant", "e"), expressions=[text(name) for name in release.variants]),
        *(
            exp.Not(this=exp.Is(this=column(name, "e"), expression=exp.Boolean(this=True)))
            for name in ("is_crossover", "is_bot")
        ),
    ]
    return (
        exp.select(
            *(column(name, "e") for name in ("unit_id", "variant", "exposed_at")),
            *(aliased(flag, f"mature{index}") for index, flag in enumerate(flags)),
        )
        .from_(relation(EXPOSURES_MODEL, "e", relations), copy=False)
        .where(all_of(is_kept), copy=False)
    )


def _outcome(aggregate: Aggregate, condition: exp.Expr | None, what: str) -> exp.Expr:
    """One aggregate of a unit's rows.

    Args:
        what: own (its aggregation), rows (how many matter to a distinct count), sum, values
            (how many are not null), mean.
    """
    value = expression(aggregate.measure.expr, ROWS)
    if what == "own":
        return aggregated(aggregate, condition)
    if what in ("rows", "values"):
        return where(exp.Count(this=value), condition)
    return where((exp.Sum if what == "sum" else exp.Avg)(this=value), condition)
