"""The bytes of a file, inflated where it is packed, in bounded memory."""

from __future__ import annotations

import hashlib
import importlib
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Self

from ...errors import SourceError

#: A packed file is refused where it inflates to more than this many times its size, once it has
#: given BOMB_BYTES. Logs pack 10 to 100 times; a bomb packs 1,000 (deflate) to 30,000 times.
BOMB_RATIO = 500
#: Inflated bytes from which the ratio counts.
BOMB_BYTES = 256 * 1024 * 1024
#: How a gzip member begins: its magic number, and the one method that RFC 1952 §2.3.1 knows.
_DEFLATED = b"\x1f\x8b\x08"


class HashedFile:
    """A file that digests what is read from it.

    Args:
        path: The file.

    Raises:
        SourceError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end.

        Raises:
            SourceError: The disk fails.
        """
        try:
            data = self._file.read(size)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        """Digest of the whole file, the rest of it included."""
        while self.read(1 << 20):
            continue
        return self._digest.hexdigest()


def sound_bytes(path: Path, chunk_bytes: int) -> tuple[int, str | None]:
    """How much of a packed file may be handed on, and why not all of it.

    A member that is cut gives what came before the cut. One whose bytes or checksum are wrong gives
    nothing: what it inflates to may look right and be another value. Nor does a bomb. Members
    before it are whole.

    Args:
        path: The file; one that is not packed is sound as it is.
        chunk_bytes: Most inflated bytes held at once, about.

    Returns:
        Inflated bytes; and the reason why the rest is refused, None where there is none.

    Raises:
        SourceError: It cannot be read.
    """
    size = whole = packed = 0
    with HashedFile(path) as file:
        head = file.read(4)
        if _packing(head) is None:
            return 0, None
        try:
            for part, taken, is_end in _members(file, head, chunk_bytes):
                size += len(part)
                packed += taken
                whole = size if is_end else whole
                if size > max(BOMB_BYTES, packed * BOMB_RATIO):
                    return whole, "decompression_bomb"
        except EOFError:
            return size, "truncated_file"
        except stream_errors():
            return whole, "damaged_file"
    return size, None


class Unsound(Exception):
    """A packed file turned out to be damaged, or a bomb, when some of it was handed on already."""


def tried(file: HashedFile, chunk_bytes: int) -> Generator[bytes, None, bool]:
    """The file's bytes, about `chunk_bytes` at once, for a reader that can take them back.

    It inflates once where `sound_bytes` and `inflated` do it twice.

    Args:
        file: The file, at its start.
        chunk_bytes: Bytes of a chunk.

    Returns:
        Whether a packed file is cut; what came before the cut was given.

    Raises:
        Unsound: What was given must not be kept.
    """
    head = file.read(4)
    if _packing(head) is None:
        yield from inflated(file, chunk_bytes, 0, head)
        return False
    parts: list[bytes] = []
    size = packed = held = 0
    is_cut = False
    try:
        for part, taken, _ in _members(file, head, chunk_bytes):
            parts.append(part)
            size, packed, held = size + len(part), packed + taken, held + len(part)
            # before anything is given a bomb is told by its ratio alone: then it costs no way back
            limit = packed * BOMB_RATIO
            if size > (limit if held == size >= chunk_bytes else max(BOMB_BYTES, limit)):
                raise Unsound
            if held >= chunk_bytes:
                yield b"".join(parts)
                parts, held = [], 0
    except EOFError:
        is_cut = True
    except stream_errors() as error:
        raise Unsound from error
    if held:
        yield b"".join(parts)
    return is_cut


def inflated(file: HashedFile, chunk_bytes: int, size: int, head: bytes = b"") -> Iterator[bytes]:
    """The file's bytes, about `chunk_bytes` at once.

    Looks at the first bytes, not at the name: a .gz that is none is read as it is.

    Args:
        file: The file, at its start.
        chunk_bytes: Bytes of a chunk.
        size: Inflated bytes to give of a packed file, from `sound_bytes`.
        head: Its first four bytes, where they were read.
    """
    head = head or file.read(4)
    if _packing(head) is None:
        data = head + file.read(chunk_bytes)
        while data:
            yield data
            data = file.read(chunk_bytes)
        return
    parts: list[bytes] = []
    held = 0
    for part, _, _ in _members(file, head, chunk_bytes) if size else ():
        parts.append(part[:size])
        held += len(parts[-1])
        size -= len(parts[-1])
        if held >= chunk_bytes or not size:
            yield b"".join(parts)
            parts, held = [], 0
        if not size:
            return


def stream_errors() -> tuple[type[Exception], ...]:
    """What reading a packed file raises over bytes that are wrong or missing."""
    import zstandard

    try:
        own: Any = importlib.import_module("isal.isal_zlib").error
    except ImportError:
        own = zlib.error
    return (EOFError, _Damaged, zlib.error, zstandard.ZstdError, own)


class _Damaged(ValueError):
    """Bytes that are neither a member nor padding."""


def _members(file: HashedFile, head: bytes, chunk_bytes: int) -> Iterator[tuple[bytes, int, bool]]:
    """Inflated bytes, packed bytes that were read for them, and whether they end a member.

    Raises:
        EOFError: The file ends within a member.
    """
    packing = _packing(head) or _Gzip
    block_bytes = 64 * 1024 if packing is _Gzip else 1024
    inflater, data, taken = packing(chunk_bytes), head, len(head)
    while True:
        if not data:
            data = file.read(block_bytes)
            taken += len(data)
            if not data:
                break
        if inflater.eof:
            data = data.lstrip(b"\0")  # tar and tape pad with zeros
            if not data:
                continue
            more = file.read(4)  # so that a magic number cut by the block is seen whole
            data, taken = data + more, taken + len(more)
            if not packing.begins(data):
                raise _Damaged
            inflater = packing(chunk_bytes)
        part = inflater.decompress(data)
        data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        yield part, taken, inflater.eof
        taken = 0
    if not inflater.eof:
        raise EOFError("the file ends within a compressed member")


class _Gzip:
    """An inflater whose every answer is bounded."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        try:
            module = importlib.import_module("isal.isal_zlib")
        except ImportError:  # no wheel for this machine: zlib reads the same bytes, slower
            module = zlib
        self._inflater = module.decompressobj(wbits=31)

    @staticmethod
    def begins(data: bytes) -> bool:
        """Whether a member starts so; a part of the magic number is cut, not wrong."""
        return _DEFLATED.startswith(data[:3])

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
        return bytes(self._inflater.decompress(data, self._most_bytes))


class _Zstd:
    """The same face for zstandard, which has no limit on what it gives back.

    Four bytes may stand for 128 kB, so it is fed a kilobyte at a time.
    """

    unconsumed_tail = b""

    def __init__(self, _: int) -> None:
        import zstandard

        self._inflater = zstandard.ZstdDecompressor().decompressobj()

    @staticmethod
    def begins(data: bytes) -> bool:
        """Whether a frame starts so, or one that is to be skipped (RFC 8878 §3.1.2)."""
        skipped = 0x50 <= data[0] <= 0x5F and b"\x2a\x4d\x18".startswith(data[1:4])
        return skipped or b"\x28\xb5\x2f\xfd".startswith(data[:4])

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inflater.unused_data)

    def decompress(self, data: bytes) -> bytes:
        return bytes(self._inflater.decompress(data))


def _packing(head: bytes) -> type[_Gzip] | type[_Zstd] | None:
    """What a file is packed with, by its first four bytes."""
    if len(head) >= 2 and _Gzip.begins(head):
        return _Gzip
    return _Zstd if len(head) == 4 and _Zstd.begins(head) else None


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        f"cannot read the file: {error.strerror or error}",
        where=str(path),
        fix="check the path and its permissions.",
        code="source_unreadable",
    )
