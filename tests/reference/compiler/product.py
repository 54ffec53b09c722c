"""The product that references are counted on: its marts and its release."""

from __future__ import annotations

MODELS = """
version: 2
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: event_name, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: app_version, data_type: varchar}
      - {name: seconds, data_type: double}
      - {name: amount, data_type: double}
      - {name: is_error, data_type: boolean}
      - {name: session_id, data_type: varchar}
      - {name: occurred_at, data_type: timestamp}
  - name: fct_feedback
    columns:
      - {name: feedback_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: channel, data_type: varchar}
      - {name: rating, data_type: double}
      - {name: given_at, data_type: timestamp}
  - name: fct_exposures
    columns:
      - {name: release, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: variant, data_type: varchar}
      - {name: exposed_at, data_type: timestamp}
  - name: dim_units
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: country, data_type: varchar}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: event_name, type: categorical}
      - {name: app_version, type: categorical}
      - {name: is_error, type: categorical}
      - {name: occurred_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: event_count, agg: count, expr: event_id}
      - {name: amount_sum, agg: sum, expr: amount}
      - {name: amount_average, agg: average, expr: amount}
      - {name: amount_least, agg: min, expr: amount}
      - {name: amount_most, agg: max, expr: amount}
      - {name: seconds_sum, agg: sum, expr: seconds}
      - {name: error_count, agg: sum_boolean, expr: is_error}
      - {name: event_units, agg: count_distinct, expr: unit_id}
      - name: erring_units
        agg: count_distinct
        expr: case when is_error and seconds > 10 then unit_id end
      - {name: event_sessions, agg: count_distinct, expr: session_id}
      - {name: long_views, agg: sum, expr: case when seconds / 60 > 1 then 1 else 0 end}
  - name: feedback
    model: ref('fct_feedback')
    defaults: {agg_time_dimension: given_at}
    entities:
      - {name: feedback, type: primary, expr: feedback_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: channel, type: categorical}
      - {name: given_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: feedback_count, agg: count, expr: feedback_id}
      - {name: rating_average, agg: average, expr: rating}
  - name: exposures
    model: ref('fct_exposures')
    defaults: {agg_time_dimension: exposed_at}
    primary_entity: exposure
    entities:
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: exposed_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: exposed_unit_count, agg: count_distinct, expr: unit_id}
  - name: units
    model: ref('dim_units')
    entities:
      - {name: unit, type: primary, expr: unit_id}
    dimensions:
      - {name: plan, type: categorical}
      - {name: country, type: categorical}
"""

ABOUT = "description: Rows of everybody that the product wrote down, bots left in."

RELEASE = """
release: new-start
shipped_at: 2026-03-01T00:00:00Z
owner: growth
rollout:
  kind: experiment
  exposure: {event: feature_flag.evaluation, flag: new_start}
  control: control
  treatments: [checklist, video, never_met]
  allocation: {control: 0.4, checklist: 0.3, video: 0.2, never_met: 0.1}
horizon: {exposure_ends_at: 2026-03-15T00:00:00Z}
success: [{metric: signup_rate}]
diagnostics: [events]
"""
