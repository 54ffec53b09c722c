"""Parquet, every field as text: types are declared by the envelope, not by the file."""

from __future__ import annotations

import glob
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import SourceError, WarehouseError
from ...settings import Settings
from ...warehouse import Engine
from .records import KEPT_BYTES, MAX_COLUMNS, MAX_RECORD_BYTES, SCHEMA, InputFile, Records
from .stream import BOMB_BYTES, BOMB_RATIO

#: Rows cast at once, at first and at most, and bytes that they should take: a few bytes of a
#: dictionary may stand for gigabytes.
FIRST_ROWS, CHUNK_ROWS, CHUNK_BYTES = 10, 100_000, 32 * 1024 * 1024
#: What a file may make the engine hold. A row group of the usual 100 MB fits, a bomb does not.
_LIMITS = Settings(memory_limit_mb=384)
_ROW_NUMBER = "file_row_number"
_HELD = threading.local()


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the rows of a file; nested values as JSON text.

    Args:
        file: The file.
        delimiter: Not used: Parquet has none.
    """
    if not file.is_named_in_utf8:
        raise SourceError(
            "the name of a Parquet file is no UTF-8",
            expected="a name in UTF-8: the engine takes no other",
            where=file.name,
            fix="rename the file.",
            code="source_unreadable",
        )
    relation = _relation(file.path)
    first = given = 0
    most_bytes = max(BOMB_BYTES, BOMB_RATIO * file.path.stat().st_size)
    try:
        engine = _engine()
        columns = [(str(row[0]), str(row[1])) for row in engine.rows(f"describe from {relation}")]
        if repeated := _repeated(engine, file.path):
            why = f"columns of one name, case apart: {', '.join(repeated)}"
            yield _unreadable(why, first, "bad_header")
            return
        if len(columns) > MAX_COLUMNS:
            yield _unreadable(f"{len(columns):,} columns; at most {MAX_COLUMNS:,}", first)
            return
        counted = engine.one(f"select count(*) from {relation}")
        total = int(counted[0]) if counted else 0
        texts = ", ".join(_as_text(name, kind) for name, kind in columns)
        is_numbered = all(name.casefold() != _ROW_NUMBER for name, _ in columns)
        size = FIRST_ROWS
        while first < total:
            part = f"limit {size} offset {first}"
            if is_numbered:  # skips row groups, where an offset reads them
                part = f"where {_ROW_NUMBER} between {first} and {first + size - 1}"
            fields = engine.arrow(f"select {texts} from {relation} {part}")
            if fields.num_rows != min(size, total - first):
                yield _unreadable(f"{fields.num_rows} rows of {total - first} are there", first)
                break
            yield _records(engine, fields, first)
            first += fields.num_rows
            given += fields.nbytes
            if given > most_bytes:
                yield _unreadable(f"{given:,} bytes so far", first, "decompression_bomb")
                break
            fitting = CHUNK_BYTES * fields.num_rows // max(fields.nbytes, 1)
            size = max(1, min(fitting, 10 * size, CHUNK_ROWS))
    except WarehouseError as error:
        _close_if_broken()
        yield _unreadable(str(error.faults[0].what), first)
    file.check_unchanged()


def _engine() -> Engine:
    """The thread's engine: one for all files, since opening one takes longer than a small file."""
    engine: Engine | None = getattr(_HELD, "engine", None)
    if engine is None:
        engine = _HELD.engine = Engine.open(None, settings=_LIMITS)
        # a file of the same name may be another one the next time
        engine.execute("set enable_external_file_cache = false")
    return engine


def _close_if_broken() -> None:
    """After an error: an engine that met an inner fault answers nothing more."""
    engine: Engine | None = getattr(_HELD, "engine", None)
    if engine is None:
        return
    try:
        engine.one("select 1")
    except WarehouseError:
        _HELD.engine = None
        engine.close()


def _repeated(engine: Engine, path: Path) -> list[str]:
    """Names that several columns have, as they stand: the engine gives all but one another name."""
    found: dict[str, list[str]] = {}
    inner = 1  # elements to come that are the root, or are within a column
    for name, children in engine.rows(
        f"select name, coalesce(num_children, 0) from parquet_schema({_name(path)})"
    ):
        if not inner:
            found.setdefault(str(name).casefold(), []).append(str(name))
            inner = int(children)
        else:
            inner += int(children) - 1 if found else -1  # the root's are the columns
    return [name for names in found.values() if len(names) > 1 for name in names]


def _relation(path: Path) -> str:
    """SQL that reads this file, and of its path nothing."""
    return f"read_parquet({_name(path)}, hive_partitioning = false)"


def _name(path: Path) -> str:
    """SQL of the name of this file and no other: a name may be a pattern."""
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _as_text(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
    value = f"to_json({quoted})" if nested else quoted
    return f"cast({value} as varchar) as {quoted}"


def _records(engine: Engine, fields: pa.Table, first: int) -> Records:
    engine.register("fields", fields)
    try:
        found = engine.arrow("select cast(to_json(fields) as varchar) as raw from fields")
    finally:
        engine.unregister("fields")
    count = fields.num_rows
    raw = found.column("raw").combine_chunks().cast(pa.large_string())
    reasons = pa.nulls(count, pa.string())
    is_long = pc.greater(pc.binary_length(raw), MAX_RECORD_BYTES)
    if pc.any(is_long).as_py():
        kept = pc.utf8_slice_codeunits(raw, 0, KEPT_BYTES)
        raw = pc.if_else(is_long, kept, raw)
        reasons = pc.if_else(is_long, "too_long", reasons)
    table = pa.Table.from_arrays(
        [
            pa.array(range(first + 1, first + count + 1), pa.int64()),
            pa.nulls(count, pa.int64()),
            raw,
            reasons,
        ],
        schema=SCHEMA,
    )
    return Records(table, fields)


def _unreadable(why: str, first: int, reason: str = "unreadable_file") -> Records:
    columns = [
        pa.array([first + 1], pa.int64()),
        pa.array([0], pa.int64()),
        pa.array([why], pa.large_string()),
        pa.array([reason], pa.string()),
    ]
    return Records(pa.Table.from_arrays(columns, schema=SCHEMA))
