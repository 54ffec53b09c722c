"""A release's population and, for every unit of it, the outcome of every metric.

A fact is scanned once. Each row gets a flag for every condition and period (after the exposure
within a window, or before it) that some aggregate asks for; then a row a unit is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import EXPOSURES_MODEL, Metric
from ..catalog.forms import UnitForm
from ..catalog.formulas import Aggregate
from ..catalog.releases import Release
from ..errors import PlanError
from .facts import ROWS, FactScan, row_filter, total
from .query import Relations
from .syntax import (
    aliased,
    all_of,
    below,
    column,
    days,
    double,
    expression,
    is_known,
    named,
    number,
    relation,
    text,
    where,
    zero_if_null,
)

POPULATION = "population"
#: The pre-period: so many days up to the exposure. Days.
PRE_PERIOD_DAYS = 28

_FLAGGED = "r"  # the rows of a fact with their flags
_BEFORE = "before"
#: Aggregations whose values are whole numbers, which add up without losing digits.
_COUNTS = ("count", "count_distinct", "sum_boolean")


@dataclass(frozen=True)
class Value:
    """A metric's place in the wide row.

    Args:
        mature: Flag column: whether the unit's window has ended.
        parts: Expression by letter: y the outcome (of a ratio its numerator), d the denominator,
            x and w the same two in the pre-period.
        is_wide: Whether its values can be large against their spread.
        is_binary: Whether every value is 0 or 1.
    """

    index: int
    mature: str
    form: UnitForm
    parts: Mapping[str, exp.Expr]
    is_wide: bool
    is_binary: bool

    def name(self, letter: str) -> str:
        """Column of a part."""
        return f"{letter}{self.index}"

    @property
    def can_miss(self) -> bool:
        """Whether a unit may have no value."""
        return self.form.name == "unit_mean"


@dataclass
class _Scan:
    """What is asked of one fact: flags and values of a row, aggregates of a unit's rows."""

    scan: FactScan
    flags: list[exp.Expr] = field(default_factory=list)
    values: list[exp.Expr] = field(default_factory=list)
    columns: list[exp.Expr] = field(default_factory=list)
    filters: list[exp.Expr | None] = field(default_factory=list)
    windows: list[float | None] = field(default_factory=list)


class Outcomes:
    """The outcomes of several metrics: which scans they need, which columns they make.

    Args:
        cutoff: Rows at or after it are not looked at.
        has_pre_period: Whether the values of the pre-period are wanted too.
    """

    def __init__(self, catalog: Catalog, cutoff: exp.Expr, *, has_pre_period: bool = False) -> None:
        self._vocabulary = catalog.vocabulary
        self.cutoff = cutoff
        self._has_pre_period = has_pre_period
        self._scans: dict[tuple[str, str], _Scan] = {}
        self.windows: list[float | None] = []

    def add(self, index: int, metric: Metric, form: UnitForm) -> Value:
        """Plan a metric's aggregates; its columns in the wide row."""
        window = metric.window_days
        if window not in self.windows:
            self.windows.append(window)
        mature = f"mature{self.windows.index(window)}"
        parts: dict[str, exp.Expr] = {}
        entered: exp.Expr = column(mature, POPULATION)
        for letters, period in (("yd", window), ("xw", _BEFORE)):
            if period == _BEFORE and not self._has_pre_period:
                continue
            top, bottom = self._outcome(metric, form, period)
            parts[letters[0]] = exp.Case(ifs=[exp.If(this=entered.copy(), true=top)])
            if bottom is not None:
                parts[letters[1]] = exp.Case(ifs=[exp.If(this=entered.copy(), true=bottom)])
            if form.name == "unit_mean":  # without an outcome there is nothing to compare with
                entered = exp.And(this=entered, expression=is_known(top.copy()))
        aggregates = [one for one in (form.numerator, form.denominator) if one is not None]
        is_wide = form.name != "proportion" and any(
            one.measure.agg not in _COUNTS for one in aggregates
        )
        is_binary = form.name == "proportion" and metric.cap_value is None
        return Value(index, mature, form, parts, is_wide, is_binary)

    def scans(self, relations: Relations) -> list[tuple[str, exp.Select]]:
        """One statement a fact: a row a unit that has rows in its periods."""
        return [
            (f"outcome{index}", self._statement(scan, relations))
            for index, scan in enumerate(self._scans.values())
        ]

    def units(self, values: Sequence[Value], keys: Sequence[exp.Expr]) -> exp.Select:
        """The population with every outcome beside it: a row a unit.

        Args:
            keys: More columns of it, under their names.
        """
        select = exp.select(
            *keys, *(column(f"mature{index}", POPULATION) for index in range(len(self.windows)))
        ).from_(named(POPULATION))
        for value in values:
            for letter, part in value.parts.items():
                select = select.select(aliased(part, value.name(letter)), copy=False)
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

    def _outcome(
        self, metric: Metric, form: UnitForm, period: float | str | None
    ) -> tuple[exp.Expr, exp.Expr | None]:
        """A unit's value in a period, and its denominator."""
        top, bottom = form.numerator, form.denominator
        under: exp.Expr | None = None
        if form.name == "unit_mean":
            outcome: exp.Expr = double(self._column(top, period, "mean"))
        elif form.name == "proportion":
            found = zero_if_null(self._column(top, period, "rows"))
            outcome = double(exp.GT(this=found, expression=exp.Literal.number(0)))
        elif form.name == "ratio" and bottom is None:  # a simple average
            outcome = double(zero_if_null(self._column(top, period, "sum")))
            under = double(zero_if_null(self._column(top, period, "values")))
        else:
            outcome = double(zero_if_null(self._column(top, period, "own")))
            if bottom is not None:
                under = double(zero_if_null(self._column(bottom, period, "own")))
        if metric.cap_value is not None:
            cap = number(metric.cap_value)
            is_over = exp.GT(this=outcome, expression=cap)  # least() would drop a NULL
            outcome = exp.Case(ifs=[exp.If(this=is_over, true=cap.copy())], default=outcome.copy())
        return outcome, under

    def _column(self, aggregate: Aggregate, period: float | str | None, what: str) -> exp.Column:
        """The column of an aggregate within a period; the same one is computed once."""
        time = aggregate.measure.agg_time_dimension
        key = (aggregate.fact.name, time)
        if key not in self._scans:
            self._scans[key] = _Scan(FactScan(self._vocabulary, aggregate.fact, time))
        planned = self._scans[key]
        condition = planned.scan.filters(aggregate)
        flag = self._flag(planned, condition, period)
        value = column(
            _place(planned.values, expression(aggregate.measure.expr, ROWS), "v"), _FLAGGED
        )
        tree = _aggregate(aggregate, value, flag, what)
        planned.filters.append(condition)
        if period != _BEFORE:
            planned.windows.append(period if not isinstance(period, str) else None)
        name = _place(planned.columns, tree, "a")
        return column(name, f"outcome{list(self._scans).index(key)}")

    def _flag(
        self, planned: _Scan, condition: exp.Expr | None, period: float | str | None
    ) -> exp.Expr | None:
        """The flag of rows that fulfil a condition in a period; None where all rows do."""
        exposed = column("exposed_at", "p")
        parts = [] if condition is None else [condition.copy()]
        if period == _BEFORE:
            parts.append(exp.LT(this=planned.scan.time_column, expression=exposed))
        elif self._has_pre_period:
            parts.append(exp.GTE(this=planned.scan.time_column, expression=exposed))
        if isinstance(period, (int, float)):
            end = exp.Add(this=exposed.copy(), expression=days(period))
            parts.append(exp.LT(this=planned.scan.time_column, expression=end))
        if not parts:
            return None
        flag = all_of(parts)
        assert flag is not None  # noqa: S101 - there are parts
        return column(_place(planned.flags, flag, "f"), _FLAGGED)

    def _statement(self, planned: _Scan, relations: Relations) -> exp.Select:
        scan, time = planned.scan, planned.scan.time_column
        unit = scan.fact.unit
        if unit is None:
            raise PlanError(f"{scan.fact.name} has no entity `unit`", code="no_unit")
        exposed = column("exposed_at", "p")
        begins: exp.Expr = exposed
        if self._has_pre_period:
            begins = exp.Sub(this=exposed.copy(), expression=days(PRE_PERIOD_DAYS))
        conditions: list[exp.Expr] = [
            exp.GTE(this=time, expression=begins),
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
        rows = (
            scan.source(relations)
            .join(named(POPULATION, "p"), on=on, copy=False)
            .select(
                column("unit_id", "p"),
                *(aliased(tree, f"f{index}") for index, tree in enumerate(planned.flags)),
                *(aliased(tree, f"v{index}") for index, tree in enumerate(planned.values)),
                copy=False,
            )
            .where(all_of(conditions), copy=False)
        )
        return (
            exp.select(
                column("unit_id", _FLAGGED),
                *(aliased(tree, f"a{index}") for index, tree in enumerate(planned.columns)),
            )
            .from_(below(rows, _FLAGGED), copy=False)
            .group_by(column("unit_id", _FLAGGED), copy=False)
        )


def population(
    release: Release,
    plan: Outcomes,
    relations: Relations,
    *,
    segments: Sequence[tuple[str, exp.Expr]] = (),
    only: Sequence[exp.Expr] = (),
) -> exp.Select:
    """Units of the release, bots and crossovers left out, with their maturity.

    Where clusters were assigned, units without a single one and those of clusters with two
    variants are left out too.

    Args:
        segments: Further columns: name, and expression over the exposures' alias `e`.
        only: Conditions over the same alias.
    """
    flags = plan.maturity()
    is_kept = [
        exp.EQ(this=column("release", "e"), expression=text(release.release)),
        exp.In(this=column("variant", "e"), expressions=[text(name) for name in release.variants]),
        *(
            exp.Not(this=exp.Is(this=column(name, "e"), expression=exp.Boolean(this=True)))
            for name in ("is_crossover", "is_bot")
        ),
        *only,
    ]
    keys = ["unit_id", "variant", "exposed_at"]
    if release.cluster is not None:
        keys.append("cluster_id")
        is_kept.append(_is_of_one_variant(release, plan, relations))
    return (
        exp.select(
            *(column(name, "e") for name in keys),
            *(aliased(flag, f"mature{index}") for index, flag in enumerate(flags)),
            *(aliased(tree, name) for name, tree in segments),
        )
        .from_(relation(EXPOSURES_MODEL, "e", relations), copy=False)
        .where(all_of(is_kept), copy=False)
    )


def _is_of_one_variant(release: Release, plan: Outcomes, relations: Relations) -> exp.Expr:
    """Whether a unit's cluster is known, and all of its exposed units met one variant."""
    variant = column("variant", "c")
    conditions = [
        exp.EQ(this=column("release", "c"), expression=text(release.release)),
        exp.LT(this=column("exposed_at", "c"), expression=plan.cutoff.copy()),
        *(
            exp.Not(this=exp.Is(this=column(name, "c"), expression=exp.Boolean(this=True)))
            for name in ("is_in_two_clusters", "is_crossover", "is_bot")
        ),
    ]
    of_one = exp.EQ(this=exp.Min(this=variant), expression=exp.Max(this=variant.copy()))
    clusters = (
        exp.select(column("cluster_id", "c"))
        .from_(relation(EXPOSURES_MODEL, "c", relations), copy=False)
        .where(all_of([*conditions, is_known(column("cluster_id", "c"))]), copy=False)
        .group_by(column("cluster_id", "c"), copy=False)
        .having(of_one, copy=False)
    )
    is_single = exp.Not(
        this=exp.Is(this=column("is_in_two_clusters", "e"), expression=exp.Boolean(this=True))
    )
    within = exp.In(this=column("cluster_id", "e"), query=exp.Subquery(this=clusters))
    return exp.And(this=is_single, expression=within)


def _place(known: list[exp.Expr], tree: exp.Expr, prefix: str) -> str:
    """The name of a tree among those known; it is added where it is new."""
    if tree not in known:
        known.append(tree)
    return f"{prefix}{known.index(tree)}"


def _aggregate(aggregate: Aggregate, value: exp.Expr, flag: exp.Expr | None, what: str) -> exp.Expr:
    """One aggregate of a unit's rows.

    Args:
        what: own (its aggregation), rows (how many matter to a distinct count), sum, values
            (how many are not null), mean.
    """
    if what == "own":
        return total(aggregate.measure, value, flag)
    if what in ("rows", "values"):
        return where(exp.Count(this=value), flag)
    return where((exp.Sum if what == "sum" else exp.Avg)(this=value), flag)
