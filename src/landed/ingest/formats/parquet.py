"""Parquet, every field as text: types are declared by the envelope, not by the file."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ...errors import WarehouseError
from ...warehouse import Engine
from .records import SCHEMA, InputFile, Records

#: Rows cast at once.
CHUNK_ROWS = 100_000


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the rows of a file; nested values as JSON text.

    Args:
        file: The file.
        delimiter: Not used: Parquet has none.
    """
    relation = f"read_parquet('{str(file.path).replace(chr(39), chr(39) * 2)}')"
    with Engine.open(None) as engine:
        try:
            columns = [
                (str(row[0]), str(row[1])) for row in engine.rows(f"describe from {relation}")
            ]
            counted = engine.one(f"select count(*) from {relation}")
            total = int(counted[0]) if counted else 0
            texts = ", ".join(_as_text(name, kind) for name, kind in columns)
            for first in range(0, total, CHUNK_ROWS):
                fields = engine.arrow(
                    f"select {texts} from {relation} limit {CHUNK_ROWS} offset {first}"
                )
                yield _records(engine, fields, first)
        except WarehouseError as error:
            yield _unreadable(str(error.faults[0].what))
    file.check_unchanged()


def _as_text(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
    value = f"to_json({quoted})" if nested else quoted
    return f"cast({value} as varchar) as {quoted}"


def _records(engine: Engine, fields: pa.Table, first: int) -> Records:
    engine.register("fields", fields)
    raw = engine.arrow("select cast(to_json(fields) as varchar) as raw from fields")
    engine.unregister("fields")
    count = fields.num_rows
    table = pa.Table.from_arrays(
        [
            pa.array(range(first + 1, first + count + 1), pa.int64()),
            pa.nulls(count, pa.int64()),
            raw.column("raw").combine_chunks().cast(pa.large_string()),
            pa.nulls(count, pa.string()),
        ],
        schema=SCHEMA,
    )
    return Records(table, fields)


def _unreadable(why: str) -> Records:
    columns = [
        pa.array([1], pa.int64()),
        pa.array([0], pa.int64()),
        pa.array([why], pa.large_string()),
        pa.array(["unreadable_file"], pa.string()),
    ]
    return Records(pa.Table.from_arrays(columns, schema=SCHEMA))
