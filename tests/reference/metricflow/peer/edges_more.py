"""More odd definitions: of other kinds of metrics, of models and of saved queries."""

from __future__ import annotations

from typing import Any

from .edges import C, M, add, case, top

__all__ = ["C"]  # with the cases of this file

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


def asked(name: str, **q: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": "Label " + name,
        "description": "What is asked again and again every week.",
        "query_params": {"metrics": ["all_events"], **q},
        "config": {"meta": {"owner": "x"}},
    }


case("sq ok", saved=[asked("sq", group_by=["TimeDimension('metric_time','day')"])])
case("sq name 1", saved=[asked("s")])
case("sq bare group", saved=[asked("sq", group_by=["event__event_name"])])
case("sq bare short", saved=[asked("sq", group_by=["event_name"])])
case("sq dim short", saved=[asked("sq", group_by=["Dimension('event_name')"])])
case("sq group spaces", saved=[asked("sq", group_by=["Dimension( 'event__event_name' )"])])
case(
    "sq order metric",
    saved=[
        asked(
            "sq",
            group_by=["Dimension('event__event_name')"],
            order_by=["Metric('all_events').descending(True)"],
        )
    ],
)
case(
    "sq order minus",
    saved=[asked("sq", group_by=["Dimension('event__event_name')"], order_by=["-all_events"])],
)
case(
    "sq order bare",
    saved=[asked("sq", group_by=["Dimension('event__event_name')"], order_by=["all_events"])],
)
case(
    "sq order minus Metric",
    saved=[
        asked("sq", group_by=["Dimension('event__event_name')"], order_by=["-Metric('all_events')"])
    ],
)
case(
    "sq order dim",
    saved=[
        asked(
            "sq",
            group_by=["Dimension('event__event_name')"],
            order_by=["Dimension('event__event_name')"],
        )
    ],
)
case(
    "sq order td no grain",
    saved=[
        asked(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time')"],
        )
    ],
)
case(
    "sq order td bare",
    saved=[asked("sq", group_by=["TimeDimension('metric_time','day')"], order_by=["metric_time"])],
)
case(
    "sq order td grain",
    saved=[
        asked(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time','day').descending(True)"],
        )
    ],
)
case(
    "sq order td grain other",
    saved=[
        asked(
            "sq",
            group_by=["TimeDimension('metric_time','day')"],
            order_by=["TimeDimension('metric_time','week')"],
        )
    ],
)
case("sq limit", saved=[asked("sq", limit=3)])
case("sq limit 0", saved=[asked("sq", limit=0)])
case("sq where short", saved=[asked("sq", where=["{{ Dimension('event_name') }} = 'a'"])])
case(
    "sq where td",
    saved=[asked("sq", where=["{{ TimeDimension('metric_time','day') }} >= '2025-01-01'"])],
)
case("sq where str", saved=[asked("sq", where="{{ Dimension('event__event_name') }} = 'a'")])
case(
    "sq product",
    saved=[{**asked("sq"), "query_params": {"metrics": ["prod"]}}],
    extra={
        "product_metrics": [
            M("prod", "rolling_distinct", {"measure": "event_units", "window": "7 days"})
        ]
    },
)
case("sq label twice", saved=[asked("sq1"), {**asked("sq2"), "label": "Label sq1"}])
case("sq same name as metric", saved=[asked("all_events")])
case("sq usweek", saved=[asked("sq", group_by=["TimeDimension('metric_time','us_week')"])])
case("sq grain upper", saved=[asked("sq", group_by=["TimeDimension('metric_time','DAY')"])])
case("sq no group", saved=[asked("sq")])
case(
    "sq metric twice",
    saved=[{**asked("sq"), "query_params": {"metrics": ["all_events", "all_events"]}}],
)
case(
    "sq release",
    saved=[
        asked("sq", group_by=["Dimension('variant')"], where=["{{ Dimension('release') }} = 'x'"])
    ],
)
