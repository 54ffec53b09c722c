"""Sketches hold the stated error with each engine's own hash, and merge over windows there."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answers import plain
from cases import Table, tables_of
from engines import Elsewhere, OnPostgres
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

from landed.catalog.definitions import PERCENTILE_ERROR
from landed.compiler import MetricQuery, Relations, compile_query
from landed.compiler.dialects import render
from landed.compiler.sketches import buckets, distinct, percentiles, registers

Engine = OnPostgres | Elsewhere
DIGITS = {"digits": Table((("n", "BIGINT"),), tuple((n,) for n in range(1000)))}
#: Different values for different numbers `i`, in shapes that a weak hash maps to few.
VALUES = {
    "texts": "'user-' || cast(i as varchar)",
    "whole numbers whose halves are equal": "i * 4294967297",
    "negative numbers": "-i",
    "fractions": "cast(i as double) / 8",
    "decimals": "cast(i as decimal(18, 2))",
}


def errors_of(engine: Engine, value: str, size: int, trials: int) -> np.ndarray:
    """Relative errors of so many sketches, each of other values."""
    rows = f"""
        select k0, {value} as v
        from (
            select a.n as k0, a.n * {size} + b.n * 1000 + c.n + 1 as i
            from {engine.schema}.digits as a
            cross join {engine.schema}.digits as b
            cross join {engine.schema}.digits as c
            where a.n < {trials} and b.n <= {size // 1000} and b.n * 1000 + c.n < {size}
        ) as numbered
    """
    tree = statement(
        registers(parsed(rows), ["k0"]), distinct("state", "found", ["k0"]), ["k0", "a0"]
    )
    found = plain(engine.rows(render(tree, engine.dialect)))
    assert len(found) == trials
    return np.array([value for _, value in found]) / size - 1


def within_the_stated_error(engine: Engine, sizes: tuple[int, ...], trials: int) -> str:
    """What was seen; fails where it is not within what is stated."""
    engine.hold(DIGITS)
    seen = []
    for what, value in VALUES.items():
        for size in sizes:
            errors = errors_of(engine, value, size, trials)
            rms, mean = float(np.sqrt(np.mean(errors**2))), float(np.mean(errors))
            seen.append(f"{what}, {size}: rms {rms:.2%}")
            assert np.abs(errors).max() <= 4 * STANDARD_ERROR + 1 / size, (what, size)
            assert abs(mean) <= 4 * STANDARD_ERROR / math.sqrt(trials) + 1 / size, (what, size)
    return f"{engine.version}: {len(seen) * trials} sketches\n  " + "\n  ".join(seen)


def tied(engine: Engine) -> None:
    """Equal values that are written in different ways are one."""
    kinds = {"x": "DOUBLE", "d": "DECIMAL(18,2)", "t": "TIMESTAMP"}
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    rows = (
        (0.0, Decimal("1.5"), noon),
        (-0.0, Decimal("1.50"), noon),
        (1.5, Decimal("-1.5"), noon + timedelta(microseconds=1)),
        (None, None, None),
    )
    engine.hold({"spelled": Table(tuple(kinds.items()), rows)})
    for name in kinds:
        assert distinct_of(engine, f"select {name} as v from {engine.schema}.spelled") == 2, name


def distinct_of(engine: Engine, rows: str) -> Any:
    tree = statement(registers(parsed(rows), []), distinct("state", "found", []), ["a0"])
    return engine.rows(render(tree, engine.dialect))[0][0]


def percentiles_hold(engine: Engine, names: tuple[str, ...] | None = None) -> None:
    """Every percentile of each shape is within one percent of the value of its rank."""
    for name, values in shapes(np.random.default_rng(7)).items():
        if names is not None and name not in names:
            continue
        listed = tuple((float(value),) for value in values)
        engine.hold({"given": Table((("v", "DOUBLE"),), listed)})
        tree = statement(
            buckets(parsed(f"select v from {engine.schema}.given"), []),
            percentiles("state", "found", [], [percentile(share) for share in SHARES]),
            [f"a{index}" for index in range(len(SHARES))],
        )

        found = engine.rows(render(tree, engine.dialect))[0]

        ordered = np.sort(values)
        for share, value in zip(SHARES, found, strict=True):
            true = float(ordered[math.floor(1 + share * (len(values) - 1)) - 1])
            assert abs(value - true) <= PERCENTILE_ERROR * (1 + 1e-9) * abs(true), (name, share)


def windows_merge(engine: Engine, root: Path) -> None:
    """The registers of days merge to those of the window, near the exact count, by group."""
    catalog, source = sketch_catalog(root), sketch_engine()
    engine.hold(tables_of(source))

    def ask(*metrics: str, **more: Any) -> list[tuple[Any, ...]]:
        query, places = MetricQuery(metrics, **more), Relations(engine.schema)
        dialect: Any = engine.dialect
        return plain(engine.rows(compile_query(catalog, query, dialect, places).sql))

    days = ask("weekly", "weekly_exact", group_by=("metric_time", "kind"), grain="day")
    assert len(days) > 80
    for row in days:
        assert abs(row[2] - row[3]) <= 4 * STANDARD_ERROR * row[3] + 1, row
    for day in (date(2026, 3, 20), date(2026, 3, 29), date(2026, 4, 18)):
        since = day - timedelta(days=6)
        where = (f"metric_time >= '{since}'", f"metric_time < '{day + timedelta(days=1)}'")
        window = ask("units_sketch", group_by=("kind",), where=where)
        shown = {row[1:3] for row in days if row[0] == str(day)}
        assert set(window) <= shown
    at_end = ask("to_date", group_by=("metric_time",), grain="day")
    months = ask("units_sketch", "units", group_by=("metric_time",), grain="month")
    assert dict(at_end)["2026-03-31"] == months[0][1]
    assert abs(months[0][1] / months[0][2] - 1) <= 4 * STANDARD_ERROR


CHECKS: dict[str, Callable[[Engine, Path], None]] = {
    "equal values": lambda engine, _: tied(engine),
    "percentiles": lambda engine, _: percentiles_hold(engine),
    "windows": windows_merge,
}


def test_distinct_values_are_within_the_stated_error_on_postgresql(on_postgres: OnPostgres) -> None:
    within_the_stated_error(on_postgres, (1, 30, 1000, 6000), trials=8)


@pytest.mark.parametrize("what", CHECKS)
def test_sketches_hold_what_they_state_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, what: str
) -> None:
    CHECKS[what](on_postgres, tmp_path)


def test_numbers_without_a_scale_are_equal_whatever_their_zeros(on_postgres: OnPostgres) -> None:
    values = ("1.5", "1.50", "0", "0.00", "1e3", "1000.0", "-1000")
    rows = tuple((Decimal(one),) for one in values)
    on_postgres.hold({"loose": Table((("d", "NUMERIC"),), rows)})

    assert distinct_of(on_postgres, "select d as v from main.loose") == 4
    # what looks like a number is a text of its own
    on_postgres.hold({"words": Table((("d", "VARCHAR"),), tuple((one,) for one in values))})
    assert distinct_of(on_postgres, "select d as v from main.words") == 7


def test_equal_hashes_would_be_noticed(on_postgres: OnPostgres) -> None:
    on_postgres.hold(DIGITS)

    errors = errors_of(on_postgres, "i % 500", 1000, trials=4)

    assert np.abs(errors).max() > 4 * STANDARD_ERROR


@pytest.mark.full
@pytest.mark.parametrize("dialect", ["postgres", "clickhouse", "spark"])
def test_many_sketches_are_within_the_stated_error(
    dialect: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    name = {"postgres": "on_postgres", "clickhouse": "on_clickhouse", "spark": "on_spark"}[dialect]
    engine: Engine = request.getfixturevalue(name)
    trials = 20 if dialect == "spark" else 40

    seen = within_the_stated_error(engine, (1, 30, 300, 4096, 10_240, 40_000), trials)

    with capsys.disabled():
        print(f"\n{seen}")


@pytest.mark.full
@pytest.mark.parametrize("what", CHECKS)
@pytest.mark.parametrize("engine", ["on_clickhouse", "on_spark"])
def test_sketches_hold_what_they_state_elsewhere(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, what: str
) -> None:
    CHECKS[what](request.getfixturevalue(engine), tmp_path)
