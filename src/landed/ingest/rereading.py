"""Texts of refused records, read again by their format as if they stood in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ..errors import LandedError
from ..project import Home
from .formats import InputFile, Records, load_format
from .formats.records import digest_of
from .sources import Source

#: Formats of files without lines, whose records are read as JSON Lines.
_AS_LINES = frozenset({"json", "parquet", "posthog_parquet"})


def groups(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Records that can stand in one file: of one input file, one header, and all JSON or none."""
    group: list[dict[str, Any]] = []
    before: tuple[Any, ...] | None = None
    for row in rows:
        key = (row["file"], row["sha256"], row["header"], _is_json(row))
        if group and key != before:
            yield group
            group = []
        group.append(row)
        before = key
    if group:
        yield group


def _is_json(row: Mapping[str, Any]) -> bool:
    return row["header"] is None and row["raw"].lstrip().startswith("{")


def read_again(
    home: Home, source: Source, rows: Sequence[dict[str, Any]]
) -> Iterator[tuple[Records | None, Sequence[dict[str, Any]]]]:
    """Records with the rows they are of; None with rows that do not read as one record each.

    Where the count or a text does not come out, halves are tried, so that one record that swallows
    its neighbours stays behind alone.
    """
    texts = [row["raw"] for row in rows]
    # an object may span lines in its file; its strings cannot
    flat = [text.replace("\r", " ").replace("\n", " ") for text in texts]
    if source.format in _AS_LINES and _is_json(rows[0]):
        found = _parsed(home, replace(source, format="jsonl"), rows[0], flat)
    else:
        found = _parsed(home, source, rows[0], texts)
        if found is None and _is_json(rows[0]):
            found = _parsed(home, source, rows[0], flat)
    if found is None:
        if len(rows) == 1:
            yield None, rows
            return
        middle = len(rows) // 2
        yield from read_again(home, source, rows[:middle])
        yield from read_again(home, source, rows[middle:])
        return
    at = 0
    for records in found:
        of = rows[at : at + records.table.num_rows]
        at += len(of)
        yield _in_place(records, of), of


def _parsed(
    home: Home, source: Source, first: Mapping[str, Any], texts: Sequence[str]
) -> list[Records] | None:
    """What a format reads from these texts, one below the other; None unless each comes out."""
    path = home.lake / ".tmp" / "requeued"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = first["header"]
    lines = texts if header is None else [header.rstrip("\r\n"), *texts]
    path.write_bytes(("\n".join(lines) + "\n").encode())
    try:
        file = InputFile(path, digest_of(path), first["file"])
        found = list(load_format(source.format).read(file, delimiter=source.delimiter))
    except LandedError:
        return None  # the format does not take lines; the caller keeps the records where they are
    finally:
        path.unlink()
    read = [text for records in found for text in records.table.column("raw").to_pylist()]
    same = [text.rstrip("\r\n") for text in read] == [text.rstrip("\r\n") for text in texts]
    return found if same else None


def _in_place(records: Records, rows: Sequence[Mapping[str, Any]]) -> Records:
    """The same records where they first stood: their line, offset and text as it was."""
    table = records.table
    for name in ("line", "byte_offset", "raw"):
        at = table.schema.get_field_index(name)
        values = pa.array([row[name] for row in rows], table.schema.field(name).type)
        table = table.set_column(at, name, values)
    return replace(records, table=table)
