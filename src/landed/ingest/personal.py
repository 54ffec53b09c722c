"""Personal data: a keyed digest stands for what names a person, from the way in.

HMAC-SHA256 (RFC 2104) under a key derived from the home's own; the same text gives the same digest
in every source of a home, so that joins hold, and another one in every other home.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

_BLOCK = 64  # bytes of a block of SHA-256


def subkey(key: bytes, purpose: str) -> bytes:
    """A key for one purpose: digests of two purposes can't be held against each other."""
    return hmac.digest(key, purpose.encode(), "sha256")


def pseudonym(key: bytes, text: str) -> str:
    """The digest that stands for `text` in the lake. 64 hexadecimal digits."""
    return hmac.digest(subkey(key, "personal"), text.encode(), "sha256").hex()


def tombstone(key: bytes, text: str) -> str:
    """The digest by which an erased id is known again. 64 hexadecimal digits."""
    return hmac.digest(subkey(key, "erased"), text.encode(), "sha256").hex()


def alias_tombstone(key: bytes, text: str) -> str:
    """The digest by which an erased user id is known as the earlier id of an alias event.

    Another than an id's own: aliases of an erased device may be of other users, and stay.
    """
    return hmac.digest(subkey(key, "erased_alias"), text.encode(), "sha256").hex()


def digest_sql(key: bytes, purpose: str, expression: str) -> str:
    """SQL of the digest of a text; NULL stays NULL. The engine has no HMAC: it is spelled out."""
    block = subkey(key, purpose).ljust(_BLOCK, b"\0")
    inner = bytes(byte ^ 0x36 for byte in block).hex()
    outer = bytes(byte ^ 0x5C for byte in block).hex()
    first = f"unhex(sha256(unhex('{inner}') || encode({expression})))"
    return f"sha256(unhex('{outer}') || {first})"


def ambiguous(properties: str, pointers: Sequence[str]) -> str | None:
    """SQL that holds where an object on the way to a pointer has a key twice.

    A digest would stand for one of them, and the other stay in clear. None without such objects;
    keys of the outermost object are looked at for all records.
    """
    parents = {pointer.rpartition("/")[0] for pointer in pointers}
    ways = {way for parent in parents for way in _ways(parent)}
    found = []
    for way in sorted(ways):
        keys = f"try(json_keys({properties}, {_literal(way)}))"
        found.append(f"coalesce(len({keys}) > len(list_distinct({keys})), false)")
    return " or ".join(found) or None


def _ways(pointer: str) -> list[str]:
    """A pointer and those that lead to it, but the empty one."""
    parts = pointer.split("/")
    return ["/".join(parts[:end]) for end in range(2, len(parts) + 1)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def without_personal(key: bytes, properties: str, pointers: Sequence[str]) -> str:
    """SQL of a properties text with digests at JSON pointers; what is not there stays away."""
    for pointer in pointers:
        found = f"json_extract_string({properties}, {_literal(pointer)})"
        patch = digest_sql(key, "personal", found)
        for name in reversed(pointer.split("/")[1:]):
            plain = name.replace("~1", "/").replace("~0", "~").replace("'", "''")
            patch = f"json_object('{plain}', {patch})"
        properties = (
            f"case when {found} is null then {properties}"
            f" else cast(json_merge_patch({properties}, {patch}) as varchar) end"
        )
    return properties
