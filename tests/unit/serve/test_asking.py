"""What a question says beside its rows: warnings, types, and what it would run."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from landed.errors import PlanError, QueryRefused
from landed.project import Project
from landed.serve.asking import Answer, compiled_sql, limited
from landed.settings import Settings

OLD = """
metrics:
  - name: old_events
    label: Old events
    description: Everything that was written down before the product counted sessions.
    type: simple
    type_params: {measure: event_count}
    config:
      meta:
        owner: growth
        value: count
        direction: neutral
        deprecated: {since: 2026-03-01, until: 2026-03-31, use: events}
  - name: old_per_user
    label: Old events a user
    description: The same for each person, bots left out. Falls when people do less.
    type: ratio
    type_params: {numerator: old_events, denominator: active_users}
    config: {meta: {owner: growth, value: count, direction: neutral}}
"""
ASK = "WITH w AS (SELECT MEASURE(old_per_user) AS v FROM metrics) SELECT v * 2 AS v FROM w"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "old.yml").write_text(OLD, encoding="utf-8")
    return Project(tmp_path, "small")


def test_a_query_around_a_deprecated_metric_warns(project: Project) -> None:
    assert compiled_sql(project, ASK, today=date(2026, 2, 28))[1] == ()
    (warning,) = compiled_sql(project, ASK, today=date(2026, 3, 31))[1]

    assert warning.startswith("the metric `old_events`, which `old_per_user` is made of,")
    assert warning.endswith("use `events`.")


@pytest.mark.parametrize(
    "sql",
    [
        ASK,
        "SELECT MEASURE(old_events) FROM metrics",
        "SELECT MEASURE(old_events) FILTER (WHERE plan = 'pro') AS v FROM metrics",
        "SELECT MEASURE(events) FROM metrics HAVING MEASURE(old_events) > 1",
        "SELECT plan, MEASURE(events) FROM metrics GROUP BY plan ORDER BY MEASURE(old_events)",
    ],
)
def test_a_metric_past_its_end_is_refused_wherever_it_stands(project: Project, sql: str) -> None:
    compiled_sql(project, sql, today=date(2026, 3, 31))

    with pytest.raises(QueryRefused, match="ended on 2026-03-31: use `events`"):
        compiled_sql(project, sql, today=date(2026, 4, 1))


def test_current_date_is_the_day_of_the_question(project: Project) -> None:
    sql = "SELECT MEASURE(events) FROM metrics WHERE metric_time >= current_date - 7"

    assert "'2026-03-24'" in compiled_sql(project, sql, today=date(2026, 3, 31))[0]


def test_an_unknown_dialect_is_refused(project: Project) -> None:
    with pytest.raises(PlanError, match="klingon"):
        compiled_sql(project, "SELECT MEASURE(events) FROM metrics", "klingon")


def test_arrow_has_the_types_of_the_engine_also_without_values() -> None:
    types = ("VARCHAR", "BIGINT", "HUGEINT", "DECIMAL(18,2)", "DATE", "TIMESTAMP", "BOOLEAN")
    names = tuple("abcdefg")
    row = ("x", 1, 2**70, Decimal("1.50"), date(2026, 1, 1), datetime(2026, 1, 1), True)  # noqa: DTZ001

    full = Answer(names, (row, (None,) * 7), "", types=types).to_arrow()
    empty = Answer(names, (), "", types=types).to_arrow()

    assert full.schema == empty.schema
    assert [str(one) for one in full.schema.types] == [
        "string", "int64", "decimal128(38, 0)", "decimal128(18, 2)", "date32[day]",
        "timestamp[us]", "bool",
    ]  # fmt: skip
    assert full.to_pylist()[0] == dict(zip(names, row, strict=True))


def test_a_frame_calculates_in_floating_point() -> None:
    answer = Answer(("a",), ((2,), (None,)), "", types=("HUGEINT",))

    assert str(answer.to_pandas()["a"].dtype) == "float64"
    assert answer.to_arrow().schema.types == [pa.decimal128(38, 0)]


def test_limits_of_one_call_replace_those_of_the_environment() -> None:
    settings = limited(Settings(query_timeout_seconds=60, memory_limit_mb=4096), 5, None)

    assert (settings.query_timeout_seconds, settings.memory_limit_mb) == (5, 4096)


@pytest.mark.parametrize(
    ("seconds", "memory_mb"), [(float("nan"), None), (-1, None), (0, None), (None, 0), (None, -5)]
)
def test_a_limit_under_which_nothing_runs_is_refused(
    seconds: float | None, memory_mb: int | None
) -> None:
    with pytest.raises(PlanError, match="expected at least"):
        limited(Settings(), seconds, memory_mb)


@pytest.mark.parametrize("sql", [None, b"SELECT 1", 5])
def test_what_is_no_text_is_refused(project: Project, sql: Any) -> None:
    with pytest.raises(QueryRefused, match="give it as text"):
        compiled_sql(project, sql)


def test_broken_bytes_of_an_argument_are_refused_before_anything_runs(project: Project) -> None:
    sql = "SELECT MEASURE(events) FROM metrics WHERE plan = '\udcff'"

    with pytest.raises(QueryRefused, match="no UTF-8"):
        compiled_sql(project, sql)
