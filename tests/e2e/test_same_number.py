"""One definition, one number: report, query, Python's BI connection and plain days agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "demo"


@pytest.fixture(scope="module")
def bi(demo_home: Path, landed: Callable[..., Any]) -> Iterator[psycopg.Connection[Any]]:
    done = landed("serve", "bi", "--once", "--project", PROJECT, home=demo_home)
    assert done.code == 0, done.err
    assert "psql" in done.out
    url = json.loads((demo_home / "bi" / "connection.json").read_text("utf-8"))["url"]
    with psycopg.connect(url) as connection:
        yield connection
    landed("serve", "bi", "--stop", "--project", PROJECT, home=demo_home)


def query(landed: Callable[..., Any], home: Path, sql: str) -> Any:
    done = landed("query", sql, "--project", PROJECT, "--format", "json", home=home)
    assert done.code == 0, done.err
    return done.json()


def test_release_scope_is_the_same_in_report_query_and_bi(
    demo_home: Path, bi: psycopg.Connection[Any], landed: Callable[..., Any]
) -> None:
    report = landed(
        "report", "onboarding-checklist", "--project", PROJECT, "--format", "json", home=demo_home
    ).json()
    estimates = {e["metric"]: e for e in report["estimates"]}

    for metric, estimate in estimates.items():
        asked = query(
            landed,
            demo_home,
            f"SELECT variant, MEASURE({metric}) AS mean FROM metrics"
            " WHERE release = 'onboarding-checklist' GROUP BY variant",
        )
        served = dict(
            bi.execute(
                "select variant, mean from metrics.release_outcomes"
                " where release = 'onboarding-checklist' and metric = %s",
                [metric],
            ).fetchall()
        )
        for row in asked:
            side = "mean_control" if row["variant"] == "control" else "mean_treatment"
            assert row["mean"] == pytest.approx(estimate[side], rel=1e-9), metric
            assert served[row["variant"]] == pytest.approx(estimate[side], rel=1e-9), metric
    assert len(estimates) >= 4


def test_plain_scope_is_the_same_in_query_and_bi_on_every_day(
    demo_home: Path, bi: psycopg.Connection[Any], landed: Callable[..., Any]
) -> None:
    for metric in ("activation_rate", "revenue", "active_users", "mean_latency_ms"):
        asked = query(
            landed,
            demo_home,
            f"SELECT date_trunc('day', metric_time) AS day, MEASURE({metric}) AS value"
            " FROM metrics GROUP BY 1",
        )
        served = {
            str(day)[:10]: value
            for day, value in bi.execute(  # the name is one of the four above
                f"select metric_time, value from metrics.{metric}"
            ).fetchall()
        }
        assert {str(row["day"])[:10] for row in asked} == set(served)
        assert len(asked) >= 40
        for row in asked:
            found = served[str(row["day"])[:10]]
            if row["value"] is None:
                assert found is None
            else:
                assert float(found) == pytest.approx(row["value"], rel=1e-9), (metric, row)


def test_a_blocked_release_has_no_outcome_in_the_bi_store(bi: psycopg.Connection[Any]) -> None:
    blocked = [
        name
        for (name,) in bi.execute("select release from releases where gate = 'blocked'").fetchall()
    ]

    assert blocked == ["search-ranking"]
    for table in ("estimates", "metrics.release_outcomes"):
        found = bi.execute(f"select count(*) from {table} where release = 'search-ranking'")
        assert found.fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "create table x (a int)",
        "delete from releases",
        "update metrics.activation_rate set value = 1",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to '/tmp/x'",
        "create temp table x (a int)",
    ],
)
def test_the_bi_role_may_only_read(bi: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.Error):
        bi.execute(statement)
    bi.rollback()


@pytest.mark.parametrize("name", ["weekly_business", "daily_service"])
def test_a_saved_query_is_the_same_as_its_file_and_as_the_query_typed(
    demo_home: Path, landed: Callable[..., Any], name: str
) -> None:
    typed = landed("saved", name, "--sql", "--project", PROJECT).out

    file = pq.read_table(demo_home / "exports" / f"{name}.parquet").to_pylist()
    asked = query(landed, demo_home, typed)
    saved = landed("saved", name, "--project", PROJECT, "--format", "json", home=demo_home).json()

    assert saved == asked
    assert len(file) == len(asked) >= 10
    for kept, row in zip(file, asked, strict=True):
        assert kept.keys() == row.keys()
        for column, value in row.items():
            if isinstance(value, float):
                assert float(kept[column]) == pytest.approx(value, rel=1e-9), (column, row)
            elif column == "metric_time":
                assert str(kept[column])[:10] == str(value)[:10]
            else:
                assert kept[column] == value, (column, row)
