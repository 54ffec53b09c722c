"""Damage of one record among many that are written alike: what is quick with those must see it.

All these files are read by one source whose records have the same keys in the same order, without
a space, so that a reader may learn their form. What Python's parser says of a record decides.
"""

from __future__ import annotations

import json
import random

from unit.ingest.malformed.case import Case, Entry, Taken, exact, kind, legal, lined, packed
from unit.ingest.malformed.mutations import verdict

#: JSON text by key. `nested` and `more` go nowhere, and have to be JSON all the same.
_FIELDS = {
    "event_id": None,
    "event_name": '"view"',
    "occurred_at": '"2026-11-01T10:00:00Z"',
    "user_id": '"u1"',
    "session_id": None,
    "count": "5",
    "properties": '{"n":1,"list":[1,2.5,"x"],"deep":{"a":null}}',
    "nested": '{"ip":"1.2.3.4","list":[{"a":1}]}',
    "more": "[1,2]",
    "note": '"x"',
}
_BAD = [
    *(
        "NaN",
        "-NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        "1e999",
        "-1e999",
        "2e308",
        "1" + "0" * 400 + ".5",
    ),
    *("01", "-01", "+1", ".5", "5.", "0x1F", "1_000", "True", "None", "undefined", "'x'", "x", ""),
    *(
        "[1,]",
        '{"a":1,}',
        "[,1]",
        "[NaN]",
        "[1,NaN]",
        '{"a":NaN}',
        '{"a":[1e999]}',
        '{"a":-Infinity}',
        "[[Infinity]]",
    ),
    *(
        '"\x01"',
        '"a\tb"',
        r'"\ud800"',
        r'"\x41"',
        r'"\u12"',
        "[1",
        '{"a":1',
        '"x',
        "1}",
        '"a" "b"',
        "1 2",
        "1,",
        "/**/1",
    ),
    *(
        "{a:1}",
        "{'a':1}",
        '{"a" 1}',
        '{"a"}',
        "[1}",
        "nul",
        "-",
        "1e",
        "1e+",
        "(1)",
        "5 // x",
        '"x"]',
        "{}}",
        "]",
    ),
]
_RARE = [
    *(
        "-0",
        "0",
        "1.5",
        "1e5",
        "1E-7",
        "true",
        "false",
        "null",
        str(2**53 + 1),
        "9" * 40,
        "9" * 5000,
        "1e308",
    ),
    *(
        '""',
        '"\\u0000"',
        '"é"',
        '"\\u00e9"',
        '"\\/"',
        '"a\\"b"',
        '"NaN"',
        '":NaN"',
        '"[NaN"',
        '",]"',
        '"{\\"a\\":NaN}"',
    ),
    *(
        "{}",
        "[]",
        "[{}]",
        '{"":1}',
        '{"a":{"a":{"a":[]}}}',
        "[null]",
        '"\u2028"',
        '"\\ud83d\\ude00"',
        '["NaN",1]',
        '"1e999"',
    ),
]


def _line(tag: str, number: object, **changes: str) -> str:
    fields = {
        **_FIELDS,
        "event_id": json.dumps(f"{tag}-{number}"),
        "session_id": json.dumps(tag),
        **changes,
    }
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items()) + "}"


def _crowd(rng: random.Random, tag: str, bad: list[Entry]) -> Case:
    entries = [legal(_line(tag, number)) for number in range(rng.randint(12, 30))]
    for entry in bad:
        entries.insert(rng.randint(0, len(entries)), entry)
    case = lined(Case("", "crowd", "", tag), entries, has_last_end=rng.random() < 0.7)
    return packed(rng, case, ["plain", "gz"])


@kind("RFC 8259, for one value of a record like all others", variants=250)
def crowd_bad_value(rng: random.Random, tag: str, variant: int) -> Case:
    value = _BAD[variant % len(_BAD)]
    key = rng.choice([*_FIELDS, "nested", "more", "count", "note", "properties"])
    line = _line(tag, "bad", **{key: value})
    reason = verdict(line.encode())
    assert reason, line
    return _crowd(rng, tag, [Entry(line.encode(), reason)])


@kind("RFC 8259: legal; a record like all others but for one value", variants=150)
def crowd_rare_value(rng: random.Random, tag: str, variant: int) -> Case:
    value = _RARE[variant % len(_RARE)]
    key = rng.choice(["nested", "more", "count", "note"])
    line = _line(tag, "rare", **{key: value})
    assert verdict(line.encode()) is None, line
    return _crowd(rng, tag, [legal(line)])


@kind("RFC 8259: legal within properties; kept as it stands", variants=100)
def crowd_rare_property(rng: random.Random, tag: str, variant: int) -> Case:
    value = _RARE[variant % len(_RARE)]
    properties = rng.choice(['{{"n":{}}}', '{{"list":[1,{}]}}', '{{"a":{{"b":{}}},"c":1}}'])
    return _crowd(rng, tag, [legal(_line(tag, "rare", properties=properties.format(value)))])


@kind("RFC 8259 §4, in a record like all others")
def crowd_duplicate_key(rng: random.Random, tag: str, _: int) -> Case:
    key = rng.choice(list(_FIELDS))
    line = _line(tag, "bad")
    twice = rng.choice([f'"{key}":1', f'"{key.upper()}":1', f'"\\u{ord(key[0]):04x}{key[1:]}":1'])
    line = rng.choice([f"{{{twice},{line[1:]}", f"{line[:-1]},{twice}}}"])
    return _crowd(rng, tag, [Entry(line.encode(), "duplicate_key")])


@kind("a property twice, in a record like all others")
def crowd_duplicate_property(rng: random.Random, tag: str, _: int) -> Case:
    twice = rng.choice(['"n":1', '"n":2', '"\\u006e":1', '"deep":{}'])
    properties = (_FIELDS["properties"] or "")[:-1] + f",{twice}}}"
    line = _line(tag, "bad", properties=properties)
    return _crowd(rng, tag, [Entry(line.encode(), "bad_properties")])


@kind("a record like all others, but for what stands around it", variants=50)
def crowd_around(rng: random.Random, tag: str, _: int) -> Case:
    line = _line(tag, "bad")
    text, reason = rng.choice(
        [
            (line + "x", "invalid_json"),
            (line + "}", "invalid_json"),
            (line + line, "invalid_json"),
            (line[:-1], "invalid_json"),
            (line[1:], "invalid_json"),
            (f"[{line}]", "not_an_object"),
            ("{}" + line, "invalid_json"),
            (line + ",", "invalid_json"),
            (line.replace(":", "=", 1), "invalid_json"),
            (line.replace(",", ",,", 1), "invalid_json"),
            (line[:-1] + ",}", "invalid_json"),
            (line.replace("u1", "u\x00"), "nul_byte"),
        ]
    )
    return _crowd(rng, tag, [Entry(text.encode(), reason)])


@kind("spaces and another order are the same record", variants=50)
def crowd_spaced(rng: random.Random, tag: str, _: int) -> Case:
    line = _line(tag, "spaced")
    pairs = [(key, json.dumps(value)) for key, value in json.loads(line).items()]
    rng.shuffle(pairs)
    comma, colon = rng.choice([(",", ":"), (", ", ": "), (" ,\t", " : "), (",\r", ":")])
    text = "{" + comma.join(f'"{key}"{colon}{value}' for key, value in pairs) + "}"
    properties = exact(_FIELDS["properties"] or "")
    entry = Entry(text.encode(), taken=(f"{tag}-spaced", Taken(properties)))
    return _crowd(rng, tag, [entry])
