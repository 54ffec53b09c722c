"""Which events a metric reads, through conditions, measures and the SQL of its models."""

from __future__ import annotations

from pathlib import Path

import pytest

from landed.catalog import Catalog, load_catalog
from landed.project import core_root, load_project

DEMO = core_root() / "examples" / "demo"


@pytest.fixture(scope="module")
def demo() -> Catalog:
    return load_catalog(load_project(DEMO))


def events(catalog: Catalog, metric: str) -> list[list[str]]:
    return [sorted(one.events) for one in catalog.events_of(metric)]


def test_a_measure_reads_of_its_mart_the_events_that_add_to_it(demo: Catalog) -> None:
    assert events(demo, "refunds") == [["refund_issued"]]
    assert events(demo, "payments") == [["payment_succeeded"]]
    assert events(demo, "activated_users") == [["onboarding_completed"]]
    assert events(demo, "onboarding_steps") == [["onboarding_step_completed"]]


def test_a_condition_on_a_column_that_is_the_events_name_chooses_among_them(
    demo: Catalog,
) -> None:
    assert events(demo, "tasks_created") == [["task_created"]]


def test_each_side_of_a_ratio_reads_its_own_events(demo: Catalog) -> None:
    assert events(demo, "refund_rate") == [["refund_issued"], ["payment_succeeded"]]


def test_names_that_mean_the_same_are_read_together(demo: Catalog) -> None:
    assert events(demo, "error_events") == [["app_error", "crash", "error", "exception"]]


def test_a_metric_over_every_event_names_none(demo: Catalog) -> None:
    assert events(demo, "active_users") == []


def test_the_properties_that_are_read_are_named(demo: Catalog) -> None:
    properties = {name: demo.events_of(name)[0].properties for name in ("revenue", "payments")}

    assert properties == {"revenue": {"amount_usd"}, "payments": frozenset()}
    assert demo.events_of("failed_requests")[0].properties == {"status"}


MODELS = """
semantic_models:
  - name: things
    description: One row per thing.
    model: ref('fct_things')
    defaults: {agg_time_dimension: at}
    entities:
      - {name: thing, type: primary, expr: thing_id}
      - {name: unit, type: foreign, expr: unit_id}
    dimensions:
      - {name: at, type: time, type_params: {time_granularity: day}}
      - {name: sort, type: categorical}
    measures:
      - {name: things, agg: MEASURE}
"""
METRIC = """
metrics:
  - name: m
    label: Things
    description: How many things were done, of all units.
    type: simple
    type_params: {measure: things}
    config: {meta: {owner: me, value: count, direction: increase_is_good, tier: team,
                    revisions: [{date: 2026-01-01, change: first, by: me}]}}
"""


@pytest.mark.parametrize(
    ("sql", "measure", "expected"),
    [
        ("select *, event_id as thing_id, occurred_at as at from {{ ref('fct_events') }}"
         " where event_name = 'a' or event_name = 'b'", "count, expr: thing_id", [["a", "b"]]),
        ("select case event_name when 'a' then 1 when 'b' then 0 end as number, unit_id"
         " from {{ ref('fct_events') }} where event_name in ('a', 'b', 'c')",
         "sum, expr: number", [["a"]]),
        ("select unit_id, count(*) filter (where event_name = 'a') as number, max(x) as sort"
         " from {{ ref('fct_events') }} where event_name <> 'b' group by unit_id",
         "sum, expr: number", [["a"]]),
        ("with e as (select * from {{ ref('fct_events') }} where not (event_name <> 'a'))"
         " select e.event_id as thing_id from e", "count, expr: thing_id", [["a"]]),
        ("select x.event_id as thing_id from {{ ref('fct_events') }} as x"
         " join {{ ref('dim_units') }} as u on x.unit_id = u.unit_id where x.event_name = 'a'",
         "count, expr: thing_id", [["a"]]),
        ("select event_id as thing_id from {{ ref('fct_events') }} where event_name like 'a%'",
         "count, expr: thing_id", []),
        ("select event_id as thing_id from {{ unknown_macro() }}", "count, expr: thing_id", []),
    ],
)  # fmt: skip
def test_the_sql_of_a_mart_says_which_events_its_rows_are(
    tmp_path: Path, sql: str, measure: str, expected: list[list[str]]
) -> None:
    for folder in ("models", "metrics", "core"):
        (tmp_path / folder).mkdir()
    (tmp_path / "landed.toml").write_text('[project]\nname = "own"\n')
    (tmp_path / "models" / "_own.yml").write_text(MODELS.replace("MEASURE", measure))
    (tmp_path / "models" / "fct_things.sql").write_text(sql)
    (tmp_path / "metrics" / "m.yml").write_text(METRIC)

    catalog = load_catalog(load_project(tmp_path), core=tmp_path / "core")

    assert events(catalog, "m") == expected
