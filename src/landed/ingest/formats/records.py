"""Records as they stand in a file, and the stream of bytes below them."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from ...errors import SourceError

#: Longest record. Bytes. An event is hundreds of bytes; a megabyte is a file gone wrong.
MAX_RECORD_BYTES = 1_000_000
#: Bytes read at once; with DuckDB's copies this keeps a chunk's peak below ~150 MB.
CHUNK_BYTES = 8 * 1024 * 1024
#: Bytes of an over-long record that go to the quarantine.
KEPT_BYTES = 64 * 1024

SCHEMA = pa.schema(
    [
        ("line", pa.int64()),  # 1-based physical line (or row, in Parquet) where it starts
        ("byte_offset", pa.int64()),  # of its first byte in the inflated file
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
    """

    table: pa.Table
    columns: pa.Table | None = None


class BrokenStream(Exception):
    """The file cannot be inflated from here on; what came before is good."""


@dataclass(slots=True)
class InputFile:
    """One file to read, and the digest of the bytes that were read.

    Args:
        path: The file.
        sha256: Digest of its bytes, hexadecimal: known before it is read, from `digest_of`.
    """

    path: Path
    sha256: str
    _seen: Any = field(default=None, repr=False)

    def chunks(self) -> Iterator[bytes]:
        """Inflated bytes, about CHUNK_BYTES at once.

        Raises:
            BrokenStream: The rest cannot be inflated.
            SourceError: The bytes are not those of the digest: the file changed meanwhile.
        """
        with _Hashing(self.path) as hashing:
            try:
                yield from _inflated(hashing)
            except _stream_errors() as error:
                hashing.drain()
                self._check(hashing.hexdigest())
                raise BrokenStream(str(error)) from error
            self._check(hashing.hexdigest())

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


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal.

    Raises:
        SourceError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(
            f"cannot read the file: {error.strerror or error}",
            where=str(path),
            fix="check the path and its permissions.",
            code="source_unreadable",
        ) from error


def json_fault(text: str) -> str | None:
    """Reason why a text is no JSON value by the letter of RFC 8259, or None.

    For the few records that a quick look finds suspicious: DuckDB lets NaN, infinities, numbers
    beyond a double and trailing commas pass.
    """
    try:
        json.loads(
            text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_without_repeats
        )
    except _Repeated:
        return "duplicate_key"
    except (ValueError, RecursionError):
        return "invalid_json"
    return None


class _Repeated(ValueError):
    """A key stands twice in one object."""


def _refuse(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated
    return found


class _Hashing:
    """A file that digests what is read from it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        data = self._file.read(size)
        self._digest.update(data)
        return data

    def drain(self) -> None:
        """Read the rest, so that the digest covers the whole file."""
        while self.read(1 << 20):
            continue

    def hexdigest(self) -> str:
        """Digest of what was read so far."""
        return self._digest.hexdigest()


def _inflated(file: _Hashing) -> Iterator[bytes]:
    """Look at the first bytes, not at the name: a .gz that is none is read as it is."""
    head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        yield from _members(file, head, _Gzip, 256 * 1024)
    elif head == b"\x28\xb5\x2f\xfd":
        # zstd's inflater has no limit on what it gives back: four bytes may stand for 128 kB, so
        # it is fed little at a time
        yield from _members(file, head, _Zstd, 1024)
    else:
        data = head + file.read(CHUNK_BYTES)
        while data:
            yield data
            data = file.read(CHUNK_BYTES)


def _members(
    file: _Hashing, head: bytes, new: Callable[[], Any], block_bytes: int
) -> Iterator[bytes]:
    """Inflate a file of one or more members; what came before a break is given first."""
    inflater, data = new(), head
    out: list[bytes] = []
    size = 0
    try:
        while True:
            if not data:
                data = file.read(block_bytes)
                if not data:
                    break
            if inflater.eof:
                data = data.lstrip(b"\0")  # tar and tape pad with zeros
                if not data:
                    continue
                inflater = new()
            part = inflater.decompress(data)
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            out.append(part)
            size += len(part)
            if size >= CHUNK_BYTES:
                yield b"".join(out)
                out, size = [], 0
    except _stream_errors():
        yield b"".join(out)
        raise
    if out:
        yield b"".join(out)
    if not inflater.eof:
        raise EOFError("the file ends within a compressed member")


class _Gzip:
    """An inflater whose every answer is bounded."""

    def __init__(self) -> None:
        try:
            module = importlib.import_module("isal.isal_zlib")
        except ImportError:  # no wheel for this machine: zlib reads the same bytes, slower
            module = zlib
        self._inflater = module.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inflater.unused_data)

    @property
    def unconsumed_tail(self) -> bytes:
        return bytes(self._inflater.unconsumed_tail)

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._inflater.decompress(data, CHUNK_BYTES))


class _Zstd:
    """The same face for zstandard."""

    unconsumed_tail = b""

    def __init__(self) -> None:
        import zstandard

        self._inflater = zstandard.ZstdDecompressor().decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inflater.unused_data)

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._inflater.decompress(data))


def _stream_errors() -> tuple[type[Exception], ...]:
    import zstandard

    try:
        own = importlib.import_module("isal.isal_zlib").error
    except ImportError:
        own = zlib.error
    return (EOFError, OSError, ValueError, zlib.error, zstandard.ZstdError, own)
