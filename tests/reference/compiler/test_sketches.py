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
from sketched import (
    SHARES,
    STANDARD_ERROR,
    parsed,
    percentile,
    shapes,
    sketch_catalog,
    sketch_engine,
    statement,
)

from landed.catalog import Catalog
from landed.catalog.definitions import PERCENTILE_ERROR
from landed.compiler import MetricQuery, compile_query
from landed.compiler.sketches import buckets, distinct, percentiles, registers


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

        found = engine.execute(sql.sql("duckdb")).fetchall()[0]

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
    found = duckdb.connect(":memory:").execute(sql.sql("duckdb")).fetchall()
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


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return sketch_catalog(tmp_path_factory.mktemp("sketches"))


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    return sketch_engine()


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
