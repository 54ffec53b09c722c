"""The pieces that vendors' selects are built of, each on the values that it is for."""

import pytest

from landed.ingest.formats.sql import boolean, merged, number, quoted, true_if, utc
from landed.warehouse import Engine


def value(sql, text=None, other=None):
    with Engine.open(None) as engine:
        found = engine.one(
            f"select cast({sql} as varchar) from (select ?::varchar as x, ?::varchar as y)",
            [text, other],
        )
    return found[0]


MERGED = merged("x", {"platform": quoted("y"), "is_bot": true_if("y = 'bot'")})


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ('{"a": null, "a": 1.0}', "web", '{"a": null, "a": 1.0,"platform":"web"}'),
        (
            '{"n": 9007199254740993}',
            "bot",
            '{"n": 9007199254740993,"platform":"bot","is_bot":true}',
        ),
        (' { "platform" : "own" }\n', "web", '{ "platform" : "own" }'),
        ("{}", None, "{}"),
        ("{ }", "web", '{"platform":"web"}'),
        (None, 'a "b"', '{"platform":"a \\"b\\""}'),
    ],
)
def test_an_object_keeps_its_members_as_they_stand_and_gets_those_it_lacks(text, other, expected):
    assert value(MERGED, text, other) == expected


@pytest.mark.parametrize("text", ["[1]", '"text"', "5", "null", "{", "{}x}", '{"a":', "text", ""])
def test_what_is_no_object_stays_as_it_is(text):
    assert value(MERGED, text, "web") == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01 10:00:00.123", "2026-11-01 10:00:00.123Z"),
        ("2026-11-01T10:00", "2026-11-01T10:00Z"),
        ("2026-11-01 10:00:00 UTC", "2026-11-01 10:00:00Z"),
        ("2026-11-01 10:00:00+02", "2026-11-01 10:00:00+02"),
        ("1793527200", "1793527200"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc_and_any_other_text_stays(text, expected):
    assert value(utc("x"), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-1.5e3", "-1.5e3"), ("007", '"007"'), ("nan", '"nan"'), ("1.", '"1."'), (None, None)],
)
def test_only_a_json_number_is_a_number(text, expected):
    assert value(number("x"), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("TRUE", "true"), ("0", "false"), ("yes", '"yes"'), (None, None)]
)
def test_only_a_truth_value_is_one(text, expected):
    assert value(boolean("x"), text) == expected
