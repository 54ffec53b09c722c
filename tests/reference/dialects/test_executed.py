from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from answers import Score, judge, tell
from cases import MomentsCase, Table, draw, moments_catalog
from engines import Elsewhere, OnPostgres
from things import thing_cases
from worlds import make_world

from landed.compiler.dialects import render

SEED = 20260401


def compared(
    engine: OnPostgres | Elsewhere, root: Path, seed: int, *, definitions: int, data_sets: int
) -> Score:
    score = Score()
    for case in draw(root / "project", seed, definitions=definitions, data_sets=data_sets):
        judge(case, engine, score)
    return score


def moments(engine: OnPostgres | Elsewhere, root: Path, seeds: range) -> Score:
    score = Score()
    catalog = moments_catalog(root / "project")
    for seed in seeds:
        judge(MomentsCase(f"moments/{seed}", catalog, make_world(seed).engine), engine, score)
    return score


def expressions(engine: OnPostgres | Elsewhere, root: Path) -> Score:
    score = Score()
    for case in thing_cases(root / "project"):
        judge(case, engine, score)
    return score


def test_a_draw_of_definitions_has_the_same_values_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = compared(on_postgres, tmp_path, SEED, definitions=40, data_sets=1)

    tell(capsys, on_postgres, f"seed {SEED}", score)


def test_unit_moments_are_the_same_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_postgres, "unit moments", moments(on_postgres, tmp_path, range(3)))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(13))
def test_definitions_of_all_kinds_have_the_same_values_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    score = compared(on_postgres, tmp_path, seed, definitions=40, data_sets=4)

    tell(capsys, on_postgres, f"seed {seed}", score)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(13))
def test_definitions_of_all_kinds_have_the_same_values_on_clickhouse(
    on_clickhouse: Elsewhere, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    score = compared(on_clickhouse, tmp_path, seed, definitions=40, data_sets=4)

    tell(capsys, on_clickhouse, f"seed {seed}", score)


@pytest.mark.full
def test_unit_moments_are_the_same_on_clickhouse(
    on_clickhouse: Elsewhere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_clickhouse, "unit moments", moments(on_clickhouse, tmp_path, range(6)))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(5))
def test_definitions_of_all_kinds_have_the_same_values_on_spark(
    on_spark: Elsewhere, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    score = compared(on_spark, tmp_path, seed, definitions=40, data_sets=2)

    tell(capsys, on_spark, f"seed {seed}", score)


@pytest.mark.full
def test_unit_moments_are_the_same_on_spark(
    on_spark: Elsewhere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_spark, "unit moments", moments(on_spark, tmp_path, range(2)))


def test_expressions_over_every_type_have_the_same_values_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = expressions(on_postgres, tmp_path)

    tell(capsys, on_postgres, "expressions", score)
    assert not score.refused


@pytest.mark.full
def test_expressions_over_every_type_have_the_same_values_on_clickhouse(
    on_clickhouse: Elsewhere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = expressions(on_clickhouse, tmp_path)

    tell(capsys, on_clickhouse, "expressions", score)
    assert not score.refused


@pytest.mark.full
def test_expressions_over_every_type_have_the_same_values_on_spark(
    on_spark: Elsewhere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = expressions(on_spark, tmp_path)

    tell(capsys, on_spark, "expressions", score)
    assert not score.refused


@pytest.mark.full
@pytest.mark.parametrize("measured", ["max(x)", "percentile_cont(0.5) within group (order by x)"])
def test_clickhouse_fails_over_a_nan_rather_than_leave_it_out(
    on_clickhouse: Elsewhere, measured: str
) -> None:
    tree = sqlglot.parse_one(f"select {measured} as v from main.odd", dialect="duckdb")
    statement = render(tree, "clickhouse")
    on_clickhouse.hold({"odd": Table((("x", "DOUBLE"),), ((1.0,), (2.0,)))})
    assert on_clickhouse.rows(statement)[0][0] in (1.5, 2.0)

    on_clickhouse.hold({"odd": Table((("x", "DOUBLE"),), ((1.0,), (float("nan"),)))})

    with pytest.raises(RuntimeError, match="a value is NaN"):
        on_clickhouse.rows(statement)
