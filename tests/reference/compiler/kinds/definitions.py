"""What a definition is made of, and how it is written in a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from kinds.conditions import as_template, written
from kinds.marts import MEASURES
from kinds.oracle import Query
from kinds.values import span

Definition = dict[str, Any]
PRODUCT = ("unit_mean", "funnel", "retention", "rolling_distinct")


def reachable(name: str, facts: set[str]) -> bool:
    """Whether all of these facts have a dimension."""
    prefix = name.partition("__")[0]
    return prefix == "unit" or facts == {f"{prefix}s"}


def all_facts(metrics: Mapping[str, Definition], name: str) -> list[str]:
    """Facts of every measure of a metric."""
    metric = metrics[name]
    found = [
        MEASURES[one["name"] if isinstance(one, dict) else one].fact for one in measures_of(metric)
    ]
    return found + [fact for one in inputs_of(metric) for fact in all_facts(metrics, one["name"])]


def leading(metrics: Mapping[str, Definition], name: str) -> list[str]:
    """Facts whose rows a query groups: of a conversion or funnel those of its beginning."""
    metric = metrics[name]
    found = [
        MEASURES[one["name"] if isinstance(one, dict) else one].fact
        for one in measures_of(metric)[:1]
    ]
    return found + [fact for one in inputs_of(metric) for fact in leading(metrics, one["name"])]


def has_offset(metrics: Mapping[str, Definition], name: str) -> bool:
    """Whether any input is looked at as of another time."""
    return any(
        "offset_window" in one or "offset_to_grain" in one or has_offset(metrics, one["name"])
        for one in inputs_of(metrics[name])
    )


def has_hours(metrics: Mapping[str, Definition], name: str) -> bool:
    """Whether a metric may be asked for by hour: no days, and no stretches or offsets of them."""
    metric = metrics[name]
    if metric["type"] in ("cumulative", "rolling_distinct") or "payments" in leading(metrics, name):
        return False
    return all(
        "offset_to_grain" not in one
        and not span(one.get("offset_window", "1 day"))[1]
        and has_hours(metrics, one["name"])
        for one in inputs_of(metric)
    )


def measures_of(metric: Definition) -> list[Any]:
    params = metric["type_params"]
    params = params.get("conversion_type_params", params)
    steps = [step["measure"] for step in params.get("steps", ())]
    words = ("measure", "base_measure", "conversion_measure", "cohort", "returns")
    return [*steps, *(params[word] for word in words if word in params)]


def inputs_of(metric: Definition) -> list[Definition]:
    params = metric["type_params"]
    raws = [params[word] for word in ("numerator", "denominator") if word in params]
    return [
        {"name": one} if isinstance(one, str) else one
        for one in (*raws, *params.get("metrics", ()))
    ]


def as_yaml(metrics: Mapping[str, Definition]) -> str:
    """Definitions as they are written in a project."""
    listed: dict[str, list[Definition]] = {"metrics": [], "product_metrics": []}
    for name, metric in metrics.items():
        entry = {
            "name": name,
            "label": name.replace("_", " "),
            "description": "Rows of everybody that the product wrote down, bots left in.",
            **_spelled(metric),
            "config": {
                "meta": {"owner": "growth", "value": "count", "direction": "increase_is_good"}
            },
        }
        is_ours = metric["type"] in PRODUCT or "touch" in metric["type_params"].get(
            "conversion_type_params", ()
        )
        key = "product_metrics" if is_ours else "metrics"
        listed[key].append(entry)
    return yaml.safe_dump({key: value for key, value in listed.items() if value}, sort_keys=False)


def _spelled(value: Any) -> Any:
    """A definition with its conditions and arithmetic as text."""
    if isinstance(value, dict):
        found = {key: _spelled(one) for key, one in value.items() if key != "text"}
        if "filter" in value:
            found["filter"] = [written(one, as_template) for one in value["filter"]]
        if "text" in value:
            found["expr"] = value["text"]
        return found
    if isinstance(value, list):
        return [_spelled(one) for one in value]
    return value


def as_sql(query: Query) -> tuple[str, ...]:
    """The conditions of a query as text."""
    return tuple(
        written(one, lambda name: as_template(name) if "@" in name else name) for one in query.where
    )
