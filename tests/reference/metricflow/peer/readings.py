"""One definition as plain facts, read by dbt and read by landed: what must be equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from landed.catalog import Catalog
from landed.catalog.definitions import Measure, Metric, MetricInput, SemanticModel
from landed.catalog.kinds import Conversion, Cumulative, Span

Facts = dict[str, Any]


def by_dbt(manifest: Mapping[str, Any]) -> dict[str, Facts]:
    """Facts by name, of dbt's `semantic_manifest.json`."""
    found = {f"metric {one['name']}": _their_metric(one) for one in manifest["metrics"]}
    for model in manifest["semantic_models"]:
        found |= dict(_their_model(model))
    return found


def by_landed(catalog: Catalog) -> dict[str, Facts]:
    """Facts by name, of our catalog."""
    found = {f"metric {name}": _our_metric(one) for name, one in catalog.metrics.items()}
    for model in catalog.semantic_models.values():
        found |= dict(_our_model(model))
    return found


# -- metrics -------------------------------------------------------------------------------------


def _their_metric(raw: Mapping[str, Any]) -> Facts:
    params, meta = raw["type_params"], raw["config"]["meta"]
    conversion = params["conversion_type_params"]
    inputs = [params[side] for side in ("numerator", "denominator") if params[side]]
    measure = params["measure"] or {}
    own = ["owner", "value", "direction", "tier", "window_days", "minimum_effect_of_interest"]
    return {
        "type": raw["type"],
        "label": raw["label"],
        "description": _one_line(raw["description"]),
        "measure": measure.get("name"),
        "filters": [*_conditions(raw), *_conditions(measure)],
        "join_to_timespine": bool(measure.get("join_to_timespine")),
        "fill_nulls_with": measure.get("fill_nulls_with"),
        "inputs": [_their_input(one) for one in (*inputs, *(params["metrics"] or ()))],
        "expr": params["expr"] if raw["type"] == "derived" else None,
        "cumulative": _their_cumulative(params) if raw["type"] == "cumulative" else None,
        "conversion": _their_conversion(conversion) if conversion else None,
        "meta": {word: meta.get(word) for word in (*own, "non_inferiority_margin")},
        "cap": meta.get("cap", {}).get("value"),
        "revisions": meta.get("revisions", []),
        "deprecated": meta.get("deprecated"),
    }


def _our_metric(metric: Metric) -> Facts:
    params, fill = metric.params, metric.fill
    said = metric.deprecated
    return {
        "type": metric.kind,
        "label": metric.label,
        "description": _one_line(metric.description),
        "measure": metric.measure,
        "filters": [_one_line(text) for text in metric.filters],
        "join_to_timespine": bool(fill and fill.has_periods),
        "fill_nulls_with": fill and fill.value,
        "inputs": [_our_input(one) for one in metric.inputs],
        "expr": metric.expr,
        "cumulative": _our_cumulative(params) if isinstance(params, Cumulative) else None,
        "conversion": _our_conversion(params) if isinstance(params, Conversion) else None,
        "meta": {
            "owner": metric.owner,
            "value": metric.value,
            "direction": metric.direction,
            "tier": None if metric.tier == "draft" else metric.tier,  # draft where none is said
            "window_days": metric.window_days,
            "minimum_effect_of_interest": metric.minimum_effect_of_interest,
            "non_inferiority_margin": metric.non_inferiority_margin,
        },
        "cap": metric.cap_value,
        "revisions": [
            {"date": one.date, "change": one.change, "by": one.by} for one in metric.revisions
        ],
        "deprecated": said and {"since": said.since, "until": said.until, "use": said.use},
    }


def _their_input(raw: Mapping[str, Any]) -> Facts:
    return {
        "metric": raw["name"],
        "alias": raw["alias"] or raw["name"],
        "filters": _conditions(raw),
        "offset": _span(raw["offset_window"]),
        "offset_to": raw["offset_to_grain"],
    }


def _our_input(one: MetricInput) -> Facts:
    return {
        "metric": one.metric,
        "alias": one.alias,
        "filters": [_one_line(text) for text in one.filters],
        "offset": _ours(one.offset),
        "offset_to": one.offset_to,
    }


def _their_cumulative(params: Mapping[str, Any]) -> Facts:
    more = params["cumulative_type_params"] or {}
    return {
        "window": _span(more.get("window") or params["window"]),
        "grain_to_date": more.get("grain_to_date") or params["grain_to_date"],
        "period_agg": more.get("period_agg") or "first",
    }


def _our_cumulative(params: Cumulative) -> Facts:
    return {
        "window": _ours(params.window),
        "grain_to_date": params.grain_to_date,
        "period_agg": params.period_agg,
    }


def _their_conversion(raw: Mapping[str, Any]) -> Facts:
    base, converted = raw["base_measure"], raw["conversion_measure"]
    return {
        "base": (base["name"], _conditions(base)),
        "converted": (converted["name"], _conditions(converted)),
        "entity": raw["entity"],
        "window": _span(raw["window"]),
        "calculation": raw["calculation"],
        "constants": [
            (one["base_property"], one["conversion_property"])
            for one in raw["constant_properties"] or ()
        ],
        "touch": "last",
    }


def _our_conversion(params: Conversion) -> Facts:
    return {
        "base": (params.base, [_one_line(text) for text in params.base_filters]),
        "converted": (params.converted, [_one_line(text) for text in params.converted_filters]),
        "entity": params.entity,
        "window": _ours(params.window),
        "calculation": params.calculation,
        "constants": list(params.constants),
        "touch": params.touch,
    }


# -- semantic models -----------------------------------------------------------------------------


def _their_model(raw: Mapping[str, Any]) -> Iterable[tuple[str, Facts]]:
    name, defaults = raw["name"], raw["defaults"] or {}
    primary = [one["name"] for one in raw["entities"] if one["type"] == "primary"]
    yield (
        f"model {name}",
        {
            "relation": raw["node_relation"]["alias"],
            "description": _one_line(raw["description"] or ""),
            "primary_entity": raw["primary_entity"] or primary[0],
            "entities": sorted(one["name"] for one in raw["entities"]),
            "dimensions": sorted(one["name"] for one in raw["dimensions"]),
            "measures": sorted(one["name"] for one in raw["measures"]),
        },
    )
    for one in raw["entities"]:
        yield (
            f"entity {name}.{one['name']}",
            {"type": one["type"], "expr": one["expr"] or one["name"]},
        )
    for one in raw["dimensions"]:
        yield (
            f"dimension {name}.{one['name']}",
            {
                "type": one["type"],
                "expr": one["expr"] or one["name"],
                "label": one["label"] or "",
                "description": _one_line(one["description"] or ""),
            },
        )
    for one in raw["measures"]:
        params, level = one["agg_params"] or {}, one["non_additive_dimension"]
        yield (
            f"measure {name}.{one['name']}",
            {
                "agg": one["agg"],
                "expr": one["expr"] or one["name"],
                "time": one["agg_time_dimension"] or defaults.get("agg_time_dimension"),
                "description": _one_line(one["description"] or ""),
                "percentile": params.get("percentile"),
                "is_discrete": bool(params.get("use_discrete_percentile")),
                "is_approximate": bool(params.get("use_approximate_percentile")),
                "level": level
                and (level["name"], level["window_choice"], list(level["window_groupings"])),
            },
        )


def _our_model(model: SemanticModel) -> Iterable[tuple[str, Facts]]:
    yield (
        f"model {model.name}",
        {
            "relation": model.model,
            "description": _one_line(model.description),
            "primary_entity": model.primary_entity,
            "entities": sorted(model.entities),
            "dimensions": sorted(model.dimensions),
            "measures": sorted(model.measures),
        },
    )
    for one in model.entities.values():
        yield f"entity {model.name}.{one.name}", {"type": one.kind, "expr": one.expr}
    for dimension in model.dimensions.values():
        yield (
            f"dimension {model.name}.{dimension.name}",
            {
                "type": dimension.kind,
                "expr": dimension.expr,
                "label": dimension.label,
                "description": _one_line(dimension.description),
            },
        )
    for measure in model.measures.values():
        yield f"measure {model.name}.{measure.name}", _our_measure(measure)


def _our_measure(measure: Measure) -> Facts:
    level = measure.non_additive
    return {
        "agg": measure.agg,
        "expr": measure.expr,
        "time": measure.agg_time_dimension,
        "description": _one_line(measure.description),
        "percentile": measure.percentile,
        "is_discrete": measure.is_discrete,
        "is_approximate": measure.is_approximate,
        "level": level and (level.dimension, level.choice, list(level.entities)),
    }


# -- small things --------------------------------------------------------------------------------


def _conditions(raw: Mapping[str, Any]) -> list[str]:
    """Conditions of a metric, an input or a measure."""
    given = raw.get("filter") or {"where_filters": []}
    return [_one_line(one["where_sql_template"]) for one in given["where_filters"]]


def _span(raw: Mapping[str, Any] | None) -> tuple[int, str] | None:
    return None if raw is None else (raw["count"], raw["granularity"].removesuffix("s"))


def _ours(span: Span | None) -> tuple[int, str] | None:
    return None if span is None else (span.count, span.unit)


def _one_line(text: str) -> str:
    return " ".join(text.split())
