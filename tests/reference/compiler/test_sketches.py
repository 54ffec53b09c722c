"""Sketches hold what they state, on data of many shapes, and merge without a trace."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow
import pytest
import sqlglot
from sqlglot import exp

from landed.catalog import Catalog, load_catalog
from landed.catalog.definitions import DISTINCT_REGISTERS, PERCENTILE_ERROR, Measure
from landed.compiler import MetricQuery, compile_query
from landed.compiler.sketches import buckets, distinct, percentiles, registers
from landed.compiler.syntax import append_cte, column, common, named
from landed.project import Project

STANDARD_ERROR = 1.04 / math.sqrt(DISTINCT_REGISTERS)
SHARES = [index / 20 for index in range(21)] + [0.001, 0.01, 0.99, 0.999, 0.9999]


def percentile(share: float, *, is_discrete: bool = False) -> Measure:
    return Measure(
        "p", "percentile", "v", "t", percentile=share, is_discrete=is_discrete, is_approximate=True
    )


def statement(state: exp.Expr, tables: Sequence[exp.CTE], columns: Sequence[str]) -> str:
    select = exp.select(*(column(one) for one in columns)).from_(named("found"))
    append_cte(select, common("state", state))
    for one in tables:
        append_cte(select, one)
    return select.sql("duckdb")


def parsed(sql: str) -> exp.Select:
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Select)
    return tree


def shapes(rng: np.random.Generator) -> dict[str, np.ndarray]:
    count = 4001
    signed = rng.normal(0, 50, count)
    return {
        "uniform": rng.uniform(0, 1, count),
        "lognormal": rng.lognormal(3, 2.5, count),
        "pareto": rng.pareto(0.8, count) + 1e-3,
        "signed": signed,
        "whole with zeros": rng.poisson(0.7, count).astype(float) - 1,
        "ties": rng.choice([0.1, 1.0, 19.99, 250.0], count),
        "far apart": np.concatenate([rng.uniform(1e-300, 1e-290, 2000), signed * 1e300]),
        "one value": np.full(17, 42.5),
        "two values": np.array([-3.0, 8.0]),
    }


@pytest.mark.parametrize("is_discrete", [False, True])
def test_every_percentile_of_every_shape_is_within_one_percent(*, is_discrete: bool) -> None:
    engine = duckdb.connect(":memory:")
    worst = 0.0
    for name, values in shapes(np.random.default_rng(7)).items():
        engine.register("given", pyarrow.table({"v": values}))
        measures = [percentile(share, is_discrete=is_discrete) for share in SHARES]
        sql = statement(
            buckets(parsed("select v from given"), []),
            percentiles("state", "found", [], measures),
            [f"a{index}" for index in range(len(SHARES))],
        )

        found = engine.execute(sql).fetchall()[0]

        ordered, count = np.sort(values), len(values)
        for share, value in zip(SHARES, found, strict=True):
            place = math.ceil(share * count) if is_discrete else math.floor(1 + share * (count - 1))
            true = float(ordered[max(place, 1) - 1])
            error = abs(value - true) / abs(true) if true else abs(value)
            worst = max(worst, error)
            assert error <= PERCENTILE_ERROR * (1 + 1e-9), (name, share, value, true)
    assert worst > PERCENTILE_ERROR / 2  # the limit is one that is reached


def errors_of(size: int, trials: int) -> np.ndarray:
    """Relative errors of so many sketches, each of other values."""
    rows = f"select i // {size} as k0, 'user-' || i as v from range({size * trials}) r(i)"
    sql = statement(
        registers(parsed(rows), ["k0"]), distinct("state", "found", ["k0"]), ["k0", "a0"]
    )
    found = duckdb.connect(":memory:").execute(sql).fetchall()
    assert len(found) == trials
    return np.array([value for _, value in found]) / size - 1


def within_the_stated_error(sizes: Sequence[int], capsys: pytest.CaptureFixture[str]) -> None:
    for size in sizes:
        errors = errors_of(size, trials=200)

        rms, mean = float(np.sqrt(np.mean(errors**2))), float(np.mean(errors))
        with capsys.disabled():
            print(f"\ndistinct {size}: rms error {rms:.2%}, mean {mean:+.2%}, stated 1.62%")
        # the answer is a whole number: of few values one is more than the error
        assert np.abs(errors).max() <= 4 * STANDARD_ERROR + 1 / size
        assert rms <= STANDARD_ERROR * 1.2  # of 200 trials it has an error of 5 % itself
        assert abs(mean) <= 4 * STANDARD_ERROR / math.sqrt(200)


def test_distinct_values_are_within_the_stated_error_at_every_size(
    capsys: pytest.CaptureFixture[str],
) -> None:
    within_the_stated_error([1, 30, 1000, 6000], capsys)


@pytest.mark.full
def test_large_numbers_of_distinct_values_are_within_the_stated_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    within_the_stated_error([300, 4096, 10_240, 20_480, 60_000], capsys)


def test_states_of_two_parts_merge_to_the_state_of_both() -> None:
    engine = duckdb.connect(":memory:")
    engine.execute(
        """
        create table a as select hash(i) % 30000 as v from range(20000) r(i);
        create table b as select hash(i) % 30000 as v from range(15000, 40000) r(i);
        create table whole as from a union all from b;
        """
    )

    def state(build: Any, table: str) -> str:
        return f"({build(parsed(f'select v - 9000.0 as v from {table}'), []).sql('duckdb')})"

    merged = engine.execute(
        f"select register, min(least) from (from {state(registers, 'a')} union all "
        f"from {state(registers, 'b')}) group by 1 order by 1"
    ).fetchall()
    added = engine.execute(
        f"select side, bucket, sum(counted) from (from {state(buckets, 'a')} union all "
        f"from {state(buckets, 'b')}) group by 1, 2 order by 1, 2"
    ).fetchall()

    assert merged == engine.execute(f"from {state(registers, 'whole')} order by 1").fetchall()
    assert added == engine.execute(f"from {state(buckets, 'whole')} order by 1, 2").fetchall()
    assert len(merged) > 4000
    assert len(added) > 100


# -- through the compiler ------------------------------------------------------------------------

MODELS = """
models:
  - name: fct_events
    columns:
      - {name: event_id, data_type: varchar}
      - {name: unit_id, data_type: varchar}
      - {name: kind, data_type: varchar}
      - {name: seconds, data_type: double}
      - {name: occurred_at, data_type: timestamp}
semantic_models:
  - name: events
    model: ref('fct_events')
    defaults: {agg_time_dimension: occurred_at}
    entities: [{name: event, type: primary, expr: event_id}]
    dimensions:
      - {name: kind, type: categorical}
      - {name: occurred_at, type: time, type_params: {time_granularity: second}}
    measures:
      - {name: units, agg: count_distinct, expr: unit_id}
      - name: units_sketch
        agg: count_distinct
        expr: unit_id
        config: {meta: {sketch: hyperloglog}}
      - name: p90
        agg: percentile
        expr: seconds
        agg_params: {percentile: 0.9, use_approximate_percentile: true}
      - name: p50
        agg: percentile
        expr: seconds
        agg_params: {percentile: 0.5, use_approximate_percentile: true}
"""
ENTRY = """
  - name: {name}
    label: {name}
    description: Rows that the product wrote down, everybody in, bots too.
    type: {kind}
    type_params: {params}
    config: {{meta: {{owner: growth, value: count, direction: increase_is_good}}}}
"""
KINDS = {
    "units": ("metrics", "simple", "{measure: units}"),
    "units_sketch": ("metrics", "simple", "{measure: units_sketch}"),
    "p90": ("metrics", "simple", "{measure: p90}"),
    "p50": ("metrics", "simple", "{measure: p50}"),
    "spread": ("metrics", "derived", "{expr: p90 - p50, metrics: [p90, p50]}"),
    "weekly": ("product_metrics", "rolling_distinct", "{measure: units_sketch, window: 7 days}"),
    "to_date": (
        "metrics",
        "cumulative",
        "{measure: units_sketch, cumulative_type_params: {grain_to_date: month}}",
    ),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    root = tmp_path_factory.mktemp("sketches")
    text = ""
    for key in ("metrics", "product_metrics"):
        text += f"{key}:\n"
        for name, (group, kind, params) in KINDS.items():
            if group == key:
                text += ENTRY.format(name=name, kind=kind, params=params)
    for folder, body in (("models", MODELS), ("metrics", text)):
        (root / folder).mkdir()
        (root / folder / "all.yml").write_text(body, encoding="utf-8")
    return load_catalog(Project(root, "sketches"), core=root / "no_core")


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect(":memory:")
    found.execute(
        """
        create table fct_events as
        select
            'e' || i as event_id,
            case when hash(i) % 9 > 0 then 'u' || (hash(i + 3) % 900) end as unit_id,
            ['view', 'order', null][1 + (hash(i + 5) % 3)::int] as kind,
            case when hash(i + 7) % 4 > 0 then (hash(i + 9) % 1000)::double - 100 end as seconds,
            timestamp '2026-03-20' + interval 1 hour * (hash(i + 11) % 720)::int as occurred_at
        from range(20000) r(i)
        union all
        select 'x', null, 'empty', null, timestamp '2026-03-25';
        create table time_spine as
            select unnest(range(date '2026-01-01', date '2027-01-01', interval 1 day))::date
                as date_day;
        """
    )
    return found


def rows(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection, *metrics: str, **more: Any
) -> list[tuple[Any, ...]]:
    return engine.execute(compile_query(catalog, MetricQuery(metrics, **more)).sql).fetchall()


def test_groups_of_a_sketch_are_those_of_an_exact_count(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection
) -> None:
    found = rows(catalog, engine, "units", "units_sketch", "p90", group_by=("kind",))

    assert [row[0] for row in found] == ["empty", "order", "view", None]
    assert found[0] == ("empty", 0, 0, None)
    for _, exact, sketched, _ in found[1:]:
        assert abs(sketched / exact - 1) <= 4 * STANDARD_ERROR


def test_a_sketch_of_no_rows_is_zero_or_nothing(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection
) -> None:
    found = rows(catalog, engine, "units_sketch", "p90", where=("kind = 'nothing'",))

    assert found == [(0, None)]


def test_percentiles_of_one_column_share_one_scan(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection
) -> None:
    sql = compile_query(catalog, MetricQuery(("p90", "p50", "spread"))).sql

    upper, lower, spread = engine.execute(sql).fetchall()[0]

    assert sql.count('"fct_events"') == 1
    assert spread == upper - lower
    assert (upper, lower) == pytest.approx((800, 399), rel=0.03)


@pytest.mark.parametrize("group_by", [(), ("kind",)])
def test_the_registers_of_days_merge_to_those_of_the_window(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection, group_by: tuple[str, ...]
) -> None:
    days = rows(catalog, engine, "weekly", group_by=("metric_time", *group_by), grain="day")
    for day in (date(2026, 3, 20), date(2026, 3, 29), date(2026, 4, 18)):
        since = day - timedelta(days=6)
        where = (f"metric_time >= '{since}'", f"metric_time < '{day + timedelta(days=1)}'")
        window = rows(catalog, engine, "units_sketch", group_by=group_by, where=where)

        shown = {row[1:] for row in days if row[0] == day}

        assert set(window) <= shown
        assert shown - set(window) <= {("empty", 0)}


def test_a_sketch_to_date_ends_its_month_with_the_whole_of_it(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection
) -> None:
    days = rows(catalog, engine, "to_date", group_by=("metric_time",), grain="day")
    months = rows(catalog, engine, "units_sketch", group_by=("metric_time",), grain="month")

    assert dict(days)[date(2026, 3, 31)] == dict(months)[date(2026, 3, 1)]


def test_an_answer_says_the_relative_error_of_what_is_sketched(catalog: Catalog) -> None:
    found = compile_query(
        catalog, MetricQuery(("units", "units_sketch", "p90", "spread", "weekly"))
    )

    assert {one.name: one.error for one in found.columns} == {
        "units": None,
        "units_sketch": pytest.approx(0.01625),
        "p90": 0.01,
        "spread": 0.01,
        "weekly": pytest.approx(0.01625),
    }
