"""Records as they stand in a file, and the file they stand in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import SourceError
from .stream import HashedFile, Unsound, inflated, sound_bytes, stream_errors, tried
from .utf16 import as_utf8

#: Longest record. Bytes. An event is hundreds of bytes; a megabyte is a file gone wrong.
MAX_RECORD_BYTES = 1_000_000
#: Bytes read at once; with DuckDB's copies this keeps a chunk's peak below ~150 MB.
CHUNK_BYTES = 8 * 1024 * 1024
#: Bytes of an over-long record that go to the quarantine.
KEPT_BYTES = 64 * 1024
#: Columns of a table in a file. PostgreSQL and Redshift have 1,600; beyond that the engine's time
#: grows with their square.
MAX_COLUMNS = 2_000

SCHEMA = pa.schema(
    [
        ("line", pa.int64()),  # 1-based physical line (or row, in Parquet) where it starts
        ("byte_offset", pa.int64()),  # of its first byte in the inflated file, as UTF-8
        ("raw", pa.large_string()),  # as it stands in the file
        ("reason", pa.string()),  # why it cannot be read; null for a good one
    ]
)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one file.

    Args:
        table: Columns of SCHEMA, one row a record.
        columns: Fields as text, row by row like `table`; None where `raw` is a JSON object.
        header: The line that names the columns, as it stands; None for formats without one.
    """

    table: pa.Table
    columns: pa.Table | None = None
    header: str | None = None


def int64s(values: np.ndarray[Any, np.dtype[np.int64]]) -> pa.Array:
    """An Arrow array of integers. `pa.array` would import pandas for it: 0.3 CPU seconds."""
    whole = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])


class BrokenStream(Exception):
    """The file cannot be inflated from here on; what came before is good.

    Args:
        reason: Why, as the quarantine names it.
    """

    def __init__(self, reason: str = "truncated_file") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class InputFile:
    """One file to read, and the digest of the bytes that were read.

    Args:
        path: The file.
        sha256: Digest of its bytes, hexadecimal: known before it is read, from `digest_of`.
        name: Path or URL that it is known by, where it was fetched to `path`; else empty.
        is_tried: Whether the reader can take back what it was given: then a packed file is
            inflated once, and `Unsound` may come.
    """

    path: Path
    sha256: str
    name: str = ""
    is_tried: bool = False

    def chunks(self) -> Iterator[bytes]:
        """Inflated bytes, about CHUNK_BYTES at once; UTF-16 with a byte order mark as UTF-8.

        A packed file is inflated once before anything of it is handed on: what a damaged member
        holds is not what was packed, and its checksum stands behind it.

        Raises:
            Unsound: A file that is tried is damaged, or a bomb, and some of it was handed on.
            BrokenStream: The rest cannot be inflated, or should not be.
            SourceError: The bytes are not those of the digest: the file changed meanwhile. Or it
                cannot be read.
        """
        if self.is_tried:
            is_given = False
            try:
                for chunk in self._tried():
                    is_given = True
                    yield chunk
                return
            except Unsound:
                if is_given:
                    raise
                # nothing is to be taken back: look through it first after all
        yield from self._looked_through()

    def _tried(self) -> Iterator[bytes]:
        with HashedFile(self.path) as file:
            stream = _Cut(tried(file, CHUNK_BYTES))
            try:
                is_cut = yield from as_utf8(stream)
            except stream_errors():
                self._check(file.hexdigest())
                raise
            self._check(file.hexdigest())
        if is_cut or stream.is_cut:
            raise BrokenStream

    def _looked_through(self) -> Iterator[bytes]:
        size, reason = sound_bytes(self.path, CHUNK_BYTES)
        with HashedFile(self.path) as file:
            try:
                is_cut = yield from as_utf8(inflated(file, CHUNK_BYTES, size))
            except stream_errors():  # it could be inflated a moment ago
                self._check(file.hexdigest())
                raise
            self._check(file.hexdigest())
        if reason or is_cut:
            raise BrokenStream(reason or "truncated_file")

    @property
    def is_named_in_utf8(self) -> bool:
        """Whether its path can be told to the engine."""
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            return False
        return True

    def check_unchanged(self) -> None:
        """Digest the file again, for readers that open it themselves."""
        self._check(digest_of(self.path))

    def _check(self, found: str) -> None:
        if found != self.sha256:
            raise SourceError(
                "the file changed while it was read",
                expected="a finished file",
                where=str(self.path),
                fix="write files elsewhere and rename them into place; then run again.",
                code="source_changed",
            )


class _Cut:
    """Chunks that say, once they ended, whether the file is cut."""

    def __init__(self, chunks: Generator[bytes, None, bool]) -> None:
        self._chunks = chunks
        self.is_cut = False

    def __iter__(self) -> Iterator[bytes]:
        self.is_cut = yield from self._chunks


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        SourceError: It cannot be read.
    """
    with HashedFile(path) as file:
        return file.hexdigest()


def json_fault(text: str) -> str | None:
    """Reason why a text is no JSON value by the letter of RFC 8259, or None.

    For the few records that a quick look finds suspicious: DuckDB lets NaN, infinities, numbers
    beyond a double and trailing commas pass. A key that stands twice counts in the outermost
    object, as it does for records that are not suspicious; further in it is kept as it stands.
    """
    try:
        found = json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite,
            # digits are kept as text: an integer may have as many as it likes
            parse_int=str,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError):
        return "invalid_json"
    if _HALF_PAIR.search(text) and _has_half_pair(found):
        return "invalid_json"
    return "duplicate_key" if isinstance(found, _Repeating) else None


def json_value(text: str) -> Any:
    """The value of a text that is JSON.

    Python's own limit on the digits of an integer is no rule of JSON: a longer one is its text.

    Raises:
        RecursionError: It nests deeper than Python's stack.
    """
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else digits


#: Digits that every build of Python converts (sys.int_info.str_digits_check_threshold).
_INTEGER_DIGITS = 640
#: The escape of half a surrogate pair, or of a whole one: Python's parser takes both.
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class _Repeating(dict[str, Any]):
    """An object in which a key stands twice."""


def _refuse(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeating(pairs)


def _has_half_pair(value: Any) -> bool:
    waiting = [value]  # no recursion: a record may nest deeper than Python's stack
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and any("\ud800" <= char <= "\udfff" for char in one):
            return True
    return False
