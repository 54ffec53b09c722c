"""Outcome rows of a metric as plain SQL, written without the compiler.

The gate counts with it what the compiler's query should have counted. It shares no code with the
compiler, so a mistake in one shows as a difference between the two. It reads the simple forms
only; for any other it says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import PlanError

if TYPE_CHECKING:
    from ..catalog import Catalog, Measure, Metric, SemanticModel

_TEMPLATE = re.compile(
    r"\{\{\s*(Dimension|TimeDimension|Entity)\(\s*['\"](\w+)['\"]"
    r"(?:\s*,\s*['\"](hour|day|week|month|quarter|year)['\"])?\s*\)\s*\}\}"
)


@dataclass(frozen=True, slots=True)
class OutcomeRows:
    """The rows of a mart that make one measure of a metric.

    Args:
        model: The dbt model; its relation is `main.<model>`.
        unit: SQL of the unit's key over the row.
        happened_at: SQL of the instant over the row.
        value: SQL of the measured expression over the row.
        agg: How the measure aggregates.
        conditions: SQL of every filter, all of which hold.
        by_day: Whether the row's time is a day, not an instant.
    """

    model: str
    unit: str
    happened_at: str
    value: str
    agg: str
    conditions: tuple[str, ...]
    by_day: bool

    @property
    def counts(self) -> str:
        """SQL that tells a row with an outcome from a row without one."""
        if self.agg == "sum_boolean":
            return f"coalesce({self.value}, false)"
        if self.agg == "sum":
            return f"coalesce({self.value}, 0) <> 0"
        return f"({self.value}) is not null"

    def select(self, *more_values: str) -> str:
        """All rows as (unit_id, happened_at, value, is_outcome, value_1, ...)."""
        where = " and ".join(f"({condition})" for condition in self.conditions) or "true"
        more = "".join(f", {value} as value_{at}" for at, value in enumerate(more_values, 1))
        return (
            f"select {self.unit} as unit_id, cast({self.happened_at} as timestamp) as happened_at, "
            f"{self.value} as value, {self.counts} as is_outcome{more} "
            f'from main."{self.model}" as facts where {where}'
        )

    def is_of_rows_of(self, other: OutcomeRows) -> bool:
        """Whether both read the same rows, whatever value they take of them."""
        return (self.model, self.unit, self.happened_at, self.conditions) == (
            other.model,
            other.unit,
            other.happened_at,
            other.conditions,
        )


def outcome_rows(catalog: Catalog, metric: Metric) -> tuple[OutcomeRows, ...]:
    """Rows of a metric: one relation for simple and unit_mean, two for a ratio, numerator first.

    Raises:
        PlanError: The metric has no rows of units, or is of a form this module does not read.
    """
    if metric.kind in ("simple", "unit_mean") and metric.measure:
        return (_rows(catalog, metric.measure, metric.filters, metric.name),)
    if metric.kind == "ratio":
        found = []
        for part in metric.inputs:
            simple = catalog.metric(part.metric)
            if simple.kind != "simple" or not simple.measure:
                break
            filters = (*metric.filters, *part.filters, *simple.filters)
            found.append(_rows(catalog, simple.measure, filters, metric.name))
        else:
            return tuple(found)
    raise PlanError(
        f"the rows of `{metric.name}` cannot be told from its definition",
        expected="a simple, ratio or unit_mean metric",
        where=str(metric.path),
        code="no_outcome_rows",
    )


def _rows(catalog: Catalog, measure: str, filters: Sequence[str], metric: str) -> OutcomeRows:
    model, found = _measure(catalog, measure)
    if model.unit is None:
        raise PlanError(
            f"`{metric}` reads {model.model}, whose rows belong to no unit",
            expected="an entity `unit` in its semantic model",
            where=str(model.path),
            code="no_outcome_rows",
        )
    time = model.dimensions[found.agg_time_dimension]
    return OutcomeRows(
        model=model.model,
        unit=model.unit.expr,
        happened_at=time.expr,
        value=found.expr,
        agg=found.agg,
        conditions=tuple(_condition(catalog, model, found, text, metric) for text in filters),
        by_day=model.time_type(found.agg_time_dimension) == "date",
    )


def _measure(catalog: Catalog, name: str) -> tuple[SemanticModel, Measure]:
    for model in catalog.semantic_models.values():
        if name in model.measures:
            return model, model.measures[name]
    raise PlanError(f"no semantic model has the measure `{name}`", code="no_outcome_rows")


def _condition(
    catalog: Catalog, model: SemanticModel, measure: Measure, text: str, metric: str
) -> str:
    def column(found: re.Match[str]) -> str:
        kind, name, grain = found.groups()
        prefix, _, rest = name.partition("__")
        if kind == "Entity" and name in model.entities:
            return f"({model.entities[name].expr})"
        if name == "metric_time" or (prefix == model.primary_entity and rest in model.dimensions):
            chosen = rest or measure.agg_time_dimension
            expression = f"({model.dimensions[chosen].expr})"
            return f"date_trunc('{grain}', {expression})" if grain else expression
        if prefix == "unit" and model.unit is not None:
            for units in catalog.semantic_models.values():
                if units.primary_entity == "unit" and rest in units.dimensions and units.unit:
                    attribute = units.dimensions[rest].expr
                    return (
                        f'(select any_value({attribute}) from main."{units.model}" as units'
                        f" where units.{units.unit.expr} = facts.{model.unit.expr})"
                    )
        raise PlanError(
            f"the filter of `{metric}` names `{name}`, which {model.model} does not have",
            code="no_outcome_rows",
        )

    read = _TEMPLATE.sub(column, text)
    if "{{" in read:
        raise PlanError(f"the filter of `{metric}` cannot be read: {text}", code="no_outcome_rows")
    return read
