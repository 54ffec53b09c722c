"""Edges that random rows seldom meet: what is counted there, to the letter, by both readings."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kinds.counting import Counting, Definition, count, event
from landed.errors import QueryRefused

NAME = "event__event_name"


@pytest.fixture
def counted(tmp_path: Path) -> Counting:
    """Values by group (and period), which the oracle and the compiler agree on."""
    return partial(count, tmp_path)


def named(name: str, measure: str = "event_count") -> Definition:
    """Rows of one event."""
    return {"name": measure, "filter": [("=", NAME, name)]}


def conversion(**more: Any) -> Definition:
    """Orders after views, counted."""
    base = {
        "base_measure": named("view"),
        "conversion_measure": named("order"),
        "entity": "unit",
        "calculation": "conversions",
    }
    return {"conversion_type_params": base | more}


def step(name: str) -> Definition:
    return {"name": name, "measure": "event_count", "filter": [("=", NAME, name)]}


@pytest.mark.parametrize("touch", ["first", "last", "any"])
@pytest.mark.parametrize(
    ("window", "at", "conversions"),
    [
        ("7 days", "2026-01-17 10:00:00", 0),
        ("7 days", "2026-01-17 09:59:59.999999", 1),
        ("1 hour", "2026-01-10 11:00:00", 0),
        ("1 month", "2026-02-10 10:00:00", 0),
        ("1 month", "2026-02-10 09:59:59.999999", 1),
        ("7 days", "2026-01-10 10:00:00", 1),
        ("7 days", "2026-01-10 09:59:59.999999", 0),
    ],
)
def test_a_conversion_window_begins_with_its_base_and_excludes_its_end(
    counted: Counting, touch: str, window: str, at: str, conversions: int
) -> None:
    found = counted(
        "conversion",
        conversion(touch=touch, window=window),
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "order", at),
    )

    assert found == {(): conversions}


@pytest.mark.parametrize("touch", ["first", "last", "any"])
def test_a_month_before_the_28th_still_holds_the_31st(counted: Counting, touch: str) -> None:
    found = counted(
        "conversion",
        conversion(touch=touch, window="1 month"),
        event(1, "view", "2026-01-31 10:00:00"),
        event(2, "order", "2026-02-28 10:00:00"),
    )

    assert found == {(): 1}


@pytest.mark.parametrize(
    ("touch", "version"), [("first", "1.0"), ("last", "1.1")]
)  # of two at one instant, the key decides
def test_of_two_base_rows_at_one_instant_the_key_decides(
    counted: Counting, touch: str, version: str
) -> None:
    found = counted(
        "conversion",
        conversion(touch=touch),
        event(2, "view", "2026-01-10 10:00:00", app_version="1.1"),
        event(1, "view", "2026-01-10 10:00:00", app_version="1.0"),
        event(3, "order", "2026-01-11 10:00:00"),
        by=("event__app_version",),
    )

    assert {key for key, value in found.items() if value} == {(version,)}


def test_one_converting_row_counts_once_for_last_and_for_each_base_row_with_any(
    counted: Counting,
) -> None:
    rows = [event(n, "view", f"2026-01-1{n} 10:00:00") for n in (1, 2, 3)]
    order = event(9, "order", "2026-01-14 10:00:00")

    assert counted("conversion", conversion(), *rows, order) == {(): 1}


def test_any_counts_each_base_row_that_is_reached(counted: Counting) -> None:
    rows = [event(n, "view", f"2026-01-1{n} 10:00:00") for n in (1, 2, 3)]
    order = event(9, "order", "2026-01-14 10:00:00")

    assert counted("conversion", conversion(touch="any"), *rows, order) == {(): 3}


def test_rows_of_nobody_convert_nothing_but_stand_below_the_line(counted: Counting) -> None:
    found = counted(
        "conversion",
        conversion(calculation="conversion_rate"),
        event(1, "view", "2026-01-10 10:00:00", None),
        event(2, "view", "2026-01-10 10:00:00"),
        event(3, "order", "2026-01-11 10:00:00", None),
        event(4, "order", "2026-01-11 10:00:00"),
        event(5, "view", None),
    )

    assert found == {(): 0.5}


@pytest.mark.parametrize("order", ["loose", "strict"])
@pytest.mark.parametrize(
    ("window", "at", "share"),
    [
        ("1 day", "2026-01-11 10:00:00", 0),
        ("1 day", "2026-01-11 09:59:59.999999", 1),
        ("1 month", "2026-02-10 10:00:00", 0),
        ("1 day", "2026-01-10 10:00:00", 1),
    ],
)
def test_a_funnel_window_excludes_its_end_and_holds_the_same_instant(
    counted: Counting, order: str, window: str, at: str, share: float
) -> None:
    found = counted(
        "funnel",
        {"steps": [step("view"), step("order")], "window": window, "order": order},
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "order", at),
    )

    assert found == {(): share}


@pytest.mark.parametrize(("order", "share"), [("loose", 1), ("strict", 0)])
def test_a_repeated_step_between_breaks_a_strict_chain_only(
    counted: Counting, order: str, share: float
) -> None:
    found = counted(
        "funnel",
        {"steps": [step("view"), step("signup"), step("order")], "order": order},
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "signup", "2026-01-10 11:00:00"),
        event(3, "signup", "2026-01-10 12:00:00"),
        event(4, "order", "2026-01-10 13:00:00"),
    )

    assert found == {(): share}


@pytest.mark.parametrize(("order", "share"), [("loose", 1), ("strict", 0)])
def test_a_repeated_step_at_one_instant_breaks_a_strict_chain_too(
    counted: Counting, order: str, share: float
) -> None:
    every = [{"name": name, "measure": "event_count"} for name in ("a", "b", "c")]

    found = counted(
        "funnel",
        {"steps": every, "order": order},
        *(event(n, "view", f"2026-01-{n % 25 + 1:02} 10:00:00", f"u{n % 3}") for n in range(150)),
    )

    assert found == {(): share}


def test_first_steps_at_one_instant_are_one_in_a_strict_chain(counted: Counting) -> None:
    found = counted(
        "funnel",
        {"steps": [step("view"), step("order")], "order": "strict"},
        event(1, "view", "2026-01-10 10:00:00", app_version="1.0"),
        event(2, "view", "2026-01-10 10:00:00", app_version="1.1"),
        event(3, "order", "2026-01-10 11:00:00"),
        by=("event__app_version",),
    )

    assert found == {("1.0",): 1, ("1.1",): 1}


def test_a_month_of_days_ends_after_the_day_a_month_before(counted: Counting) -> None:
    rows = [event(n, "view", f"2026-{day} 10:00:00") for n, day in enumerate(["02-28", "03-28"])]

    found = counted(
        "cumulative",
        {"measure": "event_count", "cumulative_type_params": {"window": "1 month"}},
        *rows,
        grain="day",
    )

    assert found[(date(2026, 3, 27),)] == 1
    assert found[(date(2026, 3, 28),)] == 1


def test_distinct_values_to_date_begin_anew_with_each_month(counted: Counting) -> None:
    rows = [event(n, "view", f"2026-{day} 10:00:00") for n, day in enumerate(["02-28", "03-02"])]

    found = counted(
        "cumulative",
        {"measure": "event_units", "cumulative_type_params": {"grain_to_date": "month"}},
        *rows,
        grain="day",
    )

    assert found == {(date(2026, 2, 28),): 1, (date(2026, 3, 1),): 0, (date(2026, 3, 2),): 1}


def test_days_of_unknown_values_are_days(counted: Counting) -> None:
    found = counted(
        "rolling_distinct",
        {"measure": "event_units", "window": "1 day"},
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "view", "2026-01-11 10:00:00", None),
        grain="day",
    )

    assert found == {(date(2026, 1, 10),): 1, (date(2026, 1, 11),): 0}


def test_a_condition_on_time_leaves_the_rows_before_it_in_the_stretch(counted: Counting) -> None:
    found = counted(
        "cumulative",
        {"measure": "event_count"},
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "view", "2026-01-12 10:00:00"),
        grain="day",
        where=(("and", (">=", "metric_time", date(2026, 1, 12)), ("=", NAME, "view")),),
    )

    assert found == {(date(2026, 1, 12),): 2}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("cumulative", {"measure": "event_count"}),
        (
            "retention",
            {"cohort": "event_count", "returns": "event_count", "period": "day", "number": 1},
        ),
    ],
)
def test_a_condition_on_time_or_something_else_is_refused(
    counted: Counting, kind: str, params: Definition
) -> None:
    mixed = ("or", (">=", "metric_time", date(2026, 1, 12)), ("=", NAME, "view"))

    with pytest.raises(QueryRefused, match="write it as conditions joined by AND"):
        counted(kind, params, grain="day", where=(mixed,))


@pytest.mark.parametrize("offset", [{"offset_window": "1 day"}, {"offset_to_grain": "month"}])
@pytest.mark.parametrize("kind", ["simple", "cumulative"])
def test_an_earlier_time_needs_periods(counted: Counting, kind: str, offset: Definition) -> None:
    given = {"a": {"type": kind, "type_params": {"measure": "event_count"}}}
    params = {"expr": lambda of: of["a"], "text": "a", "metrics": [{"name": "a", **offset}]}

    with pytest.raises(QueryRefused, match="without metric_time"):
        counted("derived", params, more=given)


def test_28_february_is_shown_by_the_last_days_of_march(counted: Counting) -> None:
    simple = {"a": {"type": "simple", "type_params": {"measure": "event_count"}}}
    before = {"name": "a", "alias": "b", "offset_window": "1 month"}

    found = counted(
        "derived",
        {"expr": lambda of: of["b"], "text": "b", "metrics": [before]},
        event(1, "view", "2026-02-28 10:00:00"),
        grain="day",
        more=simple,
    )

    assert found == {(date(2026, 3, day),): 1 for day in (28, 29, 30, 31)}


def test_a_condition_on_time_chooses_periods_of_the_earlier_time(counted: Counting) -> None:
    simple = {"a": {"type": "simple", "type_params": {"measure": "event_count"}}}
    before = {"name": "a", "alias": "b", "offset_window": "1 month"}

    found = counted(
        "derived",
        {"expr": lambda of: of["b"], "text": "b", "metrics": [before]},
        event(1, "view", "2026-02-10 10:00:00"),
        event(2, "view", "2026-03-10 10:00:00"),
        grain="month",
        where=((">=", "metric_time", date(2026, 3, 1)),),
        more=simple,
    )

    assert found == {(date(2026, 3, 1),): 1, (date(2026, 4, 1),): 1}


def test_an_offset_running_total_is_the_one_of_that_time(counted: Counting) -> None:
    running = {"a": {"type": "cumulative", "type_params": {"measure": "event_count"}}}
    before = {"name": "a", "alias": "b", "offset_window": "1 day"}

    found = counted(
        "derived",
        {"expr": lambda of: of["b"], "text": "b", "metrics": [before]},
        event(1, "view", "2026-01-10 10:00:00"),
        event(2, "view", "2026-01-11 10:00:00"),
        grain="day",
        more=running,
    )

    assert found == {(date(2026, 1, 11),): 1, (date(2026, 1, 12),): 2}


@pytest.mark.parametrize(("measure", "value"), [("seconds_p25", 10.0), ("seconds_median", 25.0)])
def test_a_discrete_percentile_occurs_and_another_lies_between(
    counted: Counting, measure: str, value: float
) -> None:
    rows = [event(n, "view", "2026-01-10 10:00:00", seconds=n * 10.0) for n in (1, 2, 3, 4)]

    assert counted("simple", {"measure": measure}, *rows) == {(): value}


def test_a_unit_enters_with_the_lesser_key_of_two_rows_at_one_instant(counted: Counting) -> None:
    rows = [
        event(2, "view", "2026-01-10 10:00:00", app_version="1.1"),
        event(1, "view", "2026-01-10 10:00:00", app_version="1.0"),
        event(3, "view", "2026-01-11 10:00:00"),
        event(4, "view", "2026-01-12 10:00:00", "u2"),
    ]

    found = counted(
        "retention",
        {"cohort": "event_count", "returns": "event_count", "period": "day", "number": 1},
        *rows,
        by=("event__app_version",),
    )

    assert found == {("1.0",): 1}


@pytest.mark.parametrize(("rolling", "share"), [(False, 0), (True, 1)])
def test_the_last_day_of_the_data_is_not_over_and_rolling_looks_beyond(
    counted: Counting, rolling: bool, share: float
) -> None:
    found = counted(
        "retention",
        {
            "cohort": named("signup"),
            "returns": "event_count",
            "period": "day",
            "number": 1,
            "rolling": rolling,
        },
        event(1, "signup", "2026-01-10 10:00:00"),
        event(2, "view", "2026-01-12 10:00:00"),
        event(3, "signup", "2026-01-11 10:00:00", "u2"),
    )

    assert found == {(): share}


@pytest.mark.parametrize("grain", [None, "day", "week"])
@pytest.mark.parametrize("by", [(), ("event__app_version",)])
def test_first_steps_of_one_instant_are_one_whether_or_not_they_are_of_one_group(
    counted: Counting, by: tuple[str, ...], grain: str | None
) -> None:
    at = "2026-01-10 10:00:00"

    found = counted(
        "funnel",
        {"steps": [step("view"), step("order")], "order": "strict"},
        event(1, "view", at, app_version="1.0"),
        event(2, "view", at, app_version="1.1"),
        event(3, "order", "2026-01-10 11:00:00"),
        by=by,
        grain=grain,
    )

    assert set(found.values()) == {1}
    assert len(found) == (2 if by else 1)


@pytest.mark.parametrize("recurring", [True, False])
@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("grain", [None, "day", "week", "month"])
def test_those_who_enter_and_come_back_by_the_same_rows_are_counted_as_any_others(
    counted: Counting, grain: str | None, period: str, recurring: bool
) -> None:
    rows = [
        event(n, "view", f"2026-0{month}-{day} 10:00:00", unit)
        for n, (unit, month, day) in enumerate(
            [
                ("u1", 1, "30"),
                ("u1", 1, "31"),
                ("u1", 2, "02"),
                ("u2", 1, "31"),
                ("u2", 3, "01"),
                ("u3", 2, "27"),
                (None, 2, "28"),
                ("u1", 4, "20"),
            ]
        )
    ]
    params = {"cohort": "event_count", "returns": "event_count", "period": period, "number": 1}

    found = counted("retention", {**params, "recurring": recurring}, *rows, grain=grain)

    assert found


@pytest.mark.parametrize(
    ("grain", "offset"), [("day", "7 days"), ("week", "7 days"), ("week", "3 days")]
)
def test_an_offset_shows_the_same_whether_or_not_its_periods_are_whole_ones(
    counted: Counting, grain: str, offset: str
) -> None:
    rows = [event(n, "view", f"2026-01-{day} 10:00:00") for n, day in enumerate(("04", "05", "08"))]
    one = {"m0": {"type": "simple", "type_params": {"measure": "event_count"}}}
    inputs = [{"name": "m0"}, {"name": "m0", "alias": "before", "offset_window": offset}]

    found = counted(
        "derived",
        {
            "expr": lambda of: of["m0"] - of["before"],
            "text": "m0 - before",
            "metrics": inputs,
        },
        *rows,
        grain=grain,
        more=one,
    )

    assert sum(found.values()) == 0
    assert any(found.values())
