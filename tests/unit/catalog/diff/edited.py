"""A base project, and small edits of it by name of file: what the comparison is tried on."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path

from landed.catalog.catalog import read_catalog
from landed.catalog.diff import Diff, Version, diff
from landed.catalog.lineage_models import Models
from landed.project import load_project

TODAY = date(2026, 11, 28)

MARTS = """\
models:
  - name: fct_orders
    columns:
      - {name: order_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: shop_id, data_type: varchar}
      - {name: status, data_type: varchar}
      - {name: channel, data_type: varchar}
      - {name: amount_usd, data_type: double}
      - {name: tax_usd, data_type: double}
      - {name: ordered_at, data_type: timestamp}
      - {name: ordered_on, data_type: date}
  - name: fct_visits
    columns:
      - {name: visit_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: page, data_type: varchar}
      - {name: seconds, data_type: double}
      - {name: visited_at, data_type: timestamp}
  - name: dim_units
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: country, data_type: varchar}
  - name: fct_exposures
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: exposed_at, data_type: timestamp}
semantic_models:
  - name: orders
    description: One row per order.
    model: ref('fct_orders')
    defaults: {agg_time_dimension: ordered_at}
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: shop, type: foreign, expr: shop_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: ordered_at, type: time, type_params: {time_granularity: second}}
      - {name: ordered_on, type: time, type_params: {time_granularity: day}}
      - {name: status, type: categorical, description: Where the order stands.}
      - {name: channel, type: categorical, label: Channel}
    measures:
      - {name: order_count, agg: count, expr: order_id, description: Orders.}
      - name: paid_usd
        agg: sum
        expr: case when status = 'paid' then amount_usd - tax_usd else 0 end
      - {name: amount_mean, agg: average, expr: amount_usd}
      - {name: amount_p90, agg: percentile, expr: amount_usd, agg_params: {percentile: 0.9}}
      - {name: buyers, agg: count_distinct, expr: unit_id}
      - {name: tax_sum, agg: sum, expr: tax_usd}
  - name: visits
    model: ref('fct_visits')
    defaults: {agg_time_dimension: visited_at}
    entities:
      - {name: visit, type: primary, expr: visit_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: visited_at, type: time, type_params: {time_granularity: second}}
      - {name: page, type: categorical}
    measures:
      - {name: visit_count, agg: count, expr: visit_id}
      - {name: visitors, agg: count_distinct, expr: unit_id}
  - name: units
    model: ref('dim_units')
    entities: [{name: unit, type: primary, expr: unit_id}]
    dimensions:
      - {name: plan, type: categorical}
      - {name: country, type: categorical}
  - name: exposures
    model: ref('fct_exposures')
    defaults: {agg_time_dimension: exposed_at}
    primary_entity: exposure
    entities: [{name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: exposed_at, type: time, type_params: {time_granularity: second}}]
    measures: [{name: exposed_unit_count, agg: count_distinct, expr: unit_id}]
exposures:
  - name: sales_board
    type: dashboard
    owner: {name: sales}
    depends_on: [metric('revenue'), ref('fct_orders')]
"""

METRICS = """\
metrics:
  - name: orders
    label: Orders
    description: Orders that people placed, cancelled ones left out. Falls when fewer people buy.
    type: simple
    type_params: {measure: order_count}
    filter:
      - "{{ Dimension('order__status') }} in ('paid', 'sent')"
      - "{{ Dimension('unit__country') }} <> 'XX'"
    config:
      meta:
        owner: sales
        value: count
        direction: increase_is_good
        tier: team
        revisions: [{date: 2026-01-01, change: first definition, by: sales}]
  - name: revenue
    label: Revenue
    description: Money paid for orders without tax. Falls when people buy less or cheaper things.
    type: simple
    type_params: {measure: paid_usd}
    config:
      meta:
        owner: sales
        value: usd
        direction: increase_is_good
        tier: certified
        window_days: 14
        cap: {value: 500}
        minimum_effect_of_interest: 0.5
        revisions: [{date: 2026-01-01, change: first definition, by: sales}]
  - name: revenue_per_order
    label: Revenue per order
    description: Money paid divided by the number of orders placed. Falls when baskets get smaller.
    type: ratio
    type_params: {numerator: revenue, denominator: orders}
    config: {meta: {owner: sales, value: usd, direction: increase_is_good}}
  - name: revenue_growth
    label: Revenue growth
    description: Money paid against what was paid a week before. Falls when business slows down.
    type: derived
    type_params:
      expr: (now - before) / before
      metrics: [{name: revenue, alias: now}, {name: revenue, alias: before, offset_window: 7 days}]
    config: {meta: {owner: sales, value: share, direction: increase_is_good}}
  - name: basket_p90
    label: Large basket
    description: The amount that one order in ten exceeds, tax included. Falls with cheaper things.
    type: simple
    type_params: {measure: amount_p90}
    config: {meta: {owner: sales, value: usd, direction: increase_is_good}}
  - name: orders_to_date
    label: Orders this month
    description: Orders since the month began, up to each of its days. Falls behind in weak months.
    type: cumulative
    type_params: {measure: order_count, cumulative_type_params: {window: 7 days}}
    config: {meta: {owner: sales, value: count, direction: increase_is_good}}
  - name: old_orders
    label: Old orders
    description: Everything ever ordered, whatever came of it. It goes away in favour of orders.
    type: simple
    type_params: {measure: order_count}
    config:
      meta:
        owner: sales
        value: count
        direction: increase_is_good
        deprecated: {since: 2026-01-01, until: 2026-06-30, use: orders}
product_metrics:
  - name: visit_to_order
    label: Visit to order
    description: Share of visits that an order of the same person follows. Falls when shops bore.
    type: conversion
    type_params:
      conversion_type_params:
        base_measure: visit_count
        conversion_measure: order_count
        entity: unit
        window: 7 days
    config: {meta: {owner: growth, value: share, direction: increase_is_good}}
  - name: weekly_visitors
    label: Weekly visitors
    description: Different people who visited within the seven days that end with each day.
    type: rolling_distinct
    type_params: {measure: visitors, window: 7 days}
    config: {meta: {owner: growth, value: count, direction: increase_is_good}}
  - name: checkout
    label: Checkout
    description: Share of people with a visit who go on to order, in that order, within a day.
    type: funnel
    type_params:
      steps: [{name: visit, measure: visit_count}, {name: order, measure: order_count}]
      window: 1 day
    config: {meta: {owner: growth, value: share, direction: increase_is_good}}
"""

SAVED = """\
saved_queries:
  - name: weekly_sales
    label: Weekly sales
    description: What the sales team looks at on Mondays.
    query_params:
      metrics: [revenue, orders]
      group_by: ["TimeDimension('metric_time', 'week')", "Dimension('order__channel')"]
      where: "{{ Dimension('order__channel') }} <> 'test'"
"""

RELEASE = """\
release: new-shop
shipped_at: 2026-09-01T00:00:00Z
owner: sales
rollout:
  kind: experiment
  exposure: {event: feature_flag.evaluation, flag: new_shop}
  control: control
  treatments: [new]
  allocation: {control: 0.5, new: 0.5}
horizon: {exposure_ends_at: 2026-09-10T00:00:00Z, looks: once}
success: [{metric: revenue}]
segments: [plan]
"""

FILES = {
    "landed.toml": '[project]\nname = "shop"\ntimezone = "UTC"\n',
    "models/marts.yml": MARTS,
    "metrics/sales.yml": METRICS,
    "metrics/saved.yml": SAVED,
    "releases/new-shop.yml": RELEASE,
}

Edits = tuple[tuple[str, str, str], ...]


def version(folder: Path, edits: Edits = (), *, files: dict[str, str] | None = None) -> Version:
    """The base project with some edits: (file, text, its replacement)."""
    texts = dict(FILES) | (files or {})
    for name, old, new in edits:
        assert old in texts[name], f"{old!r} does not stand in {name}"
        texts[name] = texts[name].replace(old, new)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    project = load_project(folder)
    catalog, faults = read_catalog(project, core=folder / "no_core")
    assert not faults, [str(one) for one in faults]
    models = Models((folder / "models",))
    return Version(folder.name, catalog, (folder,), tuple(faults), models)


def edited(base: Version, folder: Path, *edits: tuple[str, str, str]) -> Diff:
    """What the comparison says of the base project and the edited one."""
    return diff(base, version(folder, edits), as_of=TODAY)
