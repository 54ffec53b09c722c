"""CSV with a header, read strictly (RFC 4180): as many fields as the header, quotes that match.

An empty field is NULL, a quoted empty field is empty text. After a quoting error reading starts
again at the next line, so that one lost quote costs one line and not its neighbours.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from .jsonl import Block, blocks, inspect
from .records import MAX_COLUMNS, MAX_RECORD_BYTES, SCHEMA, InputFile, Records

#: Records, characters and fields of one chunk, whichever comes first: it is held whole.
CHUNK_ROWS, CHUNK_CHARACTERS, CHUNK_FIELDS = 50_000, 16_000_000, 2_000_000
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
    characters: int = 0

    def add(self, at: _Line, raw: str, row: list[str | None], reason: str | None) -> None:
        self.lines.append(at.number)
        self.offsets.append(at.offset)
        self.raws.append(raw.rstrip("\r\n"))
        self.rows.append(row)
        self.reasons.append(reason)
        self.characters += len(raw)

    @property
    def is_full(self) -> bool:
        rows = len(self.rows)
        return (
            rows >= CHUNK_ROWS
            or self.characters >= CHUNK_CHARACTERS
            or rows * len(self.rows[0]) >= CHUNK_FIELDS
        )

    def records(self, names: list[str], header: str | None) -> Records:
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
        return Records(table, pa.Table.from_arrays(arrays, names=names), header)


def read(
    file: InputFile, *, delimiter: str = ",", rename: Callable[[list[str]], list[str]] | None = None
) -> Iterator[Records]:
    """Yield the records of a file below its header.

    Args:
        file: The file.
        delimiter: The character between fields.
        rename: Gives the columns' names for those of the header, as many.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)
    quoted = _quoted_empty(delimiter)
    reader = _Reader(file, delimiter)
    names: list[str] | None = None
    header: str | None = None
    refuses_all: str | None = None
    empty: list[str | None] = []
    chunk = _Chunk()
    for at, raw, row, fault in reader.records():
        if names is None:
            names, refuses_all = _header(rename(row) if rename and not fault else row, fault)
            empty = [None] * len(names)
            header = None if refuses_all else raw.rstrip("\r\n")
            reader.width = len(names)
            if refuses_all:
                chunk.add(at, raw, empty, refuses_all)
            continue
        reason = refuses_all or fault
        if reason is None and len(row) != len(names):
            reason = "field_count"
        fields = empty
        if reason is None:
            fields = [text or None for text in row]
            if None in fields and '""' in raw:
                _keep_quoted_empty(fields, raw, quoted)
        chunk.add(at, raw, fields, reason)
        if chunk.is_full:
            yield chunk.records(names, header)
            chunk = _Chunk()
    if names is not None and chunk.lines:
        yield chunk.records(names, header)


def _header(row: list[str], fault: str | None) -> tuple[list[str], str | None]:
    """Names of the columns, and the reason for refusing every record where they are no good."""
    folded = [name.strip().casefold() for name in row]
    is_good = all(folded) and len(set(folded)) == len(folded) and len(folded) <= MAX_COLUMNS
    if fault is None and is_good:
        return [name.strip() for name in row], None
    return ["column"], fault or "bad_header"


class _Reader:
    """Records of a file; `width` is the number of fields they should have, once it is known."""

    def __init__(self, file: InputFile, delimiter: str) -> None:
        self.width: int | None = None
        self._delimiter = delimiter
        self._lines = _Rewindable(file)
        self._sound = _sound_quotes(delimiter)

    def records(self) -> Iterator[tuple[_Line, str, list[str], str | None]]:
        """First line, raw text, fields and reason of each record."""
        lines = self._lines
        while True:
            try:
                for row in csv.reader(lines, delimiter=self._delimiter, strict=True):
                    taken = lines.forget()
                    if not row:
                        continue
                    raw = taken[0].text if len(taken) == 1 else "".join(one.text for one in taken)
                    fault = taken[0].reason
                    if fault is None and '"' in raw and not self._has_sound_quotes(row, raw):
                        fault = "malformed_csv"
                    if len(taken) > 1 and (fault or self._has_swallowed(row, taken)):
                        # the first line lost a quote; those below it are records of their own
                        lines.put_back(taken[1:])
                        yield taken[0], taken[0].text, [], "malformed_csv"
                        continue
                    yield taken[0], raw, row, fault
            except csv.Error:
                first, *after = lines.forget()
                lines.put_back(after)
                yield first, first.text, [], first.reason or "malformed_csv"
                continue
            return

    def _has_sound_quotes(self, row: list[str], raw: str) -> bool:
        """Whether quotes stand around fields only, or doubled in such fields."""
        return not any('"' in text for text in row) or self._sound.fullmatch(raw) is not None

    def _has_swallowed(self, row: list[str], taken: list[_Line]) -> bool:
        """Whether a record of several lines is none, and holds lines that are good alone."""
        if any(line.reason for line in taken):
            return True
        if self.width is None or len(row) == self.width:
            return False
        return any(self._is_record(line.text) for line in taken[1:])

    def _is_record(self, text: str) -> bool:
        try:
            row = next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return False
        return len(row) == self.width and self._has_sound_quotes(row, text)


class _Rewindable:
    """Lines of a file that remembers what a reader took, so that it can start again."""

    def __init__(self, file: InputFile) -> None:
        self._fresh = _lines(file)
        self._again: list[_Line] = []
        self._taken: list[_Line] = []
        self._characters = 0

    def __iter__(self) -> _Rewindable:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MAX_RECORD_LINES or self._characters > MAX_RECORD_BYTES:
            raise csv.Error("a record spans too many lines")
        line = self._again.pop() if self._again else next(self._fresh)
        self._taken.append(line)
        self._characters += len(line.text)
        # a quote in a broken line must not open a field: the parser sees a stand-in
        return line.text if line.reason is None else "x\n"

    def forget(self) -> list[_Line]:
        taken, self._taken, self._characters = self._taken, [], 0
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


def _sound_quotes(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    one = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}\r\n]*+)'
    return re.compile(rf"{one}(?:{mark}{one})*+\r?\n?")


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
