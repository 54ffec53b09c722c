"""Damage of a JSON document and of Parquet: formats that are read as one piece."""

from __future__ import annotations

import io
import json
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from unit.ingest.malformed.case import Case, Entry, Refused, Taken, exact, good, kind, packed
from unit.ingest.malformed.json_kinds import event


def _array(
    rng: random.Random,
    tag: str,
    bad: Entry,
    *,
    ends_there: bool = False,
    is_followed: bool = False,
    tail: str = "]",
) -> Case:
    """An array with the bad element in it; what follows an end that never comes is of it."""
    before = [good(rng, tag, number) for number in range(rng.randint(0, 4))]
    after = [good(rng, tag, 10 + number) for number in range(rng.randint(int(is_followed), 4))]
    space = rng.choice(["", " ", "\n", "\r\n  "])
    case = Case("", "json", "", tag)
    text = rng.choice(["", "\n", " \n\t"]) + "[" + space
    for index, entry in enumerate([*before, bad, *after]):
        if entry is bad and bad.reason:
            head = text.encode()
            case.refused = [Refused(1 + head.count(b"\n"), bad.reason, len(head), bad.raw)]
        elif entry.taken and not (ends_there and entry in after):
            case.accepted[entry.taken[0]] = entry.taken[1]
        text += entry.data.decode() + ("," + space if index < len(before) + len(after) else space)
    case.content = (text + tail).encode()
    if ends_there and case.refused:
        one = case.refused[0]
        rest = case.content[one.offset :].decode().rstrip("\r\n")
        case.refused = [Refused(one.line, one.reason, one.offset, rest)]
    return packed(rng, case, ["plain", "gz", "zst"])


@kind("an element that is no object costs itself only")
def document_not_an_object(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(["1", "null", '"x"', "[]", "[{}]", "true", "-0.5"])
    return _array(rng, tag, Entry(text.encode(), "not_an_object", raw=text))


@kind("RFC 8259 §4: an element with a name twice costs itself only")
def document_duplicate_key(rng: random.Random, tag: str, _: int) -> Case:
    text = event(rng, tag)[:-1] + ', "user_id": "u2"}'
    return _array(rng, tag, Entry(text.encode(), "duplicate_key", raw=text))


@kind("RFC 8259 §6, §8.2: an element whose end is plain costs itself only")
def document_bad_value(rng: random.Random, tag: str, _: int) -> Case:
    value = rng.choice(["NaN", "-Infinity", "1e999", r'"\ud800"'])
    text = event(rng, tag, properties=f'{{"n": {value}}}')
    return _array(rng, tag, Entry(text.encode(), "invalid_json", raw=text))


@kind("RFC 8259: an element that is no JSON costs itself only")
def document_broken_element(rng: random.Random, tag: str, _: int) -> Case:
    value = rng.choice(
        ["+1", "01", "[1,]", "'x'", "/**/ 1", '"\x01"', '"\\x"', "{a: 1}", "", "1]", "[1", "tru"]
    )
    text = event(rng, tag, properties=f'{{"n": {value}}}')
    return _array(rng, tag, Entry(text.encode(), "invalid_json", raw=text))


@kind("an element that hides its own end costs itself only")
def document_hidden_end(rng: random.Random, tag: str, _: int) -> Case:
    whole = event(rng, tag, properties='{"n": "x"}')
    text = rng.choice([whole[:-1], whole.replace('"x"', '"x'), whole.replace('"n"', 'n"')])
    entry = Entry(text.encode(), "invalid_json")
    return _array(rng, tag, entry, is_followed=True)


@kind("RFC 8259 §5: an array ends with a bracket")
def document_cut(rng: random.Random, tag: str, _: int) -> Case:
    text = event(rng, tag, properties='{"n": 1}')
    cut = text[: rng.randint(1, len(text) - 1)]
    case = _array(rng, tag, Entry(b"{}", "no_id", raw="{}"))
    case = Case("", "json", "", tag)
    body = "["
    for number in range(rng.randint(0, 4)):
        entry = good(rng, tag, number)
        assert entry.taken
        case.accepted[entry.taken[0]] = entry.taken[1]
        body += entry.data.decode() + ",\n"
    case.refused = [Refused(1 + body.count("\n"), "invalid_json", len(body.encode()), cut)]
    case.content = (body + cut).encode()
    return packed(rng, case, ["plain", "gz"])


@kind("what stands behind a document is a record of its own")
def document_trailing_garbage(rng: random.Random, tag: str, _: int) -> Case:
    tail, reason = rng.choice(
        [("]", "invalid_json"), ("x", "invalid_json"), ('"', "invalid_json"),
         ("{}", "no_id"), ("1", "not_an_object")]
    )  # fmt: skip
    case = Case("", "json", f"json/{tag}.json", tag)
    entries = [good(rng, tag, number) for number in range(rng.randint(1, 4))]
    for entry in entries:
        assert entry.taken
        case.accepted[entry.taken[0]] = entry.taken[1]
    body = b"[" + b",".join(entry.data for entry in entries) + b"]\n"
    case.content = body + tail.encode()
    case.refused = [Refused(2, reason, len(body), tail)]
    return case


@kind("JSON Lines are documents behind each other")
def document_of_lines(rng: random.Random, tag: str, _: int) -> Case:
    case = Case("", "json", "", tag)
    end = rng.choice([b"\n", b"\r\n", b" "])
    for number in range(rng.randint(2, 5)):
        entry = good(rng, tag, number)
        assert entry.taken
        case.accepted[entry.taken[0]] = entry.taken[1]
        case.content += entry.data + end
    return packed(rng, case, ["plain", "gz", "zst"])


@kind("one object is a file of one record")
def document_of_one_object(rng: random.Random, tag: str, _: int) -> Case:
    entry = good(rng, tag, "only")
    assert entry.taken
    mark = rng.choice([b"", b"\xef\xbb\xbf"])
    case = Case(
        "",
        "json",
        "",
        tag,
        mark + rng.choice([b"", b"\n "]) + entry.data + rng.choice([b"", b"\n"]),
    )
    case.accepted = dict([entry.taken])
    return packed(rng, case, ["plain", "gz", "zst"])


@kind("an empty array has no records, an empty file neither")
def document_empty(rng: random.Random, tag: str, _: int) -> Case:
    data = rng.choice([b"", b"[]", b" [ ]\n", b"\n", b"\xef\xbb\xbf[]"])
    return packed(rng, Case("", "json", "", tag, data), ["plain", "gz", "zst"])


@kind("a document that is a value and no object")
def document_scalar(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(["1", "null", '"x"', "true"])
    case = Case("", "json", f"json/{tag}.json", tag, text.encode())
    case.refused = [Refused(1, "not_an_object", 0, text)]
    return case


@kind("brackets a hundred thousand deep are more than a reader follows")
def document_deep(rng: random.Random, tag: str, _: int) -> Case:
    times = rng.choice([5_000, 100_000])
    if rng.random() < 0.5:  # lists without an end hold all that follows
        return _array(rng, tag, Entry(b"[" * times, "invalid_json"), ends_there=True, tail="")
    # no object begins behind a comma within another one: there the next element is
    entry = Entry(b'{"a":' * times, "invalid_json")
    return _array(rng, tag, entry, is_followed=True)


# --- Parquet --------------------------------------------------------------------------------


def _columns(rng: random.Random, tag: str, count: int) -> dict[str, list[object]]:
    return {
        "event_id": [f"{tag}-{number}" for number in range(count)],
        "event_name": ["view"] * count,
        "occurred_at": ["2026-11-01T10:00:00Z"] * count,
        "user_id": ["u1"] * count,
        "session_id": [tag] * count,
        "properties": [
            json.dumps({"n": number, "w": rng.choice("äöü")}) for number in range(count)
        ],
    }


def _parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def _stored(rng: random.Random, tag: str, count: int, **options: object) -> Case:
    columns = _columns(rng, tag, count)
    case = Case(
        "", "parquet", f"parquet/{tag}.parquet", tag, _parquet(pa.table(columns), **options)
    )
    for event_id, properties in zip(columns["event_id"], columns["properties"], strict=True):
        case.accepted[str(event_id)] = Taken(exact(str(properties)))
    return case


def _unreadable(case: Case, content: bytes) -> Case:
    case.content, case.accepted = content, {}
    case.refused = [Refused(1, "unreadable_file", 0)]
    return case


@kind("Parquet: a file ends with its footer, the footer's length and PAR1")
def parquet_cut(rng: random.Random, tag: str, _: int) -> Case:
    case = _stored(rng, tag, rng.choice([1, 100]))
    return _unreadable(case, case.content[: rng.randint(1, len(case.content) - 1)])


@kind("Parquet: nothing after the footer")
def parquet_tail(rng: random.Random, tag: str, _: int) -> Case:
    case = _stored(rng, tag, 5)
    return _unreadable(case, case.content + rng.choice([b"\0", b"x" * 100, b"\n"]))


@kind("Parquet: the footer's length and encoding")
def parquet_wrong_footer(rng: random.Random, tag: str, _: int) -> Case:
    case = _stored(rng, tag, 5)
    data = case.content
    length = int.from_bytes(data[-8:-4], "little")
    wrong = rng.choice([0, 1, len(data), len(data) * 9, 2**31 - 1, 2**32 - 1, length - 7])
    return _unreadable(case, data[:-8] + wrong.to_bytes(4, "little") + b"PAR1")


@kind("no Parquet at all")
def parquet_of_something_else(rng: random.Random, tag: str, _: int) -> Case:
    data = rng.choice(
        [
            b"",
            b"PAR1",
            b"PAR1PAR1",
            b"PARE" + b"x" * 20 + b"PARE",
            b"{}\n",
            b"PAR1 not really",
            rng.randbytes(999),
        ]
    )
    return _unreadable(Case("", "parquet", f"parquet/{tag}.parquet", tag), data)


@kind("no rows, no records")
def parquet_without_rows(rng: random.Random, tag: str, _: int) -> Case:
    return _stored(rng, tag, 0, compression=rng.choice(["snappy", "zstd", "none"]))


@kind("every type stands as the text of its value")
def parquet_types(rng: random.Random, tag: str, variant: int) -> Case:
    at = datetime(2026, 11, 1, 10, 0, 0, 123_000, tzinfo=UTC)
    unit, zone = rng.choice(["ms", "us", "ns"]), rng.choice([None, "UTC", "Europe/Berlin"])
    moment = at if zone else at.replace(tzinfo=None)
    ids = [2**53 + 1 + 2 * variant + 1000 * number for number in range(3)]
    kinds = {
        "struct": pa.struct([("n", pa.int64()), ("list", pa.list_(pa.string()))]),
        "text": pa.string(),
    }
    shape = rng.choice(sorted(kinds))
    nested = {"n": 2**53 + 1, "list": ["a", 'b"']}
    table = pa.table(
        {
            "event_id": pa.array(ids, rng.choice([pa.int64(), pa.uint64(), pa.decimal128(20, 0)])),
            "event_name": pa.array(
                ["view"] * 3, rng.choice([pa.string(), pa.large_string()])
            ).dictionary_encode(),
            "occurred_at": pa.array([moment] * 3, pa.timestamp(unit, zone)),
            "user_id": pa.array([1, 2, 3], rng.choice([pa.int8(), pa.uint32()])),
            "session_id": [tag] * 3,
            "properties": pa.array(
                [nested if shape == "struct" else json.dumps(nested)] * 3, kinds[shape]
            ),
            "more": pa.array([[1], None, []], pa.list_(pa.int32())),
            "binary": pa.array([b"\xff\0", None, b""], pa.binary()),
        }
    )
    case = Case("", "parquet", f"parquet/{tag}.parquet", tag, _parquet(table))
    wanted = Taken(exact(json.dumps(nested)), at=at)
    case.accepted = {str(one): wanted for one in ids}
    return case


@kind("values that are no event's, beside good ones")
def parquet_bad_rows(rng: random.Random, tag: str, _: int) -> Case:
    columns = _columns(rng, tag, rng.randint(2, 9))
    at = rng.randrange(len(columns["event_id"]))
    event_id, properties = columns["event_id"][at], columns["properties"]
    name, value, reason = rng.choice(
        [
            ("event_id", None, "no_id"),
            ("event_id", "", "no_id"),
            ("event_name", None, "no_event_name"),
            ("occurred_at", None, "no_time"),
            ("occurred_at", "never", "bad_time"),
            ("user_id", None, "no_unit"),
            ("properties", "[1]", "bad_properties"),
            ("properties", "{", "bad_properties"),
        ]
    )
    columns[name][at] = value
    case = Case("", "parquet", f"parquet/{tag}.parquet", tag, _parquet(pa.table(columns)))
    for one, text in zip(columns["event_id"], properties, strict=True):
        if one not in (event_id, None, ""):
            case.accepted[str(one)] = Taken(exact(str(text)))
    case.refused = [Refused(at + 1, reason)]
    return case


@kind("a page whose bytes are not those of its checksum or codec")
def parquet_broken_page(rng: random.Random, tag: str, _: int) -> Case:
    case = _stored(rng, tag, 200, compression="zstd", use_dictionary=False)
    data = bytearray(case.content)
    meta = pq.ParquetFile(io.BytesIO(case.content)).metadata.row_group(0).column(0)
    end = meta.data_page_offset + meta.total_compressed_size
    for at in range(end - 60, end):  # the compressed text of the ids
        data[at] ^= 0xFF
    return _unreadable(case, bytes(data))
