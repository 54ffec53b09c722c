"""The data reach as far as the release needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from landed.gate import load_suites


def test_freshness_refuses_data_that_end_before_the_verdict_is_due(world, result_of):
    world.run("delete from fct_events where occurred_at >= '2026-03-12'")

    decision = world.data()

    check = result_of(decision, "freshness")
    assert [each.check_id for each in decision.failed] == ["freshness"]
    assert check.observed == (
        "source `web` whole until 2026-03-04T00:00Z, 288.0 hours short of 2026-03-16T00:00Z"
    )
    assert check.expected == "every source whole until the verdict is due, 2026-03-16T00:00Z"


def test_freshness_passes_a_closed_export_that_says_so(world, result_of):
    world.run("delete from fct_events where occurred_at >= '2026-03-12'")
    world.run("update lake.sources set complete_through = '2026-03-16'")

    assert result_of(world.data(), "freshness").passed is True


def test_freshness_refuses_one_lost_source_among_living_ones(world, result_of):
    world.run("insert into lake.sources values ('app', 'events', null)")
    world.run(
        """
        create or replace view lake.events as
        select 'web' as source, occurred_at from fct_events
        union all
        select 'app', timestamp '2026-03-10 10:00'
        """
    )

    check = result_of(world.data(), "freshness")

    assert check.blocks
    assert check.observed.startswith("source `app` whole until 2026-03-10T00:00Z")


def test_freshness_refuses_a_running_release_whose_data_stopped_two_nights_ago(world, result_of):
    world.as_of = datetime(2026, 3, 6, 9, tzinfo=UTC)  # the last event is of 2026-03-04T15:01
    world.run("delete from fct_events where occurred_at >= '2026-03-12'")

    check = result_of(world.data(), "freshness")

    assert check.blocks
    assert check.expected == "every source at most 36 hours old"
    assert "short of 2026-03-04T21:00Z" in check.observed


def test_freshness_passes_a_running_release_whose_last_night_is_loaded(world, result_of):
    world.as_of = datetime(2026, 3, 5, 23, tzinfo=UTC)
    world.run("delete from fct_events where occurred_at >= '2026-03-12'")

    check = result_of(world.data(), "freshness")

    assert check.passed is True
    assert check.observed == "source `web` reaches to 2026-03-04T15:01Z"


def test_freshness_gives_the_last_day_its_night_before_it_asks_for_whole_days(world, result_of):
    world.as_of = datetime(2026, 3, 16, 6, tzinfo=UTC)
    world.run(
        "update fct_events set occurred_at = '2026-03-15 19:00' where occurred_at > '2026-03-12'"
    )

    assert result_of(world.data(), "freshness").passed is True


def test_freshness_judges_a_release_without_horizon_by_the_age_of_the_data(world, result_of):
    world.run("update dim_releases set decides_at = null, exposure_ends_at = null")

    check = result_of(world.data(), "freshness")

    assert check.blocks  # 2026-03-17T12:00 is 69 hours before 2026-03-20T09:00
    assert "33.0 hours short of 2026-03-18T21:00Z" in check.observed


def test_a_lake_without_any_event_is_blocked(world, result_of):
    world.run(
        "create or replace view lake.events as select '' as source, now() as occurred_at "
        "where false"
    )

    assert "there is no event at all" in result_of(world.data(), "gate_error").observed


def test_freshness_takes_the_age_that_a_source_allows_itself(world, result_of):
    world.as_of = datetime(2026, 3, 6, 9, tzinfo=UTC)
    world.run("delete from fct_events where occurred_at >= '2026-03-12'")
    world.suites = load_suites()
    suite = world.suites["freshness"]
    weekly = replace(suite.expectations[0], by_source={"web": {"max_age_hours": 72.0}})
    world.suites = {**world.suites, "freshness": replace(suite, expectations=(weekly,))}

    check = result_of(world.data(), "freshness")

    assert check.passed is True
    assert check.expected == "every source at most 72 hours old"


# people at work, from nine to five on weekdays, for five weeks up to Friday, 2026-03-06
AT_WORK = """
insert into fct_events
select 5000 + row_number() over (), 'view', 'u00', day + to_hours(hour::integer)
from range(timestamp '2026-02-02', timestamp '2026-03-07', interval 1 day) as days(day),
    range(9, 17) as hours(hour)
where dayofweek(day) between 1 and 5 and day < '{until}'
"""


def test_freshness_passes_a_source_that_rests_at_weekends_on_a_monday_morning(world, result_of):
    world.as_of = datetime(2026, 3, 9, 7, tzinfo=UTC)
    world.run("delete from fct_events where occurred_at >= '2026-03-06'")
    world.run(AT_WORK.format(until="2026-03-07"))

    check = result_of(world.data(), "freshness")

    assert check.passed is True, check.observed
    assert check.observed == (
        "source `web` reaches to 2026-03-06T16:00Z and rests since, as in other weeks"
    )


def test_freshness_refuses_a_lost_friday_of_such_a_source(world, result_of):
    world.as_of = datetime(2026, 3, 9, 7, tzinfo=UTC)
    world.run("delete from fct_events where occurred_at >= '2026-03-06'")
    world.run(AT_WORK.format(until="2026-03-06"))

    assert result_of(world.data(), "freshness").blocks
