"""Connections to PostgreSQL, the store of BI tools. Alone in importing psycopg."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from ..errors import WarehouseError


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one database as one role."""

    host: str
    port: int
    database: str
    user: str
    password: str

    @property
    def url(self) -> str:
        """As a URL, password included."""
        return (
            f"postgresql://{quote(self.user)}:{quote(self.password)}"
            f"@{self.host}:{self.port}/{quote(self.database)}"
        )


class Store:
    """One connection to a PostgreSQL database; a context manager that closes it."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    @classmethod
    def open(cls, url: str, *, timeout_seconds: int = 10) -> Self:
        """Connect.

        Raises:
            WarehouseError: The server does not answer or refuses; the password is not shown.
        """
        try:
            connection = psycopg.connect(
                url, autocommit=True, connect_timeout=timeout_seconds, application_name="landed"
            )
        except (psycopg.Error, UnicodeError) as error:
            reason = str(error).strip().splitlines() or ["no reason given"]
            raise WarehouseError(
                f"cannot connect to the BI store: {_without_password(reason[0], url)}",
                fix="check LANDED_BI_URL, or that `landed serve bi` runs.",
                code="bi_unreachable",
            ) from None
        return cls(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        try:
            with self._connection.transaction():
                yield
        except psycopg.Error as error:
            raise _explain(error) from None

    def execute(self, text: str, *names: str | tuple[str, ...], params: Sequence[Any] = ()) -> None:
        """Run one statement; each `{}` of it takes a name, quoted as an identifier."""
        self._run(text, names, params)

    def rows(
        self, text: str, *names: str | tuple[str, ...], params: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run one query; all rows."""
        return self._run(text, names, params).fetchall()

    def comment(self, kind: str, name: tuple[str, ...], text: str) -> None:
        """Set the comment of a schema, view, table or column."""
        statement = sql.SQL(f"comment on {kind} {{}} is {{}}")
        self._run_composed(statement.format(sql.Identifier(*name), sql.Literal(text)))

    def set_password(self, access: Access, limit: int) -> None:
        """Give a role its password, at most `limit` connections, and no power over the server."""
        statement = sql.SQL(
            "alter role {} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
            "connection limit {} password {}"
        )
        name, password = sql.Identifier(access.user), sql.Literal(access.password)
        self._run_composed(statement.format(name, sql.Literal(limit), password))

    def copy(self, table: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> int:
        """Append rows to a table; how many."""
        statement = sql.SQL("copy {} from stdin").format(sql.Identifier(*table))
        count = 0
        try:
            with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
                    count += 1
        except psycopg.Error as error:
            raise _explain(error) from None
        return count

    def close(self) -> None:
        """Close the connection."""
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

    def _run(
        self, text: str, names: Sequence[str | tuple[str, ...]], params: Sequence[Any]
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        quoted = [sql.Identifier(*([n] if isinstance(n, str) else n)) for n in names]
        return self._run_composed(sql.SQL(text).format(*quoted), params)

    def _run_composed(
        self, statement: sql.Composed, params: Sequence[Any] = ()
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, params or None)
        except psycopg.Error as error:
            raise _explain(error) from None


def _without_password(text: str, url: str) -> str:
    try:
        password = psycopg.conninfo.conninfo_to_dict(url).get("password")
    except psycopg.Error:
        return "the URL cannot be read"
    return text.replace(str(password), "***") if password else text


def said(error: Exception) -> str:
    """The server's first line, or the kind of error where that line can hold a value of the data.

    Classes 22 and 23 of SQLSTATE are errors of values and of constraints on them, P0 those that a
    function raises.
    """
    state = getattr(error, "sqlstate", None) or ""
    if state[:2] in ("22", "23", "P0"):
        return f"{type(error).__name__} while rows were worked on"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _explain(error: psycopg.Error) -> WarehouseError:
    return WarehouseError(
        f"the BI store refuses: {said(error)}",
        where=f"PostgreSQL, state {error.sqlstate or 'unknown'}",
        code="bi_store",
    )
