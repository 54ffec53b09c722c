"""Where the values of a JSON document begin and end, whatever they are and wherever a read ends."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landed.ingest.formats import InputFile, elements, records
from landed.ingest.formats import json as documents
from landed.ingest.formats.records import digest_of

Found = list[tuple[str, str | None]]


def read(path: Path, text: str | bytes) -> Found:
    """Text and reason of each value; each has to stand where it says it does."""
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(data)
    found = []
    for part in documents.read(InputFile(path, digest_of(path))):
        for row in part.table.to_pylist():
            assert data[row["byte_offset"] :].startswith(row["raw"].encode())
            assert row["line"] == data[: row["byte_offset"]].count(b"\n") + 1
            found.append((row["raw"], row["reason"]))
    return found


@pytest.fixture
def small_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda size: monkeypatch.setattr(records, "CHUNK_BYTES", size)


@pytest.mark.parametrize(
    "bad",
    [
        '{"a": 1,}',
        '{"a": 007}',
        '{"a": "\\x"}',
        '{"a": "\x01"}',
        '{"a": "one\ntwo"}',
        "{'a': 1}",
        "",
        "oops",
        '{"a" 1}',
        '{"a": [1, 2}',
        '{"a": 1]}',
        '{"a": 1}}',
        '{"a": "x}',
        '{"a: "x"}',
        '{a": "x"}',
        '{"a": {"b": 1}',
        '{"a": [{"b": 1]}',
        '{"a": "he said "no", twice"}',
    ],
)
@pytest.mark.parametrize("between", [",", ",\n", " ,\n  "])
def test_a_malformed_element_costs_itself_and_no_neighbour(
    tmp_path: Path, bad: str, between: str
) -> None:
    good = [f'{{"event_id": "{number}", "list": [1, {{"b": "]}},{{"}}]}}' for number in range(4)]

    found = read(tmp_path / "a.json", "[" + between.join([*good[:2], bad, *good[2:]]) + "]")

    assert [raw for raw, _ in found if raw in good] == good
    (left,) = [raw for raw, _ in found if raw not in good]
    assert left.rstrip(", \n") == bad


def test_a_missing_and_a_needless_comma_are_refused_and_cost_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", '[{"a":1} {"a":2},,{"a":3},]') == [
        ('{"a":1}', None),
        ("", "invalid_json"),
        ('{"a":2}', None),
        ("", "invalid_json"),
        ('{"a":3}', None),
        ("", "invalid_json"),
    ]


def test_an_array_that_is_closed_too_early_goes_on(tmp_path: Path) -> None:
    assert read(tmp_path / "a.json", '[{"a":1}],{"a":2},{"a":3}]') == [
        ('{"a":1}', None),
        (",", "invalid_json"),
        ('{"a":2}', None),
        ('{"a":3}', None),
    ]


def test_a_value_that_never_ends_is_kept_whole_in_bounded_parts(
    tmp_path: Path, small_reads: Callable[[int], None]
) -> None:
    small_reads(64 * 1024)
    text = '\n[{"a": [\n' + ",\n".join(f'{{"id": "é{number:07}"}}' for number in range(150_000))

    found = read(tmp_path / "a.json", text)

    assert len(found) == 4
    assert {reason for _, reason in found} == {"invalid_json"}
    assert "\n".join(raw for raw, _ in found) == text[2:]


def test_a_value_that_is_too_long_costs_itself(
    tmp_path: Path, small_reads: Callable[[int], None]
) -> None:
    small_reads(64 * 1024)
    text, lists = "x\\" * 1_000_000, "[1], " * 300_000
    long = f'{{"a": "{text}", "b": [{lists}2]}}'

    found = read(tmp_path / "a.json", f'[{{"a": 1}},\n{long},\n{{"a": 2}}]')

    assert found == [('{"a": 1}', None), (long[: 64 * 1024], "too_long"), ('{"a": 2}', None)]


def test_a_large_document_takes_little_memory(
    tmp_path: Path, small_reads: Callable[[int], None]
) -> None:
    small_reads(1_000_000)
    one = json.dumps({"event_id": "😀", "text": "x" * 900}, ensure_ascii=False)
    path = tmp_path / "a.json"
    path.write_text("[" + ",".join([one] * 24_000) + "]", encoding="utf-8")  # 22 MB
    file = InputFile(path, digest_of(path))

    tracemalloc.start()
    try:
        count = sum(part.table.num_rows for part in documents.read(file))
        peak = tracemalloc.get_traced_memory()[1] // 1_000_000
    finally:
        tracemalloc.stop()

    assert (count, peak < 22) == (24_000, True), f"{peak} MB"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=6
) | st.sampled_from(['"', "\\", '"},{"', "]", "[", "{", "},\n{", '\\"', ",", ":"])
VALUES: Any = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(VALUES, max_size=5),
    indent=st.sampled_from([None, 1, "\t"]),
    reads=st.integers(1, 40),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_every_element_is_found_wherever_a_read_ends(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[Any],
    indent: int | str | None,
    reads: int,
    mark: bytes,
) -> None:
    data = mark + json.dumps(values, indent=indent, ensure_ascii=False).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "CHUNK_BYTES", reads)
        patch.setattr(elements, "MAX_RECORD_BYTES", 1_000_000)
        found = read(tmp_path_factory.getbasetemp() / "every.json", data)

    assert [reason for _, reason in found if reason] == []
    assert [json.loads(raw) for raw, _ in found] == values


@settings(max_examples=150, deadline=None)
@given(
    data=st.lists(
        st.sampled_from([*'{}[],:" \n\\1a', '{"a":1}', '"a"', "},{", "é"]), max_size=40
    ).map("".join),
    reads=st.integers(1, 9),
)
def test_what_is_read_of_garbage_does_not_hang_on_where_reads_end(
    tmp_path_factory: pytest.TempPathFactory, data: str, reads: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.json"
    whole = read(path, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "CHUNK_BYTES", reads)
        parts = read(path, data)

    assert parts == whole
    # every byte is in a record, but for spaces, commas and brackets of arrays
    left = sum(not char.isspace() and char not in "[]," for char in data)
    assert sum(not c.isspace() and c not in "[]," for raw, _ in whole for c in raw) == left
