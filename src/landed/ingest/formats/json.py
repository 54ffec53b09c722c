"""One JSON array of objects, or one object: what an API hands out as a file."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator

import pyarrow as pa

from ...errors import SourceError
from .jsonl import inspect
from .records import KEPT_BYTES, MAX_RECORD_BYTES, SCHEMA, BrokenStream, InputFile, Records

#: Largest file of this format, inflated. Bytes. It is read whole; larger ones belong in JSONL.
MAX_BYTES = 256 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")


#: Start, text and reason of a record within a document.
Element = tuple[int, str, str | None]


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the objects of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: The file is larger than this format allows.
    """
    return read_whole(file, _elements)


def read_whole(
    file: InputFile, elements: Callable[[str, str], Iterator[Element]]
) -> Iterator[Records]:
    """Yield the records that are found in the text of a whole file.

    Args:
        file: The file.
        elements: Finds them, given the text and the reason where it breaks off.

    Raises:
        SourceError: The file is larger than this format allows.
    """
    data, broken = _whole(file)
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    # a byte that is no UTF-8 is half a pair in the text, until its element is refused, alone
    text = data[mark:].decode("utf-8", "surrogateescape")
    found = list(elements(text, broken or "invalid_json"))
    if found:
        yield _table(found, text, mark)


def _whole(file: InputFile) -> tuple[bytes, str | None]:
    parts: list[bytes] = []
    size = 0
    broken: str | None = None
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
    except BrokenStream as stream:
        broken = stream.reason
    return b"".join(parts), broken


def _elements(text: str, broken: str) -> Iterator[Element]:
    """Start, text and reason of each element; a fault ends the file with one last record."""
    decoder = json.JSONDecoder(parse_int=str)  # an integer may have any number of digits
    at = _skip(text, 0)
    if at == len(text):
        if broken != "invalid_json":
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
        yield element(text, at, end)
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


def element(text: str, at: int, end: int) -> Element:
    """The record that a part of a text is."""
    raw, reason = inspect(text[at:end].encode("utf-8", "surrogateescape"))
    return at, raw, reason if end - at <= MAX_RECORD_BYTES else "too_long"


def _shown(raw: str) -> str:
    """A record with bytes that are no UTF-8 as `\\xNN`."""
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _table(found: list[Element], text: str, mark: int) -> Records:
    lines: list[int] = []
    offsets: list[int] = []
    line, offset, before = 1, mark, 0
    for start, _, _ in found:
        between = text[before:start]
        line += between.count("\n")
        offset += len(between.encode("utf-8", "surrogateescape"))
        before = start
        lines.append(line)
        offsets.append(offset)
    table = pa.Table.from_arrays(
        [
            pa.array(lines, pa.int64()),
            pa.array(offsets, pa.int64()),
            pa.array([_shown(raw) for _, raw, _ in found], pa.large_string()),
            pa.array([reason for _, _, reason in found], pa.string()),
        ],
        schema=SCHEMA,
    )
    return Records(table)
