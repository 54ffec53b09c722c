"""No hour and no day that the numbers use is far emptier than its weekday was."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from two_sources import move_signups

#: Eight weeks of a product that thirty events an hour reach by day and six by night.
HISTORY = """
insert into fct_events (event_id, event_name, unit_id, occurred_at)
select 1000000 + row_number() over (), 'beat', 'u00', hour + to_minutes(nth)
from generate_series(timestamp '2026-01-12', timestamp '2026-03-17', interval 1 hour) as h(hour),
    range(30) as e(nth)
where nth < if(hour(hour) between 7 and 21, 30, 6)
"""


@pytest.fixture
def busy(world):
    return world.run(HISTORY)


def test_volume_refuses_an_hour_without_any_event(busy, result_of):
    busy.run("delete from fct_events where date_trunc('hour', occurred_at) = '2026-03-10 10:00'")

    check = result_of(busy.data(), "volume")

    assert check.blocks
    assert check.observed == "source `web`: 0 events in the hour 2026-03-10 10:00Z, 30 usual"
    assert check.sample[0]["starts_at"] == "2026-03-10T10:00Z"


def test_volume_refuses_a_day_of_which_six_tenths_are_lost(busy, result_of):
    busy.run(
        "delete from fct_events where occurred_at::date = '2026-03-10' and event_id % 10 < 6"
        " and event_name = 'beat'"
    )

    decision = busy.data()

    assert [each.check_id for each in decision.failed] == ["volume"]
    assert "events in the day 2026-03-10, 504 usual" in result_of(decision, "volume").observed


def test_volume_passes_again_once_the_hour_was_delivered(busy, result_of):
    busy.run("create table lost as select * from fct_events where occurred_at::date = '2026-03-10'")
    busy.run("delete from fct_events where occurred_at::date = '2026-03-10'")
    busy.run(
        "insert into fct_events by name select event_id, event_name, unit_id, occurred_at from lost"
    )

    assert result_of(busy.data(), "volume").passed is True


def test_volume_says_of_a_quiet_day_that_it_was_quiet(busy, result_of):
    busy.run(
        "delete from fct_events where occurred_at::date = '2026-03-10' and event_id % 10 < 4"
        " and event_name = 'beat'"
    )

    check = result_of(busy.data(), "volume")

    assert (check.severity, check.passed) == ("warning", False)


def test_hours_after_the_cutoff_count_for_nothing(busy, result_of):
    before = result_of(busy.data(), "volume")

    busy.run("delete from fct_events where event_name = 'beat' and occurred_at >= '2026-03-16'")

    assert result_of(busy.data(), "volume") == before


def test_an_hour_that_closed_less_than_a_day_ago_is_not_judged(busy, result_of):
    busy.run("delete from fct_events where date_trunc('hour', occurred_at) = '2026-03-15 10:00'")
    busy.as_of = datetime(2026, 3, 16, 10, tzinfo=UTC)

    assert result_of(busy.data(), "volume").passed is True


def test_a_product_of_two_weeks_has_no_habits_yet(world):
    assert world.data().skipped["volume"] == (
        "no source that it reads has 14 whole days of events before it shipped"
    )


#: Nine weeks with a morning, a noon and a quiet night.
CURVE = """
insert into fct_events (event_id, event_name, unit_id, occurred_at)
select 1000000 + row_number() over (), 'beat', 'u00', hour + to_seconds(nth * 30)
from generate_series(timestamp '2026-01-01', timestamp '2026-03-17', interval 1 hour) as h(hour),
    range(120) as e(nth)
where nth < case when hour(hour) = 12 then 110 when hour(hour) between 8 and 18 then 60
    else 5 + (hash(hour) % 4)::int end
"""


def test_hour_shift_refuses_days_dated_six_hours_too_late(world, result_of):
    world.run(CURVE)
    world.run(
        "update fct_events set occurred_at = occurred_at + interval 6 hours"
        " where event_name = 'beat' and occurred_at between '2026-03-09' and '2026-03-12'"
    )

    check = result_of(world.data(), "hour_shift")

    assert check.blocks
    assert "every hour 6 hours later than usual" in check.observed


def test_hour_shift_passes_a_clock_change(world, result_of):
    world.run(CURVE)
    world.run(
        "update fct_events set occurred_at = occurred_at + interval 1 hour"
        " where event_name = 'beat' and occurred_at >= '2026-03-08'"
    )

    decision = world.data()

    assert result_of(decision, "hour_shift").passed is True
    assert not [each for each in decision.failed if each.check_id == "volume"]


BORN = """
insert into fct_events (event_id, event_name, unit_id, occurred_at)
select 3000000 + row_number() over (), 'tip_shown', 'u00', hour + to_minutes(nth)
from generate_series(timestamp '{since}', timestamp '2026-03-17', interval 1 hour) as h(hour),
    range(40) as e(nth)
where nth < {rows}
"""


def test_an_event_that_began_with_the_release_does_not_hide_what_the_source_lost(busy, result_of):
    busy.run(BORN.format(since="2026-03-02", rows="40"))
    busy.run(
        "delete from fct_events where occurred_at::date = '2026-03-10' and event_id % 10 < 6"
        " and event_name = 'beat'"
    )

    check = result_of(busy.data(), "volume")

    assert check.passed is False
    assert "in the day 2026-03-10, 504 usual" in check.observed


def test_an_event_that_goes_on_under_a_new_name_is_no_lost_volume(busy, result_of):
    busy.run(
        "update fct_events set event_name = 'beat_2'"
        " where event_name = 'beat' and occurred_at >= '2026-03-10'"
    )

    assert not result_of(busy.data(), "volume").blocks


#: Two thirds of the beats are sign-ups, which metrics read.
SIGNUPS = (
    "update fct_events set event_name = 'signup' where event_name = 'beat' and event_id % 3 > 0"
)
SINCE = "occurred_at >= '2026-03-10'"


def moved(world, server, kept="true"):
    world.run(SIGNUPS)
    return move_signups(world, server, kept)


@pytest.mark.parametrize("server", [SINCE, f"({SINCE} or event_id % 4 = 0)"])
def test_an_event_that_goes_on_in_another_source_is_no_lost_volume(busy, result_of, server):
    moved(busy, server)

    check = result_of(busy.data(), "volume")

    assert not check.blocks
    assert check.passed is False  # the source that lost it is told
    assert "source `web`" in check.observed


def test_an_event_that_no_other_source_sends_more_of_is_lost_volume(busy, result_of):
    moved(busy, "event_id % 4 = 0", f"not {SINCE} or event_id % 4 = 0")

    check = result_of(busy.data(), "volume")

    assert check.blocks
    assert "source `web`: " in check.observed


def test_an_event_that_both_sources_lost_is_lost_volume(busy, result_of):
    moved(busy, "event_id % 4 = 0", f"not {SINCE}")

    check = result_of(busy.data(), "volume")

    assert check.blocks
    assert "source `server`" in check.observed
    assert "source `web`" in check.observed


def test_volume_refuses_half_a_day_without_events_whose_hours_are_sparse(world, result_of):
    world.run(HISTORY.replace("30, 6)", "17, 17)"))
    world.run(
        "delete from fct_events where event_name = 'beat'"
        " and occurred_at between '2026-03-10 12:00' and '2026-03-10 23:59:59'"
    )

    check = result_of(world.data(), "volume")

    assert check.blocks
    assert "no event in the 12 hours from 2026-03-10 12:00Z on, 204 usual" in check.observed


def test_volume_passes_sparse_hours_that_are_empty_now_and_then(world, result_of):
    world.run(HISTORY.replace("30, 6)", "1, 1)"))
    world.run(
        "delete from fct_events where event_name = 'beat'"
        " and occurred_at between '2026-03-10 12:00' and '2026-03-10 23:59:59'"
    )

    assert not result_of(world.data(), "volume").blocks
