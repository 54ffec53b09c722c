"""What a metric computes, through its inputs: aggregates, quotients and arithmetic.

A formula is the one source for everything made of a definition: plain queries, unit outcomes,
the models it reads and its digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..documents import digest
from .definitions import METRIC_TIME, UNIT_ENTITY, Dimension, Measure, Metric, SemanticModel
from .expressions import Reference, canonical, parse_arithmetic, parse_column_expression
from .expressions import parse_condition as _condition
from .names import did_you_mean, refused, show


@dataclass(frozen=True)
class Aggregate:
    """One measure under all the conditions that apply to it.

    Args:
        fact: The model whose rows are aggregated.
        measure: Aggregation and expression.
        filters: Conditions, all of which must hold.
        is_unit_mean: Whether a unit counts once, with the mean of its non-null values.
    """

    fact: SemanticModel
    measure: Measure
    filters: tuple[str, ...] = ()
    is_unit_mean: bool = False


@dataclass(frozen=True)
class Quotient:
    """Numerator divided by denominator; NULL where that is zero."""

    numerator: Formula
    denominator: Formula
    denominator_metric: str = ""


@dataclass(frozen=True)
class Arithmetic:
    """An expression over the aliases of other formulas."""

    expr: str
    inputs: Mapping[str, Formula] = field(default_factory=dict)


Formula = Aggregate | Quotient | Arithmetic


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name's column stands: in the fact itself, or in the unit's model joined to it."""

    model: SemanticModel
    expr: str
    is_joined: bool


@dataclass(frozen=True)
class Vocabulary:
    """Metrics and models by name: what a formula is resolved in."""

    metrics: Mapping[str, Metric]
    measures: Mapping[str, tuple[SemanticModel, Measure]]
    units: SemanticModel | None

    def formula(self, metric: Metric, filters: tuple[str, ...] = ()) -> Formula:
        """The formula of a metric whose references are known to exist, without cycles."""
        conditions = (*metric.filters, *filters)
        if metric.kind in ("simple", "unit_mean"):
            model, measure = self.measures[metric.measure or ""]
            return Aggregate(model, measure, conditions, metric.kind == "unit_mean")
        parts = [
            self.formula(self.metrics[one.metric], (*conditions, *one.filters))
            for one in metric.inputs
        ]
        if metric.kind == "ratio":
            return Quotient(parts[0], parts[1], metric.inputs[1].metric)
        named = zip((one.alias for one in metric.inputs), parts, strict=True)
        return Arithmetic(metric.expr or "", dict(named))

    def place(self, fact: SemanticModel, reference: Reference, time: str) -> Place:
        """Where the column of a reference stands, seen from a fact.

        Args:
            time: The time dimension that `metric_time` means.

        Raises:
            QueryRefused: The fact has no such name.
        """
        name = reference.name
        if reference.kind == "entity":
            entity = fact.entities.get(name)
            if entity is not None:
                return Place(fact, entity.expr, False)
            fix = did_you_mean(name, fact.entities)
            raise refused(f"unknown entity {show(name)} of {fact.name}", fix, "unknown_entity")
        if name == METRIC_TIME:
            return Place(fact, fact.dimensions[time].expr, False)
        entity_name, _, short = name.partition("__")
        own: Dimension | None = None
        if entity_name == fact.primary_entity:
            own = fact.dimensions.get(short)
        if own is not None:
            return Place(fact, own.expr, False)
        if entity_name == UNIT_ENTITY and self.units is not None and fact.unit is not None:
            joined = self.units.dimensions.get(short)
            if joined is not None:
                return Place(self.units, joined.expr, True)
        fix = did_you_mean(name, self.names_of(fact))
        raise refused(f"unknown dimension {show(name)} of {fact.name}", fix, "unknown_dimension")

    def names_of(self, fact: SemanticModel) -> dict[str, Dimension]:
        """Every dimension reachable from a fact, by full name."""
        found = {f"{fact.primary_entity}__{name}": one for name, one in fact.dimensions.items()}
        if fact.unit is not None and self.units is not None:
            for name, one in self.units.dimensions.items():
                found.setdefault(f"{UNIT_ENTITY}__{name}", one)
        return found

    def models_of(self, formula: Formula) -> frozenset[str]:
        """Names of the dbt models that a formula reads."""
        found = set()
        for aggregate in aggregates(formula):
            found.add(aggregate.fact.model)
            for text in aggregate.filters:
                for reference in _condition(text).references:
                    time = aggregate.measure.agg_time_dimension
                    found.add(self.place(aggregate.fact, reference, time).model.model)
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

    def _canonical(self, formula: Formula) -> Any:
        if isinstance(formula, Quotient):
            return [
                "quotient",
                self._canonical(formula.numerator),
                self._canonical(formula.denominator),
                formula.denominator_metric == "exposed_units",
            ]
        if isinstance(formula, Arithmetic):
            inputs = {name: self._canonical(one) for name, one in formula.inputs.items()}
            return ["arithmetic", canonical(parse_arithmetic(formula.expr), inputs.__getitem__)]
        fact, measure = formula.fact, formula.measure
        time = measure.agg_time_dimension

        def spelled(text: str) -> Any:
            condition = _condition(text)

            def named(name: str) -> Any:
                reference = condition.references[int(name.rsplit("_", 1)[1])]
                place = self.place(fact, reference, time)
                expr = canonical(parse_column_expression(place.expr))
                return [place.model.model, expr, reference.grain]

            return canonical(condition.tree, named)

        return [
            "unit_mean" if formula.is_unit_mean else measure.agg,
            fact.model,
            fact.unit.expr if fact.unit else None,
            canonical(parse_column_expression(measure.expr)),
            canonical(parse_column_expression(fact.dimensions[time].expr)),
            sorted((spelled(text) for text in formula.filters), key=digest),
        ]


def aggregates(formula: Formula) -> Iterator[Aggregate]:
    """Every aggregate of a formula, left to right."""
    if isinstance(formula, Aggregate):
        yield formula
    elif isinstance(formula, Quotient):
        yield from aggregates(formula.numerator)
        yield from aggregates(formula.denominator)
    else:
        for one in formula.inputs.values():
            yield from aggregates(one)
