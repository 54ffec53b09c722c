"""The door for BI tools: a PostgreSQL with governed views, read-only, kept at the snapshot."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..errors import WarehouseError
from ..project import Home, Project
from ..publish import bi_store
from ..publish.bi_server import EmbeddedPostgres
from ..publish.readers import pointer_id
from ..settings import Settings

_POLL_SECONDS = 2.0  # a snapshot is minutes in the making; a pointer costs one small read


@dataclass(frozen=True, slots=True)
class Connection:
    """Where BI tools connect. The password stands in the file only.

    Args:
        address: `host:port/database`, or what the team's URL names.
        user: The read-only role; None where the store is the team's own.
        file: Where address and password are kept, mode 0600; None likewise.
        state: What the store shows, in words.
    """

    address: str
    user: str | None
    file: Path | None
    state: str


def start(home: Home, settings: Settings) -> Connection:
    """Start the embedded store, unless the team has its own, and fill it if it is behind.

    Raises:
        WarehouseError: It does not start, cannot be reached, or cannot be filled.
    """
    if settings.bi_url is not None:
        return Connection("LANDED_BI_URL", None, None, bi_store.refresh(home, settings))
    server = EmbeddedPostgres(home.bi)
    access = server.start(statement_timeout_seconds=settings.query_timeout_seconds)
    address = f"{access.host}:{access.port}/{access.database}"
    state = bi_store.refresh(home, settings)
    return Connection(address, access.user, server.connection_file, state)


def stop_embedded(home: Home) -> bool:
    """Stop the embedded store; whether one ran."""
    return EmbeddedPostgres(home.bi).stop()


def serve(
    project: Project,
    home: Home,
    settings: Settings,
    *,
    once: bool = False,
    stop: bool = False,
    out: Console,
) -> None:
    """Start the store, print its address, and keep it at the current snapshot until Ctrl-C.

    Args:
        project: Its name stands in the greeting.
        home: The state.
        settings: Time limit of queries; the team's own store by URL.
        once: Return after the first fill and leave the server running.
        stop: Stop the server instead.
        out: Where to print.
    """
    if stop:
        ran = stop_embedded(home)
        out.print("the BI store is stopped." if ran else "no BI store ran.", markup=False)
        return
    connection = start(home, settings)
    out.print(f"BI store of {project.name}: postgresql://{connection.address}", markup=False)
    if connection.user is not None:
        out.print(f"role {connection.user}, read-only; password in {connection.file}", markup=False)
        host, _, rest = connection.address.partition(":")
        port, _, database = rest.partition("/")
        psql = f"psql -h {host} -p {port} -U {connection.user} {database}"
        out.print(f"psql:       PGPASSFILE={home.bi / 'pgpass'} {psql}", markup=False)
        out.print(
            f"SQLAlchemy: the `sqlalchemy_url` in {connection.file}"
            f" (postgresql+psycopg://{connection.user}:…@{connection.address})",
            markup=False,
        )
    out.print(connection.state, markup=False)
    if once:
        return
    try:
        _follow(home, settings, out)
    except KeyboardInterrupt:
        if settings.bi_url is None:
            stop_embedded(home)
        out.print("stopped.", markup=False)


def _follow(home: Home, settings: Settings, out: Console) -> None:
    """Fill the store whenever another snapshot becomes current; a failure is said and retried."""
    shown, failure = pointer_id(home), ""
    while True:
        time.sleep(_POLL_SECONDS)
        now = pointer_id(home)
        if now == shown:
            continue
        try:
            out.print(bi_store.refresh(home, settings), markup=False)
            shown, failure = now, ""
        except WarehouseError as error:
            if str(error) != failure:
                failure = str(error)
                out.print(failure, markup=False)
