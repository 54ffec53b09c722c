"""Damage of a whole file: compressed badly, cut, or of another format altogether."""

from __future__ import annotations

import io
import random
import sqlite3
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from unit.ingest.malformed.case import (
    Case,
    Entry,
    Refused,
    good,
    gzip_of,
    gzipped,
    kind,
    lined,
    shown,
    zstandard_of_zeros,
)
from unit.ingest.malformed.json_kinds import event


def _lines(rng: random.Random, tag: str, count: int, *, has_last_end: bool = True) -> Case:
    """A file of good lines only."""
    entries = [good(rng, tag, number) for number in range(count)]
    return lined(Case("", "jsonl", f"jsonl/{tag}.jsonl", tag), entries, has_last_end=has_last_end)


def _zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)


def _broken_after(case: Case, reason: str) -> Case:
    """All lines are good; behind them stands one record, the break."""
    lines = case.content.count(b"\n")
    case.refused = [Refused(lines + 1, reason, len(case.content))]
    return case


@kind("RFC 1952 §2.3: a member ends with CRC32 and length")
def cut_gzip(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.choice([3, 40, 400]))
    whole = gzipped(case.content)
    case.content, case.cut = whole[: rng.randint(2, len(whole) - 1)], True
    case.name += ".gz"
    case.refused = [Refused(0, "truncated_file")]
    return case


@kind("RFC 8878 §3.1: a frame ends with its last block and checksum")
def cut_zstandard(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.choice([3, 40, 400]))
    whole = _zst(case.content)
    case.content, case.cut = whole[: rng.randint(4, len(whole) - 1)], True
    case.name += ".zst"
    case.refused = [Refused(0, "truncated_file")]
    return case


@kind("RFC 1952 §2.3: a second member that breaks off leaves the first whole")
def cut_second_member(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(2, 9))
    second = gzipped(good(rng, tag, "second").data + b"\n")
    cut = second[: rng.randint(1, 9)]
    _broken_after(case, "truncated_file")
    case.content = gzipped(case.content) + cut
    case.name += ".gz"
    return case


@kind("RFC 1952 §2.2: what follows a member is a member; zeros pad")
def garbage_after_gzip(rng: random.Random, tag: str, _: int) -> Case:
    case = _broken_after(_lines(rng, tag, rng.randint(1, 9)), "damaged_file")
    tail = rng.choice(
        [b"garbage", b"\0\0\0x", b"{}\n", b"\x1f\x8c" * 9, b"PK\x03\x04", b"\n", _zst(b"{}\n")]
    )
    case.content = gzipped(case.content) + tail
    case.name += ".gz"
    return case


@kind(
    "RFC 1952 §2.3.1: a member whose checksum or length is wrong holds other bytes than were packed"
)
def wrong_checksum(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(0, 3))
    second = _lines(rng, tag, 9)
    data = bytearray(gzipped(second.content.replace(b"-", b"_")))
    data[-rng.randint(1, 8)] ^= 1 << rng.randint(0, 7)
    case.refused = [Refused(case.content.count(b"\n") + 1, "damaged_file", len(case.content), "")]
    case.content = (gzipped(case.content) if case.content else b"") + bytes(data)
    case.name += ".gz"
    return case


@kind("a bit that flipped in a packed file: no row of that member can be trusted")
def flipped_bit(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.choice([4, 60]))
    pack, name = rng.choice([(gzipped, ".gz"), (_zst, ".zst")])
    data = bytearray(pack(case.content))
    data[rng.randint(30, len(data) - 9)] ^= 1 << rng.randint(0, 7)
    case.content, case.accepted = bytes(data), {}
    case.refused = [Refused(1, "damaged_file", 0, "")]
    case.name += name
    return case


@kind("RFC 1952 §2.2: members one after another are one file; zeros behind them are padding")
def members_and_padding(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(2, 9), has_last_end=rng.random() < 0.5)
    data, parts = case.content, []
    while data:
        at = rng.randint(0, len(data))
        parts.append(gzipped(data[:at]) + b"\0" * rng.choice([0, 0, 1, 512]))
        data = data[at:]
    case.content = b"".join([*parts, gzipped(b""), b"\0" * rng.choice([0, 511, 10_240])])
    case.name += ".gz"
    return case


@kind("RFC 8878 §3.1: frames one after another are one file; skippable frames are skipped")
def frames(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(2, 9), has_last_end=rng.random() < 0.5)
    at = rng.randint(0, len(case.content))
    skippable = rng.choice([b"", b"\x50\x2a\x4d\x18\x04\0\0\0skip"])
    case.content = _zst(case.content[:at]) + skippable + _zst(case.content[at:])
    case.name += ".zst"
    return case


@kind("the bytes say how a file is packed, not its name")
def packed_under_another_name(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(1, 9))
    suffix, pack = rng.choice(
        [
            (".gz", bytes),
            ("", gzipped),
            ("", _zst),
            (".gz", _zst),
            (".zst", gzipped),
            (".zst", bytes),
        ]
    )
    case.name += suffix
    case.content = pack(case.content)
    return case


@kind("nothing in it: no record, and the file is claimed")
def empty_file(rng: random.Random, tag: str, variant: int) -> Case:
    case = Case("", "jsonl", f"jsonl/{tag}.jsonl{rng.choice(['', '.gz', '.zst'])}", tag)
    nothing = rng.choice(
        [b"", b"\n", b"\n" * (variant + 1), b" \t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"]
    )
    case.content = rng.choice([bytes, gzipped, _zst])(nothing)
    return case


@kind("bytes of another format: every line of it is refused")
def another_format(rng: random.Random, tag: str, _: int) -> Case:
    data = rng.choice([_zip, _parquet, _sqlite, _random, _html, _tar])(rng)
    case = Case("", "jsonl", f"jsonl/{tag}.jsonl", tag, data)
    offset = 0
    for line, text in enumerate(data.split(b"\n"), start=1):
        if text.strip(b" \t\r\n"):
            case.refused.append(Refused(line, _reason(text), offset, shown(text)))
        offset += len(text) + 1
    return case


def _reason(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    return "nul_byte" if "\0" in text else "invalid_json"


def _zip(rng: random.Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../evil.jsonl", rng.randbytes(300))
    return out.getvalue()


def _parquet(rng: random.Random) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"event_id": [str(rng.random())] * 9}), out)
    return out.getvalue()


def _sqlite(rng: random.Random) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        with sqlite3.connect(path) as database:
            database.execute("create table t (x)")
            database.execute("insert into t values (?)", [rng.random()])
        database.close()
        return path.read_bytes()


def _random(rng: random.Random) -> bytes:
    return b"\x80" + rng.randbytes(rng.randint(1, 9000))


def _html(rng: random.Random) -> bytes:
    return b"<!doctype html>\n<title>502 Bad Gateway</title>\n<p>%d\n" % rng.randint(0, 10**9)


def _tar(rng: random.Random) -> bytes:
    return b"a.jsonl".ljust(512, b"\0") + rng.randbytes(10).hex().encode().ljust(1536, b"\0")


@kind("a file that ends within its last line")
def cut_file(rng: random.Random, tag: str, _: int) -> Case:
    last = event(rng, tag, "last", properties='{"n": 1}').encode()
    entries = [good(rng, tag, number) for number in range(rng.randint(0, 8))]
    entries.append(Entry(last[: rng.randint(1, len(last) - 1)], "invalid_json"))
    return lined(Case("", "jsonl", f"jsonl/{tag}.jsonl", tag), entries, has_last_end=False)


@kind("a gigabyte in a megabyte is no log; what stood before it is kept", is_heavy=True, variants=6)
def gzip_bomb(rng: random.Random, tag: str, variant: int) -> Case:
    case = _lines(rng, tag, 3)
    byte = [b"x", b"\0", b"\n", b"[", b'"', b" "][variant]
    reason = "decompression_bomb"
    case.refused = [Refused(4, reason, len(case.content))]
    case.content = gzipped(case.content) + gzip_of(1000 if variant else 300, byte)
    case.name += ".gz"
    return case


@kind("a hundred gigabytes in some megabytes", is_heavy=True, variants=2)
def zstandard_bomb(rng: random.Random, tag: str, variant: int) -> Case:
    case = _lines(rng, tag, 3)
    case.refused = [Refused(4, "decompression_bomb", len(case.content))]
    case.content = _zst(case.content) + zstandard_of_zeros(100_000 if variant else 1000)
    case.name += ".zst"
    return case


@kind(
    "blank lines, as many as a packed file may hold: no records, and no memory",
    is_heavy=True,
    variants=2,
)
def blank_bomb(rng: random.Random, tag: str, variant: int) -> Case:
    case = _lines(rng, tag, 3)
    case.content = gzipped(case.content) + gzip_of(200 if variant else 60, b"\n")
    case.name += ".gz"
    return case


@kind("RFC 8878 §3.1.1: a frame that claims another size than it has", variants=10)
def zstandard_claim(rng: random.Random, tag: str, _: int) -> Case:
    case = _lines(rng, tag, rng.randint(1, 9))
    claimed = rng.choice([100 * 2**30, 2**63, 1 + len(case.content), 0])
    case.content, case.accepted = _claiming(case.content, claimed), {}
    case.refused = [Refused(1, "damaged_file", 0, "")]
    case.name += ".zst"
    return case


def _claiming(data: bytes, size: int) -> bytes:
    """One frame of raw blocks, with an eight-byte content size that is not its own."""
    header = (
        b"\x28\xb5\x2f\xfd"
        + bytes([0b1110_0000 & 0b1100_0000 | 0b0010_0000])
        + size.to_bytes(8, "little")
    )
    block = (len(data) << 3 | 1).to_bytes(3, "little") + data
    return header + block
