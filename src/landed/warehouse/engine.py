"""One DuckDB connection, opened the same way everywhere, with errors of our own tree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from ..errors import WarehouseError
from ..settings import Settings
from .engine_errors import without_values

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Params = Sequence[Any] | Mapping[str, Any] | None

_HOLDER = re.compile(r"Conflicting lock is held in (?P<command>.+?) \(PID (?P<pid>\d+)\)")


class Engine:
    """One DuckDB connection; a context manager that closes it.

    Timestamps are UTC: the session's time zone is set, so no query depends on the machine's.
    An engine belongs to one thread.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        read_only: bool = False,
        settings: Settings | None = None,
        temporary: Path | None = None,
    ) -> Self:
        """Open a database file, or one in memory.

        Args:
            path: The file; None keeps everything in memory.
            read_only: Whether writes are refused. Several processes may read at once.
            settings: Threads and memory; None takes the defaults.
            temporary: Where to spill; None is beside the file, and nowhere without a file.

        Raises:
            WarehouseError: The file is missing, damaged, or locked (then it names who holds it).
        """
        limits = settings or Settings()
        if temporary is None and path is not None:
            temporary = path.with_name(path.name + ".tmp")
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": limits.threads,
            "memory_limit": f"{limits.memory_limit_mb}MB",
            "temp_directory": str(temporary) if temporary else "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            if path is not None and not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
                # closing it writes a checkpoint: what it held before is not merged and written anew
                config["max_vacuum_tasks"] = 0
            connection = duckdb.connect(
                str(path) if path else ":memory:", read_only=read_only, config=config
            )
            connection.execute("set TimeZone = 'UTC'")
        except duckdb.Error as error:
            raise _explain(error, path, without_values(error, "")) from error
        except OSError as error:
            raise WarehouseError(
                f"cannot open the database: {error.strerror or error}",
                where=str(path),
                fix="check the folder and its permissions.",
                code="database_unreadable",
            ) from error
        return cls(connection, path)

    @classmethod
    def open_sealed(
        cls,
        *,
        settings: Settings | None = None,
        folder: Path | None = None,
        temporary: Path | None = None,
    ) -> Self:
        """Open one in memory for SQL that others wrote: no settings, no extensions.

        Relations come in by `register` only.

        Args:
            settings: Threads and memory; None takes the defaults.
            folder: The one folder whose files may be read and written; None for no file at all.
                With one, rows come in no order but that a query asks for: it spares a copy.
            temporary: Where to spill; None is nowhere.
        """
        engine = cls.open(None, settings=settings, temporary=temporary)
        engine.execute("set python_enable_replacements = false")
        if folder is not None:
            quoted = str(folder).replace("'", "''")
            engine.execute(f"set allowed_directories = ['{quoted}/']")
            engine.execute("set preserve_insertion_order = false")  # rows carry their number
        engine.execute("set enable_external_access = false")
        if folder is None:
            engine.execute("set disabled_filesystems = 'LocalFileSystem'")
        engine.execute("set lock_configuration = true")
        return engine

    def execute(self, sql: str, params: Params = None) -> None:
        """Run statements and drop what they return."""
        try:
            self._connection.execute(sql, params)
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def rows(self, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
        """Run a query; all rows."""
        try:
            return self._connection.execute(sql, params).fetchall()
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def described(
        self, sql: str, params: Params = None
    ) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Run a query; (name, type) of each column, and all rows."""
        try:
            cursor = self._connection.execute(sql, params)
            columns = [(column[0], str(column[1])) for column in cursor.description or ()]
            return columns, cursor.fetchall()
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def seal(self) -> None:
        """Close files, extensions and settings to SQL; what was opened before stays readable.

        The order matters: files are closed before the settings are locked.
        """
        self.execute("set temp_directory = ''")
        self.execute("set python_enable_replacements = false")
        self.execute("set enable_external_access = false")
        self.execute("set disabled_filesystems = 'LocalFileSystem'")
        self.execute("set lock_configuration = true")

    def dicts(self, sql: str, params: Params = None) -> list[dict[str, Any]]:
        """Run a query; all rows as dicts by column name."""
        try:
            cursor = self._connection.execute(sql, params)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def one(self, sql: str, params: Params = None) -> tuple[Any, ...] | None:
        """Run a query; its first row, or None."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def arrow(self, sql: str, params: Params = None) -> pa.Table:
        """Run a query; an Arrow table."""
        try:
            return self._connection.sql(sql, params=params).to_arrow_table()
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def frame(self, sql: str, params: Params = None) -> pd.DataFrame:
        """Run a query; a pandas frame."""
        try:
            return self._connection.execute(sql, params).df()
        except duckdb.Error as error:
            raise self._refused(error, sql) from None

    def register(self, name: str, table: object) -> None:
        """Show an Arrow table or a pandas frame as the view `name`."""
        try:
            self._connection.register(name, table)
        except duckdb.Error as error:
            raise self._refused(error, "") from None

    def unregister(self, name: str) -> None:
        """Take back what `register` showed."""
        self._connection.unregister(name)

    def attach(self, path: Path, alias: str, read_only: bool = True) -> None:
        """Attach another database file under `alias`.

        Raises:
            WarehouseError: The file is missing, damaged or locked.
        """
        mode = " (read_only)" if read_only else ""
        if read_only and not path.is_file():
            raise WarehouseError("no such database", where=str(path), code="database_missing")
        quoted, name = str(path).replace("'", "''"), alias.replace('"', '""')
        try:
            self._connection.execute(f"attach '{quoted}' as \"{name}\"{mode}")
        except duckdb.Error as error:
            raise _explain(error, path, without_values(error, "")) from None

    def row_counts(self, schema: str = "main") -> dict[str, int]:
        """Rows of every table of a schema, by name. Counts."""
        names = self.rows(
            "select table_name from information_schema.tables"
            " where table_schema = ? and table_type = 'BASE TABLE'",
            [schema],
        )
        counts: dict[str, int] = {}
        for (name,) in names:
            place = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
            counted = self.one(f"select count(*) from {place}")
            counts[str(name)] = int(counted[0]) if counted else 0
        return counts

    def statement_kinds(self, sql: str) -> list[str]:
        """Kind of each statement of a text, in upper case, e.g. ["SELECT"].

        Raises:
            WarehouseError: The text does not parse.
        """
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise self._refused(error, sql) from None
        return [statement.type.name for statement in statements]

    def _refused(self, error: duckdb.Error, sql: str) -> WarehouseError:
        """Our own error; never chained to the engine's, whose text can hold values of the data."""
        try:
            tables = sorted(self._connection.get_table_names(sql)) if sql else []
        except duckdb.Error:  # the statement does not parse, or is no query
            tables = []
        return _explain(error, self.path, without_values(error, sql, tables))

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _explain(error: duckdb.Error, path: Path | None, said: str) -> WarehouseError:
    text = str(error).strip()
    where = str(path) if path else "the database in memory"
    holder = _HOLDER.search(text) if isinstance(error, duckdb.IOException) else None
    if holder:
        return WarehouseError(
            f"the database is locked by process {holder['pid']} ({holder['command']})",
            expected="no other process that has it open for writing",
            where=where,
            fix="wait until that process has finished, or end it.",
            code="database_locked",
        )
    is_disk = isinstance(error, duckdb.IOException)
    return WarehouseError(
        said,
        where=where,
        fix="check the disk's space and health, then run again." if is_disk else "",
        code="database_locked" if is_disk and "Could not set lock" in text else "engine",
    )
