"""Definitions at the edge of what dbt takes, by what is odd about them."""
# ruff: noqa: E501, N802

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import yaml

MODELS = """
version: 2
models:
  - name: fct_events
    columns: [{name: event_id, data_type: varchar},{name: event_name, data_type: varchar},{name: unit_id, data_type: varchar},{name: amount, data_type: double},{name: occurred_at, data_type: timestamp}]
  - name: fct_pays
    columns: [{name: pay_id, data_type: varchar},{name: unit_id, data_type: varchar},{name: kind, data_type: varchar},{name: paid, data_type: double},{name: paid_on, data_type: date}]
  - name: dim_units
    columns: [{name: unit_id, data_type: varchar},{name: plan, data_type: varchar},{name: city, data_type: varchar}]
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: event, type: primary, expr: event_id},{name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: event_name, type: categorical},{name: occurred_at, type: time, type_params: {time_granularity: second}}]
    measures: [{name: event_count, agg: count, expr: event_id},{name: event_units, agg: count_distinct, expr: unit_id},{name: amount_sum, agg: sum, expr: amount}]
  - name: pays
    model: ref('fct_pays')
    defaults: {agg_time_dimension: paid_on}
    entities: [{name: pay, type: primary, expr: pay_id},{name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: kind, type: categorical},{name: paid_on, type: time, type_params: {time_granularity: day}}]
    measures: [{name: pay_count, agg: count, expr: pay_id}]
  - name: units
    model: ref('dim_units')
    entities: [{name: unit, type: primary, expr: unit_id}]
    dimensions: [{name: plan, type: categorical},{name: city, type: categorical}]
"""


def M(
    name: str, kind: str = "simple", params: Any = None, label: str | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "label": label or "Label " + name,
        "description": "Everything that the product wrote down, bots left in.",
        "type": kind,
        "type_params": params or {"measure": "event_count"},
        "config": {"meta": {"owner": "growth", "value": "count", "direction": "increase_is_good"}},
        **more,
    }


base_metrics = [
    M("all_events"),
    M("all_units", params={"measure": "event_units"}),
    M(
        "some_events",
        params={
            "measure": {
                "name": "event_count",
                "filter": "{{ Dimension('event__event_name') }} = 'a'",
            }
        },
    ),
    M(
        "other_events",
        params={
            "measure": {
                "name": "event_count",
                "filter": "{{ Dimension('event__event_name') }} = 'b'",
            }
        },
    ),
    M("filtered_events", filter="{{ Dimension('event__event_name') }} = 'a'"),
    M(
        "aliased_events",
        params={
            "measure": {
                "name": "event_count",
                "alias": "ev_alias",
                "filter": "{{ Dimension('event__event_name') }} = 'c'",
            }
        },
    ),
]


def add(i: int, key: str, **kw: Any) -> Callable[..., Any]:
    return lambda s, d: s[i].setdefault(key, []).append(kw)


def top(i: int, **kw: Any) -> Callable[..., Any]:
    return lambda s, d: s[i].update(kw)


C: dict[str, tuple[list[Any], Callable[..., Any] | None, Any, Any]] = {}


def case(
    name: str,
    metrics: Iterable[Any] = (),
    models: Callable[..., Any] | None = None,
    saved: Any = None,
    extra: Any = None,
) -> None:
    C[name] = (list(metrics), models, saved, extra)


Dm = "{{ Dimension('event__event_name') }} = 'a'"
case("ok")
case("metric name one letter", [M("a")])
case("metric name trailing _", [M("abc_")])
case("metric named day", [M("day")])
case("metric named millisecond", [M("millisecond")])
case("metric mf uuid", [M("mf_internal_uuid")])
case("metric same as measure", [M("event_count")])
case("metric same as dimension", [M("event_name")])
case("metric same as semantic model", [M("events")])
case("metric same as dbt model", [M("fct_events")])
case("label twice", [M("m1x", label="Same"), M("m2x", label="Same")])
case(
    "ratio two versions no alias",
    [M("r1", "ratio", {"numerator": "some_events", "denominator": "other_events"})],
)
case(
    "ratio version+plain",
    [M("r1", "ratio", {"numerator": "some_events", "denominator": "all_events"})],
)
case(
    "ratio metric filter",
    [M("r1", "ratio", {"numerator": "filtered_events", "denominator": "all_events"})],
)
case(
    "ratio input filter",
    [
        M(
            "r1",
            "ratio",
            {"numerator": {"name": "all_events", "filter": Dm}, "denominator": "all_events"},
        )
    ],
)
case(
    "ratio aliased+plain",
    [M("r1", "ratio", {"numerator": "aliased_events", "denominator": "all_events"})],
)
case(
    "ratio aliased+other",
    [M("r1", "ratio", {"numerator": "aliased_events", "denominator": "some_events"})],
)
case(
    "ratio same twice",
    [M("r1", "ratio", {"numerator": "some_events", "denominator": "some_events"})],
)
case(
    "ratio fill vs plain",
    [
        M(
            "fe",
            params={
                "measure": {"name": "event_count", "fill_nulls_with": 0, "join_to_timespine": True}
            },
        ),
        M("r1", "ratio", {"numerator": "fe", "denominator": "all_events"}),
    ],
)
case(
    "ratio nested versions",
    [
        M("d1", "derived", {"expr": "some_events * 2", "metrics": ["some_events"]}),
        M("r1", "ratio", {"numerator": "d1", "denominator": "all_events"}),
    ],
)
case(
    "alias is measure name",
    [M("m1x", params={"measure": {"name": "event_count", "alias": "event_units"}})],
)
case(
    "alias twice",
    [
        M("m1x", params={"measure": {"name": "event_count", "alias": "zz"}}),
        M("m2x", params={"measure": {"name": "event_count", "alias": "zz", "filter": Dm}}),
    ],
)
case("alias one letter", [M("m1x", params={"measure": {"name": "event_count", "alias": "z"}})])
case(
    "alias unused trailing", [M("m1x", params={"measure": {"name": "event_count", "alias": "zz_"}})]
)
case(
    "input alias one letter",
    [M("d1", "derived", {"expr": "a+1", "metrics": [{"name": "all_events", "alias": "a"}]})],
)
case(
    "input alias equals own name",
    [
        M(
            "d1",
            "derived",
            {"expr": "all_events+1", "metrics": [{"name": "all_events", "alias": "all_events"}]},
        )
    ],
)
case(
    "input alias equals other name",
    [
        M(
            "d1",
            "derived",
            {
                "expr": "all_units+all_units2",
                "metrics": [
                    {"name": "all_events", "alias": "all_units"},
                    {"name": "all_units", "alias": "all_units2"},
                ],
            },
        )
    ],
)
case(
    "input alias = day",
    [M("d1", "derived", {"expr": "day+1", "metrics": [{"name": "all_events", "alias": "day"}]})],
)
case(
    "derived same input twice no alias w offset",
    [
        M(
            "d1",
            "derived",
            {
                "expr": "all_events - prev",
                "metrics": [
                    "all_events",
                    {"name": "all_events", "alias": "prev", "offset_window": "1 month"},
                ],
            },
        )
    ],
)
case(
    "input strings",
    [M("d1", "derived", {"expr": "all_events+all_units", "metrics": ["all_events", "all_units"]})],
)
case(
    "ratio offset",
    [
        M(
            "r1",
            "ratio",
            {
                "numerator": {"name": "all_events", "offset_window": "1 day"},
                "denominator": "all_units",
            },
        )
    ],
)
case(
    "offset spaces",
    [
        M(
            "d1",
            "derived",
            {
                "expr": "prev",
                "metrics": [{"name": "all_events", "alias": "prev", "offset_window": "1  month"}],
            },
        )
    ],
)
case(
    "offset leading",
    [
        M(
            "d1",
            "derived",
            {
                "expr": "prev",
                "metrics": [{"name": "all_events", "alias": "prev", "offset_window": " 1 month"}],
            },
        )
    ],
)
case(
    "window spaces",
    [
        M(
            "c1x",
            "cumulative",
            {"measure": "event_count", "cumulative_type_params": {"window": "7  days"}},
        )
    ],
)
case("fill half", [M("m1x", params={"measure": {"name": "event_count", "fill_nulls_with": 0.5}})])
case("fill no join", [M("m1x", params={"measure": {"name": "event_count", "fill_nulls_with": 0}})])
case("filter list", [M("m1x", filter=[Dm, Dm])])
case("filter short name", [M("m1x", filter="{{ Dimension('event_name') }} = 'a'")])
case("filter entity", [M("m1x", filter="{{ Entity('unit') }} = 'a'")])
case("filter td", [M("m1x", filter="{{ TimeDimension('metric_time','day') }} > '2025-01-01'")])
case(
    "filter td usweek",
    [M("m1x", filter="{{ TimeDimension('metric_time','us_week') }} > '2025-01-01'")],
)
case("filter td nograin", [M("m1x", filter="{{ TimeDimension('metric_time') }} > '2025-01-01'")])
case("filter dim metric_time", [M("m1x", filter="{{ Dimension('metric_time') }} > '2025-01-01'")])
case(
    "filter dim grain method",
    [M("m1x", filter="{{ Dimension('event__occurred_at').grain('day') }} > '2025-01-01'")],
)
case("filter unit plan", [M("m1x", filter="{{ Dimension('unit__plan') }} = 'a'")])
case("filter path", [M("m1x", filter="{{ Dimension('plan', ['unit']) }} = 'a'")])
case(
    "filter dim upper grain",
    [M("m1x", filter="{{ TimeDimension('metric_time','DAY') }} > '2025-01-01'")],
)
case("filter 3 parts", [M("m1x", filter="{{ Dimension('event__unit__plan') }} = 'a'")])
case(
    "conv ok",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "pay_count",
                    "entity": "unit",
                }
            },
        )
    ],
)
case(
    "conv sum",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "amount_sum",
                    "entity": "unit",
                }
            },
        )
    ],
)
case(
    "conv const __",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "event_units",
                    "entity": "unit",
                    "constant_properties": [
                        {
                            "base_property": "event__event_name",
                            "conversion_property": "event__event_name",
                        }
                    ],
                }
            },
        )
    ],
)
case(
    "conv const other model",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "event_units",
                    "entity": "unit",
                    "constant_properties": [
                        {"base_property": "unit__plan", "conversion_property": "unit__plan"}
                    ],
                }
            },
        )
    ],
)
case(
    "conv const short",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "event_units",
                    "entity": "unit",
                    "constant_properties": [
                        {"base_property": "event_name", "conversion_property": "event_name"}
                    ],
                }
            },
        )
    ],
)
case(
    "conv same measure two filters",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": {"name": "event_count", "filter": Dm},
                    "conversion_measure": {
                        "name": "event_count",
                        "filter": "{{ Dimension('event__event_name') }} = 'b'",
                    },
                    "entity": "unit",
                }
            },
        )
    ],
)
case(
    "conv same measure twice",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "event_count",
                    "entity": "unit",
                }
            },
        )
    ],
)
case(
    "conv same measure aliased",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": {"name": "event_count", "alias": "bb1", "filter": Dm},
                    "conversion_measure": {
                        "name": "event_count",
                        "alias": "bb2",
                        "filter": "{{ Dimension('event__event_name') }} = 'b'",
                    },
                    "entity": "unit",
                }
            },
        )
    ],
)
case(
    "conv window hours",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "pay_count",
                    "entity": "unit",
                    "window": "24 hours",
                }
            },
        )
    ],
)
case(
    "cumul period_agg",
    [
        M(
            "c1x",
            "cumulative",
            {
                "measure": "event_count",
                "cumulative_type_params": {"window": "7 days", "period_agg": "average"},
            },
        )
    ],
)
case(
    "cumul grain to date day",
    [
        M(
            "c1x",
            "cumulative",
            {"measure": "event_count", "cumulative_type_params": {"grain_to_date": "day"}},
        )
    ],
)
case(
    "cumul filter",
    [
        M(
            "c1x",
            "cumulative",
            {
                "measure": {"name": "event_count", "filter": Dm},
                "cumulative_type_params": {"grain_to_date": "month"},
            },
        )
    ],
)


def texts_of(name: str) -> tuple[str, str]:
    """The files of models and of metrics of a case."""
    metrics, change, saved, extra = C[name]
    models = yaml.safe_load(MODELS)
    if change is not None:
        change(models["semantic_models"], models)
    found: dict[str, Any] = {"metrics": copy.deepcopy([*base_metrics, *metrics])}
    if saved:
        found["saved_queries"] = saved
    for key, value in (extra or {}).items():
        (models if key == "exposures" else found)[key] = value
    return yaml.safe_dump(models, sort_keys=False), yaml.safe_dump(found, sort_keys=False)
