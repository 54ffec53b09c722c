"""What a metric computes, through its inputs: aggregates, quotients and arithmetic.

A formula is the one source for everything made of a definition: plain queries, unit outcomes,
the models it reads and its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from ..documents import digest
from ..errors import QueryRefused
from .definitions import (
    METRIC_TIME,
    Dimension,
    Fill,
    Measure,
    Metric,
    SemanticModel,
)
from .expressions import Reference, canonical, parse_arithmetic, parse_column_expression
from .expressions import parse_condition as _condition
from .joins import JoinGraph, Path, spelled_hops
from .kinds import Conversion, Cumulative, Funnel, KindParams, Retention, Span, SpanUnit
from .names import did_you_mean, refused, show


@dataclass(frozen=True)
class Aggregate:
    """One measure under all the conditions that apply to it.

    Args:
        fact: The model whose rows are aggregated.
        measure: Aggregation and expression.
        filters: Conditions, all of which must hold.
        is_unit_mean: Whether a unit counts once, with the mean of its non-null values.
        offset: Rows count so much later than they happened; None for when they happened.
        offset_to: Periods of this grain show the value of their first day; None for their own.
        fill: What stands where there are no rows; None for nothing.
    """

    fact: SemanticModel
    measure: Measure
    filters: tuple[str, ...] = ()
    is_unit_mean: bool = False
    offset: Span | None = None
    offset_to: SpanUnit | None = None
    fill: Fill | None = None


@dataclass(frozen=True)
class Quotient:
    """Numerator divided by denominator.

    Args:
        is_zero: Whether it is 0 where the denominator is 0; else it has no value there.
    """

    numerator: Formula
    denominator: Formula
    denominator_metric: str = ""
    is_zero: bool = False


@dataclass(frozen=True)
class Arithmetic:
    """An expression over the aliases of other formulas."""

    expr: str
    inputs: Mapping[str, Formula] = field(default_factory=dict)


@dataclass(frozen=True)
class Accumulated:
    """An aggregate over a stretch of time that ends at each period."""

    aggregate: Aggregate
    params: Cumulative


@dataclass(frozen=True)
class Converted:
    """Base rows that are followed by a converting row of the same entity."""

    base: Aggregate
    converted: Aggregate
    params: Conversion


@dataclass(frozen=True)
class Funnelled:
    """Units that take steps in their order; the aggregates say which rows are a step."""

    steps: tuple[Aggregate, ...]
    params: Funnel


@dataclass(frozen=True)
class Retained:
    """Units that come back in a later period."""

    cohort: Aggregate
    returns: Aggregate
    params: Retention


Formula = Aggregate | Quotient | Arithmetic | Accumulated | Converted | Funnelled | Retained


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name's column stands: in the fact itself, or in a model joined to it by a path."""

    model: SemanticModel
    expr: str
    path: Path = ()


@dataclass(frozen=True)
class _Asked:
    """What a metric is asked with by those that are made of it."""

    filters: tuple[str, ...] = ()
    offset: Span | None = None
    offset_to: SpanUnit | None = None


@dataclass(frozen=True)
class Vocabulary:
    """Metrics and models by name: what a formula is resolved in.

    Args:
        time_zone: IANA name; times in conditions of definitions are what its clock shows.
    """

    metrics: Mapping[str, Metric]
    measures: Mapping[str, tuple[SemanticModel, Measure]]
    units: SemanticModel | None
    time_zone: str = "UTC"
    models: Mapping[str, SemanticModel] = field(default_factory=dict)

    @cached_property
    def joins(self) -> JoinGraph:
        """Which models are joined to which."""
        return JoinGraph(self.models)

    def formula(self, metric: Metric, filters: tuple[str, ...] = ()) -> Formula:
        """The formula of a metric whose references are known to exist, without cycles."""
        return self._formula(metric, _Asked(filters))

    def _formula(self, metric: Metric, asked: _Asked) -> Formula:
        inner = replace(asked, filters=(*metric.filters, *asked.filters))
        params = metric.params
        if isinstance(params, Conversion):
            base = self._rows(params.base, params.base_filters, inner)
            return Converted(
                base, self._rows(params.converted, params.converted_filters, inner), params
            )
        if isinstance(params, Funnel):
            steps = (self._rows(one.measure, one.filters, inner) for one in params.steps)
            return Funnelled(tuple(steps), params)
        if isinstance(params, Retention):
            cohort, returns = (
                self._rows(one.measure, one.filters, inner)
                for one in (params.cohort, params.returns)
            )
            return Retained(cohort, returns, params)
        if metric.measure is not None:
            one = self._rows(metric.measure, (), inner)
            one = replace(one, is_unit_mean=metric.kind == "unit_mean", fill=metric.fill)
            return Accumulated(one, params) if isinstance(params, Cumulative) else one
        parts = [
            self._formula(
                self.metrics[one.metric],
                _Asked(
                    (*inner.filters, *one.filters),
                    one.offset or inner.offset,
                    one.offset_to or inner.offset_to,
                ),
            )
            for one in metric.inputs
        ]
        if metric.kind == "ratio":
            is_zero = metric.zero_denominator == "zero"
            return Quotient(parts[0], parts[1], metric.inputs[1].metric, is_zero)
        named = zip((one.alias for one in metric.inputs), parts, strict=True)
        return Arithmetic(metric.expr or "", dict(named))

    def _rows(self, measure: str, filters: tuple[str, ...], asked: _Asked) -> Aggregate:
        model, found = self.measures[measure]
        conditions = (*asked.filters, *filters)
        return Aggregate(model, found, conditions, offset=asked.offset, offset_to=asked.offset_to)

    def place(self, fact: SemanticModel, reference: Reference, time: str) -> Place:
        """Where the column of a reference stands, seen from a fact.

        Args:
            time: The time dimension that `metric_time` means.

        Raises:
            QueryRefused: The fact has no such name, two paths lead to it, or it would fan out.
        """
        name = reference.name
        if name == METRIC_TIME:
            return Place(fact, fact.dimensions[time].expr)
        *entities, short = name.split("__")
        if reference.kind == "entity":
            if not entities and short in fact.entities:
                return Place(fact, fact.entities[short].expr)
        elif len(entities) == 1 and entities[0] in fact.prefixes and short in fact.dimensions:
            return Place(fact, fact.dimensions[short].expr)
        found: list[Place] = []
        for path in self.joins.along(fact, tuple(entities)):
            model = path[-1].model
            own = model.entities if reference.kind == "entity" else model.dimensions
            if short in own:
                found.append(Place(model, own[short].expr, path))
        if len(found) == 1:
            return found[0]
        raise self.unplaced(fact, reference, [one.path for one in found])

    def unplaced(
        self, fact: SemanticModel, reference: Reference, paths: Sequence[Path] = ()
    ) -> QueryRefused:
        """Why a name has no place that is sure: two paths, a fan-out, or nothing like it."""
        name, kind = reference.name, "entity" if reference.kind == "entity" else "dimension"
        refusal = self.joins.refusal(fact, kind, name, paths)
        if refusal is not None:
            return refusal
        known: Iterable[str] = fact.entities if kind == "entity" else self.names_of(fact)
        what = f"unknown {kind} {show(name)} of {fact.name}"
        return refused(what, did_you_mean(name, known), f"unknown_{kind}")

    @staticmethod
    def constant(fact: SemanticModel, name: str) -> Reference:
        """What a constant property means: an entity, a dimension of the fact, or one in full."""
        if name in fact.entities:
            return Reference("entity", name)
        if name in fact.dimensions:
            return Reference("dimension", f"{fact.primary_entity}__{name}")
        return Reference("dimension", name)

    def names_of(self, fact: SemanticModel) -> dict[str, Dimension]:
        """Every dimension reachable from a fact, by full name."""
        if fact.name not in self._names:
            own = {f"{fact.primary_entity}__{name}": one for name, one in fact.dimensions.items()}
            self._names[fact.name] = {**self.joins.dimensions(fact), **own}
        return self._names[fact.name]

    @cached_property
    def _names(self) -> dict[str, dict[str, Dimension]]:
        return {}

    def _models_at(self, aggregate: Aggregate, reference: Reference) -> set[str]:
        """dbt models that a name of an aggregate's fact needs."""
        time = aggregate.measure.agg_time_dimension
        place = self.place(aggregate.fact, reference, time)
        return {place.model.model, *(hop.model.model for hop in place.path)}

    def models_of(self, formula: Formula) -> frozenset[str]:
        """Names of the dbt models that a formula reads."""
        found = set()
        for aggregate in aggregates(formula):
            found.add(aggregate.fact.model)
            for text in aggregate.filters:
                for reference in _condition(text).references:
                    found |= self._models_at(aggregate, reference)
        for one in _conversions(formula):
            for side, aggregate in enumerate((one.base, one.converted)):
                for pair in one.params.constants:
                    reference = self.constant(aggregate.fact, pair[side])
                    found |= self._models_at(aggregate, reference)
        return frozenset(found)

    def digest_of(self, metric: Metric, formula: Formula) -> str:
        """Digest of what is computed: the same formula, window and cap give the same digest."""
        return digest(
            {
                "formula": self._canonical(formula),
                "window_days": metric.window_days,
                "cap_value": metric.cap_value,
            }
        )

    def key(self, formula: Formula) -> str:
        """The same text for formulas that compute the same."""
        return digest({"formula": self._canonical(formula)})

    def _canonical(self, formula: Formula) -> Any:
        if isinstance(formula, Quotient):
            return [
                "quotient",
                self._canonical(formula.numerator),
                self._canonical(formula.denominator),
                formula.denominator_metric == "exposed_units",
                *(["zero"] if formula.is_zero else []),  # no value: as it was digested before
            ]
        if isinstance(formula, Arithmetic):
            inputs = {name: self._canonical(one) for name, one in formula.inputs.items()}
            return ["arithmetic", canonical(parse_arithmetic(formula.expr), inputs.__getitem__)]
        if isinstance(formula, Aggregate):
            return self._canonical_aggregate(formula)
        inner = [self._canonical_aggregate(one) for one in aggregates(formula)]
        return [type(formula).__name__.lower(), inner, _spelled_params(formula.params)]

    def _canonical_aggregate(self, formula: Aggregate) -> Any:
        fact, measure = formula.fact, formula.measure
        time = measure.agg_time_dimension

        def spelled(text: str) -> Any:
            condition = _condition(text)

            def named(name: str) -> Any:
                reference = condition.references[int(name.rsplit("_", 1)[1])]
                place = self.place(fact, reference, time)
                expr = canonical(parse_column_expression(place.expr))
                path = spelled_hops(place.path)
                return [place.model.model, expr, reference.grain, *([path] if path else [])]

            return canonical(condition.tree, named)

        more = {
            "percentile": measure.percentile,
            "is_discrete": measure.is_discrete,
            "is_approximate": measure.is_approximate,
            "non_additive": measure.non_additive and asdict(measure.non_additive),
            "offset": formula.offset and str(formula.offset),
            "offset_to": formula.offset_to,
            "fill": formula.fill and asdict(formula.fill),
        }
        said = {name: value for name, value in more.items() if value}
        return [
            "unit_mean" if formula.is_unit_mean else measure.agg,
            fact.model,
            fact.unit.expr if fact.unit else None,
            canonical(parse_column_expression(measure.expr)),
            canonical(parse_column_expression(fact.dimensions[time].expr)),
            sorted((spelled(text) for text in formula.filters), key=digest),
            *([said] if said else []),  # none: as it was digested before these were known
        ]


def _spelled_params(params: KindParams) -> dict[str, Any]:
    """What a kind says, without the names and texts that its aggregates hold resolved."""
    left_out = {"base", "converted", "base_filters", "converted_filters", "cohort", "returns"}
    found = {name: value for name, value in asdict(params).items() if name not in left_out}
    if isinstance(params, Funnel):
        names = [one.name for one in params.steps]
        found |= {
            "steps": len(names),
            "of": names.index(params.of),
            "over": names.index(params.over),
        }
    return found


def leading(formula: Formula) -> Iterator[Aggregate]:
    """The aggregates whose rows a query groups and filters: of a conversion the base rows."""
    if isinstance(formula, Converted):
        yield formula.base
    elif isinstance(formula, Funnelled):
        yield formula.steps[0]
    elif isinstance(formula, Retained):
        yield formula.cohort
    elif isinstance(formula, Quotient):
        yield from leading(formula.numerator)
        yield from leading(formula.denominator)
    elif isinstance(formula, Arithmetic):
        for one in formula.inputs.values():
            yield from leading(one)
    else:
        yield from aggregates(formula)


def _conversions(formula: Formula) -> Iterator[Converted]:
    """Every conversion within a formula."""
    if isinstance(formula, Converted):
        yield formula
    elif isinstance(formula, Quotient):
        yield from _conversions(formula.numerator)
        yield from _conversions(formula.denominator)
    elif isinstance(formula, Arithmetic):
        for one in formula.inputs.values():
            yield from _conversions(one)


def aggregates(formula: Formula) -> Iterator[Aggregate]:
    """Every aggregate of a formula, left to right."""
    if isinstance(formula, Aggregate):
        yield formula
    elif isinstance(formula, Quotient):
        yield from aggregates(formula.numerator)
        yield from aggregates(formula.denominator)
    elif isinstance(formula, Arithmetic):
        for one in formula.inputs.values():
            yield from aggregates(one)
    elif isinstance(formula, Accumulated):
        yield formula.aggregate
    elif isinstance(formula, Converted):
        yield from (formula.base, formula.converted)
    elif isinstance(formula, Funnelled):
        yield from formula.steps
    else:
        yield from (formula.cohort, formula.returns)
