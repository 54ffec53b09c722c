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
case(
    "cap meta",
    [
        M(
            "m1x",
            config={
                "meta": {
                    "owner": "growth",
                    "value": "count",
                    "direction": "increase_is_good",
                    "cap": {"value": 3},
                }
            },
        )
    ],
)
case("sm name 1", models=top(0, name="e"))
case("sm name day", models=top(0, name="day"))
case("sm name _", models=top(0, name="events_"))
case("dim name 1", models=add(0, "dimensions", name="x", type="categorical", expr="event_name"))
case(
    "dim name month",
    models=add(0, "dimensions", name="month", type="categorical", expr="event_name"),
)
case(
    "dim name from", models=add(0, "dimensions", name="from", type="categorical", expr="event_name")
)
case(
    "dim name metric_time",
    models=add(0, "dimensions", name="metric_time", type="categorical", expr="event_name"),
)
case("entity name 1", models=add(0, "entities", name="x", type="foreign", expr="event_name"))
case(
    "entity name select",
    models=add(0, "entities", name="select", type="foreign", expr="event_name"),
)
case("measure name 1", models=add(0, "measures", name="x", agg="sum", expr="amount"))
case("measure name in", models=add(0, "measures", name="in", agg="sum", expr="amount"))
case(
    "dim = entity same model",
    models=add(0, "dimensions", name="unit", type="categorical", expr="event_name"),
)
case(
    "dim = measure same model",
    models=add(0, "dimensions", name="event_count", type="categorical", expr="event_name"),
)
case(
    "dim = entity other model",
    models=add(1, "dimensions", name="event", type="categorical", expr="kind"),
)
case(
    "dim = measure other model",
    models=add(1, "dimensions", name="event_count", type="categorical", expr="kind"),
)
case(
    "dim type differs",
    models=add(
        1,
        "dimensions",
        name="event_name",
        type="time",
        expr="paid_on",
        type_params={"time_granularity": "day"},
    ),
)
case(
    "dim grain differs",
    models=add(
        1,
        "dimensions",
        name="occurred_at",
        type="time",
        expr="paid_on",
        type_params={"time_granularity": "day"},
    ),
)
case("time no params", models=add(1, "dimensions", name="booked_on", type="time", expr="paid_on"))
case(
    "cat with params",
    models=add(
        1,
        "dimensions",
        name="kind2",
        type="categorical",
        expr="kind",
        type_params={"time_granularity": "day"},
    ),
)
case(
    "primary pair twice",
    models=lambda s, d: (
        s[1]["entities"].__setitem__(0, {"name": "event", "type": "primary", "expr": "pay_id"}),
        s[1]["dimensions"].append({"name": "event_name", "type": "categorical", "expr": "kind"}),
    ),
)
case(
    "primary twice no pair",
    models=lambda s, d: s[1]["entities"].__setitem__(
        0, {"name": "event", "type": "primary", "expr": "pay_id"}
    ),
)
case("primary_entity and primary", models=top(0, primary_entity="other"))
case("primary_entity same", models=top(0, primary_entity="event"))
case("sm label twice", models=lambda s, d: (s[0].update(label="Same"), s[1].update(label="Same")))
case("dim label twice", models=lambda s, d: [x.update(label="Same") for x in s[2]["dimensions"]])
case(
    "measure label twice",
    models=lambda s, d: [x.update(label="Same") for x in s[0]["measures"][:2]],
)
case(
    "entity label differs",
    models=lambda s, d: (
        s[0]["entities"][1].update(label="A unit"),
        s[1]["entities"][1].update(label="Unit"),
    ),
)
case("entity label twice", models=lambda s, d: [x.update(label="Same") for x in s[0]["entities"]])
case("count no expr", models=add(1, "measures", name="kind_count", agg="count"))
case(
    "count no expr col",
    models=lambda s, d: (
        d["models"][1]["columns"].append({"name": "kind_count", "data_type": "varchar"}),
        s[1]["measures"].append({"name": "kind_count", "agg": "count"}),
    ),
)
case("sum int", models=add(1, "measures", name="rows_sum", agg="sum", expr=1))
case(
    "conv sum 1",
    [
        M(
            "cv",
            "conversion",
            {
                "conversion_type_params": {
                    "base_measure": "event_count",
                    "conversion_measure": "rows_sum",
                    "entity": "unit",
                }
            },
        )
    ],
    models=add(1, "measures", name="rows_sum", agg="sum", expr=1),
)
case(
    "percentile discrete+approx",
    models=add(
        0,
        "measures",
        name="p1x",
        agg="percentile",
        expr="amount",
        agg_params={
            "percentile": 0.5,
            "use_discrete_percentile": True,
            "use_approximate_percentile": True,
        },
    ),
)
case(
    "percentile 0",
    models=add(
        0, "measures", name="p1x", agg="percentile", expr="amount", agg_params={"percentile": 0}
    ),
)
case(
    "percentile 1",
    models=add(
        0, "measures", name="p1x", agg="percentile", expr="amount", agg_params={"percentile": 1}
    ),
)
case(
    "nonadd finer",
    models=lambda s, d: (
        s[0]["dimensions"].append(
            {
                "name": "occ_day",
                "type": "time",
                "expr": "occurred_at",
                "type_params": {"time_granularity": "day"},
            }
        ),
        s[0]["measures"].append(
            {
                "name": "lvl",
                "agg": "sum",
                "expr": "amount",
                "non_additive_dimension": {"name": "occ_day"},
            }
        ),
    ),
)
case(
    "nonadd coarser agg",
    models=lambda s, d: (
        s[1]["dimensions"].append(
            {
                "name": "paid_sec",
                "type": "time",
                "expr": "paid_on",
                "type_params": {"time_granularity": "second"},
            }
        ),
        s[1]["measures"].append(
            {
                "name": "lvl",
                "agg": "sum",
                "expr": "paid",
                "non_additive_dimension": {"name": "paid_sec"},
            }
        ),
    ),
)
case(
    "nonadd ok",
    models=add(
        0,
        "measures",
        name="lvl",
        agg="sum",
        expr="amount",
        non_additive_dimension={
            "name": "occurred_at",
            "window_choice": "max",
            "window_groupings": ["unit"],
        },
    ),
)
case(
    "is_partition",
    models=add(
        1,
        "dimensions",
        name="part_on",
        type="time",
        expr="paid_on",
        is_partition=True,
        type_params={"time_granularity": "day"},
    ),
)
case(
    "is_partition second",
    models=add(
        0,
        "dimensions",
        name="part_at",
        type="time",
        expr="occurred_at",
        is_partition=True,
        type_params={"time_granularity": "second"},
    ),
)
case(
    "partition cat",
    models=add(
        0, "dimensions", name="part_c", type="categorical", expr="event_name", is_partition=True
    ),
)
case(
    "no defaults measure own time",
    models=lambda s, d: (
        s[0].pop("defaults"),
        [m.update(agg_time_dimension="occurred_at") for m in s[0]["measures"]],
    ),
)
case(
    "defaults unknown unused",
    models=lambda s, d: s[2].update(defaults={"agg_time_dimension": "nope"}),
)
case("sm config meta", models=top(0, config={"meta": {"a": 1}}))
case("measure create", models=add(0, "measures", name="zz1", agg="sum", expr="amount", label="Zz"))
case(
    "unit entity unique",
    models=lambda s, d: s[1]["entities"].append(
        {"name": "kinded", "type": "unique", "expr": "kind"}
    ),
)
case(
    "model missing sql",
    models=lambda s, d: (d["models"].append({"name": "fct_none", "columns": []}),),
)
case(
    "exposure unknown metric",
    extra={
        "exposures": [
            {
                "name": "board",
                "type": "dashboard",
                "owner": {"name": "x", "email": "x@y.z"},
                "depends_on": ["metric('nope')"],
            }
        ]
    },
)
case(
    "exposure ok",
    extra={
        "exposures": [
            {
                "name": "board",
                "type": "dashboard",
                "owner": {"name": "x", "email": "x@y.z"},
                "depends_on": ["metric('all_events')", "ref('fct_events')"],
            }
        ]
    },
)
case(
    "exposure no owner",
    extra={
        "exposures": [
            {"name": "board", "type": "dashboard", "depends_on": ["metric('all_events')"]}
        ]
    },
)
case(
    "exposure bad type",
    extra={
        "exposures": [
            {
                "name": "board",
                "type": "chart",
                "owner": {"name": "x", "email": "x@y.z"},
                "depends_on": ["metric('all_events')"],
            }
        ]
    },
)
case(
    "exposure product metric",
    extra={
        "exposures": [
            {
                "name": "board",
                "type": "dashboard",
                "owner": {"name": "x", "email": "x@y.z"},
                "depends_on": ["metric('prod')"],
            }
        ],
        "product_metrics": [
            M("prod", "rolling_distinct", {"measure": "event_units", "window": "7 days"})
        ],
    },
)


def S(name: str, **q: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": "Label " + name,
        "description": "What is asked again and again every week.",
        "query_params": {"metrics": ["all_events"], **q},
        "config": {"meta": {"owner": "x"}},
    }


case("sq ok", saved=[S("sq", group_by=["TimeDimension('metric_time','day')"])])
case("sq name 1", saved=[S("s")])
case("sq bare group", saved=[S("sq", group_by=["event__event_name"])])
case("sq bare short", saved=[S("sq", group_by=["event_name"])])
case("sq dim short", saved=[S("sq", group_by=["Dimension('event_name')"])])
case("sq group spaces", saved=[S("sq", group_by=["Dimension( 'event__event_name' )"])])
case(
    "sq order metric",
    saved=[
        S(
            "sq",
            group_by=["Dimension('event__event_name')"],
            order_by=["Metric('all_events').descending(True)"],
        )
    ],
)
case(
    "sq order minus",
    saved=[S("sq", group_by=["Dimension('event__event_name')"], order_by=["-all_events"])],
)
case(
    "sq order bare",
    saved=[S("sq", group_by=["Dimension('event__event_name')"], order_by=["all_events"])],
)
case(
    "sq order minus Metric",
    saved=[
        S("sq", group_by=["Dimension('event__event_name')"], order_by=["-Metric('all_events')"])
    ],
)
case(
    "sq order dim",
    saved=[
        S(
            "sq",
            group_by=["Dimension('event__event_name')"],
            order_by=["Dimension('event__event_name')"],
        )
    ],
)
case(
    "sq order td no grain",
    saved=[
        S(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time')"],
        )
    ],
)
case(
    "sq order td bare",
    saved=[S("sq", group_by=["TimeDimension('metric_time','day')"], order_by=["metric_time"])],
)
case(
    "sq order td grain",
    saved=[
        S(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time','day').descending(True)"],
        )
    ],
)
case(
    "sq order td grain other",
    saved=[
        S(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time','week')"],
        )
    ],
)
case("sq limit", saved=[S("sq", limit=3)])
case("sq limit 0", saved=[S("sq", limit=0)])
case("sq where short", saved=[S("sq", where=["{{ Dimension('event_name') }} = 'a'"])])
case(
    "sq where td",
    saved=[S("sq", where=["{{ TimeDimension('metric_time','day') }} >= '2025-01-01'"])],
)
case("sq where str", saved=[S("sq", where="{{ Dimension('event__event_name') }} = 'a'")])
case(
    "sq product",
    saved=[{**S("sq"), "query_params": {"metrics": ["prod"]}}],
    extra={
        "product_metrics": [
            M("prod", "rolling_distinct", {"measure": "event_units", "window": "7 days"})
        ]
    },
)
case("sq label twice", saved=[S("sq1"), {**S("sq2"), "label": "Label sq1"}])
case("sq same name as metric", saved=[S("all_events")])
case("sq usweek", saved=[S("sq", group_by=["TimeDimension('metric_time','us_week')"])])
case("sq grain upper", saved=[S("sq", group_by=["TimeDimension('metric_time','DAY')"])])
case("sq no group", saved=[S("sq")])
case(
    "sq metric twice",
    saved=[{**S("sq"), "query_params": {"metrics": ["all_events", "all_events"]}}],
)
case(
    "sq release",
    saved=[S("sq", group_by=["Dimension('variant')"], where=["{{ Dimension('release') }} = 'x'"])],
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
