"""JSON Lines: one object a line. Lines are found here, in bulk; their JSON is read in SQL."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .records import (
    KEPT_BYTES,
    MAX_RECORD_BYTES,
    SCHEMA,
    BrokenStream,
    InputFile,
    Records,
    int64s,
)

_BOM = b"\xef\xbb\xbf"
_NEWLINE, _SPACE = 10, 32
_WHITE = b" \t\r\n"
_BLANKS = np.frombuffer(_WHITE, dtype=np.uint8)
#: Lines looked at together, and bytes where there are more: arrays over eight million blank lines
#: would take half a gigabyte.
PIECE_LINES = 1 << 20
Ends = np.ndarray[Any, np.dtype[np.int64]]


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the lines of a file; blank ones are no records.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.
    """
    for block in blocks(file):
        for piece in _pieces(block):
            if not piece.reason and piece.data[0] <= _SPACE and is_blank(piece.data):
                continue  # a hole of a gigabyte costs no more than to look at it
            records = _bulk(piece) or _one_by_one(piece)
            if records.table.num_rows:
                yield records


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, as bytes.

    Args:
        data: The lines; the last may lack its newline.
        line: Number of the first line.
        offset: Byte of the first line in the inflated file.
        reason: Reason for all of it; None where it can be read.
        ends: Where its lines end, behind their newlines; None where nobody looked.
    """

    data: bytes
    line: int
    offset: int
    reason: str | None = None
    ends: Ends | None = None


def blocks(file: InputFile) -> Iterator[Block]:
    """Cut a file into blocks that end where a line ends; memory stays bounded by the chunk."""
    rest, line, offset, dropped = b"", 1, 0, 0
    start = True
    newlines = _Newlines()
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
                # one copy, where `rest + chunk[:end]` makes two
                whole = b"".join((rest, memoryview(chunk)[:end]))
                data, chunk = whole, chunk[end:]  # noqa: PLW2901
            rest = chunk
            if data:
                count, ends = newlines.found(data)
                yield Block(data, line, offset, ends=ends)
                line += count
                offset += len(data)
    except BrokenStream as broken:
        # the good lines before the break are kept; what follows is one record, the break itself
        yield Block(rest[:KEPT_BYTES] or b"\n", line, offset, broken.reason)
        return
    if rest:
        end_of_it = rest[:KEPT_BYTES] if dropped else rest
        yield Block(end_of_it, line, offset, "too_long" if dropped else None)


def _pieces(block: Block) -> Iterator[Block]:
    """The block itself, or parts of it where its lines are so short that their number counts."""
    data, line, offset = block.data, block.line, block.offset
    if block.reason or block.ends is not None or data.count(b"\n") <= PIECE_LINES:
        yield block
        return
    while data:
        end = data.rfind(b"\n", 0, PIECE_LINES) + 1 or data.find(b"\n") + 1 or len(data)
        yield Block(data[:end], line, offset)
        line += data.count(b"\n", 0, end)
        offset += end
        data = data[end:]


class _Newlines:
    """Finds newlines. Its buffer is used again: fresh memory costs more than the search."""

    def __init__(self) -> None:
        self._mask = np.empty(0, dtype=np.bool_)

    def found(self, data: bytes) -> tuple[int, Ends | None]:
        """How many there are, and where each ends; nowhere, where there are too many to list."""
        if len(self._mask) < len(data):
            self._mask = np.empty(len(data) + len(data) // 8, dtype=np.bool_)
        mask = self._mask[: len(data)]
        np.equal(np.frombuffer(data, dtype=np.uint8), _NEWLINE, out=mask)
        count = int(np.count_nonzero(mask))
        return count, np.flatnonzero(mask) + 1 if count <= PIECE_LINES else None


def _bulk(block: Block) -> Records | None:
    """All lines at once without touching them; None where one of them needs a closer look."""
    data = block.data
    if block.reason or b"\0" in data:
        return None
    if not data.isascii():  # decoding makes a copy
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return None
    values = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(values == _NEWLINE) + 1 if block.ends is None else block.ends
    if not len(ends) or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1]])
    if (ends - starts).max() > MAX_RECORD_BYTES:
        return None
    offsets = np.append(starts, len(data)).astype(np.int64)
    count = len(ends)
    raw = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    columns = [
        int64s(np.arange(block.line, block.line + count)),
        int64s(starts + block.offset),
        raw,
        pa.nulls(count, pa.string()),
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    if values[starts].min() <= _SPACE:  # a line may be blank
        is_text = np.add.reduceat(~np.isin(values, _BLANKS), starts) > 0
        if not is_text.all():
            table = table.filter(pa.array(is_text))
    return Records(table)


def _one_by_one(block: Block) -> Records:
    numbers: list[int] = []
    offsets: list[int] = []
    raws: list[str] = []
    reasons: list[str | None] = []
    offset = block.offset
    # not bytes.splitlines, which also cuts at a lone \r: a line ends at \n only
    lines = [block.data] if block.reason else io.BytesIO(block.data)
    for number, line in enumerate(lines, start=block.line):
        if block.reason or not is_blank(line):
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


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing but white space of JSON (RFC 8259 §2)."""
    # over megabytes translate is five times as fast as strip, over a line it is slower
    return not (line.strip(_WHITE) if len(line) < 4096 else line.translate(None, _WHITE))


def inspect(line: bytes) -> tuple[str, str | None]:
    """Text of a line and the reason why its bytes cannot be read, if any.

    Bytes that are no UTF-8 stand as `\\xNN` in the text, so that nothing of the line is lost.
    """
    reason = None
    if len(line) - line.endswith(b"\n") - line.endswith(b"\r\n") > MAX_RECORD_BYTES:
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
