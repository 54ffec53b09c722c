from __future__ import annotations

import sys
from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.project import Project

sys.path.insert(0, str(Path(__file__).parent))  # refused.py, beside this file

MARTS = """
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: event_name, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: platform, data_type: varchar}
      - {name: occurred_at, data_type: timestamp}
  - name: fct_exposures
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: exposed_at, data_type: timestamp}
  - name: agg_unit_days
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: event_on, data_type: date}
      - {name: error_count, data_type: bigint}
  - name: dim_units
    columns:
      - {name: unit_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: platform, data_type: varchar}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: event_name, type: categorical}
      - {name: platform, type: categorical}
      - {name: occurred_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: event_count, agg: count, expr: event_id}
      - {name: event_units, agg: count_distinct, expr: unit_id}
  - name: unit_days
    model: ref('agg_unit_days')
    defaults: {agg_time_dimension: event_on}
    primary_entity: unit_day
    entities: [{name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: event_on, type: time, type_params: {time_granularity: day}}]
    measures: [{name: error_count, agg: sum}]
  - name: exposures
    model: ref('fct_exposures')
    defaults: {agg_time_dimension: exposed_at}
    primary_entity: exposure
    entities: [{name: unit, type: foreign, expr: unit_id}]
    dimensions: [{name: exposed_at, type: time, type_params: {time_granularity: second}}]
    measures: [{name: exposed_unit_count, agg: count_distinct, expr: unit_id}]
  - name: units
    model: ref('dim_units')
    entities: [{name: unit, type: primary, expr: unit_id}]
    dimensions: [{name: plan, type: categorical}, {name: platform, type: categorical}]
"""

ENTRY = """
  - name: {name}
    label: {name}
    description: Rows that the product wrote down, everybody in, bots too.
    type: {kind}
    type_params: {params}
    config: {{meta: {{owner: growth, value: count, direction: increase_is_good}}}}
"""

RELEASE = """
release: new-start
shipped_at: 2026-03-01T00:00:00Z
owner: growth
rollout:
  kind: experiment
  exposure: {event: feature_flag.evaluation, flag: new_start}
  control: control
  treatments: [checklist]
  allocation: {control: 0.5, checklist: 0.5}
horizon: {exposure_ends_at: 2026-03-15T00:00:00Z}
success: [{metric: active_share}]
"""


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("project"))


def load(root: Path) -> Catalog:
    """The catalog of a project of its own, without the core."""
    metrics = "metrics:" + "".join(
        ENTRY.format(name=name, kind=kind, params=params)
        for name, kind, params in (
            ("events", "simple", "{measure: event_count}"),
            ("active_units", "simple", "{measure: event_units}"),
            ("errors", "simple", "{measure: error_count}"),
            ("exposed_units", "simple", "{measure: exposed_unit_count}"),
            ("active_share", "ratio", "{numerator: active_units, denominator: exposed_units}"),
            ("twice", "derived", "{expr: 2 * events, metrics: [events]}"),
        )
    )
    for folder, text in (("models", MARTS), ("metrics", metrics), ("releases", RELEASE)):
        (root / folder).mkdir()
        (root / folder / "new-start.yml").write_text(text, encoding="utf-8")
    return load_catalog(Project(root, "unit"), core=root / "no_core")
