"""The oracle's definitions, data and questions, each with the SQL of an engine."""

from __future__ import annotations

import hashlib
import importlib.util
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from kinds.compare import GRAINS, ZONES, catalog_of, first_of
from kinds.definitions import as_sql
from kinds.generate import Drawing
from kinds.marts import make_engine, make_rows
from worlds import CUTOFF_AT, outcomes

from landed.catalog import Catalog
from landed.compiler import (
    MOMENT_COLUMNS,
    MetricQuery,
    MetricScript,
    Relations,
    compile_query,
    compile_script,
    compile_unit_moments,
)

CUTOFF = CUTOFF_AT.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """A mart as DuckDB holds it."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Case:
    """One definition on one data set: what is asked, of which tables."""

    name: str
    catalog: Catalog
    query: MetricQuery
    tables: Mapping[str, Table] = field(repr=False)
    source: duckdb.DuckDBPyConnection = field(repr=False)

    @property
    def keys(self) -> int:
        """How many columns of the answer name a group; those behind them are values."""
        return len(self.query.group_by)

    @property
    def width(self) -> int:
        return len(self.query.metrics) + len(self.query.filtered)

    def __str__(self) -> str:
        kinds = [self.catalog.metric(name).kind for name in self.query.metrics]
        return f"{self.name} {kinds} {self.query}"

    def sql(self, dialect: str, schema: str) -> str:
        return compile_query(
            self.catalog,
            self.query,
            dialect=dialect,  # type: ignore[arg-type]
            relations=Relations(schema),
        ).sql

    def expected(self) -> list[tuple[Any, ...]]:
        """DuckDB's answer, which the oracle proves."""
        return self.source.execute(self.sql("duckdb", "main")).fetchall()


@dataclass(frozen=True)
class MomentsCase:
    """The unit moments of a release's metrics."""

    name: str
    catalog: Catalog
    source: duckdb.DuckDBPyConnection = field(repr=False)
    metrics: tuple[str, ...] = tuple(sorted(outcomes({})))  # those of the worlds
    cutoff_at: datetime = CUTOFF
    segments: tuple[str, ...] = ()

    keys = 6  # metric, variant, segment, level, how many levels, form
    width = len(MOMENT_COLUMNS) - 6

    def __str__(self) -> str:
        return self.name

    @property
    def tables(self) -> dict[str, Table]:
        return tables_of(self.source)

    def sql(self, dialect: str, schema: str) -> str:
        return compile_unit_moments(
            self.catalog,
            self.catalog.releases["new-start"],
            self.metrics,
            cutoff_at=self.cutoff_at,
            segments=self.segments,
            dialect=dialect,  # type: ignore[arg-type]
            relations=Relations(schema),
        ).sql

    def expected(self) -> list[tuple[Any, ...]]:
        return self.source.execute(self.sql("duckdb", "main")).fetchall()


@dataclass(frozen=True)
class ScriptCase:
    """A statement over metrics, whose rows may repeat and stand in an order."""

    name: str
    catalog: Catalog
    script: MetricQuery | MetricScript = field(repr=False)
    tables: Mapping[str, Table] = field(repr=False)
    source: duckdb.DuckDBPyConnection = field(repr=False)

    keys = None

    @property
    def width(self) -> int:
        if isinstance(self.script, MetricScript):
            return len(self.script.columns)
        return len(self.script.metrics) + len(self.script.filtered)

    @property
    def is_ordered(self) -> bool:
        if isinstance(self.script, MetricScript):
            return self.script.query.args.get("order") is not None
        return True  # by its dimensions, if by nothing else

    def sql(self, dialect: str, schema: str) -> str:
        return compile_script(
            self.catalog,
            self.script,
            dialect,  # type: ignore[arg-type]
            Relations(schema),
        ).sql

    def expected(self) -> list[tuple[Any, ...]]:
        return self.source.execute(self.sql("duckdb", "main")).fetchall()


def moments_catalog(root: Path) -> Catalog:
    """The catalog of the tests of unit moments, whose definitions stand in their conftest."""
    place = Path(__file__).parents[1] / "compiler" / "conftest.py"
    spec = importlib.util.spec_from_file_location("compiler_conftest", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root.mkdir()
    found: Catalog = module.load(root)
    return found


def draw(root: Path, seed: int, *, definitions: int, data_sets: int) -> Iterator[Case]:
    """The same draw as the oracle's own: every definition on every data set."""
    drawing = Drawing(seed)
    targets = drawing.draw(definitions)
    catalog = catalog_of(root, drawing.metrics, ZONES[seed % len(ZONES)])
    for number in range(data_sets):
        rows, units = make_rows(random.Random(seed * 1000 + number))  # noqa: S311
        source = make_engine(rows, units)
        tables = tables_of(source)
        for index, target in enumerate(targets):
            others = drawing.chance.sample(targets, drawing.chance.choice([0, 0, 0, 1, 2]))
            metrics = tuple(dict.fromkeys((target, *others)))
            asked = drawing.query(metrics, GRAINS, first_of(rows), (None, *ZONES))
            has_time = asked.grain is not None
            query = MetricQuery(
                metrics=asked.metrics,
                group_by=(*asked.group_by, *(["metric_time"] if has_time else [])),
                grain=asked.grain,  # type: ignore[arg-type]
                where=as_sql(asked),
                time_zone=asked.zone,
            )
            yield Case(f"{seed}/{number}/{index}", catalog, query, tables, source)
        source.close()


def tables_of(source: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Every table of an engine, with its rows."""
    found = {}
    for (name,) in source.execute("select table_name from duckdb_tables()").fetchall():
        described = source.execute(f'describe "{name}"').fetchall()
        rows = source.execute(f'select * from "{name}"').fetchall()
        found[name] = Table(tuple((one[0], one[1]) for one in described), tuple(rows))
    return found


def digest(sql: str) -> str:
    """What an answer is kept under: if the compiler writes other SQL, the answer is stale."""
    return hashlib.sha256(sql.encode()).hexdigest()[:16]
