"""Random damage to good files, and Python's own word on what each of their lines is."""

from __future__ import annotations

import io
import json
import random
import re
import zlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from unit.ingest.malformed.case import LONGEST, gzipped
from unit.ingest.malformed.csv_kinds import HEAD, record

#: By weight: a Parquet file costs an engine of its own, and lines can be judged one by one.
FORMATS = (
    *("jsonl", "csv", "jsonl.gz", "jsonl", "json", "jsonl", "jsonl.zst", "csv") * 3,
    *("jsonl", "jsonl.gz", "csv", "jsonl", "json", "jsonl", "jsonl.zst", "parquet"),
)
#: Bytes that mean something to one of the formats.
_TELLING = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"\\u0000",
    b"NaN",
    b"1e999",
    b"-",
    b"0",
    b"9" * 30,
    b"null",
    b"true",
    b" ",
    b"\t",
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"PAR1",
    b"\x01",
    b"\x7f",
    b"\xe2\x80\xa8",
    b'""',
    b"'",
    b";",
    b"//",
    b"e",
    b".",
]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A damaged file.

    Args:
        number: Its number; with the seed it makes the same file again.
        name: Its name in the landing folder; the folder is the source.
        content: Its bytes.
        untouched: Ids of records that the damage did not touch, and that must not be lost.
        lines: The inflated bytes of a file of JSON lines that can be judged; else None.
    """

    number: int
    name: str
    content: bytes
    untouched: tuple[str, ...] = ()
    lines: bytes | None = None

    @property
    def source(self) -> str:
        return self.name.split("/", maxsplit=1)[0]


def mutant(seed: int, number: int) -> Mutant:
    """The damaged file of that number."""
    rng = random.Random(f"{seed} {number}")  # noqa: S311 a seeded draw
    form = FORMATS[number % len(FORMATS)]
    source = form.split(".")[0]
    name = f"{source}/m{number}.{form}"
    ids = [f"m{number}-{at}" for at in range(rng.randint(2, 6))]
    if form == "csv":
        return _csv(rng, number, name, ids)
    if form == "json":
        text = "[" + ",\n".join(_event(rng, one) for one in ids) + "]"
        return Mutant(number, name, _changed(rng, text.encode()))
    if form == "parquet":
        return Mutant(number, name, _changed(rng, _parquet(rng, ids)))
    lines = [_event(rng, one).encode() for one in ids]
    if form == "jsonl" and rng.random() < 0.5:
        at = rng.randrange(len(lines))
        lines[at] = _changed(rng, lines[at], is_one_line=True)
        others = tuple(one for index, one in enumerate(ids) if index != at)
        data = b"\n".join(lines)
        return Mutant(number, name, data, others, _inflated(data))
    whole = b"\n".join(lines) + b"\n"
    if form == "jsonl":
        data = _changed(rng, whole)
        return Mutant(number, name, data, (), _inflated(data))
    packed = gzipped(whole) if form.endswith("gz") else _zst(whole)
    data = _changed(rng, packed)
    return Mutant(number, name, data, (), _inflated(data))


def _event(rng: random.Random, event_id: str) -> str:
    properties = rng.choice(
        ['{"n": 1}', '{"a": {"b": [1, 2.5, "x"]}, "c": null}', "{}", '{"t": "é🎉 \\"x\\" \\u00e9"}']
    )
    who = rng.choice(['"user_id": "u1"', '"anonymous_id": "a1", "user_id": null'])
    at = rng.choice(["2026-11-01T10:00:00Z", "2026-11-01 10:00:00.123+01:00"])
    return (
        f'{{"event_id": "{event_id}", "event_name": "view", "occurred_at": "{at}", {who},'
        f' "properties": {properties}}}'
    )


def _csv(rng: random.Random, number: int, name: str, ids: list[str]) -> Mutant:
    rows = []
    for one in ids:
        properties = rng.choice(["", '{"n": 1}', '{"t": "a, b"}', '{"t":\n "x"}'])
        rows.append(record([one, "view", "2026-11-01 10:00:00", "u1", "s", properties]).encode())
    if rng.random() < 0.5:
        at = rng.choice([index for index, row in enumerate(rows) if b"\n" not in row] or [0])
        if b"\n" not in rows[at]:
            rows[at] = _changed(rng, rows[at], is_one_line=True)
            others = tuple(one for index, one in enumerate(ids) if index != at)
            return Mutant(number, name, b"\n".join([HEAD.encode(), *rows]), others)
    # the header stays: a source whose files lack a column says so and ends
    return Mutant(number, name, HEAD.encode() + b"\n" + _changed(rng, b"\n".join(rows)))


def _parquet(rng: random.Random, ids: list[str]) -> bytes:
    out = io.BytesIO()
    table = pa.table(
        {
            "event_id": ids,
            "event_name": ["view"] * len(ids),
            "occurred_at": pa.array([1_793_527_200_000_000] * len(ids), pa.timestamp("us")),
            "user_id": pa.array([1] * len(ids), pa.int64()),
            "properties": [{"n": 1, "l": ["a"]}] * len(ids),
        }
    )
    codec = rng.choice(["none", "snappy", "zstd", "gzip"])
    pq.write_table(table, out, compression=codec, use_dictionary=rng.random() < 0.5)
    return out.getvalue()


def _zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)


def _changed(rng: random.Random, data: bytes, *, is_one_line: bool = False) -> bytes:
    """One to three changes: flip, overwrite, delete, insert, repeat, splice, cut."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randint(0, len(data))
        size = rng.choice([1, 1, 2, 4, rng.randint(1, 40)])
        way = rng.randrange(7)
        if way == 0 and at < len(data):
            flipped = data[at] ^ (1 << rng.randrange(8))
            data = data[:at] + bytes([flipped]) + data[at + 1 :]
        elif way == 1:
            data = data[:at] + rng.choice(_TELLING) + data[at + size :]
        elif way == 2:
            data = data[:at] + data[at + size :]
        elif way == 3:
            data = data[:at] + rng.choice([rng.choice(_TELLING), rng.randbytes(size)]) + data[at:]
        elif way == 4:
            data = data[:at] + data[at : at + size] * rng.choice([2, 2, 3, 50]) + data[at + size :]
        elif way == 5:
            start = rng.randint(0, len(data))
            data = data[:at] + data[start : start + size] + data[at + size :]
        elif not is_one_line or rng.random() < 0.3:
            data = data[:at]
    return data.replace(b"\n", b"") if is_one_line else data


def _inflated(data: bytes) -> bytes | None:
    """What the bytes inflate to where all of them are sound; None where something is wrong."""
    if len(data) >= 2 and b"\x1f\x8b\x08".startswith(data[:3]):
        return _all_members(data)
    if data[:4] == b"\x28\xb5\x2f\xfd" or (data[1:4] == b"\x2a\x4d\x18" and data[0] >> 4 == 5):
        return None  # no second reader of Zstandard here
    return data


def _all_members(data: bytes) -> bytes | None:
    out = []
    while data:
        inflater = zlib.decompressobj(31)
        try:
            out.append(inflater.decompress(data))
        except zlib.error:
            return None
        if not inflater.eof:
            return None
        data = inflater.unused_data.lstrip(b"\0")
    return b"".join(out)


# --- the oracle -----------------------------------------------------------------------------


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found["\0twice"] = True
    return found


def _refused_word(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _has_half_pair(value: object) -> bool:
    if isinstance(value, str):
        return re.search("[\ud800-\udfff]", value) is not None
    if isinstance(value, dict):
        return any(_has_half_pair(key) or _has_half_pair(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_has_half_pair, value))


def verdict(line: bytes) -> str | None:
    """Why Python refuses a line, by the code that landed has for it; None where it is an event."""
    content = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(content) > LONGEST:
        return "too_long"
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    if "\0" in text:
        return "nul_byte"
    try:
        found = json.loads(
            text.strip(" \t\r\n"),
            parse_constant=_refused_word,
            parse_float=_finite,
            parse_int=str,
            object_pairs_hook=_once,
        )
    except ValueError:
        return "invalid_json"
    if _has_half_pair(found):
        return "invalid_json"
    if not isinstance(found, dict):
        return "not_an_object"
    folded = [key.lower() for key in found]
    if "\0twice" in found or len(set(folded)) < len(folded):
        return "duplicate_key"
    return None


def judged(data: bytes) -> dict[int, str | None]:
    """Verdict by number of every line of a file that is not blank."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    lines = enumerate(io.BytesIO(data), start=1)
    return {number: verdict(line) for number, line in lines if line.strip(b" \t\r\n")}
