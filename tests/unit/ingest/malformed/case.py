"""A malformed file among good neighbours, and what has to become of each of its records.

Lines and offsets are counted here, while the file is put together; nothing of the reader under
test is used to say what it should find.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import zstandard

#: Longest record that is read, and what is kept of a longer one. Bytes; docs/reference/files.md.
LONGEST, KEPT = 1_000_000, 64 * 1024
#: Inflated bytes the child reads at once, so that small files have borders of chunks too.
CHUNK = 16 * 1024
POSITIONS = ("first", "middle", "last", "border")


@dataclass(frozen=True, slots=True)
class Refused:
    """One record that has to be in the quarantine.

    Args:
        line: Physical line of the inflated file; 1-based.
        reason: The code.
        offset: Byte of the inflated file; None where the format has none.
        raw: The record as it stands; None where it is not text of the file.
    """

    line: int
    reason: str
    offset: int | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """One record that has to be in the lake.

    Args:
        properties: Its properties, numbers by their text (`exact`).
        at: When it occurred, UTC; None where the case is not about time.
        user_id: Who; None where the case is not about that.
    """

    properties: Any
    at: datetime | None = None
    user_id: str | None = None


@dataclass(slots=True)
class Case:
    """One file and its expected fate.

    Args:
        kind: What is wrong with it.
        source: The source that reads it, named after its format.
        name: Name of the file in the landing folder.
        tag: In `session_id` of all its events, so that they are found again in the lake.
        content: The file's bytes.
        accepted: Rows of the lake by id.
        refused: Records of the quarantine.
        cut: Whether an unknown number of the last rows is lost with the end of the file.
    """

    kind: str
    source: str
    name: str
    tag: str
    content: bytes = b""
    accepted: dict[str, Taken] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it is written, and its fate.

    Args:
        data: Its bytes without the end of the line.
        reason: Why it is refused; None where it is accepted.
        taken: The row it becomes, with its id; None where it is refused or no record.
        end: The end of its line; None takes that of the file.
        raw: What the quarantine shows of it; None for the plain text of `data`.
        is_record: Whether it counts at all.
    """

    data: bytes
    reason: str | None = None
    taken: tuple[str, Taken] | None = None
    end: bytes | None = None
    raw: str | None = None
    is_record: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of damage.

    Args:
        name: Its name.
        rule: The rule that refuses it, or that makes it legal.
        make: Builds one case from a seeded generator, the case's tag and the variant's number.
        is_heavy: Whether it takes seconds; the quick draw takes one variant at a smaller size.
        variants: How many different ones the full corpus has.
    """

    name: str
    rule: str
    make: Callable[[random.Random, str, int], Case]
    is_heavy: bool = False
    variants: int = 25


KINDS: dict[str, Kind] = {}


def kind(
    rule: str, *, is_heavy: bool = False, variants: int = 25
) -> Callable[[Callable[[random.Random, str, int], Case]], Callable[..., Case]]:
    """Register a builder under its function's name."""

    def register(
        make: Callable[[random.Random, str, int], Case],
    ) -> Callable[[random.Random, str, int], Case]:
        name = make.__name__
        assert name not in KINDS, name
        KINDS[name] = Kind(name, rule, make, is_heavy, variants)
        return make

    return register


def build(name: str, variant: int) -> Case:
    """One case; the same for the same name and variant."""
    rng = random.Random(f"{name} {variant}")  # noqa: S311 a seeded draw
    case = KINDS[name].make(rng, f"{name}-{variant}", variant)
    case.kind = name
    return case


# --- values ---------------------------------------------------------------------------------


def exact(text: str) -> Any:
    """A JSON value with each number's text, each object's pairs in order, and no type lost."""
    return json.loads(
        text,
        parse_int=lambda digits: ("integer", "0" if digits == "-0" else digits),
        parse_float=lambda digits: ("number", float(digits)),
        object_pairs_hook=lambda pairs: ("object", tuple(pairs)),
    )


def shown(data: bytes) -> str:
    """A record as the quarantine shows it: bytes that are no text stand as \\xNN."""
    text = data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return text.rstrip("\r\n")


_WORDS = ("search", "Straße", "日本語", "🎉", "a\tb", "x\u2028y", 'say "hi"', "null", "{}", "\\")


def some_properties(rng: random.Random, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"number": number, "word": rng.choice(_WORDS)}
    if rng.random() < 0.3:
        found["nested"] = {"list": [1, 2.5, None, True], "text": rng.choice(_WORDS)}
    return found


def fields(tag: str, number: object, properties: str, **changes: str | None) -> dict[str, str]:
    """Fields of one good event as JSON texts; `changes` replace or add, None drops one."""
    found: dict[str, str | None] = {
        "event_id": json.dumps(f"{tag}-{number}"),
        "event_name": '"page_view"',
        "occurred_at": '"2026-11-01T10:00:00Z"',
        "user_id": '"u1"',
        "session_id": json.dumps(tag),
        "properties": properties,
    }
    found.update(changes)
    return {key: value for key, value in found.items() if value is not None}


def written(rng: random.Random, pairs: Iterable[tuple[str, str]]) -> str:
    """An object from keys and JSON texts, spaced as writers do."""
    comma, colon = rng.choice([(",", ":"), (", ", ": "), (" ,  ", "\t:  ")])
    return "{" + comma.join(json.dumps(key) + colon + value for key, value in pairs) + "}"


def good(rng: random.Random, tag: str, number: object, width: int = 0) -> Entry:
    """A good neighbour, at least `width` bytes wide."""
    found = some_properties(rng, 1)
    if width:
        found["wide"] = ""
    line = _good_line(rng, tag, number, found)
    if width > len(line):
        found["wide"] = "w" * (width - len(line))
        line = _good_line(rng, tag, number, found)
    properties = exact(json.dumps(found))
    return Entry(line, taken=(f"{tag}-{number}", Taken(properties)))


def _good_line(rng: random.Random, tag: str, number: object, properties: dict[str, Any]) -> bytes:
    ascii_only = sum(map(ord, tag)) % 2 == 0
    pairs = fields(tag, number, json.dumps(properties, ensure_ascii=ascii_only))
    return json.dumps(
        {key: json.loads(value) for key, value in pairs.items()}, ensure_ascii=ascii_only
    ).encode()


def legal(line: str, **taken: Any) -> Entry:
    """A record that is to be accepted as Python's parser reads it, ids by their text."""
    found = dict(exact(line)[1])
    event_id = found["event_id"]
    if isinstance(event_id, tuple):
        event_id = event_id[1]
    return Entry(line.encode(), taken=(event_id, Taken(found["properties"], **taken)))


# --- files ----------------------------------------------------------------------------------


def spread(rng: random.Random, tag: str, bad: Sequence[Entry], *, few: bool = False) -> list[Entry]:
    """The bad entries among neighbours: first, in the middle, last, or on the border of a chunk."""
    neighbours = [good(rng, tag, f"n{index}") for index in range(rng.randint(2, 4 if few else 8))]
    position = rng.choice(POSITIONS)
    if position == "first":
        return [*bad, *neighbours]
    if position == "last":
        return [*neighbours, *bad]
    if position == "middle":
        at = rng.randint(1, len(neighbours) - 1)
        return [*neighbours[:at], *bad, *neighbours[at:]]
    # the first chunk is four bytes longer: its head is looked at for a magic number
    before = neighbours[: len(neighbours) // 2]
    taken = sum(len(entry.data) + 1 for entry in before)
    left = CHUNK + 4 - taken % CHUNK - rng.choice([0, 1, 2, 3, len(bad[0].data) // 2 + 1]) - 1
    wide = good(rng, tag, "wide", left if left > 400 else left + CHUNK)
    return [*before, wide, *bad, *neighbours[len(before) :]]


def lined(
    case: Case,
    entries: Sequence[Entry],
    *,
    end: bytes = b"\n",
    has_last_end: bool = True,
    head: bytes = b"",
    line: int = 1,
) -> Case:
    """Put the entries into the case's content, one a line, and write down their places."""
    parts, offset = [head], len(head)
    for index, entry in enumerate(entries):
        own = end if entry.end is None else entry.end
        if index == len(entries) - 1 and not has_last_end:
            own = b""
        if entry.taken is not None:
            event_id, taken = entry.taken
            assert event_id not in case.accepted, event_id
            case.accepted[event_id] = taken
        elif entry.is_record:
            assert entry.reason
            raw = shown(entry.data) if entry.raw is None else entry.raw
            case.refused.append(Refused(line, entry.reason, offset, raw))
        parts.append(entry.data + own)
        offset += len(entry.data) + len(own)
        line += (entry.data + own).count(b"\n")
    case.content = b"".join(parts)
    return case


def jsonl(
    rng: random.Random,
    tag: str,
    bad: Sequence[Entry] | Entry,
    *,
    few: bool = False,
    packs: Sequence[str] = ("plain", "gz", "zst", "members"),
) -> Case:
    """A JSON Lines file with the bad entries somewhere in it, packed somehow."""
    entries = [bad] if isinstance(bad, Entry) else list(bad)
    case = lined(
        Case("", "jsonl", "", tag),
        spread(rng, tag, entries, few=few),
        end=rng.choice([b"\n", b"\n", b"\r\n"]),
        has_last_end=rng.random() < 0.7 or not entries[-1].data,
    )
    return packed(rng, case, packs)


def packed(rng: random.Random, case: Case, packs: Sequence[str]) -> Case:
    pack = rng.choice(packs)
    suffix = {"plain": "", "gz": ".gz", "members": ".gz", "zst": ".zst"}[pack]
    case.name = f"{case.source}/{case.tag}.{case.source}{suffix}"
    data = case.content
    if pack == "gz":
        case.content = gzipped(data)
    elif pack == "zst":
        case.content = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)
    elif pack == "members":
        at = rng.randint(0, len(data))
        case.content = gzipped(data[:at]) + gzipped(data[at:])
    return case


def gzipped(data: bytes, level: int = 1) -> bytes:
    return gzip.compress(data, compresslevel=level, mtime=0)


def gzip_of(megabytes: int, byte: bytes) -> bytes:
    """A gzip bomb of one byte, written without holding what it inflates to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = byte * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def zstandard_of_zeros(megabytes: int) -> bytes:
    """A Zstandard bomb: blocks that repeat one byte 128 Ki times, in four bytes each (RFC 8878)."""
    header = b"\x28\xb5\x2f\xfd\x00\x58"  # a window of 2 MiB, no size, no checksum
    block = (131_072 << 3 | 0b010).to_bytes(3, "little") + b"\0"
    last = (131_072 << 3 | 0b011).to_bytes(3, "little") + b"\0"
    return header + block * (megabytes * 8 - 1) + last
