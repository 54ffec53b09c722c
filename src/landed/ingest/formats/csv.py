"""CSV with a header, read strictly: a record has as many fields as the header, or it is refused.

An empty field is NULL, a quoted empty field is empty text. After a quoting error reading starts
again at the next line, so that one lost quote costs one line and not its neighbours.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from .jsonl import Block, blocks, inspect
from .records import MAX_RECORD_BYTES, SCHEMA, InputFile, Records

#: Records of one chunk.
CHUNK_ROWS = 50_000
#: Lines one quoted record may span; it bounds what a lost quote makes us read twice.
MAX_RECORD_LINES = 20_000


@dataclass(slots=True)
class _Line:
    text: str
    number: int
    offset: int
    reason: str | None


@dataclass(slots=True)
class _Chunk:
    """Records gathered until they are handed on."""

    lines: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)

    def add(self, at: _Line, raw: str, row: list[str | None], reason: str | None) -> None:
        self.lines.append(at.number)
        self.offsets.append(at.offset)
        self.raws.append(raw.rstrip("\r\n"))
        self.rows.append(row)
        self.reasons.append(reason)

    def records(self, header: list[str]) -> Records:
        table = pa.Table.from_arrays(
            [
                pa.array(self.lines, pa.int64()),
                pa.array(self.offsets, pa.int64()),
                pa.array(self.raws, pa.large_string()),
                pa.array(self.reasons, pa.string()),
            ],
            schema=SCHEMA,
        )
        arrays = [pa.array(column, pa.string()) for column in zip(*self.rows, strict=True)]
        return Records(table, pa.Table.from_arrays(arrays, names=header))


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the records of a file below its header.

    Args:
        file: The file.
        delimiter: The character between fields.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    quoted = _quoted_empty(delimiter)
    header: list[str] | None = None
    refuses_all: str | None = None
    chunk = _Chunk()
    for at, raw, row, fault in _records(file, delimiter):
        if header is None:
            header, refuses_all = _header(row, fault)
            if refuses_all:
                chunk.add(at, raw, [None] * len(header), refuses_all)
            continue
        reason = refuses_all or fault
        if reason is None and len(row) != len(header):
            reason = "field_count"
        if reason is None:
            fields: list[str | None] = [text or None for text in row]
            if None in fields and '""' in raw:
                _keep_quoted_empty(fields, raw, quoted)
        else:
            fields = [None] * len(header)
        chunk.add(at, raw, fields, reason)
        if len(chunk.lines) >= CHUNK_ROWS:
            yield chunk.records(header)
            chunk = _Chunk()
    if header is not None and chunk.lines:
        yield chunk.records(header)


def _header(row: list[str], fault: str | None) -> tuple[list[str], str | None]:
    """Names of the columns, and the reason for refusing every record where they are no good."""
    folded = [name.strip().casefold() for name in row]
    if fault is None and all(folded) and len(set(folded)) == len(folded):
        return [name.strip() for name in row], None
    return ["column"], fault or "bad_header"


def _records(file: InputFile, delimiter: str) -> Iterator[tuple[_Line, str, list[str], str | None]]:
    """First line, raw text, fields and reason of each record."""
    lines = _Rewindable(file)
    while True:
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                taken = lines.forget()
                if row:
                    fault = next((line.reason for line in taken if line.reason), None)
                    yield taken[0], "".join(line.text for line in taken), row, fault
        except csv.Error:
            first, *after = lines.forget()
            lines.put_back(after)
            yield first, first.text, [], first.reason or "malformed_csv"
            continue
        return


class _Rewindable:
    """Lines of a file that remembers what a reader took, so that it can start again."""

    def __init__(self, file: InputFile) -> None:
        self._fresh = _lines(file)
        self._again: list[_Line] = []
        self._taken: list[_Line] = []

    def __iter__(self) -> _Rewindable:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MAX_RECORD_LINES:
            raise csv.Error("a record spans too many lines")
        line = self._again.pop() if self._again else next(self._fresh)
        self._taken.append(line)
        # a quote in a broken line must not open a field: the parser sees a stand-in
        return line.text if line.reason is None else "x\n"

    def forget(self) -> list[_Line]:
        taken, self._taken = self._taken, []
        return taken

    def put_back(self, lines: list[_Line]) -> None:
        self._again.extend(reversed(lines))


def _lines(file: InputFile) -> Iterator[_Line]:
    for block in blocks(file):
        yield from _clean_lines(block)


def _clean_lines(block: Block) -> Iterator[_Line]:
    offset = block.offset
    for number, line in enumerate(io.BytesIO(block.data), start=block.line):
        text, reason = inspect(line)
        whole = line.decode("utf-8") if reason is None else text + "\n"
        yield _Line(whole, number, offset, block.reason or reason)
        offset += len(line)


def _quoted_empty(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(rf'(?:"(?P<quoted>(?:[^"]|"")*)"|[^{mark}\r\n]*)(?:{mark}|\r?\n?$)')


def _keep_quoted_empty(fields: list[str | None], raw: str, pattern: re.Pattern[str]) -> None:
    at = 0
    for index in range(len(fields)):
        match = pattern.match(raw, at)
        if match is None:
            return
        if match["quoted"] == "":
            fields[index] = ""
        at = match.end()
