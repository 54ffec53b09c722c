"""The cases of the metrics benchmark: each prepares outside the measurement."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from landed.catalog import Catalog, load_catalog
from landed.compiler import MetricQuery, compile_query
from landed.project import Project, load_project

from .metrics_data import FUSED, FUSED_WHERE, catalog_in
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


def fused(database: str, project: str, count: int, by: list[str]) -> Work:
    """So many metrics with conditions of their own, in one query."""
    query = MetricQuery(tuple(FUSED)[:count], ("metric_time", *by), "day")
    return ran(database, compile_query(catalog_in(Path(project)), query).sql)


def fused_by_hand(database: str, by: list[str]) -> Work:
    """The same metrics by hand: sums by day and by what the conditions look at, then picked."""
    columns = {"unit__plan": "plan"}
    keys = ["day", *(columns[one] for one in by)]
    join = "left join dim_units using (unit_id)" if by else ""
    picked = ", ".join(
        f"sum({('amount', 'rows')[at % 2]}) filter ({FUSED_WHERE[at]})" for at in range(50)
    )
    return ran(
        database,
        f"""
        with cells as (
            select {", ".join(["occurred_at::date as day", *keys[1:]])}, event_name, platform,
                sum(amount) as amount, count(*) as rows
            from fct_events {join} group by all
        )
        select {", ".join(keys)}, {picked} from cells group by all
        """,
    )


def ran(database: str, sql: str) -> Work:
    """A statement on two threads, with its rows as answer."""
    engine = _engine(database)

    def work() -> Mapping[str, Any]:
        return {"rows": [list(map(_plain, row)) for row in engine.execute(sql).fetchall()]}

    return work


def _engine(database: str) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(database, read_only=True)
    engine.execute(f"set threads = {THREADS}")
    engine.execute("set memory_limit = '6GB'")
    engine.execute("set enable_progress_bar = false")  # it prints among the answers
    return engine


def stated(database: str, sql: str, limit: float) -> Work:
    """A given statement, broken off after so many seconds of wall time."""
    engine = _engine(database)

    def work() -> Mapping[str, Any]:
        timer = threading.Timer(limit, engine.interrupt)
        timer.start()
        try:
            rows = engine.execute(sql).fetchall()
        except duckdb.InterruptException:
            return {"rows": None}
        finally:
            timer.cancel()
        return {"rows": [list(map(_plain, row)) for row in rows]}

    return work


def cold(project: str, seed: int) -> Work:
    """In a process that has done its imports: the catalog read, then a first question compiled."""

    def work() -> Mapping[str, Any]:
        started = time.perf_counter()
        catalog = _catalog(project)
        loaded = time.perf_counter()
        compile_query(catalog, _questions(catalog, seed, 1)[0])
        return {"load": loaded - started, "first": time.perf_counter() - loaded}

    return work


def warm(project: str, seed: int, count: int) -> Work:
    """So many different questions of at most five metrics by three dimensions, one by one."""
    catalog = _catalog(project)
    questions = _questions(catalog, seed, count)
    compile_query(catalog, questions[0])

    def work() -> Mapping[str, Any]:
        spent = []
        for question in questions:
            wall, cpu = time.perf_counter(), time.thread_time()
            compile_query(catalog, question)
            spent.append((time.thread_time() - cpu, time.perf_counter() - wall))
        return {"cpu": [one[0] for one in spent], "wall": [one[1] for one in spent]}

    return work


def _catalog(project: str) -> Catalog:
    """Of a project with the core, or of the benchmark's own definitions alone."""
    folder = Path(project)
    if (folder / "landed.toml").is_file():
        return load_catalog(load_project(folder))
    return load_catalog(Project(folder, "bench"), core=folder / "no_core")


def _questions(catalog: Catalog, seed: int, count: int) -> list[MetricQuery]:
    """Random questions that the metrics of a catalog can answer together."""
    chance = random.Random(seed)
    names = [name for name in catalog.metrics if not name.startswith("fused_")]
    found: list[MetricQuery] = []
    while len(found) < count:
        metrics = tuple(chance.sample(names, chance.randint(1, min(5, len(names)))))
        known = [one.name for one in catalog.dimensions_of(metrics)]
        known = [name for name in known if name not in ("metric_time", "release", "variant")]
        keys = chance.sample(known, min(len(known), chance.randint(0, 2)))
        question = MetricQuery(metrics, ("metric_time", *keys), chance.choice(("day", "week")))
        found.append(question)
    return found


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


def shell(project: str, home: str, sql: str) -> Work:
    """`landed query` as a person types it."""
    command = [str(Path(sys.executable).with_name("landed")), "query", sql]
    command += ["--project", project, "--home", home, "--format", "csv"]

    def work() -> Mapping[str, Any]:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return {"lines": len(done.stdout.splitlines())}

    return work
