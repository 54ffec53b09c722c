"""What is wrong with a kind's use of measures, entities and spans: what has no meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ..errors import Fault, QueryRefused
from .definitions import UNIT_ENTITY, Measure, Metric, SemanticModel
from .formulas import Vocabulary
from .kinds import Conversion, Cumulative, Funnel, Retention
from .names import did_you_mean, show
from .reading import Entry

Key = tuple[str | int, ...]

_CONVERTED = ("count", "sum", "count_distinct")
_NOT_OVER_DAYS = ("median", "percentile")


@dataclass(frozen=True)
class _Use:
    """A measure that a kind names, and where."""

    measure: str
    key: Key


def lint_kind(
    metric: Metric,
    vocabulary: Vocabulary,
    entry: Entry,
    broken_models: Collection[str],
    faults: list[Fault],
) -> bool:
    """Whether a metric's kind cannot be computed from what it names; each reason is a fault.

    Args:
        broken_models: Where there is one, an unknown measure may well stand in it.
    """
    uses = list(_uses(metric))
    unknown = [use for use in uses if use.measure not in vocabulary.measures]
    for use in unknown if not broken_models else ():
        what = f"unknown measure {show(use.measure)}"
        fix = did_you_mean(use.measure, vocabulary.measures)
        faults.append(entry.fault(what, "a measure", fix, "unknown_measure", *use.key))
    if unknown:
        return True
    found = [(*vocabulary.measures[use.measure], use.key) for use in uses]
    before = len(faults)
    if metric.kind == "unit_mean":
        _lint_unit_mean(*found[0], entry, faults)
    elif isinstance(metric.params, Cumulative):
        _lint_cumulative(metric, metric.params, found[0][1], entry, faults)
    elif isinstance(metric.params, Conversion):
        _lint_conversion(metric.params, found, vocabulary, entry, faults)
    elif isinstance(metric.params, Funnel | Retention):
        _lint_units(metric, found, entry, faults)
    if metric.kind != "simple":
        for _, measure, key in found:
            _lint_level(metric, measure, key, entry, faults)
    return len(faults) > before


def lint_offsets(metrics: Mapping[str, Metric], entry: Entry, faults: list[Fault]) -> bool:
    """Whether a metric looks back at one that looks back itself; each input is a fault."""
    before = len(faults)
    metric = metrics[entry.name]
    for one in metric.inputs:
        key = ("type_params",)
        if one.offset_to == "hour":
            what, fix = "the offset goes back to the start of an hour", "use a day or longer."
            faults.append(entry.fault(what, "a calendar period", fix, "offset", *key))
        if (one.offset or one.offset_to) and _looks_back(metrics, one.metric):
            what = f"the input {show(one.metric)} is offset, and so are inputs of its own"
            fix = "take its inputs, each with the whole offset."
            faults.append(entry.fault(what, "one offset", fix, "nested_offset", *key))
    return len(faults) > before


def lint_measure(raw: Mapping[str, object], model: SemanticModel, measure: Measure) -> str:
    """What is wrong with a measure of a model, and its fix behind `: `; empty where nothing is."""
    if (measure.agg == "percentile") != ("agg_params" in raw):
        if measure.agg == "percentile":
            return "is a percentile without its share: write agg_params: {percentile: 0.9}."
        return f"is a {measure.agg} with agg_params: write agg: percentile, or take them off."
    if measure.is_approximate and measure.agg not in ("count_distinct", "percentile"):
        return f"is a {measure.agg} with a sketch: write agg: count_distinct, or take it off."
    level = measure.non_additive
    if level is None:
        return ""
    if measure.is_approximate:
        return "is a level, which no sketch holds: take the sketch off."
    dimension = model.dimensions.get(level.dimension)
    if dimension is None or dimension.kind != "time":
        times = [name for name, one in model.dimensions.items() if one.kind == "time"]
        fix = did_you_mean(level.dimension, times)
        return f"is no sum over {show(level.dimension)}, no time dimension of {model.name}: {fix}"
    for name in level.entities:
        if name not in model.entities:
            fix = did_you_mean(name, model.entities)
            return f"groups its window by {show(name)}, no entity of {model.name}: {fix}"
    return ""


def _uses(metric: Metric) -> Iterator[_Use]:
    params, at = metric.params, "type_params"
    if metric.measure is not None:
        yield _Use(metric.measure, (at, "measure"))
    elif isinstance(params, Conversion):
        inner = (at, "conversion_type_params")
        yield _Use(params.base, (*inner, "base_measure"))
        yield _Use(params.converted, (*inner, "conversion_measure"))
    elif isinstance(params, Funnel):
        for index, step in enumerate(params.steps):
            yield _Use(step.measure, (at, "steps", index))
    elif isinstance(params, Retention):
        yield _Use(params.cohort.measure, (at, "cohort"))
        yield _Use(params.returns.measure, (at, "returns"))


def _lint_unit_mean(
    model: SemanticModel, measure: Measure, key: Key, entry: Entry, faults: list[Fault]
) -> None:
    if model.unit is None or measure.agg not in ("sum", "average"):
        what = f"the measure {show(measure.name)} is a {measure.agg} of {model.name}"
        expected = f"a sum or average of a model with the entity {show(UNIT_ENTITY)}"
        fix = "a unit's mean needs the values themselves; name another measure."
        faults.append(entry.fault(what, expected, fix, "unit_mean", *key))


def _lint_cumulative(
    metric: Metric, params: Cumulative, measure: Measure, entry: Entry, faults: list[Fault]
) -> None:
    window, key = params.window, ("type_params",)
    is_rolling = metric.kind == "rolling_distinct"
    if is_rolling and measure.agg != "count_distinct":
        what = f"the measure {show(measure.name)} is a {measure.agg}"
        fix = "name another measure, or make the metric cumulative."
        faults.append(entry.fault(what, "a count_distinct", fix, "rolling_distinct", *key))
    if measure.agg in _NOT_OVER_DAYS:
        what = f"the measure {show(measure.name)} is a {measure.agg}, which no window adds up"
        fix = "name a sum, count, count_distinct, average, min or max."
        faults.append(entry.fault(what, "", fix, "cumulative", *key))
    if params.grain_to_date == "hour" or (window is not None and window.unit == "hour"):
        what, fix = "the stretch is one of hours", "give it in days or longer."
        faults.append(entry.fault(what, "whole days", fix, "cumulative_hours", *key))
    elif window is not None and window.is_calendar and measure.agg == "count_distinct":
        what = f"a window of {window} of the distinct values of {show(measure.name)}"
        fix = "give the window in days, or use grain_to_date in a cumulative metric."
        faults.append(entry.fault(what, "days or weeks", fix, "distinct_window", *key))


def _lint_conversion(
    params: Conversion,
    found: list[tuple[SemanticModel, Measure, Key]],
    vocabulary: Vocabulary,
    entry: Entry,
    faults: list[Fault],
) -> None:
    at = ("type_params", "conversion_type_params")
    for model in {one.name: one for one, _, _ in found}.values():
        if params.entity not in model.entities:
            what = f"unknown entity {show(params.entity)} of {model.name}"
            fix = did_you_mean(params.entity, model.entities)
            expected = "an entity of both measures' models"
            faults.append(entry.fault(what, expected, fix, "unknown_entity", *at, "entity"))
    for side, (model, measure, key) in enumerate(found):
        if measure.is_approximate:
            what = f"the measure {show(measure.name)} is a sketch, and conversions are exact"
            fix = "name a measure without a sketch."
            faults.append(entry.fault(what, "an exact measure", fix, "sketch", *key))
        if measure.agg not in _CONVERTED:
            what = f"the measure {show(measure.name)} is a {measure.agg}"
            fix = "conversions are counted or summed; name another measure."
            expected = "a count, sum or count_distinct"
            faults.append(entry.fault(what, expected, fix, "conversion", *key))
        for pair in params.constants:
            try:
                reference = vocabulary.constant(model, pair[side])
                vocabulary.place(model, reference, measure.agg_time_dimension)
            except QueryRefused as refusal:
                what, _, fix = refusal.faults[0].what.partition(": ")
                where = (*at, "constant_properties")
                faults.append(entry.fault(what, "", fix, refusal.code, *where))


def _lint_units(
    metric: Metric,
    found: list[tuple[SemanticModel, Measure, Key]],
    entry: Entry,
    faults: list[Fault],
) -> None:
    for model, measure, key in found:
        if UNIT_ENTITY not in model.entities:
            what = f"the measure {show(measure.name)} is of {model.name}, which has no units"
            expected = f"a measure of a model with the entity {show(UNIT_ENTITY)}"
            fix = f"a {metric.kind} follows units; give the model the entity, or name another."
            faults.append(entry.fault(what, expected, fix, "no_unit", *key))


def _lint_level(
    metric: Metric, measure: Measure, key: Key, entry: Entry, faults: list[Fault]
) -> None:
    if measure.non_additive is not None:
        what = f"the measure {show(measure.name)} is a level, which a {metric.kind} cannot use"
        fix = "name a measure without non_additive_dimension."
        faults.append(entry.fault(what, "an additive measure", fix, "level", *key))


def _looks_back(metrics: Mapping[str, Metric], name: str) -> bool:
    metric = metrics.get(name)
    return metric is not None and any(
        one.offset is not None or one.offset_to is not None or _looks_back(metrics, one.metric)
        for one in metric.inputs
    )
