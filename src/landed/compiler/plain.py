"""Metrics over all rows, by dimensions and time.

Each fact is scanned once for all aggregates that it holds; what belongs to one aggregate alone
stands in its FILTER. Groups of several facts are brought together on a spine of their keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from ..catalog.catalog import Catalog
from ..catalog.definitions import METRIC_TIME
from ..catalog.expressions import parse_arithmetic, replace_columns
from ..catalog.formulas import Aggregate, Formula, Quotient
from .answers import answer
from .facts import COUNTS, ROWS, FactScan, aggregated, row_filter, truncated
from .names import Asked, resolve
from .query import Compiled, Dialect, MetricQuery, Relations
from .release_scope import compile_release_scope
from .syntax import (
    aliased,
    all_of,
    append_cte,
    column,
    common,
    divided,
    expression,
    identifier,
    named,
    where,
    zero_if_null,
)

_UNIT = "unit_id"
_SPINE = "keys"


def compile_query(
    catalog: Catalog,
    query: MetricQuery,
    dialect: Dialect = "duckdb",
    relations: Relations | None = None,
) -> Compiled:
    """Compile a question to one SELECT.

    With a condition on `release` the unit outcomes of that release are meant, and the numbers
    are the means of its report; without one, all rows.

    Args:
        relations: Where the marts stand; None means schema `main` of the current database.

    Raises:
        QueryRefused: A name is unknown, or the query asks for what does not exist.
        PlanError: The dialect is not supported.
    """
    asked = resolve(catalog, query)
    places = relations or Relations()
    if asked.is_release_scope:
        return compile_release_scope(catalog, query, asked, dialect, places)
    plan = _Plan(catalog, query, asked)
    metrics = {name: plan.value(catalog.formula(name)) for name in asked.metrics}
    result = plan.result(metrics, places)
    columns = {key: f"k{index}" for index, key in enumerate(asked.keys)}
    columns |= {name: f"m{index}" for index, name in enumerate(asked.metrics)}
    return answer(asked, result, columns, limit=query.limit, dialect=dialect, models=plan.models())


@dataclass
class _Fact:
    """The aggregates asked of one scan. `is_unit_mean` ones go through one row a unit first."""

    scan: FactScan
    is_unit_mean: bool
    aggregates: list[tuple[Aggregate, exp.Expr | None]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, aggregate: Aggregate) -> int:
        """Position of an aggregate; the same one is computed once."""
        condition = self.scan.filters(aggregate)
        text = aggregated(aggregate, condition).sql("duckdb")
        if text not in self.texts:
            self.texts.append(text)
            self.aggregates.append((aggregate, condition))
        return self.texts.index(text)


class _Plan:
    def __init__(self, catalog: Catalog, query: MetricQuery, asked: Asked) -> None:
        self._catalog = catalog
        self._query = query
        self._asked = asked
        self._facts: dict[tuple[str, str, bool], _Fact] = {}

    def value(self, formula: Formula) -> exp.Expr:
        """A metric's value over the columns of the facts' results."""
        if isinstance(formula, Aggregate):
            return self._aggregate(formula)
        if isinstance(formula, Quotient):
            return divided(self.value(formula.numerator), self.value(formula.denominator))
        inputs = {name: self.value(one) for name, one in formula.inputs.items()}
        tree = parse_arithmetic(formula.expr)
        bound = replace_columns(tree, lambda found: exp.paren(inputs[found.name]))
        return exp.paren(bound, copy=False)

    def result(self, metrics: dict[str, exp.Expr], relations: Relations) -> exp.Select:
        """One row a group: keys as k0…, metrics as m0…, with the facts as table expressions."""
        facts = list(self._facts.values())
        keys = [f"k{index}" for index in range(len(self._asked.keys))]
        select = exp.Select()
        for index, fact in enumerate(facts):
            for cte in self._fact(fact, f"f{index}", keys, relations):
                append_cte(select, cte)
        spine = "f0"
        if len(facts) > 1 and keys:
            spine = _SPINE
            append_cte(select, common(_SPINE, _union_of_keys(len(facts), keys)))
        select = select.select(
            *(aliased(column(key, spine), key) for key in keys),
            *(aliased(value, f"m{index}") for index, value in enumerate(metrics.values())),
            copy=False,
        )
        select = select.from_(named(spine), copy=False)
        for index in range(0 if spine == _SPINE else 1, len(facts)):
            same = all_of(
                exp.NullSafeEQ(this=column(key, spine), expression=column(key, f"f{index}"))
                for key in keys
            )
            other = named(f"f{index}")
            if same is None:  # no group: one row each
                select = select.join(other, join_type="cross", copy=False)
            else:
                select = select.join(other, on=same, join_type="left", copy=False)
        return select

    def models(self) -> frozenset[str]:
        """dbt models that the query reads."""
        return frozenset().union(*(fact.scan.models() for fact in self._facts.values()))

    def _aggregate(self, aggregate: Aggregate) -> exp.Expr:
        time = aggregate.measure.agg_time_dimension
        key = (aggregate.fact.name, time, aggregate.is_unit_mean)
        if key not in self._facts:
            scan = FactScan(self._catalog.vocabulary, aggregate.fact, time)
            self._facts[key] = _Fact(scan, aggregate.is_unit_mean)
        position = self._facts[key].add(aggregate)
        found = column(f"a{position}", f"f{list(self._facts).index(key)}")
        # a group that only another fact has: nothing was counted there
        return zero_if_null(found) if aggregate.measure.agg in COUNTS else found

    def _fact(self, fact: _Fact, name: str, keys: list[str], relations: Relations) -> list[exp.CTE]:
        scan = fact.scan
        groups = [
            truncated(scan.time_column, self._query.grain or "day")
            if key == METRIC_TIME
            else scan.dimension(key)
            for key in self._asked.keys
        ]
        conditions = [scan.bind(condition) for condition in self._asked.where]
        relevant = row_filter([condition for _, condition in fact.aggregates])
        if relevant is not None:
            conditions.append(relevant)
        unit = scan.fact.unit
        if fact.is_unit_mean and unit is not None:
            groups.append(expression(unit.expr, ROWS))
            is_known = exp.Not(this=exp.Is(this=expression(unit.expr, ROWS), expression=exp.Null()))
            conditions.append(is_known)
        names = [*keys, _UNIT] if fact.is_unit_mean else keys
        select = scan.source(relations).select(
            *(aliased(group, key) for group, key in zip(groups, names, strict=True)),
            *(
                aliased(_aggregated(one, condition), f"a{index}")
                for index, (one, condition) in enumerate(fact.aggregates)
            ),
            copy=False,
        )
        restricted = all_of(conditions)
        if restricted is not None:
            select = select.where(restricted, copy=False)
        select = _grouped(select, len(names))
        if not fact.is_unit_mean:
            return [common(name, select)]
        outer = exp.select(
            *(aliased(column(key), key) for key in keys),
            *(
                aliased(exp.Avg(this=column(f"a{index}")), f"a{index}")
                for index in range(len(fact.aggregates))
            ),
        ).from_(named(f"{name}_units"), copy=False)
        return [common(f"{name}_units", select), common(name, _grouped(outer, len(keys)))]


def _aggregated(aggregate: Aggregate, condition: exp.Expr | None) -> exp.Expr:
    if not aggregate.is_unit_mean:
        return aggregated(aggregate, condition.copy() if condition is not None else None)
    value = expression(aggregate.measure.expr, ROWS)
    return where(exp.Avg(this=value), condition.copy() if condition is not None else None)


def _grouped(select: exp.Select, count: int) -> exp.Select:
    """Group by the first `count` columns."""
    for position in range(1, count + 1):
        select = select.group_by(exp.Literal.number(position), copy=False)
    return select


def _union_of_keys(facts: int, keys: list[str]) -> exp.Expr:
    """Every group that any fact has, once."""
    parts: list[exp.Expr] = [
        exp.select(*(exp.Column(this=identifier(key)) for key in keys)).from_(named(f"f{index}"))
        for index in range(facts)
    ]
    union = parts[0]
    for part in parts[1:]:
        union = exp.Union(this=union, expression=part, distinct=True)
    return union
