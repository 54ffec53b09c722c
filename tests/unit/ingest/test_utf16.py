"""Files in UTF-16 with a byte order mark, through readers that know nothing of it."""

from __future__ import annotations

import codecs
import gzip
from typing import Any

import pytest

from landed.ingest.formats.utf16 import as_utf8

LINE = '{{"event_id": "e{}", "event_name": "{}", "occurred_at": "2026-11-01", "user_id": "u"}}\n'
CSV = """kind: events
format: csv
path: events/*
select: select id as event_id, name as event_name, '2026-11-01' as occurred_at, id as user_id
  from raw
"""
BOTH = pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])


def marked(text: str, codec: str = "utf-16-le") -> bytes:
    mark = codecs.BOM_UTF16_LE if codec == "utf-16-le" else codecs.BOM_UTF16_BE
    return mark + text.encode(codec, "surrogatepass")


def names(world: Any) -> list[tuple[str, str]]:
    return world.rows("select event_id, event_name from lake.events order by 1")  # type: ignore[no-any-return]


@BOTH
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv_is_read_whatever_its_byte_order(world: Any, codec: str, name: str) -> None:
    world.source("app", CSV)
    world.land(f"events/{name}", marked('id,name\n1,"größe, 😢"\n2,"two\r\nlines"\n', codec))

    account = world.one()

    assert account.accepted == 2
    assert names(world) == [("1", "größe, 😢"), ("2", "two\r\nlines")]


@BOTH
def test_half_a_pair_costs_its_own_line(events: Any, codec: str) -> None:
    good, other = LINE.format(1, "größe"), LINE.format(3, "😢")
    bad = LINE.format(2, "a\ude00b")
    events.land("events/a.jsonl", marked(good + bad + other, codec))

    account = events.one()

    assert (account.accepted, account.reasons) == (2, {"invalid_utf8": 1})
    (refused,) = events.quarantine("app")
    # positions are those of the same text in UTF-8
    assert (refused["line"], refused["byte_offset"]) == (2, len(good.encode()))
    assert refused["raw"] == bad.rstrip("\n").replace("\ude00", "\\xed\\xb8\\x80")


def test_a_text_that_ends_within_a_character_loses_that_line_only(events: Any) -> None:
    whole = marked(LINE.format(1, "a") + LINE.format(2, "b"))
    events.land("events/a.jsonl", whole[:-1])
    events.land("events/b.jsonl", marked(LINE.format(3, "c") + '{"x": "\ud83d'))

    account = events.one()

    assert account.accepted == 2
    assert account.reasons == {"truncated_file": 1, "invalid_utf8": 1}


def test_a_cut_gz_keeps_the_lines_before_the_cut(events: Any) -> None:
    packed = gzip.compress(
        marked("".join(LINE.format(n, "a" * n) for n in range(1, 2001))), mtime=0
    )
    path = events.home.landing / "events" / "a.jsonl.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(packed[: len(packed) // 2])

    account = events.one()

    assert 0 < account.accepted < 2000
    assert account.reasons == {"truncated_file": 1}


@BOTH
def test_a_json_document_is_read(world: Any, codec: str) -> None:
    world.source("app", "kind: events\nformat: json\npath: events/*\n")
    lines = [LINE.format(number, "ö😢") for number in range(3)]
    world.land("events/a.json", marked("[" + ",".join(lines) + "]", codec))

    assert world.one().accepted == 3


def test_nul_characters_are_refused_as_in_utf8(events: Any) -> None:
    events.land("events/a.jsonl", marked(LINE.format(1, "a\0b") + LINE.format(2, "c")))

    assert events.one().reasons == {"nul_byte": 1}


def test_without_a_mark_or_in_utf32_nothing_is_guessed(events: Any) -> None:
    events.land("events/a.jsonl", LINE.format(1, "a").encode("utf-16-le"))
    events.land("events/b.jsonl", codecs.BOM_UTF32_LE + LINE.format(2, "b").encode("utf-32-le"))

    account = events.one()

    assert account.accepted == 0
    assert set(account.reasons) <= {"nul_byte", "invalid_utf8"}


@BOTH
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_chunks_may_end_anywhere(codec: str, size: int) -> None:
    text = "aö€😢\ud800x\udc00\n" * 9
    data = marked(text, codec)

    found = b"".join(as_utf8(data[at : at + size] for at in range(0, len(data), size)))

    assert found == text.encode("utf-8", "surrogatepass")


def test_the_text_is_handed_on_in_parts_as_it_comes() -> None:
    taken = []

    def chunks() -> Any:
        for number in range(100):
            taken.append(number)
            yield marked("x" * 1000) if not number else ("y" * 1000).encode("utf-16-le")

    parts = as_utf8(chunks())

    assert len(next(parts)) == 1000
    assert taken == [0]
    assert [len(part) for part in parts] == [1000] * 99
