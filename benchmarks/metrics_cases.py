"""The cases of the metrics benchmark: each prepares outside the measurement."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from landed.compiler import MetricQuery, compile_query

from .metrics_data import FUSED, catalog_in
from .metrics_questions import QUESTIONS

THREADS = min(2, os.cpu_count() or 1)
Work = Callable[[], Mapping[str, Any]]


def compiled(project: str, name: str) -> str:
    """The statement that the compiler makes of a question."""
    asked = QUESTIONS[name]
    group_by = (*(["metric_time"] if asked.grain else []), *asked.group_by)
    query = MetricQuery(asked.metrics, group_by, asked.grain)  # type: ignore[arg-type]
    return compile_query(catalog_in(Path(project)), query).sql


def ours(database: str, project: str, name: str) -> Work:
    """A question as the compiler writes it."""
    return ran(database, compiled(project, name))


def by_hand(database: str, project: str, name: str) -> Work:
    """The same question by hand."""
    return ran(database, QUESTIONS[name].by_hand)


def fused(database: str, project: str, count: int) -> Work:
    """So many metrics with conditions of their own, in one query."""
    query = MetricQuery(tuple(FUSED)[:count], ("metric_time",), "day")
    return ran(database, compile_query(catalog_in(Path(project)), query).sql)


def ran(database: str, sql: str) -> Work:
    """A statement on two threads, with its rows as answer."""
    engine = duckdb.connect(database, read_only=True)
    engine.execute(f"set threads = {THREADS}")
    engine.execute("set memory_limit = '6GB'")
    engine.execute("set enable_progress_bar = false")  # it prints among the answers

    def work() -> Mapping[str, Any]:
        return {"rows": [list(map(_plain, row)) for row in engine.execute(sql).fetchall()]}

    return work


def agree(one: Sequence[Sequence[Any]], other: Sequence[Sequence[Any]]) -> bool:
    """Whether two answers have the same rows, numbers to 1e-9, in any order."""
    if len(one) != len(other):
        return False
    pairs = zip(sorted(one, key=_key), sorted(other, key=_key), strict=True)
    return all(_same(a, b) for first, second in pairs for a, b in zip(first, second, strict=True))


def _key(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in row[:-1])


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return bool(a == b)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else value
