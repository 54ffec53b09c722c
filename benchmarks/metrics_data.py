"""What the metrics benchmark asks about: marts made in DuckDB, and definitions of every kind."""

from __future__ import annotations

from pathlib import Path

import duckdb

from landed.catalog import Catalog, load_catalog
from landed.project import Project

DAYS = 90
_META = "{meta: {owner: growth, value: count, direction: increase_is_good}}"
_ABOUT = "What everybody did that the product wrote down, bots left in."

MODELS = """
version: 2
models:
  - name: fct_events
    columns: [{name: event_id, data_type: bigint}, {name: unit_id, data_type: varchar},
      {name: event_name, data_type: varchar}, {name: amount, data_type: double},
      {name: seconds, data_type: double}, {name: platform, data_type: varchar},
      {name: occurred_at, data_type: timestamp}]
  - name: fct_balances
    columns: [{name: balance_id, data_type: bigint}, {name: unit_id, data_type: varchar},
      {name: seats, data_type: double}, {name: measured_at, data_type: timestamp}]
  - name: dim_units
    columns: [{name: unit_id, data_type: varchar}, {name: plan, data_type: varchar},
      {name: country, data_type: varchar}]
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: event, type: primary, expr: event_id},
      {name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: event_name, type: categorical}, {name: platform, type: categorical},
      {name: occurred_at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: event_count, agg: count, expr: event_id},
      {name: event_units, agg: count_distinct, expr: unit_id},
      {name: amount_sum, agg: sum, expr: amount},
      {name: seconds_p90, agg: percentile, expr: seconds, agg_params: {percentile: 0.9}}]
  - name: balances
    model: ref('fct_balances')
    defaults: {agg_time_dimension: measured_at}
    entities: [{name: balance, type: primary, expr: balance_id},
      {name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: measured_at, type: time, type_params: {time_granularity: day}}]
    measures:
      - name: last_seats
        agg: sum
        expr: seats
        non_additive_dimension: {name: measured_at, window_choice: max}
  - name: units
    model: ref('dim_units')
    entities: [{name: unit, type: primary, expr: unit_id}]
    dimensions: [{name: plan, type: categorical}, {name: country, type: categorical}]
"""
_NAMED = "{{ Dimension('event__event_name') }}"
_PLATFORMS = ("is not null", "= 'ios'", "= 'android'", "= 'web'", "<> 'web'")
_VIEW, _SIGNUP, _ORDER = (f"\"{_NAMED} = '{name}'\"" for name in ("view", "signup", "order"))


def _conversion(base: str = _SIGNUP, **more: str) -> str:
    said = "".join(f", {key}: {value}" for key, value in more.items())
    return (
        "{conversion_type_params: "  # dbt wants an alias for each version of a measure
        f"{{base_measure: {{name: event_count, alias: from_base, filter: {base}}}, "
        f"conversion_measure: {{name: event_count, alias: to_order, filter: {_ORDER}}}, "
        f"entity: unit, window: 7 days{said}}}}}"
    )


def _funnel(order: str) -> str:
    steps = ", ".join(
        f"{{name: step_{at}, measure: event_count, filter: {one}}}"
        for at, one in enumerate((_VIEW, _SIGNUP, _ORDER))
    )
    return f"{{steps: [{steps}], window: 7 days, order: {order}}}"


#: Definitions by name: kind, and parameters as YAML.
KNOWN_TO_DBT = {
    "events": ("simple", "{measure: event_count}"),
    "active_users": ("simple", "{measure: event_units}"),
    "revenue": ("simple", "{measure: amount_sum}"),
    "signups": ("simple", f"{{measure: event_count}}\n    filter: {_SIGNUP}"),
    "orders": ("simple", f"{{measure: event_count}}\n    filter: {_ORDER}"),
    "slow_seconds": ("simple", "{measure: seconds_p90}"),
    "seats": ("simple", "{measure: last_seats}"),
    "orders_per_signup": ("ratio", "{numerator: orders, denominator: signups}"),
    "revenue_per_order": ("derived", "{expr: revenue / orders, metrics: [revenue, orders]}"),
    "revenue_growth": (
        "derived",
        "{expr: revenue - before, metrics: [revenue, "
        "{name: revenue, alias: before, offset_window: 7 days}]}",
    ),
    "revenue_7d": (
        "cumulative",
        "{measure: amount_sum, cumulative_type_params: {window: 7 days}}",
    ),
    "revenue_mtd": (
        "cumulative",
        "{measure: amount_sum, cumulative_type_params: {grain_to_date: month}}",
    ),
    "revenue_ever": ("cumulative", "{measure: amount_sum}"),
    "active_users_7d": (
        "cumulative",
        "{measure: event_units, cumulative_type_params: {window: 7 days}}",
    ),
    "converted_last": ("conversion", _conversion()),
}
OURS = {
    "converted_first": ("conversion", _conversion(touch="first")),
    "converted_views": ("conversion", _conversion(_VIEW)),
    "converted_any": ("conversion", _conversion(touch="any")),
    "funnel_loose": ("funnel", _funnel("loose")),
    "funnel_strict": ("funnel", _funnel("strict")),
    "week_1_retention": (
        "retention",
        "{cohort: event_count, returns: event_count, period: week, number: 1}",
    ),
    "weekly_actives": ("rolling_distinct", "{measure: event_units, window: 7 days}"),
}
#: As many simple metrics as one query is asked for: each a condition of its own.
FUSED = {
    f"fused_{at}": (
        "simple",
        f"{{measure: {('amount_sum', 'event_count')[at % 2]}}}\n"
        f"    filter: \"{_NAMED} = '{('view', 'signup', 'order', 'search', 'share')[at // 2 % 5]}'"
        f" and {{{{ Dimension('event__platform') }}}} {_PLATFORMS[at // 10]}\"",
    )
    for at in range(50)
}

FUSED_WHERE = [
    f"where event_name = '{('view', 'signup', 'order', 'search', 'share')[at // 2 % 5]}'"
    f" and platform {_PLATFORMS[at // 10]}"
    for at in range(50)
]


def written(definitions: dict[str, tuple[str, str]], key: str) -> str:
    """A file of definitions."""
    lines = [f"{key}:"]
    for name, (kind, params) in definitions.items():
        lines += [
            f"  - name: {name}",
            f"    label: {name.replace('_', ' ')}",
            f"    description: {_ABOUT}",
            f"    type: {kind}",
            f"    type_params: {params}",
            f"    config: {_META}",
        ]
    return "\n".join(lines) + "\n"


def catalog_in(folder: Path) -> Catalog:
    """The catalog of a project that is written into a folder."""
    files = {
        "models/marts.yml": MODELS,
        "metrics/dbt.yml": written(KNOWN_TO_DBT | FUSED, "metrics"),
        "metrics/ours.yml": written(OURS, "product_metrics"),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_catalog(Project(folder, "bench"), core=folder / "no_core")


def marts(folder: Path, events: int, each: int = 20) -> Path:
    """A database of that many events, made once; the same rows for the same number.

    A unit does so many things in 90 days, two thirds of them views. Rows lie by day and unit, as
    the lake's do.
    """
    units = max(1, events // each)
    path = folder / f"metrics_{events}_{units}.duckdb"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    being = path.with_suffix(".part")
    being.unlink(missing_ok=True)
    with duckdb.connect(str(being)) as engine:
        engine.execute(
            "set threads = 2; set memory_limit = '6GB'; set preserve_insertion_order = false"
        )
        engine.execute(_EVENTS.format(events=events, units=units, days=DAYS))
        engine.execute(_OTHERS.format(units=units, days=DAYS))
    being.rename(path)
    return path


_EVENTS = """
create table fct_events as
with drawn as (
    select
        i as event_id,
        hash(i) as a, hash(i + 1000000007) as b, hash(i + 2000000011) as c,
        hash(i + 3000000019) as d
    from range({events}) as r (i)
)
select
    event_id::bigint as event_id,
    'u' || (a % {units})::varchar as unit_id,
    case when b % 100 < 66 then 'view' when b % 100 < 76 then 'search'
        when b % 100 < 84 then 'share' when b % 100 < 92 then 'signup' else 'order' end
        as event_name,
    case when b % 100 >= 92 then (c % 9000) / 100.0 + 1 end::double as amount,
    ((c >> 20) % 100000) / 1000.0 as seconds,
    case when c % 3 = 0 then 'ios' when c % 3 = 1 then 'android' else 'web' end as platform,
    timestamp '2026-01-01' + to_microseconds((d % ({days} * 86400000000))::bigint)
        as occurred_at
from drawn
order by occurred_at::date, unit_id
"""
_OTHERS = """
create table dim_units as
select 'u' || i::varchar as unit_id,
    case when hash(i) % 4 = 0 then 'pro' when hash(i) % 4 = 1 then 'team' else 'free' end as plan,
    case when hash(i + 7) % 2 = 0 then 'DE' else 'FR' end as country
from range({units}) as r (i);
create table fct_balances as
select (i * {days} + d)::bigint as balance_id, 'u' || i::varchar as unit_id,
    (hash(i + d) % 50)::double as seats, timestamp '2026-01-01' + to_days(d::integer) as measured_at
from range({units} // 5) as r (i) cross join range({days}) as s (d)
order by measured_at, unit_id;
create view fct_views as select * from fct_events where event_name = 'view';
create view fct_signups as select * from fct_events where event_name = 'signup';
create view fct_orders as select * from fct_events where event_name = 'order';
create table time_spine as
select unnest(range(date '2022-01-01', date '2030-01-01', interval 1 day))::date as date_day;
"""
