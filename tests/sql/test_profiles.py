"""Profiles of events and of their properties: counts, types and sizes, and no value."""

from __future__ import annotations

import json

import pytest
from lake_rows import Built, Event, event, make_built

DAY = "2026-11-02"


def _at(minute: int) -> str:
    return f"{DAY} {minute // 60 % 24:02d}:{minute % 60:02d}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    found = make_built(tmp_path_factory.mktemp("profiles"))
    orders = [
        event(
            f"o{n}",
            _at(n),
            name="order",
            version="1.0" if n < 20 else "2.0",
            clock="ahead" if n == 3 else None,
            properties={"amount": 10 * (n + 1), "plan": "secret-plan", "gift": n % 2 == 0},
        )
        for n in range(40)
    ]
    odd = [
        event("n1", _at(1), name="odd", properties={"amount": None, "a.b": [1], "": {"x": 1}}),
        Event("n2", _at(2), "odd", properties='{"amount": 1e999}'),
        Event("n3", _at(3), "odd", properties="[1, 2]"),
        *(
            Event(f"i{n}", _at(n), "endless", properties=f'{{"amount": {number}}}')
            for n, number in enumerate(["1e999", "-1e999", "NaN", "Infinity", "9" * 400])
        ),
        event("l1", _at(6), name="long", properties={"a" * 201: 1, "b" * 200: 1}),
        Event("n4", _at(4), "odd", properties=json.dumps({"long": "x" * 40_000})),
    ]
    crowd = [
        event(f"k{n}", _at(n), name="crowd", properties={f"key{n}-{key}": 1 for key in range(90)})
        for n in range(5)
    ]
    many = [event(f"m{n}", _at(n), name="busy", properties={"nth": 1}) for n in range(2_000)]
    waits = [event(f"w{n}", _at(n), name="waits") for n in range(600)]
    zone = [event(f"z{n}", _at(n), name="zone") for n in range(600)]
    whose: list[dict[str, str]] = [{"user": "a", "anonymous": f"a{n}"} for n in range(30)]
    whose += [{"user": "b"}, {"anonymous": "c"}, {}]
    persons = [
        event(f"p{n}", _at(n), name="persons", properties={"amount": 10 ** (1 + n % 2)}, **given)
        for n, given in enumerate(whose[:30])
    ]
    persons += [
        event(f"q{n}", _at(n), name="persons", properties={"amount": 10}, **given)
        for n, given in enumerate(whose[30:])
    ]
    copies = [
        event(f"c{n}", _at(minute), name="copies", user=who)
        for n, (who, minute) in enumerate(
            [("a", 1), ("a", 1), ("a", 1), ("b", 1), ("b", 1), ("b", 2)]
        )
    ]
    found.land([*orders, *odd, *crowd, *many, *waits, *zone, *persons, *copies])
    # a queue that is sent off at 11:00 and a clock that is seven hours behind
    found.execute(
        "update lake.events set received_at = case event_name when 'waits' then"
        " timestamp '2026-11-02 11:00' else occurred_at + interval '7 hours 2 seconds' end"
        " where event_name in ('waits', 'zone')"
    )
    found.run()
    return found


def _profile(built: Built, event_name: str) -> dict[tuple[str, str], int]:
    rows = built.rows(
        "select property, type, sum(row_count)::int from int_property_days"
        f" where event_name = '{event_name}' group by all"
    )
    return {(name, kind): n for name, kind, n in rows}


def test_hours_count_events_and_clocks_that_were_ahead(built: Built) -> None:
    assert built.rows(
        "select hour_at::varchar, app_version, event_count, ahead_count from int_event_hours"
        " where event_name = 'order' order by all"
    ) == [("2026-11-02 00:00:00", "1.0", 20, 1), ("2026-11-02 00:00:00", "2.0", 20, 0)]


def test_hours_tell_rows_that_waited_from_a_clock_of_another_zone(built: Built) -> None:
    assert built.rows(
        "select event_name, sum(late_count)::int, sum(local_count)::int from int_event_hours"
        " where event_name in ('waits', 'zone') group by all order by all"
    ) == [("waits", 600, 40), ("zone", 600, 600)]


def test_hours_count_copies_by_group_of_persons(built: Built) -> None:
    rows = built.rows(
        "select event_count, copied_count, list_sort(map_values(copied_groups))"
        " from int_event_hours where event_name = 'copies'"
    )

    # one of three equal events, one of two, and one of another instant
    assert rows == [(6, 3, [1, 2])]


def test_a_small_event_is_profiled_whole(built: Built) -> None:
    assert _profile(built, "order") == {
        (None, "rows"): 40,
        ("amount", "number"): 40,
        ("plan", "string"): 40,
        ("gift", "boolean"): 40,
    }


def test_a_number_is_known_by_its_median_and_the_quarter_of_a_decade_it_lies_in(
    built: Built,
) -> None:
    rows = built.rows(
        "select log10_median, places[1004]::int, list_sum(map_values(places))::int"
        " from int_property_days"
        " where event_name = 'order' and property = 'amount' and app_version = '1.0'"
    )

    # 10, 20 … 200: the median is 105, and only 10 and no other lies below 10^1.25
    assert rows == [(2.021, 1, 20)]


def test_rows_tell_how_many_persons_they_are_of_at_least_and_places_how_many_each_has(
    built: Built,
) -> None:
    rows = built.rows(
        "select coalesce(property, type), len(map_keys(person_groups))::int,"
        " list_sum(map_values(person_groups))::int, list_sum(map_values(place_persons))::int"
        " from int_property_days where event_name = 'persons' order by all"
    )

    # 30 rows of one person and 3 of others; hers lie in two places
    assert rows == [("amount", 4, 33, 5), ("rows", 4, 33, None)]


def test_odd_values_have_their_type_and_break_nothing(built: Built) -> None:
    assert _profile(built, "odd") == {
        (None, "rows"): 3,  # 40,000 characters are not looked into
        ("amount", "null"): 1,
        ("amount", "number"): 1,
        ("a.b", "array"): 1,
        ("", "object"): 1,
    }


def test_a_number_beyond_a_double_is_a_number_without_a_size(built: Built) -> None:
    rows = built.rows(
        "select row_count, log10_median, places from int_property_days"
        " where event_name = 'endless' and property = 'amount'"
    )

    assert rows == [(5, None, None)]


def test_a_name_of_more_than_200_characters_crowds_nothing_out(built: Built) -> None:
    assert _profile(built, "long") == {(None, "rows"): 1, ("b" * 200, "number"): 1}


def test_an_event_with_hundreds_of_keys_keeps_a_hundred_and_counts_the_rest(built: Built) -> None:
    rows = built.rows(
        "select count(distinct property), sum(name_count) filter (where type = 'left out')::int"
        " from int_property_days where event_name = 'crowd'"
    )

    assert rows == [(100, 350)]


def test_a_busy_event_is_sampled(built: Built) -> None:
    sampled = _profile(built, "busy")[None, "rows"]

    assert 240 < sampled < 360


def test_no_value_of_a_text_is_kept(built: Built) -> None:
    rows = built.rows("select * from int_property_days")

    assert "secret-plan" not in str(rows)
    assert "amount" in str(rows)
