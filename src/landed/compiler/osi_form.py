"""A catalog as Open Semantic Interchange (Apache Ossie): what its metrics can say, and no more.

A metric there is one aggregate expression over rows. What needs rows in order, a stretch of time, a
unit's mean or several marts at once has no expression that says the same, and is left out by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from ..catalog import Catalog, Metric, SemanticModel
from ..catalog.dbt_form import Exported
from ..catalog.definitions import METRIC_TIME, Measure
from ..catalog.expressions import (
    Reference,
    column_names,
    parse_arithmetic,
    parse_column_expression,
    parse_condition,
    replace_columns,
)
from ..catalog.formulas import (
    Accumulated,
    Aggregate,
    Arithmetic,
    Converted,
    Formula,
    Funnelled,
    Quotient,
    aggregates,
)
from .clock import midnight
from .facts import total
from .syntax import all_of, divided, expression

VERSION = "0.2.0.dev0"
_DIALECT = "ANSI_SQL"  # the only one that is proven, by running it
_TYPES = {
    "varchar": "String",
    "text": "String",
    "integer": "Integer",
    "bigint": "Integer",
    "double": "Float",
    "boolean": "Boolean",
    "date": "Date",
    "timestamp": "DateTime",
    "timestamp with time zone": "DateTimeTz",
}


class _NotCarriedError(Exception):
    """Why a formula has no expression."""


def as_osi(catalog: Catalog, name: str) -> Exported:
    """The semantic model of a project, under its name."""
    exported = Exported({})
    metrics = []
    for metric in catalog.metrics.values():
        try:
            tree = _expression(catalog, catalog.formula(metric.name))
        except _NotCarriedError as reason:
            exported.unsupported[metric.name] = str(reason)
            continue
        metrics.append(_metric(metric, tree))
        if metric.window_days is not None or metric.cap_value is not None:
            exported.cautions[metric.name] = (
                "its window_days and cap are those of a release's outcomes; they stand in the "
                "extension only, and the expression is over all rows"
            )
    models = list(catalog.semantic_models.values())
    notes = {"unsupported": exported.unsupported, "cautions": exported.cautions}
    exported.data = {
        "version": VERSION,
        "dialects": [_DIALECT],
        "vendors": ["LANDED"],
        "semantic_model": [
            {
                "name": name,
                "datasets": [_dataset(one) for one in models],
                "relationships": list(_relationships(catalog)),
                "metrics": metrics,
                "custom_extensions": [_extension(notes)],
            }
        ],
    }
    return exported


# -- metrics -------------------------------------------------------------------------------------


def _metric(metric: Metric, tree: exp.Expr) -> dict[str, Any]:
    governance = {
        "label": metric.label,
        "owner": metric.owner,
        "value": metric.value,
        "direction": metric.direction,
        "tier": metric.tier,
        "window_days": metric.window_days,
        "cap": metric.cap_value,
        "minimum_effect_of_interest": metric.minimum_effect_of_interest,
        "non_inferiority_margin": metric.non_inferiority_margin,
        "revision": metric.revision,
        "definition": metric.digest,
    }
    return {
        "name": metric.name,
        "description": metric.description,
        "expression": _said(tree),
        "custom_extensions": [
            _extension({key: one for key, one in governance.items() if one is not None})
        ],
    }


def _expression(catalog: Catalog, formula: Formula) -> exp.Expr:
    """One aggregate expression over a dataset's rows.

    Raises:
        _NotCarriedError: There is none that says the same.
    """
    facts = {one.fact.name for one in aggregates(formula)}
    if isinstance(formula, Arithmetic | Quotient) and len(facts) > 1:
        # joined, one mart's rows would be counted once for each of the other's
        raise _NotCarriedError(f"it counts rows of several marts: {', '.join(sorted(facts))}")
    if isinstance(formula, Aggregate):
        return _aggregate(catalog, formula)
    if isinstance(formula, Quotient):
        top, bottom = formula.numerator, formula.denominator
        if formula.is_zero:
            raise _NotCarriedError("zero_denominator makes it 0 where its denominator is 0")
        return divided(_expression(catalog, top), _expression(catalog, bottom))
    if isinstance(formula, Arithmetic):
        inputs = {key: _expression(catalog, one) for key, one in formula.inputs.items()}
        tree = parse_arithmetic(formula.expr)
        return exp.paren(replace_columns(tree, lambda found: exp.paren(inputs[found.name])))
    if isinstance(formula, Accumulated):
        raise _NotCarriedError("a stretch of time that ends at each day is no aggregate of rows")
    if isinstance(formula, Converted):
        raise _NotCarriedError("a conversion needs a unit's rows in order")
    if isinstance(formula, Funnelled):
        raise _NotCarriedError("a funnel needs a unit's rows in order")
    raise _NotCarriedError("retention needs the periods of a unit")


def _aggregate(catalog: Catalog, one: Aggregate) -> exp.Expr:
    measure = one.measure
    for is_so, reason in (
        (one.is_unit_mean, "the mean of each unit's mean is no aggregate of rows"),
        (one.offset or one.offset_to, "rows of an earlier time are no aggregate of a group's rows"),
        (one.fill, "what stands where there are no rows is no part of an expression"),
        (measure.non_additive, "a level counts only rows at one moment of a group"),
        (measure.is_approximate, "an estimated percentile has no standard expression"),
    ):
        if is_so:
            raise _NotCarriedError(reason)
    conditions = [_bound(catalog, one, text) for text in one.filters]
    _require_columns(one.fact, measure.expr)
    value = expression(measure.expr, one.fact.name)
    return _total(measure, value, all_of(conditions))


def _total(measure: Measure, value: exp.Expr, condition: exp.Expr | None) -> exp.Expr:
    """A measure of the rows under a condition, without FILTER, which few engines have."""
    if measure.agg == "sum_boolean":
        kept = all_of([value] if condition is None else [condition, value])
        one = exp.Case(ifs=[exp.If(this=kept, true=exp.Literal.number(1))])
        return exp.Count(this=one)
    if condition is not None:
        value = exp.Case(ifs=[exp.If(this=condition, true=value)])
    return total(measure, value)


def _bound(catalog: Catalog, one: Aggregate, text: str) -> exp.Expr:
    """A condition over the columns of the datasets."""
    time = one.measure.agg_time_dimension

    def resolve(reference: Reference) -> exp.Expr:
        if reference.grain is not None:
            raise _NotCarriedError("a condition on a period has no standard expression")
        place = catalog.vocabulary.place(one.fact, reference, time)
        if place.path and (place.model is not catalog.vocabulary.units or len(place.path) > 1):
            raise _NotCarriedError("it joins more than the units")
        _require_columns(place.model, place.expr)
        found = expression(place.expr, place.model.name)
        is_day = place.model.columns.get(place.expr, "").lower() == "date"
        return midnight(found) if is_day or reference.name == METRIC_TIME else found

    return parse_condition(text).bind(resolve)


def _require_columns(model: SemanticModel, text: str) -> None:
    """A column is a field of its own name: a dimension that is more would be read in its place."""
    for column in column_names(parse_column_expression(text)):
        named = model.dimensions.get(column)
        if named is not None and named.expr != column:
            raise _NotCarriedError(
                f"{model.name} has the dimension {column} over the column {column}"
            )


# -- datasets ------------------------------------------------------------------------------------


def _dataset(model: SemanticModel) -> dict[str, Any]:
    primary = [one.expr for one in model.entities.values() if one.kind == "primary"]
    fields = {one.name: _dimension(model, name) for name, one in model.dimensions.items()}
    for column in _columns(model):
        fields.setdefault(column, _field(model, column, column))
    found = {
        "name": model.name,
        "source": f"main.{model.model}",
        "description": model.description or model.name,
        "fields": list(fields.values()),
    }
    return {**found, "primary_key": primary} if primary else found


def _columns(model: SemanticModel) -> Iterator[str]:
    """Columns that keys and measures read: what a metric's expression names."""
    yield from (one.expr for one in model.entities.values())
    for measure in model.measures.values():
        yield from column_names(parse_column_expression(measure.expr))


def _dimension(model: SemanticModel, name: str) -> dict[str, Any]:
    one = model.dimensions[name]
    found = _field(model, name, one.expr)
    found["dimension"] = {"is_time": one.kind == "time"}
    found |= {"label": one.label} if one.label else {}
    return found | ({"description": one.description} if one.description else {})


def _field(model: SemanticModel, name: str, text: str) -> dict[str, Any]:
    kind = _TYPES.get(model.columns.get(text, "").lower())
    tree = parse_column_expression(text)
    quoted = replace_columns(tree, lambda found: exp.column(found.name, quoted=True))
    found = {"name": name, "expression": _said(quoted)}
    return {**found, "datatype": kind} if kind else found


def _relationships(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Many rows of a mart to one of the units: the only join there is."""
    units = catalog.vocabulary.units
    if units is None or units.unit is None:
        return
    for model in catalog.semantic_models.values():
        if model is not units and model.unit is not None:
            yield {
                "name": f"{model.name}_to_{units.name}",
                "from": model.name,
                "to": units.name,
                "from_columns": [model.unit.expr],
                "to_columns": [units.unit.expr],
            }


def _said(tree: exp.Expr) -> dict[str, Any]:
    return {"dialects": [{"dialect": _DIALECT, "expression": tree.sql(comments=False)}]}


def _extension(data: dict[str, Any]) -> dict[str, str]:
    return {"vendor_name": "LANDED", "data": json.dumps(data, ensure_ascii=False)}
