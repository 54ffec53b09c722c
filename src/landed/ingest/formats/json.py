"""One JSON array of objects, or one object: what an API hands out as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pyarrow as pa

from ...errors import SourceError
from .jsonl import inspect
from .records import KEPT_BYTES, MAX_RECORD_BYTES, SCHEMA, BrokenStream, InputFile, Records

#: Largest file of this format, inflated. Bytes. It is read whole; larger ones belong in JSONL.
MAX_BYTES = 256 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the objects of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: The file is larger than this format allows.
    """
    data, broken = _whole(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "backslashreplace")
        yield _table([(0, text[:KEPT_BYTES], "invalid_utf8")], text)
        return
    found = list(_elements(text, "truncated_file" if broken else "invalid_json"))
    if found:
        yield _table(found, text)


def _whole(file: InputFile) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size, broken = 0, False
    try:
        for chunk in file.chunks():
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise SourceError(
                    f"the file has more than {MAX_BYTES} bytes",
                    expected="a smaller file, or JSON Lines",
                    where=str(file.path),
                    fix="write one object a line and set format: jsonl.",
                    code="source_too_large",
                )
    except BrokenStream:
        broken = True
    return b"".join(parts), broken


def _elements(text: str, broken: str) -> Iterator[tuple[int, str, str | None]]:
    """Start, text and reason of each element; a fault ends the file with one last record."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if at == len(text):
        if broken == "truncated_file":
            yield at, "", broken
        return
    is_array = text[at] == "["
    if is_array:
        at = _skip(text, at + 1)
        if text[at : at + 1] == "]" and _skip(text, at + 1) == len(text):
            return
    while True:
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield at, text[at : at + KEPT_BYTES], broken
            return
        raw, reason = inspect(text[at:end].encode("utf-8", "backslashreplace"))
        yield at, raw, reason if end - at <= MAX_RECORD_BYTES else "too_long"
        at = _skip(text, end)
        if is_array and text[at : at + 1] == ",":
            at = _skip(text, at + 1)
            continue
        if is_array and text[at : at + 1] == "]":
            at = _skip(text, at + 1)
        elif is_array:
            yield at, text[at : at + KEPT_BYTES], broken
            return
        if at < len(text):
            yield at, text[at : at + KEPT_BYTES], "invalid_json"
        return


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _table(found: list[tuple[int, str, str | None]], text: str) -> Records:
    lines: list[int] = []
    offsets: list[int] = []
    line, offset, before = 1, 0, 0
    for start, _, _ in found:
        between = text[before:start]
        line += between.count("\n")
        offset += len(between.encode("utf-8", "backslashreplace"))
        before = start
        lines.append(line)
        offsets.append(offset)
    table = pa.Table.from_arrays(
        [
            pa.array(lines, pa.int64()),
            pa.array(offsets, pa.int64()),
            pa.array([raw for _, raw, _ in found], pa.large_string()),
            pa.array([reason for _, _, reason in found], pa.string()),
        ],
        schema=SCHEMA,
    )
    return Records(table)
