from __future__ import annotations

import sys
from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.project import Project

sys.path.insert(0, str(Path(__file__).parent))  # worlds.py, beside this file

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

META = "config: {meta: {owner: growth, value: count, direction: increase_is_good%s}}"
ABOUT = "description: Rows of everybody that the product wrote down, bots left in."


def metric(name: str, kind: str, params: str, *, more: str = "", meta: str = "") -> str:
    """One entry of `metrics:`."""
    lines = [
        f"  - name: {name}",
        f"    label: {name.replace('_', ' ')}",
        f"    {ABOUT}",
        f"    type: {kind}",
        f"    type_params: {params}",
        *([f"    {more}"] if more else []),
        f"    {META % meta}",
    ]
    return "\n".join(lines)


SIGNUP = """filter: "{{ Dimension('event__event_name') }} = 'signup'" """.strip()
WEEK = ", window_days: 7"
METRICS = "\n".join(
    [
        "metrics:",
        metric("events", "simple", "{measure: event_count}"),
        metric("events_7d", "simple", "{measure: event_count}", meta=WEEK),
        metric("signups", "simple", "{measure: event_count}", more=SIGNUP),
        metric("amount", "simple", "{measure: amount_sum}"),
        metric(
            "amount_7d_capped", "simple", "{measure: amount_sum}", meta=WEEK + ", cap: {value: 12}"
        ),
        metric("amount_mean", "simple", "{measure: amount_average}"),
        metric("amount_min", "simple", "{measure: amount_least}"),
        metric("amount_max", "simple", "{measure: amount_most}"),
        metric("errors", "simple", "{measure: error_count}"),
        metric("sessions", "simple", "{measure: event_sessions}"),
        metric("long_view_count", "simple", "{measure: long_views}"),
        metric("active_units", "simple", "{measure: event_units}"),
        metric("signed_up_units", "simple", "{measure: event_units}", more=SIGNUP),
        metric("exposed_units", "simple", "{measure: exposed_unit_count}"),
        metric("feedback_items", "simple", "{measure: feedback_count}"),
        metric(
            "pro_feedback_items",
            "simple",
            "{measure: feedback_count}",
            more="""filter: "{{ Dimension('unit__plan') }} = 'pro'" """.strip(),
        ),
        metric("rating", "simple", "{measure: rating_average}"),
        metric(
            "signup_rate",
            "ratio",
            "{numerator: signed_up_units, denominator: exposed_units}",
            meta=", window_days: 3.5",
        ),
        metric("erring", "simple", "{measure: erring_units}"),
        metric("erring_share", "ratio", "{numerator: erring, denominator: exposed_units}"),
        metric(
            "amount_per_exposed_unit", "ratio", "{numerator: amount, denominator: exposed_units}"
        ),
        metric("error_share", "ratio", "{numerator: errors, denominator: events}"),
        metric("error_share_7d", "ratio", "{numerator: errors, denominator: events}", meta=WEEK),
        metric("feedback_per_event", "ratio", "{numerator: feedback_items, denominator: events}"),
        metric(
            "pro_event_share",
            "ratio",
            """{numerator: {name: events, filter: "{{ Dimension('unit__plan') }} = 'pro'"}, """
            "denominator: events}",
        ),
        metric(
            "other_events",
            "derived",
            "{expr: (everything - signups) / 1, metrics: [{name: events, alias: everything}, "
            "signups]}",
        ),
        metric(
            "errors_per_signup", "derived", "{expr: errors / signups, metrics: [errors, signups]}"
        ),
        "product_metrics:",
        metric("view_seconds", "unit_mean", "{measure: seconds_sum}"),
        metric("view_seconds_7d", "unit_mean", "{measure: seconds_sum}", meta=WEEK),
    ]
)

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


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("project"))


def load(root: Path) -> Catalog:
    """The catalog of a project of its own, without the core."""
    for folder, name, text in (
        ("models", "marts.yml", MODELS),
        ("metrics", "all.yml", METRICS),
        ("releases", "new-start.yml", RELEASE),
    ):
        (root / folder).mkdir()
        (root / folder / name).write_text(text, encoding="utf-8")
    return load_catalog(Project(root, "oracle"), core=root / "no_core")
