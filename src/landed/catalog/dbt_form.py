"""A catalog as dbt's own YAML: semantic models and the metrics whose kinds dbt has.

Conditions stand on the metric: MetricFlow loses those on the measure of a cumulative one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .catalog import Catalog
from .definitions import Dimension, Fill, Measure, Metric, MetricInput, SemanticModel
from .kinds import Conversion, Cumulative

_KINDS = ("simple", "ratio", "derived", "cumulative", "conversion")
_COUNTED = ("count", "count_distinct")
_NAME = re.compile(r"[a-z][a-z0-9_]*[a-z0-9]")


@dataclass(slots=True)
class Exported:
    """What a format carries of a catalog, and what it does not.

    Args:
        data: The document.
        unsupported: Why a metric is not in it, by its name.
        cautions: What others make of a metric that is in it, by its name.
    """

    data: dict[str, Any]
    unsupported: dict[str, str] = field(default_factory=dict)
    cautions: dict[str, str] = field(default_factory=dict)


def as_dbt(catalog: Catalog) -> Exported:
    """Semantic models and metrics as dbt writes them."""
    exported = Exported({})
    facts = {
        name: (model, measure)
        for model in catalog.semantic_models.values()
        for name, measure in model.measures.items()
    }
    for name in catalog.metrics:
        reason = _reason(catalog, facts, name)
        if reason is not None:
            exported.unsupported[name] = reason
            continue
        for said in _cautions(catalog.metrics[name]):
            exported.cautions[name] = said
    exported.data = {
        "version": 2,
        "semantic_models": [_model(one) for one in catalog.semantic_models.values()],
        "metrics": [
            _metric(one)
            for name, one in catalog.metrics.items()
            if name not in exported.unsupported
        ],
    }
    return exported


def _reason(
    catalog: Catalog, facts: Mapping[str, tuple[SemanticModel, Measure]], name: str
) -> str | None:
    """Why dbt cannot have a metric; None where it can."""
    metric = catalog.metrics[name]
    if metric.kind not in _KINDS:
        return f"dbt has no kind {metric.kind}"
    for alias in (name, *(one.alias for one in metric.inputs)):
        if "__" in alias or not _NAME.fullmatch(alias):
            return f"dbt refuses the name {alias}: two characters or more, no double underscore"
    if isinstance(metric.params, Conversion):
        if metric.params.touch != "last":
            return f"touch {metric.params.touch}: dbt counts a conversion for the last base row"
        for measure in (metric.params.base, metric.params.converted):
            if facts[measure][1].agg not in _COUNTED:
                return f"dbt converts counted rows only, not a {facts[measure][1].agg}"
        base, converted = (facts[one][0] for one in (metric.params.base, metric.params.converted))
        for pair in metric.params.constants:
            for model, one in zip((base, converted), pair, strict=True):
                short = one.removeprefix(f"{model.primary_entity}__")
                if short not in model.dimensions and short not in model.entities:
                    return f"dbt finds the constant property {one} in no column of {model.name}"
    for made_of in metric.inputs:
        if _reason(catalog, facts, made_of.metric) is not None:
            return f"its input {made_of.metric} is not carried"
    versions = set(_versions(catalog, name))
    if metric.inputs and len({measure for measure, _ in versions}) < len(versions):
        return "dbt takes one version of a measure below a metric, with or without conditions"
    return None


def _versions(catalog: Catalog, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every measure below a metric, with the conditions that stand on it in the export."""
    metric = catalog.metrics[name]
    if isinstance(metric.params, Conversion):
        yield metric.params.base, metric.params.base_filters
        yield metric.params.converted, metric.params.converted_filters
    elif metric.measure is not None:
        yield metric.measure, ()
    for one in metric.inputs:
        yield from _versions(catalog, one.metric)


def _cautions(metric: Metric) -> Iterator[str]:
    if metric.zero_denominator == "zero":
        yield "MetricFlow gives NULL where its denominator is 0"
    if metric.kind == "conversion":
        yield "MetricFlow takes any row of the entity for a base row where one table holds both"
    if isinstance(metric.params, Cumulative) and metric.params.window is not None:
        yield "MetricFlow looks at days that have rows only, where a longer period is asked for"
    if any(one.offset is not None and one.offset.unit == "hour" for one in metric.inputs):
        yield "MetricFlow looks for days that lie hours before days, of which there are none"
    if any(one.offset is not None and one.offset.is_calendar for one in metric.inputs):
        yield "MetricFlow moves rows by months, where a period here shows an earlier one whole"


def _model(model: SemanticModel) -> dict[str, Any]:
    times = {one.agg_time_dimension for one in model.measures.values()}
    primary = [one for one in model.entities.values() if one.kind == "primary"]
    return _filled(
        name=model.name,
        description=model.description,
        model=f"ref('{model.model}')",
        defaults={"agg_time_dimension": min(times)} if len(times) == 1 else None,
        primary_entity=None if primary else model.primary_entity,
        entities=[
            {"name": one.name, "type": one.kind, "expr": one.expr}
            for one in model.entities.values()
        ],
        dimensions=[
            _filled(
                name=one.name,
                type=one.kind,
                expr=one.expr,
                label=one.label,
                description=one.description,
                # with a finer one MetricFlow wants a calendar as fine
                type_params=_time(one) if one.kind == "time" else None,
            )
            for one in model.dimensions.values()
        ],
        measures=[_measure(one) for one in model.measures.values()],
    )


def _time(dimension: Dimension) -> dict[str, Any]:
    validity = dimension.validity
    return _filled(
        time_granularity="day",
        validity_params={f"is_{validity}": True} if validity is not None else None,
    )


def _measure(measure: Measure) -> dict[str, Any]:
    level = measure.non_additive
    return _filled(
        name=measure.name,
        agg=measure.agg,
        expr=measure.expr,
        description=measure.description,
        agg_time_dimension=measure.agg_time_dimension,
        agg_params=_filled(
            percentile=measure.percentile,
            use_discrete_percentile=measure.is_discrete or None,
            use_approximate_percentile=measure.is_approximate or None,
        ),
        non_additive_dimension=level
        and _filled(
            name=level.dimension, window_choice=level.choice, window_groupings=list(level.entities)
        ),
    )


def _metric(metric: Metric) -> dict[str, Any]:
    params: dict[str, Any]
    if isinstance(metric.params, Conversion):
        params = {"conversion_type_params": _conversion(metric.name, metric.params)}
    elif metric.kind == "ratio":
        sides = ("numerator", "denominator")
        params = {side: _input(one) for side, one in zip(sides, metric.inputs, strict=True)}
    elif metric.kind == "derived":
        params = {"expr": metric.expr, "metrics": [_input(one) for one in metric.inputs]}
    else:
        params = {"measure": {"name": metric.measure, **_fill(metric.fill)}}
    if isinstance(metric.params, Cumulative):
        params["cumulative_type_params"] = _filled(
            window=_text(metric.params.window),
            grain_to_date=metric.params.grain_to_date,
            period_agg=metric.params.period_agg,
        )
    said = metric.deprecated
    meta = _filled(
        owner=metric.owner,
        value=metric.value,
        direction=metric.direction,
        tier=metric.tier,
        window_days=metric.window_days,
        minimum_effect_of_interest=metric.minimum_effect_of_interest,
        non_inferiority_margin=metric.non_inferiority_margin,
        zero_denominator=metric.zero_denominator,
        cap=None if metric.cap_value is None else {"value": metric.cap_value},
        revisions=[
            {"date": one.date, "change": one.change, "by": one.by} for one in metric.revisions
        ],
        deprecated=said and _filled(since=said.since, until=said.until, use=said.use),
    )
    return _filled(
        name=metric.name,
        label=metric.label,
        description=metric.description,
        type=metric.kind,
        type_params=params,
        filter=list(metric.filters),
        config={"meta": meta},
    )


def _conversion(name: str, params: Conversion) -> dict[str, Any]:
    # dbt wants an alias for each of two versions of a measure, and none twice
    is_one = params.base == params.converted and params.base_filters != params.converted_filters

    def rows(measure: str, filters: tuple[str, ...], side: str) -> dict[str, Any]:
        alias = f"{name}_{side}" if is_one and filters else None
        return _filled(name=measure, alias=alias, filter=list(filters))

    return _filled(
        base_measure=rows(params.base, params.base_filters, "base"),
        conversion_measure=rows(params.converted, params.converted_filters, "converted"),
        entity=params.entity,
        calculation=params.calculation,
        window=_text(params.window),
        constant_properties=[
            {
                "base_property": base.rpartition("__")[2],
                "conversion_property": converted.rpartition("__")[2],
            }
            for base, converted in params.constants
        ],
    )


def _input(one: MetricInput) -> dict[str, Any]:
    return _filled(
        name=one.metric,
        alias=one.alias if one.alias != one.metric else None,
        filter=list(one.filters),
        offset_window=_text(one.offset),
        offset_to_grain=one.offset_to,
    )


def _fill(fill: Fill | None) -> dict[str, Any]:
    if fill is None:
        return {}
    whole = fill.value is not None and fill.value == int(fill.value)
    value = int(fill.value) if whole and fill.value is not None else fill.value
    return _filled(join_to_timespine=fill.has_periods or None, fill_nulls_with=value)


def _text(span: object) -> str | None:
    return None if span is None else str(span)


def _filled(**given: Any) -> dict[str, Any]:
    """Without what is not said."""
    return {key: value for key, value in given.items() if value not in (None, "", [], {})}
