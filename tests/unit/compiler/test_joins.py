from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from landed.catalog import Catalog, load_catalog
from landed.compiler import MetricQuery, compile_query, compile_unit_moments, list_dimensions
from landed.errors import ContractError, QueryRefused
from landed.project import Project

MODELS = """
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: order_id, data_type: varchar}
      - {name: seller_id, data_type: varchar}
      - {name: occurred_at, data_type: timestamp}
  - name: fct_orders
    columns:
      - {name: order_id, data_type: varchar}
      - {name: customer_id, data_type: varchar}
      - {name: status, data_type: varchar}
      - {name: ordered_at, data_type: timestamp}
  - name: dim_customers
    columns:
      - {name: customer_id, data_type: varchar}
      - {name: plan, data_type: varchar}
      - {name: country_id, data_type: varchar}
      - {name: signed_up_at, data_type: timestamp}
  - name: dim_countries
    columns: [{name: country_id, data_type: varchar}, {name: continent, data_type: varchar}]
  - name: dim_tiers
    columns:
      - {name: seller_id, data_type: varchar}
      - {name: tier, data_type: varchar}
      - {name: starts_at, data_type: timestamp}
      - {name: ends_at, data_type: timestamp}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities:
      - {name: event, type: primary, expr: event_id}
      - {name: order, type: foreign, expr: order_id}
      - {name: seller, type: foreign, expr: seller_id}
    dimensions: [{name: occurred_at, type: time, type_params: {time_granularity: second}}]
    measures: [{name: event_count, agg: count, expr: event_id}]
  - name: orders
    model: ref('fct_orders')
    defaults: {agg_time_dimension: ordered_at}
    entities:
      - {name: order, type: primary, expr: order_id}
      - {name: customer, type: foreign, expr: customer_id}
    dimensions:
      - {name: status, type: categorical}
      - {name: ordered_at, type: time, type_params: {time_granularity: second}}
    measures: [{name: order_count, agg: count, expr: order_id}]
  - name: customers
    model: ref('dim_customers')
    defaults: {agg_time_dimension: signed_up_at}
    entities:
      - {name: customer, type: primary, expr: customer_id}
      - {name: country, type: foreign, expr: country_id}
    dimensions:
      - {name: plan, type: categorical}
      - {name: signed_up_at, type: time, type_params: {time_granularity: second}}
    measures: [{name: customer_count, agg: count, expr: customer_id}]
  - name: countries
    model: ref('dim_countries')
    entities: [{name: country, type: primary, expr: country_id}]
    dimensions: [{name: continent, type: categorical}]
  - name: tiers
    model: ref('dim_tiers')
    primary_entity: seller
    entities: [{name: seller, type: natural, expr: seller_id}]
    dimensions:
      - {name: tier, type: categorical}
      - name: starts_at
        type: time
        type_params: {time_granularity: second, validity_params: {is_start: true}}
      - name: ends_at
        type: time
        type_params: {time_granularity: second, validity_params: {is_end: true}}
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
success: [{metric: events}]
"""
METRIC = """
  - name: {name}
    label: {name}
    description: Rows that the product wrote down, everybody in, bots too.
    type: simple
    type_params: {{measure: {measure}}}
    {more}
    config: {{meta: {{owner: growth, value: count, direction: increase_is_good}}}}
"""


def load(root: Path, models: str = MODELS, condition: str = "") -> Catalog:
    more = f'filter: "{condition}"' if condition else ""
    text = "metrics:" + METRIC.format(name="events", measure="event_count", more=more)
    text += METRIC.format(name="orders", measure="order_count", more="")
    text += METRIC.format(name="customers", measure="customer_count", more="")
    for folder, body in (("models", models), ("metrics", text)):
        (root / folder).mkdir(parents=True)
        (root / folder / "all.yml").write_text(body, encoding="utf-8")
    return load_catalog(Project(root, "unit"), core=root / "no_core")


def asked(catalog: Catalog, metric: str, *names: str, where: tuple[str, ...] = ()) -> str:
    return compile_query(catalog, MetricQuery((metric,), names, where=where)).sql


def refusal(catalog: Catalog, metric: str, name: str) -> str:
    with pytest.raises(QueryRefused) as error:
        asked(catalog, metric, name)
    return error.value.faults[0].what


def engine() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect(":memory:")
    found.execute(
        """
        create table fct_events as from (values
            ('e1', 'o1', 's1', timestamp '2026-03-02 09:00:00'),
            ('e2', 'o2', 's1', timestamp '2026-03-05 09:00:00'),
            ('e3', null, 's1', timestamp '2026-03-09 09:00:00'),
            ('e4', 'o9', null, timestamp '2026-03-09 09:00:00')
        ) t(event_id, order_id, seller_id, occurred_at);
        create table fct_orders as from (values
            ('o1', 'c1', 'paid', null), ('o2', null, 'new', null)
        ) t(order_id, customer_id, status, ordered_at);
        create table dim_customers as from (values
            ('c1', 'pro', 'DE', null), (null, 'free', 'FR', null)
        ) t(customer_id, plan, country_id, signed_up_at);
        create table dim_countries as from (values ('DE', 'Europe')) t(country_id, continent);
        create table dim_tiers as from (values
            ('s1', 'gold', timestamp '2026-03-02 09:00:00', timestamp '2026-03-07 00:00:00'),
            ('s1', 'late', timestamp '2026-03-05 09:00:00', timestamp '2026-03-06 00:00:00')
        ) t(seller_id, tier, starts_at, ends_at);
        """
    )
    return found


def test_a_dimension_is_reached_over_three_joins_by_the_name_of_its_path(tmp_path: Path) -> None:
    sql = asked(load(tmp_path), "events", "order__customer__country__continent")

    assert engine().execute(sql).fetchall() == [("Europe", 1), (None, 3)]


def test_a_key_that_is_null_or_has_no_row_keeps_the_row_and_joins_nothing(tmp_path: Path) -> None:
    sql = asked(load(tmp_path), "events", "order__customer__plan")

    assert engine().execute(sql).fetchall() == [("pro", 1), (None, 3)]


def test_the_end_of_a_name_is_enough_where_no_other_has_it(tmp_path: Path) -> None:
    catalog = load(tmp_path)
    full = asked(catalog, "events", "order__customer__plan")

    named = {info.name: info.short for info in list_dimensions(catalog, ["events"])}

    assert named["order__customer__plan"] == "plan"
    assert asked(catalog, "events", "customer__plan").replace("customer__plan", "x") == (
        full.replace("order__customer__plan", "x")
    )


def test_a_model_is_joined_once_for_all_that_needs_it(tmp_path: Path) -> None:
    sql = asked(load(tmp_path), "events", "order__status", where=("order__customer__plan = 'pro'",))

    assert sql.lower().count("left join") == 2


def test_the_template_with_an_entity_path_is_the_name_in_full(tmp_path: Path) -> None:
    catalog = load(tmp_path)

    template = "{{ Dimension('customer__plan', entity_path=['order']) }} = 'pro'"

    assert asked(catalog, "events", where=(template,)) == asked(
        catalog, "events", where=("order__customer__plan = 'pro'",)
    )


def test_versions_that_overlap_never_double_a_row_and_the_one_that_began_last_holds(
    tmp_path: Path,
) -> None:
    sql = asked(load(tmp_path), "events", "seller__tier")

    # e2 stands at the border where `late` begins; e3 comes after the end of both
    assert engine().execute(sql).fetchall() == [("gold", 1), ("late", 1), (None, 2)]


def test_a_version_that_ends_where_it_starts_does_not_end_the_one_before(tmp_path: Path) -> None:
    data = engine()
    data.execute(
        """
        create or replace table dim_tiers as from (values
            ('s1', 'gold', timestamp '2026-03-01 00:00:00', null),
            ('s1', 'none', timestamp '2026-03-04 00:00:00', timestamp '2026-03-04 00:00:00')
        ) t(seller_id, tier, starts_at, ends_at)
        """
    )

    found = data.execute(asked(load(tmp_path), "events", "seller__tier")).fetchall()

    assert found == [("gold", 3), (None, 1)]


def test_what_would_fan_out_is_refused_with_the_entity_and_the_model(tmp_path: Path) -> None:
    said = refusal(load(tmp_path), "customers", "order__status")

    assert said == (
        "the dimension `order__status` of orders would fan out, for `customer` is foreign in "
        "orders and one row of customers meets many there: name a metric of orders, or a model "
        "with one row per customer."
    )


def test_a_fan_out_deeper_in_the_path_names_the_join_that_does_it(tmp_path: Path) -> None:
    assert "`order` is foreign in events" in refusal(load(tmp_path), "orders", "seller__tier")


def test_a_column_that_is_tested_unique_is_said_in_the_way_out(tmp_path: Path) -> None:
    column = "{name: customer_id, data_type: varchar"
    tested = MODELS.replace(column, column + ", data_tests: [unique]", 1)

    said = refusal(load(tmp_path, tested), "customers", "order__status")

    assert said.endswith(
        "`customer_id` of fct_orders is tested unique, so make `customer` `type: unique` in orders."
    )


def test_a_metric_whose_condition_fans_out_does_not_load(tmp_path: Path) -> None:
    sellers = MODELS.replace(
        "      - {name: customer, type: foreign, expr: customer_id}",
        "      - {name: customer, type: foreign, expr: customer_id}\n"
        "      - {name: shop, type: foreign, expr: status}",
    ).replace(
        "      - {name: event, type: primary, expr: event_id}",
        "      - {name: event, type: primary, expr: event_id}\n"
        "      - {name: shop, type: foreign, expr: seller_id}",
    )

    with pytest.raises(ContractError, match="`shop` is foreign in orders"):
        load(tmp_path, sellers, "{{ Dimension('shop__status') }} = 'paid'")


def test_two_paths_of_one_name_are_refused_with_both(tmp_path: Path) -> None:
    twice = MODELS + (
        "  - name: order_notes\n"
        "    model: ref('fct_orders')\n"
        "    entities: [{name: order, type: primary, expr: order_id}]\n"
        "    dimensions: [{name: status, type: categorical}]\n"
    )

    catalog = load(tmp_path, twice)

    assert "reached by events → orders and events → order_notes" in refusal(
        catalog, "events", "order__status"
    )
    assert "order__status" not in {one.name for one in list_dimensions(catalog, ["events"])}


def test_a_path_of_four_joins_is_refused(tmp_path: Path) -> None:
    longer = MODELS.replace(
        "entities: [{name: country, type: primary, expr: country_id}]",
        "entities: [{name: country, type: primary, expr: country_id}, "
        "{name: planet, type: foreign, expr: continent}]",
    ) + (
        "  - name: planets\n"
        "    model: ref('dim_countries')\n"
        "    entities: [{name: planet, type: primary, expr: continent}]\n"
        "    dimensions: [{name: colour, type: categorical, expr: country_id}]\n"
    )

    said = refusal(load(tmp_path, longer), "events", "order__customer__country__planet__colour")

    assert "goes over 4 joins: at most 3" in said


def test_a_release_counts_rows_by_a_version_as_of_the_row(tmp_path: Path) -> None:
    released = MODELS.replace(
        "      - {name: seller, type: foreign, expr: seller_id}\n    dimensions",
        "      - {name: seller, type: foreign, expr: seller_id}\n"
        "      - {name: unit, type: foreign, expr: seller_id}\n    dimensions",
    )
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "new-start.yml").write_text(RELEASE, encoding="utf-8")
    catalog = load(tmp_path, released, "{{ Dimension('seller__tier') }} = 'gold'")
    data = engine()
    data.execute(
        """
        create table fct_exposures as select 'new-start' as release, 's1' as unit_id,
            'control' as variant, timestamp '2026-03-01' as exposed_at, false as is_crossover,
            false as is_bot
        """
    )

    compiled = compile_unit_moments(
        catalog,
        catalog.releases["new-start"],
        ["events"],
        cutoff_at=datetime(2026, 4, 1, tzinfo=UTC),
    )

    cursor = data.execute(compiled.sql)
    names = [one[0] for one in cursor.description or ()]
    found = {row[1]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert (found["control"]["n"], found["control"]["sum_y"]) == (1, 1)  # e1 of three
    assert "dim_tiers" in compiled.models


def test_the_models_that_a_path_goes_over_are_read(tmp_path: Path) -> None:
    catalog = load(
        tmp_path,
        condition="{{ Dimension('customer__plan', entity_path=['order']) }} = 'pro'",
    )

    found = compile_query(catalog, MetricQuery(("events",))).models

    assert found == {"fct_events", "fct_orders", "dim_customers"}
    assert catalog.models_read_by("events") == found


@pytest.mark.parametrize(
    ("given", "instead", "said"),
    [
        (", validity_params: {is_end: true}", "", "1 dimensions have validity_params"),
        ("type: natural", "type: foreign", "and 0 entities are natural"),
        (
            "entities: [{name: seller, type: natural, expr: seller_id}]",
            "entities: [{name: seller, type: natural, expr: seller_id}, "
            "{name: row, type: unique, expr: tier}]",
            "the entity `row` is unique",
        ),
    ],
)
def test_half_a_validity_is_refused(tmp_path: Path, given: str, instead: str, said: str) -> None:
    with pytest.raises(ContractError) as error:
        load(tmp_path, MODELS.replace(given, instead))

    assert any(said in str(fault) for fault in error.value.faults)
