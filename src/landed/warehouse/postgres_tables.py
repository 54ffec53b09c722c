"""One table of somebody's PostgreSQL, read as a stream. Nothing is written there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from ..errors import WarehouseError
from .postgres import _without_password, said

CONNECT_SECONDS = 10
#: What one batch holds at most; with its copy in Python about 40 MB.
_BATCH_ROWS = 20_000
_BATCH_BYTES = 8 * 1024 * 1024
#: DuckDB's type by PostgreSQL's; whatever is not here is text.
_TYPES = {
    "bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint",
    "float4": "real", "float8": "double", "date": "date", "time": "time",
    "timestamp": "timestamp", "timestamptz": "timestamptz", "uuid": "uuid",
}  # fmt: skip
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")


class PostgresTable:
    """One table, view or materialised view within one read-only transaction.

    Args:
        connection: Within that transaction.
        schema: The table's schema.
        table: Its name.

    Raises:
        WarehouseError: It is not there, or must not be read.
    """

    def __init__(
        self, connection: psycopg.Connection[tuple[Any, ...]], schema: str, table: str
    ) -> None:
        self._connection, self._name = connection, sql.Identifier(schema, table)
        found = connection.execute(
            "select a.attname, t.typname, format_type(a.atttypid, a.atttypmod)"
            " from pg_attribute a join pg_type t on t.oid = a.atttypid"
            " where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped"
            " order by a.attnum",
            [self._name.as_string(connection)],
        ).fetchall()
        if not found:
            raise WarehouseError(
                f"there is no table {schema}.{table}",
                expected="a table, view or materialised view that the role may see",
                fix="correct `table`, or grant usage of its schema.",
                code="table_missing",
            )
        #: DuckDB's type by column, in the table's order.
        self.columns: dict[str, str] = {name: _type(kind, full) for name, kind, full in found}

    def marker(self) -> str:
        """Changes whenever the table's rows did; for a view, or on a replica, every UTC day.

        A table's counters of inserted, updated and deleted rows, and its file, which truncating
        and rewriting replace. Nothing cheaper than reading it tells as much of a view.

        Source:
            PostgreSQL, The Cumulative Statistics System: pg_stat_all_tables.
        """
        row = self._connection.execute(
            "select c.relkind in ('r', 'm') and not pg_is_in_recovery(),"
            " pg_relation_filenode(c.oid), s.n_tup_ins, s.n_tup_upd, s.n_tup_del"
            " from pg_class c left join pg_stat_all_tables s on s.relid = c.oid"
            " where c.oid = to_regclass(%s)",
            [self._name.as_string(self._connection)],
        ).fetchone()
        if row is None or not row[0] or row[2] is None:
            return f"day {datetime.now(UTC).date()}"
        return " ".join(str(part) for part in row[1:])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, every value as text, some at a time.

        Raises:
            WarehouseError: The role must not read it, or the connection broke.
        """
        listed = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(name)) for name in self.columns
        )
        statement = sql.SQL("copy (select {} from {}) to stdout").format(listed, self._name)
        schema = pa.schema([(name, pa.string()) for name in self.columns])
        rows: list[tuple[str | None, ...]] = []
        size = 0
        with (
            _explained(""),
            self._connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for row in copy.rows():
                rows.append(row)
                size += sum(len(value) for value in row if value is not None)
                if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
                    yield _batch(rows, schema)
                    rows, size = [], 0
        yield _batch(rows, schema)


@contextlib.contextmanager
def open_table(url: str, schema: str, table: str) -> Iterator[PostgresTable]:
    """Connect, and hold one consistent view of the table.

    Args:
        url: A libpq URL or connection string. A password that it lacks comes from PGPASSWORD or
            the pgpass file.
        schema: The table's schema.
        table: Its name.

    Raises:
        WarehouseError: The server does not answer or refuses; no password is shown.
    """
    with _explained(url):
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="landed"
        )
    # all within one transaction: a pooler may hand the next one to another session
    with connection, _explained(url), connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(
            "select set_config(name, value, true) from (values ('timezone', 'UTC'),"
            " ('datestyle', 'ISO'), ('intervalstyle', 'iso_8601'), ('extra_float_digits', '1'),"
            " ('bytea_output', 'hex'), ('lock_timeout', '10s')) as s (name, value)"
        )
        yield PostgresTable(connection, schema, table)


def _type(kind: str, full: str) -> str:
    numeric = _NUMERIC.fullmatch(full)
    if numeric and int(numeric[1]) <= 38:
        return f"decimal({numeric[1]}, {numeric[2]})"
    return "double" if kind == "numeric" else _TYPES.get(kind, "varchar")


def _batch(rows: list[tuple[str | None, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.record_batch([pa.array(values, pa.string()) for values in columns], schema=schema)


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, UnicodeError) as error:
        text = said(error)
        state = getattr(error, "sqlstate", None)
        raise WarehouseError(
            f"PostgreSQL refuses: {_without_password(text, url) if url else text}"
            + (f" (state {state})" if state else ""),
            fix="check that the server runs, and what the role may read.",
            code="postgres",
        ) from None
