"""Asks the compiler and the oracle the same, and says where they differ."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from kinds.definitions import as_sql, as_yaml
from kinds.generate import Drawing
from kinds.marts import BEGINNINGS, FACTS, MEASURES, MODELS, TIMES, make_engine, make_rows
from kinds.oracle import ALL, Key, Oracle, Query
from kinds.values import Row, instant
from landed.catalog import Catalog, load_catalog
from landed.compiler import MetricQuery, compile_query
from landed.compiler.query import GRAINS as ALL_GRAINS
from landed.project import Project

GRAINS = tuple(one for one in ALL_GRAINS if one != "hour")  # those that every metric has
#: Of projects: the clocks of the first four change in the data; of the last one by half an hour.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


@dataclass
class Score:
    """What was compared, and what was wrong."""

    definitions: int = 0
    data_sets: int = 0
    queries: int = 0
    rows: int = 0
    values: int = 0
    zoned: int = 0  # of the values, those by a clock other than UTC's
    by_hour: int = 0
    telling: Counter[str] = field(default_factory=Counter)  # by kind, neither NULL nor 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.definitions} definitions, {self.data_sets} data sets, {self.queries} queries, "
            f"{self.rows} rows, {self.values} values ({self.zoned} in a time zone, {self.by_hour} "
            f"by hour), {len(self.wrong)} wrong; "
            f"neither NULL nor 0: {dict(sorted(self.telling.items()))}"
        )


def catalog_of(root: Path, metrics: Mapping[str, Any], home: str = "UTC") -> Catalog:
    """The catalog of a project with these definitions alone."""
    for folder, text in (("models", MODELS), ("metrics", as_yaml(metrics))):
        (root / folder).mkdir(parents=True)
        (root / folder / "all.yml").write_text(text, encoding="utf-8")
    return load_catalog(Project(root, "oracle", home), core=root / "no_core")


def run(root: Path, seed: int, *, definitions: int, data_sets: int) -> Score:
    """Draw definitions, data and questions, and compare every value of every answer."""
    drawing = Drawing(seed)
    targets = drawing.draw(definitions)
    home = ZONES[seed % len(ZONES)]
    catalog = catalog_of(root, drawing.metrics, home)
    score = Score(definitions, data_sets)
    for number in range(data_sets):
        rows, units = make_rows(random.Random(seed * 1000 + number))  # noqa: S311
        oracle = Oracle(FACTS, MEASURES, drawing.metrics, rows, units, home)
        engine = make_engine(rows, units)
        for target in targets:
            others = drawing.chance.sample(targets, drawing.chance.choice([0, 0, 0, 1, 2]))
            metrics = tuple(dict.fromkeys((target, *others)))
            query = drawing.query(metrics, GRAINS, first_of(rows), (None, *ZONES))
            wrong = compare(catalog, engine, oracle, query, score)
            if wrong:
                score.wrong.append(f"seed {seed}, data {number}, {query}\n  {wrong}")
        engine.close()
    return score


def first_of(rows: Mapping[str, list[Row]]) -> date:
    """The first day of the first mart that has one."""
    days = [instant(row[one]) for name, one in TIMES.items() for row in rows[name] if row[one]]
    return min(days).date() if days else BEGINNINGS[0]


def compare(
    catalog: Catalog,
    engine: duckdb.DuckDBPyConnection,
    oracle: Oracle,
    query: Query,
    score: Score,
) -> str:
    """How the compiler's answer differs from the oracle's; empty where it does not."""
    expected = oracle.answer(query)
    try:
        found = asked(catalog, engine, query)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a wrong answer
        return f"{type(error).__name__}: {error}"
    score.queries += 1
    score.rows += len(expected)
    values = len(expected) * len(query.metrics)
    score.values += values
    score.zoned += values if oracle.zone != "UTC" else 0
    score.by_hour += values if query.grain == "hour" else 0
    for one in expected.values():
        score.telling.update(oracle.metrics[name]["type"] for name in one if one[name])
    keys = [key for key, _ in found]
    if len(keys) != len(set(keys)):
        return f"groups stand twice: {sorted(map(str, keys))}"
    answers = dict(found)
    missing = sorted(map(str, expected.keys() - answers.keys()))
    surplus = sorted(map(str, answers.keys() - expected.keys()))
    if missing or surplus:
        return (
            f"{len(missing)} groups missing: {missing[:4]}; {len(surplus)} too many: {surplus[:4]}"
        )
    for key, wanted in expected.items():
        for name, value in wanted.items():
            if not same(answers[key][name], value):
                return f"{name} at {key}: expected {value}, got {answers[key][name]}"
    return ""


def asked(
    catalog: Catalog, engine: duckdb.DuckDBPyConnection, query: Query
) -> list[tuple[Key, dict[str, Any]]]:
    """The compiler's answer by group."""
    has_time = query.grain is not None
    compiled = compile_query(
        catalog,
        MetricQuery(
            metrics=query.metrics,
            group_by=(*query.group_by, *(["metric_time"] if has_time else [])),
            grain=query.grain,  # type: ignore[arg-type]
            where=as_sql(query),
            time_zone=query.zone,
        ),
    )
    answer = []
    for row in engine.execute(compiled.sql).fetchall():
        dimensions = row[: len(query.group_by)]
        period = row[len(query.group_by)] if has_time else ALL
        period = _day(period) if query.grain != "hour" else period
        values = row[len(query.group_by) + has_time :]
        answer.append(((dimensions, period), dict(zip(query.metrics, values, strict=True))))
    return answer


def same(found: Any, expected: Any) -> bool:
    """Equality to 1e-9, with None equal to None alone."""
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def _day(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value
