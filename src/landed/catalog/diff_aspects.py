"""What a metric computes, taken apart: each aspect in normal form, and as people read it.

Two definitions are compared aspect by aspect, so that a change has a name: the filter, the window,
the aggregation. What stands behind a name (a measure, a dimension's column, a join) is resolved
first: a name alone is no aspect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlglot import exp

from ..documents import digest
from .definitions import EXPOSED_UNITS, Metric, MetricInput, SemanticModel
from .diff_trees import conditions, normal
from .expressions import (
    column_names,
    parse_arithmetic,
    parse_column_expression,
    parse_condition,
)
from .formulas import (
    Accumulated,
    Aggregate,
    Converted,
    Formula,
    Funnelled,
    Place,
    Retained,
    Vocabulary,
)
from .kinds import Conversion, Funnel, KindParams
from .saved import condition_name

#: Fields of a measure that say nothing about its value, or that are resolved by name.
_NAMES_OF_MEASURE = {"name", "description", "expr", "agg", "agg_time_dimension", "non_additive"}
#: Data types that a model's contract gives to the columns of a metric.
COLUMN_TYPES = "column types"
_SAID_WITHOUT_INPUTS = {
    "kind",
    "filter",
    "outcome window in days",
    "cap of a unit's outcome",
    "value without a denominator",
}
_KIND_ROWS = {"base", "converted", "base_filters", "converted_filters", "cohort", "returns"}


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that a definition says.

    Args:
        key: Its normal form; equal for what means the same.
        shown: As people read it.
    """

    key: Any
    shown: str


Aspects = Mapping[str, Aspect]


def aspects_of(metric: Metric, vocabulary: Vocabulary) -> Aspects:
    """Every aspect of a metric's own definition.

    The metrics that it is made of are named, not opened: what changes in them is their own change.
    """
    found: dict[str, Aspect] = {"kind": Aspect(metric.kind, metric.kind)}
    found |= _plain("outcome window in days", metric.window_days)
    found |= _plain("cap of a unit's outcome", metric.cap_value)
    if metric.zero_denominator == "zero":  # no_value said is what is so without a word
        found["value without a denominator"] = Aspect("zero", "0")
    if metric.inputs:
        found |= _inputs(metric)
        return found
    formula = vocabulary.formula(metric)
    for where, aggregate in _aggregates(formula):
        found |= {
            f"{aspect}{where}": value for aspect, value in _aggregate(aggregate, vocabulary).items()
        }
    if metric.params is not None:
        found |= _params(metric.params, formula, vocabulary)
    return found


def key_of(metric: Metric, vocabulary: Vocabulary) -> str:
    """The same text for metrics that compute the same, their inputs opened."""
    return digest_of(_opened(metric, vocabulary))


def condition_keys(text: str, fact: SemanticModel, time: str, vocabulary: Vocabulary) -> list[Any]:
    """Normal forms of the conditions that a text joins by AND, names resolved to columns."""
    condition = parse_condition(text)

    def named(column: exp.Column) -> Any:
        reference = condition.references[int(column.name.rsplit("_", 1)[1])]
        return [_place(vocabulary.place(fact, reference, time)), reference.grain]

    return conditions(condition.tree, named)


def column_key(text: str) -> Any:
    """Normal form of a column expression."""
    return normal(parse_column_expression(text))


def _opened(metric: Metric, vocabulary: Vocabulary) -> Any:
    found = {name: one.key for name, one in aspects_of(metric, vocabulary).items()}
    found.pop(COLUMN_TYPES, None)  # a contract that begins to say them changes no number
    if not metric.inputs:
        return found
    inner = {
        one.alias: [
            _opened(vocabulary.metrics[one.metric], vocabulary),
            _look(one),
            one.metric == EXPOSED_UNITS,
        ]
        for one in metric.inputs
    }
    if metric.expr is None:
        made: Any = list(inner.values())
    else:
        made = normal(parse_arithmetic(metric.expr), lambda column: inner[column.name])
    said = {name: key for name, key in found.items() if name in _SAID_WITHOUT_INPUTS}
    return said | {"made of": made}


def _inputs(metric: Metric) -> dict[str, Aspect]:
    found: dict[str, Aspect] = {}
    filters = [one for text in metric.filters for one in _named_conditions(text)]
    if filters:
        found["filter"] = Aspect(sorted(filters, key=digest_of), _both(metric.filters))
    if metric.kind == "ratio":
        for role, one in zip(("numerator", "denominator"), metric.inputs, strict=True):
            found[role] = Aspect(one.metric, one.metric)
            found |= _looked_at(role, one)
    elif metric.expr is not None:
        metrics = {one.alias: one for one in metric.inputs}

        def named(column: exp.Column) -> Any:
            one = metrics[column.name]
            return [one.metric, _look(one)]

        found["arithmetic"] = Aspect(normal(parse_arithmetic(metric.expr), named), metric.expr)
        for one in metric.inputs:
            found |= _looked_at(f"input {one.metric}", one)
    return found


def _look(one: MetricInput) -> Any:
    """How an input is looked at: its own conditions, its offset."""
    filters = [key for text in one.filters for key in _named_conditions(text)]
    offset = str(one.offset) if one.offset is not None else None
    return [sorted(filters, key=digest_of), offset, one.offset_to]


def _looked_at(role: str, one: MetricInput) -> dict[str, Aspect]:
    filters, offset, offset_to = _look(one)
    of = f" of the {role}"
    found: dict[str, Aspect] = {}
    if filters:
        found[f"filter{of}"] = Aspect(filters, _both(one.filters))
    found |= _plain(f"offset{of}", offset)
    found |= _plain(f"offset to the start{of}", offset_to)
    return found


def _named_conditions(text: str) -> list[Any]:
    """Conditions with their names as written: those of a metric made of metrics."""
    condition = parse_condition(text)
    return conditions(condition.tree, condition_name(condition))


def _aggregates(formula: Formula) -> Iterator[tuple[str, Aggregate]]:
    """The aggregates of a metric made of measures, each with the words that place it."""
    if isinstance(formula, Aggregate):
        yield "", formula
    elif isinstance(formula, Accumulated):
        yield "", formula.aggregate
    elif isinstance(formula, Converted):
        yield " of the base rows", formula.base
        yield " of the converting rows", formula.converted
    elif isinstance(formula, Funnelled):
        for index, step in enumerate(formula.steps):
            yield f" of step {index + 1}", step
    elif isinstance(formula, Retained):
        yield " of the cohort", formula.cohort
        yield " of the returns", formula.returns


def _aggregate(one: Aggregate, vocabulary: Vocabulary) -> dict[str, Aspect]:
    fact, measure = one.fact, one.measure
    time = fact.dimensions[measure.agg_time_dimension].expr
    found = {
        "rows": Aspect(fact.model, fact.model),
        "aggregation": Aspect(measure.agg, measure.agg),
        "expression": Aspect(column_key(measure.expr), measure.expr),
        "time": Aspect(column_key(time), time),
    }
    if fact.unit is not None:
        found["unit"] = Aspect(column_key(fact.unit.expr), fact.unit.expr)
    keys = [
        key
        for text in one.filters
        for key in condition_keys(text, fact, measure.agg_time_dimension, vocabulary)
    ]
    if keys:
        unique = {digest_of(key): key for key in keys}
        found["filter"] = Aspect([unique[name] for name in sorted(unique)], _both(one.filters))
    for field in fields(measure):
        if field.name not in _NAMES_OF_MEASURE:
            found |= _plain(field.name.replace("_", " "), getattr(measure, field.name))
    level = measure.non_additive
    if level is not None:
        dimension = column_key(fact.dimensions[level.dimension].expr)
        entities = sorted(fact.entities[name].expr for name in level.entities)
        shown = f"{level.choice} of {level.dimension}"
        found["level"] = Aspect([dimension, level.choice, entities], shown)
    if one.is_unit_mean:
        found["mean of units"] = Aspect(True, "yes")
    if one.fill is not None:
        found |= _plain("value of a gap", one.fill.value)
        found |= _plain("rows for gaps", one.fill.has_periods or None)
    types = {name: fact.columns[name].lower() for name in _columns(one) if fact.columns.get(name)}
    if types:
        shown = ", ".join(f"{name} {kind}" for name, kind in types.items())
        found[COLUMN_TYPES] = Aspect(types, shown)
    return found


def _columns(one: Aggregate) -> list[str]:
    time = one.fact.dimensions[one.measure.agg_time_dimension].expr
    trees = (parse_column_expression(text) for text in (one.measure.expr, time))
    return sorted({name for tree in trees for name in column_names(tree)})


def _params(params: KindParams, formula: Formula, vocabulary: Vocabulary) -> dict[str, Aspect]:
    """What a kind says beyond its rows: windows, order, period …"""
    found: dict[str, Aspect] = {}
    for field in fields(params):
        value = getattr(params, field.name)
        if field.name in _KIND_ROWS or field.name in ("steps", "of", "over", "constants", "entity"):
            continue
        shown = str(value) if value is not None else None
        found |= _plain(field.name.removeprefix("is_").replace("_", " "), shown)
    if isinstance(params, Funnel):
        names = [step.name for step in params.steps]
        found["steps"] = Aspect(len(names), str(len(names)))
        found["step counted"] = Aspect(names.index(params.of), params.of)
        found["step it is a share of"] = Aspect(names.index(params.over), params.over)
    if isinstance(params, Conversion) and isinstance(formula, Converted):
        sides = (formula.base, formula.converted)
        entities = [side.fact.entities[params.entity].expr for side in sides]
        found["entity"] = Aspect(entities, params.entity)
        if params.constants:
            constants = [
                [
                    _place(
                        vocabulary.place(
                            side.fact,
                            vocabulary.constant(side.fact, name),
                            side.measure.agg_time_dimension,
                        )
                    )
                    for side, name in zip(sides, pair, strict=True)
                ]
                for pair in params.constants
            ]
            shown = ", ".join(" = ".join(pair) for pair in params.constants)
            found["constant properties"] = Aspect(sorted(constants, key=digest_of), shown)
    return found


def _place(place: Place) -> Any:
    """Where a name's column stands: model, column, and what the model is joined by."""
    key = [place.model.model, column_key(place.expr)]
    for hop in place.path:
        validity = [column_key(one.expr) for one in hop.model.validity or ()]
        key.append([column_key(hop.key), hop.model.model, column_key(hop.model_key), validity])
    return key


def _plain(name: str, value: Any) -> dict[str, Aspect]:
    """An aspect that is a plain value; none where nothing is said."""
    if value is None or value is False:
        return {}
    return {name: Aspect(value, f"{value:g}" if isinstance(value, float) else str(value))}


def _both(texts: tuple[str, ...]) -> str:
    return " and ".join(texts)


def digest_of(key: Any) -> str:
    """A text to sort and compare normal forms by."""
    return digest({"key": key})
