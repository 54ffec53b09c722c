"""Joins, FILTER, zones, releases and SQL around metrics have the same values on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers import Score, judge, tell
from cases import Case, MomentsCase, ScriptCase
from engines import Elsewhere, OnPostgres
from worlds_of import filtered, joined, outcomes, scripts, zoned

SEED = 20260516
Cases = Callable[[Path], Iterator[Case | MomentsCase | ScriptCase]]

#: What is asked in every run, and what by the full test, of which Spark is asked less.
DRAWS: dict[str, tuple[Cases, Cases, Cases]] = {
    "joined models": (
        lambda root: joined(root, SEED, worlds=2, definitions=5, data_sets=1),
        lambda root: joined(root, SEED, worlds=8, definitions=8, data_sets=2),
        lambda root: joined(root, SEED, worlds=6, definitions=6, data_sets=1),
    ),
    "filtered metrics": (
        lambda root: filtered(root, SEED, definitions=12, data_sets=1),
        lambda root: filtered(root, SEED, definitions=40, data_sets=3),
        lambda root: filtered(root, SEED, definitions=40, data_sets=1),
    ),
    "time zones": (
        lambda root: zoned(root, SEED),
        lambda root: zoned(root, SEED),
        lambda root: zoned(root, SEED),
    ),
    "outcomes of a release": (
        lambda root: outcomes(root, SEED, metrics=8),
        lambda root: (
            case for seed in range(4) for case in outcomes(root / str(seed), seed, metrics=20)
        ),
        lambda root: outcomes(root, SEED, metrics=12),
    ),
    "SQL around metrics": (scripts, scripts, scripts),
}


def judged(
    engine: OnPostgres | Elsewhere, cases: Iterator[Case | MomentsCase | ScriptCase]
) -> Score:
    score = Score()
    for case in cases:
        judge(case, engine, score)
    return score


@pytest.mark.parametrize("what", DRAWS)
def test_a_draw_has_the_same_values_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_postgres, what, judged(on_postgres, DRAWS[what][0](tmp_path / "project")))


@pytest.mark.full
@pytest.mark.parametrize("what", DRAWS)
def test_a_larger_draw_has_the_same_values_on_postgresql(
    on_postgres: OnPostgres, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_postgres, what, judged(on_postgres, DRAWS[what][1](tmp_path / "project")))


@pytest.mark.full
@pytest.mark.parametrize("what", DRAWS)
def test_a_larger_draw_has_the_same_values_on_clickhouse(
    on_clickhouse: Elsewhere, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_clickhouse, what, judged(on_clickhouse, DRAWS[what][1](tmp_path / "project")))


@pytest.mark.full
@pytest.mark.parametrize("what", DRAWS)
def test_a_larger_draw_has_the_same_values_on_spark(
    on_spark: Elsewhere, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(capsys, on_spark, what, judged(on_spark, DRAWS[what][2](tmp_path / "project")))
