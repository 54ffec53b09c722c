"""Text in UTF-16 handed on as UTF-8, where a byte order mark says that it is UTF-16.

Lines and offsets of such a file are those of the same text in UTF-8 without a mark: what every
reader sees, and what stands in the quarantine. A surrogate without its other half becomes three
bytes that are no UTF-8, so that the record that holds it is refused as `invalid_utf8`, alone.

Source:
    RFC 2781 §3.2 and §4.3 (byte order mark); Unicode Standard §3.9, D91; RFC 3629 §3 (surrogates).
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterable, Iterator

_CODECS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def as_utf8(chunks: Iterable[bytes]) -> Generator[bytes, None, bool]:
    """Hand on the bytes of a file, as UTF-8 where it starts with a mark of UTF-16.

    Args:
        chunks: The file's bytes, in bounded parts; memory stays in proportion to one of them.

    Returns:
        Whether the text ends within a code unit.
    """
    rest = iter(chunks)
    head = _head(rest)
    codec = _codec(head)
    if codec is None:
        if head:
            yield head
        yield from rest
        return False
    decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
    text = decoder.decode(head[2:])
    while True:
        if text:
            yield text.encode("utf-8", "surrogatepass")
        chunk = next(rest, None)
        if chunk is None:
            break
        text = decoder.decode(chunk)
    held = bytes(decoder.getstate()[0])
    unit = held[: len(held) // 2 * 2]
    if unit:  # the first half of a pair whose other half never came
        yield unit.decode(codec, "surrogatepass").encode("utf-8", "surrogatepass")
    return len(held) % 2 == 1


def _head(rest: Iterator[bytes]) -> bytes:
    """The first chunks, joined until a mark of four bytes would be seen."""
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= 4:
            break
    return head


def _codec(head: bytes) -> str | None:
    """The codec that a mark names; the mark of UTF-32 starts with one of UTF-16 and is another."""
    return None if head[:4] == b"\xff\xfe\0\0" else _CODECS.get(head[:2])
