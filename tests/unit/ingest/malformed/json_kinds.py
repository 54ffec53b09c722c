"""Damage of one JSON line: by RFC 8259, by UTF-8, and by the limits of a record."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from unit.ingest.malformed.case import (
    Case,
    Entry,
    fields,
    jsonl,
    kind,
    legal,
    some_properties,
    written,
)


def place(rng: random.Random, tag: str, value: str) -> str:
    """An event with the JSON text somewhere in it."""
    spot = rng.choice(["key", "property", "deep", "array", "alone"])
    inner = {
        "key": '{"n": 1}',
        "property": f'{{"n": {value}, "m": 1}}',
        "deep": f'{{"a": [0, {{"b": {value}}}]}}',
        "array": f'{{"a": [1,{value} ]}}',
        "alone": f'{{"n":{value}}}',
    }[spot]
    pairs = list(fields(tag, "bad", inner).items())
    if spot == "key":
        pairs.insert(rng.randint(0, len(pairs)), ("extra", value))
    return written(rng, pairs)


def event(rng: random.Random, tag: str, number: object = "bad", **changes: str | None) -> str:
    """A good event as text, with changed fields."""
    properties = json.dumps(some_properties(rng, 1))
    pairs = fields(tag, number, changes.pop("properties", None) or properties, **changes)
    return written(rng, list(pairs.items()))


def value_kind(name: str, rule: str, values: list[str] | Callable[[random.Random], str]) -> None:
    """Register a kind whose lines hold a value that is no JSON."""

    def make(rng: random.Random, tag: str, _: int) -> Case:
        value = values(rng) if callable(values) else rng.choice(values)
        return jsonl(rng, tag, Entry(place(rng, tag, value).encode(), "invalid_json"))

    make.__name__ = name
    kind(rule)(make)


def legal_value_kind(name: str, rule: str, values: Callable[[random.Random], str]) -> None:
    """Register a kind whose lines hold a rare value that is JSON and has to be kept exactly."""

    def make(rng: random.Random, tag: str, _: int) -> Case:
        return jsonl(rng, tag, legal(place(rng, tag, values(rng))))

    make.__name__ = name
    kind(rule)(make)


def _digits(rng: random.Random, count: int) -> str:
    return rng.choice("123456789") + "".join(rng.choices("0123456789", k=count - 1))


_GRAMMAR = "RFC 8259 §6: number = [ minus ] int [ frac ] [ exp ]"
value_kind("nan", "RFC 8259 §6: NaN is no number", ["NaN", "nan", "-NaN", "NAN", "nAn"])
value_kind(
    "infinity",
    "RFC 8259 §6: Infinity is no number",
    ["Infinity", "-Infinity", "inf", "-inf", "INF", "infinity", "-INFINITY"],
)
value_kind(
    "beyond_a_double",
    "RFC 8259 §6: a number beyond IEEE 754 binary64 has no value that two readers share",
    [
        "1e999",
        "-1e999",
        "1E+400",
        "2e308",
        "1.8e308",
        "0.1e310",
        "123456e304",
        "1e0309",
        "1.5E+999",
    ],
)
value_kind("leading_zero", _GRAMMAR, ["01", "-01", "00", "-00", "007", "01.5", "00e1"])
value_kind("leading_plus", _GRAMMAR, ["+1", "+0", "+1.5", "+1e5", "+Infinity", "+NaN"])
value_kind(
    "bare_point", _GRAMMAR, [".5", "-.5", "5.", "-5.", "5.e3", ".e1", "1.e", "1e", "1e+", "-"]
)
value_kind("hex_number", _GRAMMAR, ["0x1F", "-0x1", "0XFF", "0b1", "0o7", "1_000", "1,000.", "1n"])
value_kind(
    "trailing_comma",
    "RFC 8259 §4, §5: a comma stands between two members",
    ["[1, 2,]", '{"a": 1,}', "[1 ,\t]", '{"a": 1 , }', "[[1,],2]", '{"a": [1,\r ]}'],
)
value_kind(
    "stray_comma",
    "RFC 8259 §4, §5: a comma stands between two members",
    ["[,1]", "[1,,2]", '{,"a": 1}', '{"a": 1,,"b": 2}', "[,]", "{,}", ","],
)
value_kind(
    "comment",
    "RFC 8259: no comments",
    ["/* x */ 1", "1 /* x */", "1 // x", "# 1", "[1 /**/]", "1 -- x", "<!-- --> 1"],
)
value_kind("single_quotes", "RFC 8259 §7: quotation marks", ["'x'", "{'a': 1}", "['x']", "''"])
value_kind(
    "unquoted_key", "RFC 8259 §4", ["{a: 1}", "{a1: 1, b: 2}", "{1: 2}", "{$a: 1}", "{null: 1}"]
)
value_kind(
    "unquoted_text", "RFC 8259 §3", ["text", "undefined", "None", "True", "FALSE", "nul", "`x`"]
)
value_kind(
    "bad_escape",
    "RFC 8259 §7",
    [
        r'"\x41"',
        r'"\u12"',
        r'"\u12G4"',
        r'"\'"',
        r'"\U0001F600"',
        r'"\ "',
        r'"\u"',
        r'"\0"',
        r'"\a"',
    ],
)
value_kind(
    "lone_surrogate",
    "RFC 8259 §8.2: half a pair is no character",
    [
        r'"\ud800"',
        r'"\udfff"',
        r'"x\uD83D"',
        r'"\ude00\ud83d"',
        r'{"\ud800": 1}',
        r'"\ud83d\u0041"',
    ],
)
value_kind(
    "control_character",
    "RFC 8259 §7: U+0000 to U+001F are escaped",
    lambda rng: '"a' + chr(rng.choice([*range(1, 10), *range(11, 32)])) + 'b"',
)
value_kind(
    "colon_or_bracket",
    "RFC 8259 §2",
    [
        '{"a" 1}',
        '{"a": }',
        '{"a"}',
        '{"a": 1]',
        "[1}",
        '{"a"= 1}',
        '{"a": 1; "b": 2}',
        "[1 2]",
        "(1)",
    ],
)

legal_value_kind(
    "integers_beyond_a_double",
    "RFC 8259 §6: legal; kept digit by digit",
    lambda rng: rng.choice(
        [
            str(2**53 + 1),
            str(2**63),
            str(-(2**63) - 1),
            str(2**64),
            str(2**64 + 1),
            _digits(rng, 30),
        ]
    ),
)
legal_value_kind(
    "huge_integer",
    "RFC 8259 §6: legal; kept digit by digit",
    lambda rng: (
        rng.choice(["", "-"]) + _digits(rng, rng.choice([310, 400, 1000, 4300, 4301, 5000]))
    ),
)
legal_value_kind(
    "rare_numbers",
    "RFC 8259 §6: legal",
    lambda rng: rng.choice(
        [
            "-0",
            "1e2",
            "1E-7",
            "-0.0",
            "1e-999",
            "1.7976931348623157e308",
            "0e9",
            "1e0000000002",
            "5e-324",
        ]
    ),
)
legal_value_kind(
    "line_separators",
    "RFC 8259 §7: U+2028, U+2029, U+0085 and DEL may stand unescaped in a string",
    lambda rng: '"a' + rng.choice("\u2028\u2029\u0085\x7f\u00a0\ufeff\ufffe\U0010ffff") + 'b"',
)
legal_value_kind(
    "escaped_nul",
    "RFC 8259 §7: the escape of U+0000 is legal",
    lambda rng: rng.choice([r'"a\u0000b"', r'"\u0000"', r'{"a\u0000b": 1}', r'{"\u0000": "x"}']),
)
legal_value_kind(
    "empty_key",
    "RFC 8259 §4: a name is any string",
    lambda rng: rng.choice(['{"": 1}', '{"": {"": []}}', '{" ": 1, "": 2}', '{"a/b": 1, "~": 2}']),
)
legal_value_kind(
    "escaped_pair",
    "RFC 8259 §7: a surrogate pair is one character",
    lambda rng: rng.choice([r'"\ud83d\ude00"', r'{"\uD83D\uDE00": "\u00e9"}', r'"\/\b\f\n\r\t"']),
)


@kind("RFC 8259 §4: names are unique; of two values nobody knows which counts")
def duplicate_key(rng: random.Random, tag: str, _: int) -> Case:
    pairs = list(fields(tag, "bad", '{"n": 1}').items())
    name, value = rng.choice(pairs)
    twice = rng.choice([value, '"other"', "null", "1"])
    pairs.insert(rng.randint(0, len(pairs)), (name, twice))
    return jsonl(rng, tag, Entry(written(rng, pairs).encode(), "duplicate_key"))


@kind("RFC 8259 §4, names spelt with escapes are the same names")
def duplicate_key_escaped(rng: random.Random, tag: str, _: int) -> Case:
    name = rng.choice(["event_id", "user_id", "properties", "event_name"])
    at = rng.randrange(len(name))
    spelt = name[:at] + f"\\u{ord(name[at]):04x}" + name[at + 1 :]
    line = written(rng, list(fields(tag, "bad", '{"n": 1}').items()))
    line = line[:-1] + f', "{spelt}": "x"}}'
    return jsonl(rng, tag, Entry(line.encode(), "duplicate_key"))


@kind("names that differ in case fall into one column")
def case_clashing_keys(rng: random.Random, tag: str, _: int) -> Case:
    pairs = list(fields(tag, "bad", '{"n": 1}').items())
    name, value = rng.choice(pairs)
    other = rng.choice([name.upper(), name.title(), name.replace("e", "E", 1).replace("i", "I")])
    pairs.insert(rng.randint(0, len(pairs)), (other, value))
    return jsonl(rng, tag, Entry(written(rng, pairs).encode(), "duplicate_key"))


@kind("RFC 8259 §4, in properties")
def duplicate_property(rng: random.Random, tag: str, _: int) -> Case:
    names = rng.choice([("a", "a"), ("", ""), ("é", "\\u00e9"), ("a b", "a b"), ("a", "\\u0061")])
    middle = rng.choice(["", '"z": [1, 2], '])
    value = f'{{"{names[0]}": 1, {middle}"{names[1]}": {rng.choice(["1", "2", "null"])}}}'
    line = event(rng, tag, properties=value)
    return jsonl(rng, tag, Entry(line.encode(), "bad_properties"))


@kind("RFC 8259 §4: case is part of a name; properties have no columns to clash in")
def case_clashing_properties(rng: random.Random, tag: str, _: int) -> Case:
    return jsonl(rng, tag, legal(event(rng, tag, properties='{"a": 1, "A": 2, "á": 3}')))
