"""Damage of a whole line: what stands beside an object, bytes that are no text, and the limits."""

from __future__ import annotations

import json
import random

from unit.ingest.malformed.case import (
    KEPT,
    LONGEST,
    Case,
    Entry,
    Refused,
    jsonl,
    kind,
    legal,
    shown,
)
from unit.ingest.malformed.json_kinds import event, place


@kind("one JSON text a line")
def trailing_garbage(rng: random.Random, tag: str, _: int) -> Case:
    tail = rng.choice(
        [" x", "}", "]", '"', " null", ", ", ";", "\\", "  {", " 1", ")", "\u00a0", "\f"]
    )
    return jsonl(rng, tag, Entry((event(rng, tag) + tail).encode(), "invalid_json"))


@kind("one JSON text a line")
def leading_garbage(rng: random.Random, tag: str, _: int) -> Case:
    head = rng.choice(
        [",", ")]}',", "callback(", "data: ", "x", "\u00a0", "\v", "\x1e", "- ", "\u2060"]
    )
    return jsonl(rng, tag, Entry((head + event(rng, tag)).encode(), "invalid_json"))


@kind("one JSON text a line")
def two_objects_on_a_line(rng: random.Random, tag: str, _: int) -> Case:
    between = rng.choice(["", " ", ",", "\t", "\r", ", "])
    line = event(rng, tag, "one") + between + event(rng, tag, "two")
    return jsonl(rng, tag, Entry(line.encode(), "invalid_json"))


@kind("an event is an object")
def not_an_object(rng: random.Random, tag: str, _: int) -> Case:
    line = rng.choice(
        [
            "[]",
            "[1]",
            "null",
            "true",
            "false",
            "0",
            "-1.5",
            '"text"',
            '""',
            "[{}]",
            f"[{event(rng, tag)}]",
            " null ",
            json.dumps(event(rng, tag)),
        ]
    )
    return jsonl(rng, tag, Entry(line.encode(), "not_an_object"))


@kind("an object without an id")
def empty_object(rng: random.Random, tag: str, _: int) -> Case:
    return jsonl(rng, tag, Entry(rng.choice([b"{}", b"{ }", b" {}\t", b'{"":{}}']), "no_id"))


@kind("blank lines are no records")
def blank_lines(rng: random.Random, tag: str, _: int) -> Case:
    blank = rng.choice([b"", b" ", b"\t", b"\r", b"  \t ", b" \r"])
    return jsonl(rng, tag, [Entry(blank, is_record=False)] * rng.randint(1, 5))


@kind("an object that breaks off with its line")
def cut_line(rng: random.Random, tag: str, _: int) -> Case:
    line = event(rng, tag, properties='{"n": 1}').encode()
    return jsonl(rng, tag, Entry(line[: rng.randint(1, len(line) - 1)], "invalid_json"))


@kind("RFC 8259 §7: a string ends with a quotation mark")
def unterminated_string(rng: random.Random, tag: str, _: int) -> Case:
    line = event(rng, tag)
    quotes = [at for at, char in enumerate(line) if char == '"' and line[at - 1] != "\\"]
    at = rng.choice(quotes)
    return jsonl(rng, tag, Entry((line[:at] + line[at + 1 :]).encode(), "invalid_json"))


@kind("RFC 8259 §5: an array ends with a bracket")
def unterminated_array(rng: random.Random, tag: str, _: int) -> Case:
    value = rng.choice(["[1, 2", "[", '["a", {"b": 1}', "[[1]", '{"a": [1, 2}'])
    return jsonl(rng, tag, Entry(place(rng, tag, value).encode(), "invalid_json"))


def _in_text(rng: random.Random, tag: str, damage: bytes) -> bytes:
    """An event with bytes in one of its strings, or between two tokens."""
    line = event(rng, tag, properties='{"n": "MARK"}').encode()
    spot = rng.choice([b"MARK", b"page_view", b'"user_id"', b"10:00"])
    at = line.index(spot) + rng.randint(0, len(spot))
    return line[:at] + damage + line[at:]


@kind("RFC 8259 §8.1: UTF-8")
def invalid_utf8(rng: random.Random, tag: str, _: int) -> Case:
    damage = rng.choice(
        [
            b"\xff",
            b"\xfe\xff",
            b"\x80",
            b"\xe9",
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x98",
            b"\xf8\x88\x80\x80\x80",
            b"\xf4\x90\x80\x80",
        ]
    )
    return jsonl(rng, tag, Entry(_in_text(rng, tag, damage), "invalid_utf8"))


@kind("RFC 3629 §3: no overlong forms, no surrogates")
def overlong_utf8(rng: random.Random, tag: str, _: int) -> Case:
    damage = rng.choice(
        [
            b"\xc0\x80",
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xed\xa0\x80",
            b"\xed\xbf\xbf",
            b"\xed\xa0\xbd\xed\xb8\x80",
        ]
    )
    return jsonl(rng, tag, Entry(_in_text(rng, tag, damage), "invalid_utf8"))


@kind("a character cut by the end of its line")
def cut_character(rng: random.Random, tag: str, _: int) -> Case:
    line = (
        event(rng, tag, properties='{"n": 1}').encode()
        + rng.choice(["é", "日", "🎉"]).encode()[:-1]
    )
    return jsonl(rng, tag, Entry(line, "invalid_utf8"))


@kind("a NUL byte: a hole that a crash left in the file")
def nul_byte(rng: random.Random, tag: str, _: int) -> Case:
    damage = b"\0" * rng.choice([1, 1, 2, 700])
    line = _in_text(rng, tag, damage) if rng.random() < 0.7 else damage
    return jsonl(rng, tag, Entry(line, "nul_byte"))


@kind("NUL bytes up to a good line, as a crashed file system leaves them")
def nul_before_a_line(rng: random.Random, tag: str, _: int) -> Case:
    line = b"\0" * rng.randint(1, 5000) + event(rng, tag).encode()
    return jsonl(rng, tag, Entry(line, "nul_byte"))


@kind("RFC 8259 §8.1: a byte order mark is ignored at the start of the file")
def byte_order_mark(rng: random.Random, tag: str, _: int) -> Case:
    case = jsonl(rng, tag, Entry(b"{", "invalid_json"), packs=["plain"])
    case.content = b"\xef\xbb\xbf" + case.content
    case.refused = [
        type(one)(one.line, one.reason, (one.offset or 0) + 3, one.raw) for one in case.refused
    ]
    return case


@kind("RFC 8259 §8.1: a byte order mark is no JSON anywhere else")
def byte_order_mark_within(rng: random.Random, tag: str, _: int) -> Case:
    line = ("\ufeff" + event(rng, tag)).encode()
    return jsonl(rng, tag, [Entry(b"[]", "not_an_object"), Entry(line, "invalid_json")])


@kind("RFC 8259 §8.1: UTF-8; every byte pair of ASCII text holds a NUL")
def utf16_without_mark(rng: random.Random, tag: str, _: int) -> Case:
    codec = rng.choice(["utf-16-le", "utf-16-be"])
    case = Case("", "jsonl", f"jsonl/{tag}.jsonl", tag)
    case.content = "".join(event(rng, tag, n) + "\n" for n in range(rng.randint(1, 5))).encode(
        codec
    )
    _whole_lines(case, "nul_byte")
    return case


def _whole_lines(case: Case, reason: str) -> None:
    """Every line of the content is refused: lines end at byte 10, whatever the text."""
    offset = 0
    for line, data in enumerate(case.content.split(b"\n"), start=1):
        if data:
            case.refused.append(Refused(line, reason, offset, shown(data)))
        offset += len(data) + 1


@kind("a line ends at LF; a lone CR is white space of RFC 8259 §2")
def lone_carriage_returns(rng: random.Random, tag: str, _: int) -> Case:
    if rng.random() < 0.5:
        line = event(rng, tag, properties='{"n": 1}').replace(",", ",\r", 2)
        return jsonl(rng, tag, legal(line))
    line = "\r".join(event(rng, tag, number) for number in range(rng.randint(2, 4)))
    return jsonl(rng, tag, Entry(line.encode(), "invalid_json"))


def _padded(rng: random.Random, tag: str, size: int) -> bytes:
    line = event(rng, tag, properties='{"pad": "PAD"}').encode()
    return line.replace(b"PAD", b"x" * (size - len(line) + 3))


@kind("a record has at most 1,000,000 bytes", variants=12)
def longest_line(rng: random.Random, tag: str, _: int) -> Case:
    line = _padded(rng, tag, LONGEST - rng.choice([0, 1, 2, 3]) - 2)
    return jsonl(rng, tag, legal(line.decode()))


@kind("a record has at most 1,000,000 bytes", variants=12)
def too_long_line(rng: random.Random, tag: str, variant: int) -> Case:
    size = (
        LONGEST
        + [1, 2, 3, 5000, 64 * 1024, 64 * 1024 + 1, 500_000, 1_000_000, 9_000_000][variant % 9]
    )
    line = _padded(rng, tag, size)
    return jsonl(rng, tag, Entry(line, "too_long", raw=line[:KEPT].decode()))


@kind(
    "a record has at most 1,000,000 bytes, and a longer one never sits in memory",
    is_heavy=True,
    variants=2,
)
def line_of_200_megabytes(rng: random.Random, tag: str, variant: int) -> Case:
    filler = [b"x", b" ", b"["][variant % 3]
    line = b'{"a": "' + filler * (200_000_000 if variant else 20_000_000)
    return jsonl(rng, tag, Entry(line, "too_long", raw=line[:KEPT].decode()), packs=["plain", "gz"])


@kind(
    "RFC 8259 §9 lets a reader limit the depth; a million brackets exceed a record's bytes",
    variants=8,
)
def million_deep(rng: random.Random, tag: str, variant: int) -> Case:
    depth = 1_000_000
    deep = [
        "[" * depth + "]" * depth,
        '{"a":' * depth + "1" + "}" * depth,
        "[" * depth,
        '[{"a":' * (depth // 2),
    ][variant % 4]
    line = event(rng, tag, properties=f'{{"a": {deep}}}').encode()
    return jsonl(rng, tag, Entry(line, "too_long", raw=line[:KEPT].decode()))


@kind("an array that is never closed, as deep as a record is long", variants=8)
def deep_and_open(rng: random.Random, tag: str, _: int) -> Case:
    depth = rng.choice([5_000, 100_000, 900_000])
    line = '{"event_id": "x", "properties": ' + rng.choice(["[", "{", '{"a":']) * (depth // 6)
    return jsonl(rng, tag, Entry(line.encode(), "invalid_json"))
