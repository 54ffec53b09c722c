"""Damage of CSV, by RFC 4180 with LF or CRLF at the end of a line."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence

from unit.ingest.malformed.case import (
    KEPT,
    LONGEST,
    Case,
    Entry,
    Taken,
    exact,
    kind,
    lined,
    packed,
    shown,
    spread,
)

COLUMNS = ("event_id", "event_name", "occurred_at", "user_id", "session_id", "properties")
HEAD = ",".join(COLUMNS)
_NOTES = (
    "n",
    "a, b",
    'say "hi"',
    "two\nlines",
    "",
    "Straße",
    "🎉",
    "'",
    "\\",
    '"',
    ",",
    '","',
    "\t",
)


def record(fields: Sequence[str], end: str = "\n") -> str:
    """One record, quoted where it has to be, without the end of its line."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue().replace("\n", end)


def row(rng: random.Random, tag: str, number: object, *, note: str | None = None) -> Entry:
    """A good record; its note may hold whatever CSV can."""
    properties = json.dumps({"n": 1, "note": rng.choice(_NOTES) if note is None else note})
    fields = [f"{tag}-{number}", "view", "2026-11-01 10:00:00", "u1", tag, properties]
    return Entry(record(fields).encode(), taken=(f"{tag}-{number}", Taken(exact(properties))))


def plain(tag: str, number: object) -> str:
    """A good record without a quote in it."""
    return f"{tag}-{number},view,2026-11-01 10:00:00,u1,{tag},"


def plain_row(tag: str, number: object) -> Entry:
    taken = (f"{tag}-{number}", Taken(exact("{}")))
    return Entry(plain(tag, number).encode(), taken=taken)


def table(
    rng: random.Random,
    tag: str,
    bad: Sequence[Entry] | Entry,
    *,
    head: str = HEAD,
    quotes: bool = True,
) -> Case:
    """A CSV file with the bad entries somewhere in it."""
    entries = [bad] if isinstance(bad, Entry) else list(bad)
    around: list[Entry] = []
    for entry in spread(rng, tag, entries):
        if entry in entries:
            around.append(entry)
        else:
            number = len(around)
            around.append(row(rng, tag, number) if quotes else plain_row(tag, number))
    end = rng.choice([b"\n", b"\r\n"])
    case = lined(
        Case("", "csv", "", tag),
        around,
        end=end,
        head=head.encode() + end,
        line=2,
        has_last_end=rng.random() < 0.7,
    )
    return packed(rng, case, ["plain", "gz", "zst", "members"])


def _bad(text: str | bytes, reason: str) -> Entry:
    return Entry(text.encode() if isinstance(text, str) else text, reason)


@kind("RFC 4180 §2.4: each line has the same number of fields")
def csv_field_count(rng: random.Random, tag: str, _: int) -> Case:
    text = plain(tag, "bad")
    text = rng.choice(
        [
            text + "{},extra",
            text[: text.rindex(",")],
            "x",
            text + ",",
            text + "," * 900,
            ",",
            tag + ",view",
            '"quoted"',
            "  ",
        ]
    )
    return table(rng, tag, _bad(text, "field_count"))


@kind("RFC 4180 §2.4, in a record of several lines: it is refused whole")
def csv_field_count_in_lines(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(['"two\nlines"', 'x,"a\nb\nc",d', '"a\n\n\nb","c\nd"'])
    return table(rng, tag, _bad(text, "field_count"))


@kind("RFC 4180 §2.5: a field that begins with a quote ends with one")
def csv_unterminated_quote(rng: random.Random, tag: str, _: int) -> Case:
    text = plain(tag, "bad") + rng.choice(['"never closed', '"', '"a, b', '"a ""quoted"" word'])
    return table(rng, tag, _bad(text, "malformed_csv"), quotes=rng.random() < 0.5)


@kind("RFC 4180 §2.5: a quote in the first field opens the whole line")
def csv_unterminated_first_field(rng: random.Random, tag: str, _: int) -> Case:
    text = '"' + plain(tag, "bad") + rng.choice(["", "x", "x, y"])
    return table(rng, tag, _bad(text, "malformed_csv"), quotes=rng.random() < 0.5)


@kind("RFC 4180 §2.5: after the closing quote comes a delimiter")
def csv_text_after_quote(rng: random.Random, tag: str, _: int) -> Case:
    text = plain(tag, "bad") + rng.choice(['"x"y', '"x" ', '"a "b" c"', '"x"y"z"', '""x'])
    return table(rng, tag, _bad(text, "malformed_csv"))


@kind("RFC 4180 §2.5: no quote within an unquoted field")
def csv_quote_within(rng: random.Random, tag: str, _: int) -> Case:
    text = rng.choice(
        [
            f'{tag}-"bad",view,2026-11-01,u1,{tag},',
            plain(tag, "bad").replace("view", 'vi"ew'),
            plain(tag, "bad") + 'x"',
            plain(tag, "bad").replace("view", '5" pipe'),
            plain(tag, "bad") + ' "{}"',
            plain(tag, "bad").replace("u1", 'u"1"'),
        ]
    )
    return table(rng, tag, _bad(text, "malformed_csv"))


@kind("RFC 4180 §2.6: line breaks stand in quotes; nothing is lost of them")
def csv_line_breaks_in_quotes(rng: random.Random, tag: str, _: int) -> Case:
    note = rng.choice(["a\nb", "\n", "a\n\n\nb", "\na,b\n", 'a\n"b"\n', "x\n" * 200, "a\u2028b"])
    return table(rng, tag, row(rng, tag, "lines", note=note))


@kind("RFC 4180 §2.4: a lone CR ends no line and belongs in quotes")
def csv_lone_carriage_return(rng: random.Random, tag: str, _: int) -> Case:
    text = plain(tag, "bad").replace("view", rng.choice(["vi\rew", "\rview", "view\r\r"]))
    return table(rng, tag, _bad(text, "malformed_csv"))


@kind("a NUL byte")
def csv_nul(rng: random.Random, tag: str, _: int) -> Case:
    line = plain(tag, "bad")
    at = rng.randint(0, len(line))
    damage = "\0" * rng.choice([1, 3, 600]) + rng.choice(["", '"'])
    return table(rng, tag, _bad(line[:at] + damage + line[at:], "nul_byte"))


@kind("UTF-8")
def csv_invalid_utf8(rng: random.Random, tag: str, _: int) -> Case:
    line = plain(tag, "bad").encode()
    at = rng.randint(0, len(line))
    damage = rng.choice(
        [b"\xff", b"\xe9", b'\xc3"', b'\xff"', b"\xed\xa0\x80", b"\xc0\x80", b"\x80\x80"]
    )
    return table(rng, tag, _bad(line[:at] + damage + line[at:], "invalid_utf8"))


@kind("a record has at most 1,000,000 bytes", variants=10)
def csv_huge_field(rng: random.Random, tag: str, variant: int) -> Case:
    size = LONGEST + [0, 1, 100, 500_000, 9_000_000][variant % 5]
    line = plain(tag, "bad") + rng.choice(["x", ",", "é"]) * size
    data = line.encode()
    return table(rng, tag, Entry(data, "too_long", raw=shown(data[:KEPT])))


@kind("a header names every column, each once", variants=25)
def csv_bad_header(rng: random.Random, tag: str, _: int) -> Case:
    names = list(COLUMNS)
    damage = rng.choice(["twice", "case", "space", "empty", "blank"])
    at = rng.randrange(len(names))
    if damage == "twice":
        names.append(names[at])
    elif damage == "case":
        names.append(names[at].upper())
    elif damage == "space":
        names.append(f" {names[at]} ")
    else:
        names.insert(at, "" if damage == "empty" else "  ")
    return _refused_below(rng, tag, ",".join(names), "bad_header")


@kind("a header that cannot be read")
def csv_broken_header(rng: random.Random, tag: str, _: int) -> Case:
    head, reason = rng.choice(
        [
            ('"' + HEAD, "malformed_csv"),
            (HEAD + ',"x"y', "malformed_csv"),
            (HEAD + ",x\0", "nul_byte"),
            (HEAD + ',a"b', "malformed_csv"),
        ]
    )
    return _refused_below(rng, tag, head, reason)


def _refused_below(rng: random.Random, tag: str, head: str, reason: str) -> Case:
    """Nothing can be read below such a header: it is refused, and every record with it."""
    entries = [_bad(head, reason)]
    entries += [_bad(plain(tag, number), reason) for number in range(rng.randint(0, 5))]
    end = rng.choice([b"\n", b"\r\n"])
    return packed(rng, lined(Case("", "csv", "", tag), entries, end=end), ["plain", "gz"])


@kind("a header alone is a table without rows")
def csv_header_only(rng: random.Random, tag: str, _: int) -> Case:
    tail = rng.choice(["", "\n", "\r\n", "\n\n\n"])
    mark = rng.choice(["", "\ufeff"])
    case = Case("", "csv", "", tag, (mark + HEAD + tail).encode())
    return packed(rng, case, ["plain", "gz", "zst"])


@kind("blank lines are no records; a byte order mark is no part of the first name")
def csv_blank_lines(rng: random.Random, tag: str, _: int) -> Case:
    blanks = [Entry(b"", is_record=False)] * rng.randint(1, 6)
    return table(rng, tag, blanks)


@kind("a byte order mark is no part of the first name")
def csv_byte_order_mark(rng: random.Random, tag: str, _: int) -> Case:
    entries = [row(rng, tag, number) for number in range(rng.randint(1, 5))]
    head = ("\ufeff" + rng.choice([HEAD, HEAD.replace("event_id", '"event_id"')]) + "\n").encode()
    return packed(rng, lined(Case("", "csv", "", tag), entries, head=head, line=2), ["plain", "gz"])


@kind("a quoted name, another order and further columns are a good header")
def csv_other_header(rng: random.Random, tag: str, _: int) -> Case:
    names = rng.sample([*COLUMNS, "extra", "Ümlaut", "a b"], 9)
    entries = []
    for number in range(rng.randint(1, 5)):
        found = dict.fromkeys(names, "x")
        found.update(
            zip(
                COLUMNS,
                [f"{tag}-{number}", "view", "2026-11-01", "u1", tag, '{"n": 1}'],
                strict=True,
            )
        )
        text = record([found[name] for name in names])
        entries.append(Entry(text.encode(), taken=(f"{tag}-{number}", Taken(exact('{"n": 1}')))))
    head = ",".join(f'"{name}"' if rng.random() < 0.5 else name for name in names)
    return packed(
        rng, lined(Case("", "csv", "", tag), entries, head=head.encode() + b"\n", line=2), ["plain"]
    )


@kind("values that are no event's", variants=25)
def csv_bad_values(rng: random.Random, tag: str, _: int) -> Case:
    fields = [f"{tag}-bad", "view", "2026-11-01 10:00:00", "u1", tag, "{}"]
    at, text, reason = rng.choice(
        [
            (0, "", "no_id"),
            (1, "", "no_event_name"),
            (2, "", "no_time"),
            (2, "2026-02-30", "bad_time"),
            (2, "later", "bad_time"),
            (3, "", "no_unit"),
            (5, "[]", "bad_properties"),
            (5, "{", "bad_properties"),
            (5, '{"a": NaN}', "bad_properties"),
            (5, '{"a": 1, "a": 2}', "bad_properties"),
            (5, '{"a": 1e999}', "bad_properties"),
            (5, "x", "bad_properties"),
            (2, "12345678901", "bad_time"),
        ]
    )
    fields[at] = text
    return table(rng, tag, _bad(record(fields), reason))


@kind("a file that ends within its last record")
def csv_cut_file(rng: random.Random, tag: str, _: int) -> Case:
    last = record([f"{tag}-cut", "view", "2026-11-01 10:00:00", "u1", tag, '{"n": 1}']).encode()
    cut = rng.randint(1, len(last) - 1)
    # a field in quotes that is never closed, or too few fields
    reason = "malformed_csv" if last[:cut].count(b'"') % 2 else "field_count"
    entries = [row(rng, tag, number) for number in range(rng.randint(0, 6))]
    entries.append(_bad(last[:cut], reason))
    case = lined(
        Case("", "csv", "", tag), entries, has_last_end=False, head=HEAD.encode() + b"\n", line=2
    )
    return packed(rng, case, ["plain", "gz"])
