"""Values that are JSON and no event: times, ids, properties."""

from __future__ import annotations

import functools
import json
import random
from datetime import UTC, datetime, timedelta

from unit.ingest.malformed.case import Case, Entry, jsonl, kind, legal
from unit.ingest.malformed.json_kinds import event

_utc = functools.partial(datetime, tzinfo=UTC)


def _refused(rng: random.Random, tag: str, reason: str, **changes: str | None) -> Case:
    return jsonl(rng, tag, Entry(event(rng, tag, **changes).encode(), reason))


@kind("ISO 8601 §4.3: no such day or time of day")
def impossible_date(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            "2026-02-30T10:00:00Z",
            "2025-02-29",
            "2026-13-01T00:00:00Z",
            "2026-00-10",
            "2026-11-31 10:00",
            "2026-11-01T25:00:00Z",
            "2026-11-01T10:60:00Z",
            "2026-11-01T10:00:61Z",
            "1900-02-29T10:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-02-29T00:00:00.000Z",
        ]
    )
    return _refused(rng, tag, "bad_time", occurred_at=json.dumps(text))


@kind("RFC 3339 §5.6: an offset has hours to 23 and minutes to 59; the largest in use is 14 hours")
def impossible_offset(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            "+99:00",
            "+24:00",
            "-47:00",
            "+01:60",
            "+01:99",
            "+9999",
            "-2400",
            "+0160",
            "+25",
            "+1:00",
            "+05:00Z",
            "+05Z",
            "Z+01:00",
            "+01:00:00",
            "-00:99",
        ]
    )
    at = rng.choice(["2026-11-01T10:00:00", "2026-11-01 10:00", "2026-11-01T10:00:00.123"])
    return _refused(rng, tag, "bad_time", occurred_at=json.dumps(at + text))


@kind("ISO 8601: nobody writes an instant like this")
def other_notations(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            "11/01/2026",
            "01.11.2026 10:00",
            "Nov 1, 2026",
            "20261101T100000Z",
            "2026-11-1",
            "26-11-01",
            "2026-305",
            "2026-W44-7",
            "2026-11-01T10",
            "2026-11-01T10:00:00 CET",
            "now",
            "today",
            "-",
            "infinity",
            "-infinity",
            "epoch",
            "2026-11-01T10:00:00Z Z",
            "2026-11-01T10:00:00.Z",
            "+2026-11-01",
            "2026-11-01T10:00:00,5Z",
            "２０２６-11-01",
            "2026–11–01",
        ]
    )
    return _refused(rng, tag, "bad_time", occurred_at=json.dumps(text))


@kind("before 1970 nothing sent events; a year has four digits")
def year_out_of_range(rng: random.Random, tag: str, _: int) -> Case:
    text, reason = rng.choice(
        [
            ("0000-01-01T00:00:00Z", "bad_time"),
            ("0001-01-01", "bad_time"),
            ("1969-12-31T23:59:59Z", "bad_time"),
            ("1900-01-01", "bad_time"),
            ("-0044-03-15", "bad_time"),
            ("10000-01-01T00:00:00Z", "bad_time"),
            ("294248-01-01", "bad_time"),
            ("9999-12-31T23:59:59Z", "future_time"),
            ("2038-01-19T03:14:08Z", "future_time"),
            ("2262-04-11T23:47:17Z", "future_time"),
            ("1970-01-01T00:00:00+00:01", "bad_time"),
        ]
    )
    return _refused(rng, tag, reason, occurred_at=json.dumps(text))


@kind("RFC 3339 §5.7: seconds go to 60 only where a leap second was; none since 2016")
def leap_second(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(["2026-11-01T23:59:60Z", "2026-06-30T23:59:60Z", "2016-12-31T23:59:60Z"])
    return _refused(rng, tag, "bad_time", occurred_at=json.dumps(text))


@kind("a count of seconds, milli-, micro- or nanoseconds since 1970 between 1973 and 2286")
def epoch_of_no_unit(rng: random.Random, tag: str, _: int) -> Case:
    digits = rng.choice([1, 5, 8, 11, 14, 17, 20, 25, 300])
    number = rng.choice("123456789") + "".join(rng.choices("0123456789", k=digits - 1))
    text = rng.choice(
        [
            number,
            f'"{number}"',
            f"{number}.5",
            '"20261103091500"',
            '"1e18"',
            '"1.5e9"',
            "0",
            "1E3",
            "0.5",
        ]
    )
    return _refused(rng, tag, "bad_time", occurred_at=text)


@kind("a negative epoch lies before 1970")
def negative_epoch(rng: random.Random, tag: str, _: int) -> Case:
    number = -rng.choice([1, 1_793_527_200, 1_793_527_200_000, 10**15, 10**18, 2**63])
    return _refused(rng, tag, "bad_time", occurred_at=rng.choice([str(number), f'"{number}"']))


@kind("an epoch from after tomorrow")
def epoch_in_the_future(rng: random.Random, tag: str, _: int) -> Case:
    number = rng.choice(
        [4 * 10**9, 4 * 10**12, 4 * 10**15, 4 * 10**18, 9_999_999_999, 9_223_372_036_854_775_807]
    )
    return _refused(rng, tag, "future_time", occurred_at=rng.choice([str(number), f'"{number}"']))


@kind("a time is text or a number")
def time_of_another_type(rng: random.Random, tag: str, _: int) -> Case:
    text, reason = rng.choice(
        [
            ("true", "bad_time"),
            ("{}", "bad_time"),
            ("[]", "bad_time"),
            ('["2026-11-01"]', "bad_time"),
            ('{"$date": "2026-11-01T10:00:00Z"}', "bad_time"),
            ("null", "no_time"),
            ('""', "no_time"),
            ('"  "', "no_time"),
            (r'"2026-11-01T10:00:00Z\u0000"', "bad_time"),
        ]
    )
    return _refused(rng, tag, reason, occurred_at=text)


@kind("ISO 8601: every offset and precision is the same instant")
def time_in_many_forms(rng: random.Random, tag: str, _: int) -> Case:
    micros = rng.choice([0, 0, 123_456, 500_000])
    at = _utc(2026, 2, 28, 23, 59, 59) + timedelta(days=rng.randint(0, 200), microseconds=micros)
    offset = timedelta(minutes=rng.choice([0, 60, -300, 330, 345, 840, -720]))
    local = at + offset
    sign = "-" if offset < timedelta(0) else "+"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    zone = rng.choice([f"{sign}{hours:02}:{minutes:02}", f"{sign}{hours:02}{minutes:02}"])
    if not offset and rng.random() < 0.7:
        zone = rng.choice(["Z", "z", " Z", "+00", "-00:00"])
    fraction = (
        rng.choice([f".{micros:06}", f".{micros:06}000"]) if micros else rng.choice(["", ".0"])
    )
    text = (
        local.strftime("%Y-%m-%d") + rng.choice("T ") + local.strftime("%H:%M:%S") + fraction + zone
    )
    epoch = (at - _utc(1970, 1, 1)) // timedelta(microseconds=1)
    value = rng.choice(
        [
            json.dumps(text),
            json.dumps(f" {text} "),
            str(epoch),
            str(epoch * 1000),
            f'"{epoch}"',
            f"{epoch // 10**6}.{micros:06}",
        ]
    )
    line = event(rng, tag, occurred_at=value, properties='{"n": 1}')
    return jsonl(rng, tag, legal(line, at=at))


@kind(
    "a clock change repeats an hour and leaves one out: such a local time is two instants or none"
)
def ambiguous_local_time(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            "2026-10-25T02:30:00",
            "2026-10-25 02:00:00",
            "2026-10-25T02:59:59.999",
            "2025-10-26T02:00",
            "2026-03-29T02:30:00",
            "2026-03-29 02:00:00",
            "2026-03-29T02:59:59",
        ]
    )
    case = _refused(rng, tag, "bad_time", occurred_at=json.dumps(text))
    return _in_berlin(case)


@kind("a local time beside a clock change is one instant")
def local_time_beside_a_change(rng: random.Random, tag: str, _: int) -> Case:
    text, at = rng.choice(
        [
            ("2026-10-25T01:59:59", _utc(2026, 10, 24, 23, 59, 59)),
            ("2026-10-25T03:00:00", _utc(2026, 10, 25, 2)),
            ("2026-03-29T01:59:59", _utc(2026, 3, 29, 0, 59, 59)),
            ("2026-03-29T03:00:00", _utc(2026, 3, 29, 1)),
            ("2026-10-25T02:30:00+02:00", _utc(2026, 10, 25, 0, 30)),
            ("2026-10-25T02:30:00+01:00", _utc(2026, 10, 25, 1, 30)),
        ]
    )
    line = event(rng, tag, occurred_at=json.dumps(text), properties='{"n": 1}')
    return _in_berlin(jsonl(rng, tag, legal(line, at=at)))


def _in_berlin(case: Case) -> Case:
    """The same file in the folder of a source whose times are those of Berlin."""
    case.source, case.name = "berlin", case.name.replace("jsonl/", "berlin/", 1)
    return case


@kind("an id is a text or a number")
def empty_id(rng: random.Random, tag: str, _: int) -> Case:
    return _refused(rng, tag, "no_id", event_id=rng.choice(['""', "null", None]))


@kind("a name, a person: needed")
def empty_fields(rng: random.Random, tag: str, _: int) -> Case:
    name, reason = rng.choice([("event_name", "no_event_name"), ("user_id", "no_unit")])
    return _refused(rng, tag, reason, **{name: rng.choice(['""', "null", None])})


@kind("an id is kept as it is written, whatever a double makes of it")
def rare_ids(rng: random.Random, tag: str, variant: int) -> Case:
    unique = 10_000 * variant + rng.randint(0, 999) * 2
    text = [
        str(2**53 + 1 + unique),
        str(2**63 + 1 + unique),
        str(2**64 + 1 + unique),
        str(-(2**63) - 1 - unique),
        "9" * 30 + f"{unique:09}",
        f'"00{unique:07}"',
        f'"  {tag}  "',
        '" ' + " " * variant + '"',
        f'"{tag}\u00e9"',
        f'"{tag}e\u0301"',
        f'"{tag}🎉"',
        json.dumps(tag + "x" * 100_000),
        json.dumps(tag + "'; drop table x; --"),
        f'"{tag}\\u0000b"',
        json.dumps(f"../../{tag}"),
        f"{unique}.5",
        json.dumps(f"{tag}\n\r\t"),
        f"-{unique + 1}",
        json.dumps(f"{tag}\u202e{tag}"),
    ][variant % 19]
    line = event(rng, tag, event_id=text, properties='{"n": 1}')
    return jsonl(rng, tag, legal(line) if not text.endswith(".5") else _decimal(line, text))


def _decimal(line: str, text: str) -> Entry:
    """A decimal id by its text."""
    entry = legal(line.replace(text, f'"{text}"', 1))
    return Entry(line.encode(), taken=entry.taken)


@kind("a person's id is kept as it is written")
def rare_user_ids(rng: random.Random, tag: str, _: int) -> Case:
    text, kept = rng.choice(
        [
            (str(2**53 + 1), str(2**53 + 1)),
            (str(2**64), str(2**64)),
            ('"007"', "007"),
            ("0", "0"),
            ('"null"', "null"),
            ('" x "', " x "),
            ('"é\\u0301"', "é\u0301"),
            ("9" * 40, "9" * 40),
            ("false", "false"),
        ]
    )
    line = event(rng, tag, user_id=text, properties='{"n": 1}')
    return jsonl(rng, tag, legal(line, user_id=kept))


@kind("properties are an object")
def properties_of_another_type(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            '"x"',
            "[]",
            "[{}]",
            "1",
            "true",
            '"null"',
            '"[1]"',
            '"{"',
            '"{a: 1}"',
            '" "',
            "1e3",
            '"{\\"a\\": NaN}"',
            '"{\\"a\\": 1,}"',
            '"{\\"a\\": 1, \\"a\\": 2}"',
        ]
    )
    return _refused(rng, tag, "bad_properties", properties=text)


@kind("properties left out, or null, are none")
def no_properties(rng: random.Random, tag: str, _: int) -> Case:
    line = event(rng, tag, properties=rng.choice(["null", "{}", "{ }"]))
    entry = legal(line.replace("null", "{}") if '"properties"' in line else line)
    return jsonl(rng, tag, Entry(line.encode(), taken=entry.taken))


def until(now: datetime) -> datetime:
    """The first instant that is in the future of an ingest at `now`."""
    return now.astimezone(UTC) + timedelta(days=1)


@kind("an event is from before the day after its ingest")
def future_time(rng: random.Random, tag: str, _: int) -> Case:
    at = until(datetime(2026, 11, 22, tzinfo=UTC)) + timedelta(
        milliseconds=rng.choice([1, 10**6, 10**11])
    )
    return _refused(rng, tag, "future_time", occurred_at=json.dumps(at.isoformat()))
