"""JSON Lines: one object a line. Lines are found here, in bulk; their JSON is read in SQL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .records import KEPT_BYTES, MAX_RECORD_BYTES, SCHEMA, BrokenStream, InputFile, Records

_BOM = b"\xef\xbb\xbf"
_NEWLINE = 10


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the lines of a file; blank ones are no records.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.
    """
    for block in blocks(file):
        records = _bulk(block)
        yield records if records is not None else _one_by_one(block)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, as bytes.

    Args:
        data: The lines; the last may lack its newline.
        line: Number of the first line.
        offset: Byte of the first line in the inflated file.
        reason: Reason for all of it; None where it can be read.
    """

    data: bytes
    line: int
    offset: int
    reason: str | None = None


def blocks(file: InputFile) -> Iterator[Block]:
    """Cut a file into blocks that end where a line ends; memory stays bounded by the chunk."""
    rest, line, offset, dropped = b"", 1, 0, 0
    start = True
    try:
        for chunk in file.chunks():
            if start:
                start = False
                if chunk.startswith(_BOM):
                    chunk, offset = chunk[len(_BOM) :], len(_BOM)  # noqa: PLW2901
            end = chunk.rfind(b"\n") + 1
            if not end:
                rest += chunk
                if len(rest) > MAX_RECORD_BYTES + KEPT_BYTES:
                    dropped += len(rest) - KEPT_BYTES
                    rest = rest[:KEPT_BYTES]
                continue
            if dropped:  # the line that began before this chunk was too long to keep
                first = chunk.find(b"\n") + 1
                yield Block(rest[:KEPT_BYTES], line, offset, "too_long")
                offset += len(rest) + dropped + first
                line += 1
                rest, dropped = b"", 0
                data, chunk = chunk[first:end], chunk[end:]  # noqa: PLW2901
            else:
                data, chunk = rest + chunk[:end], chunk[end:]  # noqa: PLW2901
            rest = chunk
            if data:
                yield Block(data, line, offset)
                line += data.count(b"\n")
                offset += len(data)
    except BrokenStream:
        # the good lines before the break are kept; what follows is one record, the break itself
        yield Block(rest[:KEPT_BYTES] or b"\n", line, offset, "truncated_file")
        return
    if rest:
        end_of_it = rest[:KEPT_BYTES] if dropped else rest
        yield Block(end_of_it, line, offset, "too_long" if dropped else None)


def _bulk(block: Block) -> Records | None:
    """All lines at once without touching them; None where one of them needs a closer look."""
    data = block.data
    if block.reason or b"\0" in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE) + 1
    if not len(ends) or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts
    if sizes.max() > MAX_RECORD_BYTES or sizes.min() <= 2:  # 2: a blank line with \r\n
        return None
    offsets = np.append(starts, len(data)).astype(np.int64)
    count = len(ends)
    raw = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    columns = [
        pa.array(np.arange(block.line, block.line + count, dtype=np.int64)),
        pa.array(starts.astype(np.int64) + block.offset),
        raw,
        pa.nulls(count, pa.string()),
    ]
    return Records(pa.Table.from_arrays(columns, schema=SCHEMA))


def _one_by_one(block: Block) -> Records:
    numbers: list[int] = []
    offsets: list[int] = []
    raws: list[str] = []
    reasons: list[str | None] = []
    offset = block.offset
    # not bytes.splitlines, which also cuts at a lone \r: a line ends at \n only
    lines = [block.data] if block.reason else list(io.BytesIO(block.data))
    for number, line in enumerate(lines, start=block.line):
        if block.reason or line.strip():
            text, reason = inspect(line)
            numbers.append(number)
            offsets.append(offset)
            raws.append(text)
            reasons.append(block.reason or reason)
        offset += len(line)
    table = pa.Table.from_arrays(
        [
            pa.array(numbers, pa.int64()),
            pa.array(offsets, pa.int64()),
            pa.array(raws, pa.large_string()),
            pa.array(reasons, pa.string()),
        ],
        schema=SCHEMA,
    )
    return Records(table)


def inspect(line: bytes) -> tuple[str, str | None]:
    """Text of a line and the reason why its bytes cannot be read, if any.

    Bytes that are no UTF-8 stand as `\\xNN` in the text, so that nothing of the line is lost.
    """
    reason = None
    if len(line) > MAX_RECORD_BYTES:
        reason, line = "too_long", line[:KEPT_BYTES]
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        reason = reason or "invalid_utf8"
        text = line.decode("utf-8", "backslashreplace")
    if "\0" in text:
        reason = reason or "nul_byte"
        text = text.replace("\0", "\\x00")
    return text.rstrip("\r\n"), reason
