"""Time zones, to the letter: the nights when clocks change, and what is counted there."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kinds.compare import catalog_of
from kinds.counting import Counting, Definition, count, event
from landed.compiler import MetricQuery, compile_query
from landed.errors import QueryRefused

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
moment = datetime.fromisoformat
EVENTS: Definition = {"measure": "event_count"}
FILLED: Definition = {"measure": {"name": "event_count", "join_to_timespine": True}}
NAME = "event__event_name"


@pytest.fixture
def counted(tmp_path: Path) -> Counting:
    """Values by group (and period), which the oracle and the compiler agree on."""
    return partial(count, tmp_path)


def at(*moments: str, name: str = "view") -> list[Any]:
    """Events of one unit."""
    return [event(index, name, one) for index, one in enumerate(moments)]


def simple(name: str, measure: str = "event_count") -> Definition:
    """A metric of one event's rows."""
    given = {"name": measure, "filter": [("=", NAME, name)]}
    return {"type": "simple", "type_params": {"measure": given}}


@pytest.mark.parametrize(
    ("zone", "moments", "days"),
    [  # the first and last microsecond of a day of 23 hours, and of one of 25
        (BERLIN, ("2026-03-28 23:00", "2026-03-29 21:59:59.999999"), {date(2026, 3, 29): 2}),
        (BERLIN, ("2026-10-24 22:00", "2026-10-25 22:59:59.999999"), {date(2026, 10, 25): 2}),
        (NEW_YORK, ("2026-11-01 04:00", "2026-11-02 04:59:59"), {date(2026, 11, 1): 2}),
        ("Asia/Kolkata", ("2026-01-01 18:30", "2026-01-02 18:29"), {date(2026, 1, 2): 2}),
        (
            None,
            ("2026-01-01 18:30", "2026-01-02 18:29"),
            {date(2026, 1, 1): 1, date(2026, 1, 2): 1},
        ),
    ],
)
def test_a_day_is_one_of_the_zones_clock(
    counted: Counting, zone: str | None, moments: tuple[str, ...], days: dict[date, int]
) -> None:
    found = counted("simple", EVENTS, *at(*moments), grain="day", zone=zone)

    assert found == {(day,): value for day, value in days.items()}


def test_a_day_that_a_zone_left_out_has_no_rows(counted: Counting) -> None:
    moments = ("2011-12-30 09:59:59", "2011-12-30 10:00")  # of 29 December, then of the 31st

    found = counted("simple", EVENTS, *at(*moments), grain="day", zone="Pacific/Apia")

    assert found == {(date(2011, 12, 29),): 1, (date(2011, 12, 31),): 1}


@pytest.mark.parametrize("grain", ["week", "us_week", "month", "quarter", "year"])
def test_longer_periods_begin_at_the_zones_midnight(counted: Counting, grain: str) -> None:
    moments = ("2025-12-31 22:59:59", "2025-12-31 23:00")

    found = counted("simple", EVENTS, *at(*moments), grain=grain, zone=BERLIN)

    assert (
        found
        == {
            "week": {(date(2025, 12, 29),): 2},
            "us_week": {(date(2025, 12, 28),): 2},
            "month": {(date(2025, 12, 1),): 1, (date(2026, 1, 1),): 1},
            "quarter": {(date(2025, 10, 1),): 1, (date(2026, 1, 1),): 1},
            "year": {(date(2025, 1, 1),): 1, (date(2026, 1, 1),): 1},
        }[grain]
    )


def test_a_us_week_begins_on_sunday(counted: Counting) -> None:
    moments = ("2026-01-03 23:59:59", "2026-01-04 00:00", "2026-01-10 12:00", "2026-01-11 00:00")

    found = counted("simple", EVENTS, *at(*moments), grain="us_week")

    assert found == {(date(2025, 12, 28),): 1, (date(2026, 1, 4),): 2, (date(2026, 1, 11),): 1}


def test_an_hour_that_the_clock_shows_twice_is_two(counted: Counting) -> None:
    moments = ("2026-10-25 00:30", "2026-10-25 01:30")  # half past two, both

    found = counted("simple", EVENTS, *at(*moments), grain="hour", zone=BERLIN)

    assert found == {(moment("2026-10-25 00:00"),): 1, (moment("2026-10-25 01:00"),): 1}


def test_an_hour_begins_where_the_clock_shows_a_full_one(counted: Counting) -> None:
    moments = ("2026-01-01 18:29", "2026-01-01 18:30", "2026-01-01 19:29")

    found = counted("simple", EVENTS, *at(*moments), grain="hour", zone="Asia/Kolkata")

    assert found == {(moment("2026-01-01 17:30"),): 1, (moment("2026-01-01 18:30"),): 2}


@pytest.mark.parametrize(
    ("zone", "ends", "hours"),
    [
        (BERLIN, ("2026-03-28 23:10", "2026-03-29 21:10"), 23),
        (BERLIN, ("2026-10-24 22:10", "2026-10-25 22:10"), 25),
        (None, ("2026-10-25 00:10", "2026-10-25 23:10"), 24),
        ("Asia/Kolkata", ("2026-10-24 18:40", "2026-10-25 18:10"), 24),
        # from half past one to half past one by half an hour: two hours of 30 minutes
        (LORD_HOWE, ("2026-04-04 13:10", "2026-04-05 13:20"), 25),
        (LORD_HOWE, ("2026-10-03 13:40", "2026-10-04 12:50"), 24),
    ],
)
def test_gaps_are_filled_by_as_many_hours_as_the_day_has(
    counted: Counting, zone: str | None, ends: tuple[str, str], hours: int
) -> None:
    found = counted("simple", FILLED, *at(*ends), grain="hour", zone=zone)

    assert len(found) == hours
    assert sum(found.values()) == 2


def test_gaps_between_hours_are_filled_in_every_group(counted: Counting) -> None:
    rows = [
        event(1, "view", "2026-01-01 10:00"),
        event(2, "order", "2026-01-01 12:59"),
        event(3, "view", None),
    ]

    found = counted("simple", FILLED, *rows, by=(NAME,), grain="hour")

    hours = [moment(f"2026-01-01 {hour}:00") for hour in (10, 11, 12)]
    assert found == {
        **{("view", hour): int(hour.hour == 10) for hour in hours},
        **{("order", hour): int(hour.hour == 12) for hour in hours},
        ("view", None): 1,
    }


def test_a_window_of_days_counts_days_of_the_clock(counted: Counting) -> None:
    # 24 hours before the last is the day before the day before, by the clock of 25 hours
    moments = ("2026-10-24 21:59", "2026-10-25 22:30", "2026-10-26 10:00")

    found = counted(
        "cumulative",
        {**EVENTS, "cumulative_type_params": {"window": "2 days"}},
        *at(*moments),
        grain="day",
        zone=BERLIN,
    )

    assert found == {(date(2026, 10, 24),): 1, (date(2026, 10, 25),): 2, (date(2026, 10, 26),): 2}


@pytest.mark.parametrize(
    ("window", "grain", "happened", "shown"),
    [  # 01:30 of the day before the clocks go back
        ("1 day", "day", "2026-10-24 22:30", date(2026, 10, 26)),
        ("24 hours", "day", "2026-10-25 22:30", date(2026, 10, 26)),
        ("24 hours", "day", "2026-10-24 22:30", date(2026, 10, 25)),
        ("1 day", "hour", "2026-10-24 22:30", moment("2026-10-25 22:00")),
        ("1 hour", "hour", "2026-10-25 00:30", moment("2026-10-25 01:00")),
    ],
)
def test_an_offset_of_days_is_one_of_the_clock_and_of_hours_one_of_time(
    counted: Counting, window: str, grain: str, happened: str, shown: Any
) -> None:
    params = {
        "expr": lambda of: of["a"],
        "text": "a",
        "metrics": [{"name": "views", "alias": "a", "offset_window": window}],
    }

    found = counted(
        "derived", params, *at(happened), more={"views": simple("view")}, grain=grain, zone=BERLIN
    )

    assert found == {(shown,): 1}


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ((">=", "metric_time", "2026-10-25"), 3),
        (("<", "metric_time", "2026-10-26"), 3),
        (("=", "metric_time@day", "2026-10-25"), 2),
        (("<", "metric_time", "2026-10-25 00:00:00"), 1),
        (("between", "metric_time", "2026-10-25 00:00", "2026-10-25 23:59:59"), 2),
        (("=", "metric_time@us_week", "2026-10-25"), 3),
        (("=", "metric_time@week", "2026-10-19"), 3),
        (("=", "metric_time@month", "2026-10-01"), 4),
    ],
)
def test_a_condition_is_on_the_querys_clock(counted: Counting, condition: Any, value: int) -> None:
    moments = ("2026-10-24 21:59", "2026-10-24 22:00", "2026-10-25 22:59", "2026-10-25 23:00")

    found = counted("simple", EVENTS, *at(*moments), where=(condition,), zone=BERLIN)

    assert found == {(): value}


@pytest.mark.parametrize("zone", [None, "UTC", NEW_YORK, "Asia/Kolkata"])
def test_a_definition_means_the_same_whatever_zone_is_asked_for(
    counted: Counting, zone: str | None
) -> None:
    given = {
        "measure": {
            "name": "event_count",
            "filter": [
                ("=", "event__occurred_at@day", "2026-10-25"),
                (">=", "event__received_at", "2026-10-25 02:00"),
            ],
        }
    }
    rows = [
        event(1, "view", "2026-10-24 22:00", received_at=moment("2026-10-25 00:00")),
        event(2, "view", "2026-10-24 22:00", received_at=moment("2026-10-24 23:59")),
        event(3, "view", "2026-10-25 23:00", received_at=moment("2026-10-25 23:00")),
    ]

    assert counted("simple", given, *rows, zone=zone, home=BERLIN) == {(): 1}


def test_a_query_that_names_no_zone_is_answered_in_the_projects(counted: Counting) -> None:
    found = counted("simple", EVENTS, *at("2026-10-24 22:30"), grain="day", home=BERLIN)

    assert found == {(date(2026, 10, 25),): 1}


@pytest.mark.parametrize(("zone", "value"), [("UTC", 0), (BERLIN, 1)])
def test_a_unit_comes_back_on_a_day_of_the_clock(counted: Counting, zone: str, value: int) -> None:
    named = {"name": "event_count", "filter": [("=", NAME, "view")]}
    params = {"cohort": named, "returns": named, "period": "day", "number": 1}
    rows = at("2026-07-01 20:00", "2026-07-01 22:30")
    last = event(9, "late", "2026-07-10 10:00", "u2")

    assert counted("retention", params, *rows, last, zone=zone) == {(): value}


@pytest.mark.parametrize(("zone", "seen"), [("UTC", 0), (BERLIN, 1)])
def test_a_condition_on_who_entered_is_on_the_clock(
    counted: Counting, zone: str, seen: int
) -> None:
    named = {"name": "event_count", "filter": [("=", NAME, "view")]}
    params = {"cohort": named, "returns": named, "period": "day", "number": 0}
    rows = [*at("2026-07-01 22:30"), event(9, "late", "2026-07-10 10:00", "u2")]
    condition = (">=", "metric_time", "2026-07-02")

    found = counted("retention", params, *rows, by=(NAME,), where=(condition,), zone=zone)

    assert len(found) == seen


@pytest.mark.parametrize(("zone", "value"), [("UTC", None), (BERLIN, 0)])
def test_a_day_is_over_when_the_zones_clock_says_so(
    counted: Counting, zone: str, value: int | None
) -> None:
    named = {"name": "event_count", "filter": [("=", NAME, "view")]}
    params = {"cohort": named, "returns": named, "period": "day", "number": 1}
    rows = at("2026-07-01 10:00")
    last = event(9, "late", "2026-07-02 22:30", "u2")  # of the third by the clock

    assert counted("retention", params, *rows, last, zone=zone) == {(): value}


def test_a_condition_on_hours_so_many_days_later_is_on_what_is_shown(counted: Counting) -> None:
    params = {
        "expr": lambda of: of["a"],
        "text": "a",
        "metrics": [{"name": "views", "alias": "a", "offset_window": "1 day"}],
    }

    found = counted(
        "derived",
        params,
        *at("2026-10-24 22:30"),  # 24 hours later it is half past eleven of the same day
        more={"views": simple("view")},
        grain="hour",
        where=(("<", "metric_time", "2026-10-26"),),
        zone=BERLIN,
    )

    assert found == {(moment("2026-10-25 22:00"),): 1}


def test_seven_days_of_a_conversion_are_168_hours(counted: Counting) -> None:
    params = {
        "base_measure": {"name": "event_count", "filter": [("=", NAME, "view")]},
        "conversion_measure": {"name": "event_count", "filter": [("=", NAME, "order")]},
        "entity": "unit",
        "window": "7 days",
        "calculation": "conversions",
    }
    rows = [  # noon of 20 and 27 October, between which the clocks went back: 169 hours
        event(1, "view", "2026-10-20 10:00"),
        event(2, "order", "2026-10-27 11:00"),
    ]

    assert counted("conversion", {"conversion_type_params": params}, *rows, zone=BERLIN) == {(): 0}


def test_units_come_back_in_weeks_that_begin_on_sunday(counted: Counting) -> None:
    named = {"name": "event_count", "filter": [("=", NAME, "view")]}
    params = {"cohort": named, "returns": named, "period": "us_week", "number": 1}
    rows = at("2026-01-03 12:00", "2026-01-04 12:00")  # a Saturday and the Sunday behind it

    found = counted("retention", params, *rows, event(9, "late", "2026-02-10 10:00", "u2"))

    assert found == {(): 1}


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        ({"type": "cumulative", "type_params": EVENTS}, "cumulative_hours"),
        ({"type": "simple", "type_params": {"measure": "payment_count"}}, "no_hours"),
        (
            {
                "type": "derived",
                "type_params": {
                    "text": "a",
                    "metrics": [{"name": "views", "alias": "a", "offset_window": "1 month"}],
                },
            },
            "offset_hours",
        ),
    ],
)
def test_hours_are_refused_of_what_is_made_of_days(
    tmp_path: Path, metric: Definition, code: str
) -> None:
    catalog = catalog_of(tmp_path, {"views": simple("view"), "m": metric})

    with pytest.raises(QueryRefused) as refusal:
        compile_query(catalog, MetricQuery(("m",), ("metric_time",), "hour"))

    assert refusal.value.faults[0].code == code
    assert "group by day or longer" in str(refusal.value)


@pytest.mark.parametrize(
    ("zone", "fix"),
    [
        ("Europe/Berlim", "did you mean `Europe/Berlin`?"),
        ("berlin", "did you mean `Europe/Berlin`?"),
        ("new york", "did you mean `America/New_York`?"),
        ("localtime", "e.g. Europe/Berlin"),
        ("+02:00", "e.g. Europe/Berlin"),
        ("../../etc/passwd", "e.g. Europe/Berlin"),
        ("", "e.g. Europe/Berlin"),
        ("UTC' or '1' = '1", "e.g. Europe/Berlin"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_name(
    tmp_path: Path, zone: str, fix: str
) -> None:
    catalog = catalog_of(tmp_path, {"m": simple("view")})

    with pytest.raises(QueryRefused, match="unknown time zone") as refusal:
        compile_query(catalog, MetricQuery(("m",), ("metric_time",), "day", time_zone=zone))

    assert fix in str(refusal.value)


@pytest.mark.parametrize("zone", [None, "UTC", "Etc/UTC", "Zulu"])
@pytest.mark.parametrize("grain", ["hour", "day", "us_week"])
def test_nothing_is_converted_in_utc(tmp_path: Path, zone: str | None, grain: Any) -> None:
    catalog = catalog_of(tmp_path, {"m": {"type": "simple", "type_params": FILLED}})
    query = MetricQuery(
        ("m",), ("metric_time",), grain, where=("metric_time >= '2026-01-01'",), time_zone=zone
    )

    sql = compile_query(catalog, query).sql.lower()

    assert "zone" not in sql


def test_hours_of_whole_hour_zones_need_no_conversion(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, {"m": simple("view")})

    sql = compile_query(
        catalog, MetricQuery(("m",), ("metric_time",), "hour", time_zone=BERLIN)
    ).sql

    assert "ZONE" not in sql


def test_every_zone_has_one_answer_whatever_the_sessions_zone(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, {"m": simple("view")})
    engine = duckdb.connect(":memory:")
    engine.execute(
        "create table fct_events as select 'e' as event_id, 'view' as event_name,"
        " timestamp '2026-07-01 22:30:00' as occurred_at"
    )
    sql = {
        grain: compile_query(
            catalog, MetricQuery(("m",), ("metric_time",), grain, time_zone="Asia/Kathmandu")
        ).sql
        for grain in ("hour", "day")
    }

    answers = []
    for session in ("UTC", "America/New_York", "Pacific/Kiritimati"):
        engine.execute(f"set TimeZone = '{session}'")
        answers.append([engine.execute(sql[grain]).fetchall() for grain in ("hour", "day")])

    # 04:15 of the next day: quarters past the hour, and no type that carries a zone
    assert answers == [[[(moment("2026-07-01 22:15"), 1)], [(date(2026, 7, 2), 1)]]] * 3


def test_a_running_total_goes_on_where_another_metric_does(counted: Counting) -> None:
    given = {"measure": {"name": "event_count", "filter": [("=", NAME, "view")]}}
    rows = [
        event(1, "order", "2026-01-01 10:00"),
        event(2, "view", "2026-01-02 10:00"),
        event(3, "order", "2026-01-04 10:00"),
    ]

    found = counted(
        "cumulative",
        given,
        *rows,
        grain="day",
        more={"orders": simple("order")},
        beside=("orders",),
    )

    assert found == {
        (date(2026, 1, day),): value for day, value in ((1, 0), (2, 1), (3, 1), (4, 1))
    }


def test_a_week_shows_the_same_alone_and_beside_others(tmp_path: Path) -> None:
    params = {
        "measure": {"name": "event_count", "filter": [("=", NAME, "view")]},
        "cumulative_type_params": {"window": "2 days", "period_agg": "last"},
    }
    rows = [event(1, "view", "2026-01-06 10:00"), event(2, "order", "2026-01-13 10:00")]

    alone = count(tmp_path / "alone", "cumulative", params, *rows, grain="week")
    beside = count(
        tmp_path / "beside",
        "cumulative",
        params,
        *rows,
        grain="week",
        more={"orders": simple("order")},
        beside=("orders",),
    )

    assert alone == {(date(2026, 1, 5),): 1}
    assert beside == {(date(2026, 1, 5),): 1, (date(2026, 1, 12),): 0}
