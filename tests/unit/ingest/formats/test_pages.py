"""Documents of vendors: what is a record, where it stands, and what a fault costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landed.ingest.formats import InputFile, pages
from landed.ingest.formats.records import digest_of

Found = list[tuple[str, str | None]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "page.json"


def read(path: Path, text: str | bytes, within: str | None = "items") -> Found:
    """Text and reason of each record; each has to stand where it says it does."""
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(data)
    found = []
    for records in pages.read(InputFile(path, digest_of(path)), within=within):
        for row in records.table.to_pylist():
            assert data[row["byte_offset"] :].startswith(row["raw"].encode())
            assert row["line"] == data[: row["byte_offset"]].count(b"\n") + 1
            found.append((row["raw"].rstrip("\n"), row["reason"]))
    return found


def read_bytes(path: Path, data: bytes) -> Found:
    """The same for bytes that the quarantine shows in another way than they stand."""
    path.write_bytes(data)
    parts = list(pages.read(InputFile(path, digest_of(path)), within="items"))
    rows = [row for records in parts for row in records.table.to_pylist()]
    return [(row["raw"], row["reason"]) for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ('{"items": []}', []),
        ('{"items": [ ], "next": null}\n', []),
        ('{"next": "é", "items": [{"a": 1}, 2\n, null], "count": 3}', ['{"a": 1}', "2", "null"]),
        ('{"items": [1]}\n{"items": [2], "x": {}}[3, 4]', ["1", "2", "3", "4"]),
        ('{"items": [1], "items": [2]}', ["1", "2"]),
        ('{"items": null, "a": 1}', ['{"items": null, "a": 1}']),
        ('{"items": {"a": 1}}', ['{"items": {"a": 1}}']),
        ("{}", ["{}"]),
        ('{\n "id": 1,\n "body": "{\\n"\n}', ['{\n "id": 1,\n "body": "{\\n"\n}']),
        ("7", ["7"]),
        ('{"items": [%s]}' % ("9" * 5000), ["9" * 5000]),
    ],
)
def test_records_of_pages_are_found_where_they_stand(
    file: Path, text: str, expected: list[str]
) -> None:
    assert read(file, text) == [(one, None) for one in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"items": [1, 2', [("1", None), ("2", None), ("", "invalid_json")]),
        (
            '{"items": [1, {"a": ]}',
            [("1", None), ('{"a": ]}', None), ("", "invalid_json")],
        ),
        ('{"items": [1 2]}', [("1 2", None)]),
        ('{"items": [1]', [("1", None), ("", "invalid_json")]),
        ('{"items": [1], }', [("1", None), (", }", "invalid_json")]),
        ('{"items": [1], "a" 5}', [("1", None), (', "a" 5}', "invalid_json")]),
        (
            '{"items": [1], "a": oops, "items": [2]}[3]',
            [("1", None), (', "a": oops, "items":', "invalid_json"), ("2", None), ("3", None)],
        ),
        (
            '{"a": oops, "items": [1]}',
            [('{"a": oops, "items":', "invalid_json"), ("1", None)],
        ),
        ("{5: 6}", [("{5: 6}", None)]),
        ('{"a": 1', [('{"a": 1', "invalid_json")]),
        ("[1]}", [("1", None), ("}", None)]),
        ('{"a": 1}} {"items": [2]}', [('{"a": 1}', None), ("}", None), ("2", None)]),
    ],
)  # fmt: skip
def test_a_fault_costs_itself_and_the_engine_judges_what_it_can(
    file: Path, text: str, expected: Found
) -> None:
    assert read(file, text) == expected


def test_bytes_that_are_no_text_cost_their_own_record(file: Path) -> None:
    found = read_bytes(file, b'{"items": [{"a": 1}, {"b": "\xff"}, {"c": 3}]}')

    assert found == [
        ('{"a": 1}', None),
        ('{"b": "\\xff"}', "invalid_utf8"),
        ('{"c": 3}', None),
    ]


def test_lines_are_read_as_lines_whatever_one_of_them_holds(file: Path) -> None:
    assert read(file, '{"id": 1}\n{"id": 2,}\n{"id": 3}\n') == [
        ('{"id": 1}', None),
        ('{"id": 2,}', None),
        ('{"id": 3}', None),
    ]
    # the first line is broken: that is judged later, alone
    assert [raw for raw, _ in read(file, '{"id": }\n{"id": 2}\n')] == ['{"id": }', '{"id": 2}']


def test_without_a_key_an_object_is_a_record(file: Path) -> None:
    assert read(file, '{"items": [1]}', within=None) == [('{"items": [1]}', None)]


#: Without NUL, which is refused, and half pairs, which UTF-8 cannot hold.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    lists=st.lists(st.lists(VALUES, max_size=4), min_size=1, max_size=3),
    around=st.dictionaries(TEXTS.filter(lambda name: name != "items"), VALUES),
    comes_first=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_every_element_of_every_page_is_one_record(
    tmp_path_factory: pytest.TempPathFactory,
    lists: list[list[Any]],
    around: dict[str, Any],
    comes_first: bool,
    indent: int | None,
) -> None:
    path = tmp_path_factory.getbasetemp() / "every.json"
    held = [{"items": one} for one in lists]
    whole = [{**one, **around} if comes_first else {**around, **one} for one in held]
    text = "\n".join(json.dumps(one, indent=indent, ensure_ascii=False) for one in whole)

    found = read(path, text)

    assert [reason for _, reason in found if reason] == []
    assert [json.loads(raw) for raw, _ in found] == [value for one in lists for value in one]
