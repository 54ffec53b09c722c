"""One definition, one number: report, query, Python's BI connection and plain days agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest

from landed import query as python_query
from landed.catalog import load_catalog
from landed.catalog.definitions import METRIC_TIME
from landed.catalog.saved import SavedQuery
from landed.compiler import compile_query
from landed.compiler.saved import saved_query, saved_sql
from landed.project import Home, load_project
from landed.publish import latest_reports
from landed.publish.readers import current
from landed.serve.asking import compiled_sql

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


def test_release_scope_is_the_same_in_report_query_and_bi_for_every_release(
    demo_home: Path, bi: psycopg.Connection[Any]
) -> None:
    compared = 0

    for published in latest_reports(Home(demo_home)):
        release, document = published.release, published.document
        if document["gate"]["decision"] != "pass":
            continue
        for estimate in document["estimates"]:
            metric = estimate["metric"]
            means = {estimate["treatment"]: estimate["mean_treatment"]}
            if document["about"]["control"] is not None:
                means[document["about"]["control"]] = estimate["mean_control"]
            served = dict(
                bi.execute(
                    "select variant, mean from metrics.release_outcomes"
                    " where release = %s and metric = %s",
                    [release, metric],
                ).fetchall()
            )
            asked = python_query(
                f"SELECT variant, MEASURE({metric}) AS mean FROM metrics"
                f" WHERE release = '{release}' GROUP BY variant",
                project=PROJECT,
                home=demo_home,
            )
            found = {row["variant"]: row["mean"] for row in asked}
            for variant, mean in means.items():
                if mean is not None:
                    assert found[variant] == pytest.approx(mean, rel=1e-9), (release, metric)
                    assert served[variant] == pytest.approx(mean, rel=1e-9), (release, metric)
                    compared += 1

    assert compared >= 20


def test_plain_scope_is_the_same_by_every_door_for_every_metric(
    demo_home: Path, bi: psycopg.Connection[Any]
) -> None:
    project = load_project(PROJECT)
    catalog = load_catalog(project)
    published = current(Home(demo_home))
    assert published is not None
    plain = duckdb.connect(str(published.duckdb), read_only=True)
    empty = 0

    for name in catalog.metrics:
        saved = SavedQuery(name, (name,), (METRIC_TIME,), "day")
        called = list(python_query(saved_sql(saved), project=PROJECT, home=demo_home))
        typed, _ = compiled_sql(project, saved_sql(saved))
        ours = by_day((row[METRIC_TIME], row[name]) for row in called)
        others = {
            "saved query": plain.execute(compile_query(catalog, saved_query(saved)).sql).fetchall(),
            "exported SQL": plain.execute(typed).fetchall(),
            "BI view": bi.execute(  # a name of the catalogue
                f"select metric_time, value from metrics.{name}"
            ).fetchall(),
        }
        for door, rows in others.items():
            assert same_days(ours, by_day(rows)), (name, door)
        assert ours, name
        empty += sum(value is None for value in ours.values())

    assert len(catalog.metrics) >= 49
    assert empty  # days that a ratio has no number for are the same by every door, too
    plain.close()


def by_day(rows: Iterable[Sequence[Any]]) -> dict[str, float | None]:
    found = [(str(day)[:10], None if value is None else float(value)) for day, value in rows]
    assert len(found) == len(dict(found))
    return dict(found)


def same_days(one: Mapping[str, float | None], other: Mapping[str, float | None]) -> bool:
    return one.keys() == other.keys() and all(
        (value is None) == (other[day] is None)
        and (value is None or value == pytest.approx(other[day], rel=1e-9, abs=1e-12))
        for day, value in one.items()
    )


@pytest.mark.parametrize("metric", ["revenue", "activation_rate", "net_revenue"])
def test_the_command_answers_each_kind_as_the_bi_view_does(
    demo_home: Path, bi: psycopg.Connection[Any], landed: Callable[..., Any], metric: str
) -> None:
    asked = query(
        landed,
        demo_home,
        f"SELECT date_trunc('day', metric_time) AS day, MEASURE({metric}) AS value"
        " FROM metrics GROUP BY 1",
    )
    served = bi.execute(f"select metric_time, value from metrics.{metric}")  # one of three

    assert len(asked) >= 40
    assert same_days(by_day((row["day"], row["value"]) for row in asked), by_day(served))


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

    assert len(saved) == len(asked)
    for one, other in zip(saved, asked, strict=True):  # threads add up in any order
        numbers = {name: value for name, value in other.items() if isinstance(value, float)}
        assert {name: one[name] for name in numbers} == pytest.approx(numbers, rel=1e-9)
        assert one | numbers == other
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
