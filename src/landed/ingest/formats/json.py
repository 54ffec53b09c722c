"""One JSON array of objects, or one object: what an API hands out as a file."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from .elements import Document, Element
from .jsonl import inspect
from .records import MAX_RECORD_BYTES, SCHEMA, BrokenStream, InputFile, Records

#: Elements that are handed on together, and bytes of them: as texts they may take six times that.
MOST, MOST_BYTES = 50_000, 2 * 1024 * 1024


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the objects of a file; several documents may stand behind each other.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.
    """
    return read_within(file, None)


def read_within(file: InputFile, within: str | None) -> Iterator[Records]:
    """Yield the objects of a file, those of lists in its pages among them.

    Args:
        file: The file.
        within: Key of the list in a page that is an object; None where no object is a page.
    """
    found: list[Element] = []
    size = 0
    for one in Document(file, within).elements():
        parts = _rest(file, one) if one.is_open else (one,)
        for part in parts:
            found.append(part)
            size += len(part.data)
            if size >= MOST_BYTES or len(found) >= MOST:
                yield _table(found)
                found, size = [], 0
    if found:
        yield _table(found)


def _rest(file: InputFile, fault: Element) -> Iterator[Element]:
    """All of a file from a value on that never ends, in parts that can be kept whole."""
    at, line, left = fault.offset, fault.line, b""
    skipped = fault.offset
    try:
        for chunk in file.chunks():
            left += chunk[skipped:]
            skipped = max(0, skipped - len(chunk))
            while len(left) > MAX_RECORD_BYTES:
                end = left.rfind(b"\n", 0, MAX_RECORD_BYTES) + 1 or MAX_RECORD_BYTES
                while end > 1 and left[end] & 0xC0 == 0x80:  # within a character
                    end -= 1
                part, left = left[:end], left[end:]
                yield Element(at, line, part, fault.reason)
                at, line = at + end, line + part.count(b"\n")
    except BrokenStream:  # as it was found before; what came until then is kept
        pass
    if left:
        yield Element(at, line, left, fault.reason)


def _table(found: list[Element]) -> Records:
    read_as = [inspect(one.data) for one in found]
    table = pa.Table.from_arrays(
        [
            pa.array([one.line for one in found], pa.int64()),
            pa.array([one.offset for one in found], pa.int64()),
            pa.array([text for text, _ in read_as], pa.large_string()),
            pa.array(
                [one.reason or reason for one, (_, reason) in zip(found, read_as, strict=True)],
                pa.string(),
            ),
        ],
        schema=SCHEMA,
    )
    return Records(table)
