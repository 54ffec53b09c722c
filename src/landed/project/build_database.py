"""How dbt lets go of the build database: one checkpoint, and room made when it is worth it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

#: Rows of a block of a DuckDB table.
BLOCK_ROWS = 122_880
#: What DuckDB does at most a table and checkpoint where nobody says otherwise.
_VACUUM_TASKS = 100


@contextlib.contextmanager
def database_released() -> Iterator[None]:
    """Close the build database after dbt, however that ended; until then nobody else may open it.

    dbt holds it open from model to model and from models to tests, as closing it writes a
    checkpoint. It would hold it, and its lock, for as long as this process lives.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        yield
    finally:
        try:
            opened: Any = DuckDBConnectionManager.env()
        except Exception as raised:
            if "before creation" not in str(raised):
                raise
        else:
            try:
                if opened.conn is not None:
                    make_room(opened.conn.cursor())
            finally:
                opened.close()


def make_room(cursor: Any) -> None:
    """Have the next checkpoint merge blocks where a build was small or much of a table is dead.

    DuckDB merges neighbouring blocks where fewer of them would hold the same rows. After a build of
    more than a block that writes the whole day a second time, to save one block. So its rows stay
    as they were written, until a table carries half as many dead rows as others.

    Args:
        cursor: Of the build database, after its models were built.
    """
    cursor.execute(
        "select table_name, estimated_size from duckdb_tables()"
        " where schema_name = 'main' and not temporary"
    )
    held = dict(cursor.fetchall())
    is_small = held.get("int_event_units", 0) < BLOCK_ROWS
    if is_small or any(_is_half_dead(cursor, name, rows) for name, rows in held.items()):
        cursor.execute(f"set max_vacuum_tasks = {_VACUUM_TASKS}")


def _is_half_dead(cursor: Any, table: str, rows: int) -> bool:
    if rows < BLOCK_ROWS:
        return False
    quoted = table.replace('"', '""')
    (live,) = cursor.execute(f'select count(*) from main."{quoted}"').fetchone()
    return bool(rows - live >= max(BLOCK_ROWS, live // 2))
