"""A metric whose events stopped, or never came, blocks its release with the event named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from two_sources import move_signups

from landed.catalog import RoleOfMetric

#: Eight weeks of sixty views and thirty sign-ups a day, up to the cutoff.
STEADY = """
insert into fct_events
select 1000 + row_number() over (), name, format('s{:02d}', i), day + to_minutes(i::integer)
from range(timestamp '2026-01-05', timestamp '2026-03-16', interval 1 day) as days(day),
    (values ('view', 60), ('signup', 30)) as names(name, size), range(60) as rows(i)
where i < size
"""
STOPPED = "delete from fct_events where event_name = 'signup' and occurred_at >= '2026-03-08'"
RENAMED = """
update fct_events set event_name = 'signed_up'
where event_name = 'signup' and occurred_at >= '2026-03-08'
"""
VERSIONS = """
create table old_events as from fct_events;
drop table fct_events cascade;
create table fct_events as
select * replace (if(occurred_at < '2026-03-08' or event_id % 4 = 0, '4.1.9', '4.2.0')
    as app_version)
from old_events
where event_name <> 'signup' or occurred_at < '2026-03-08' or event_id % 4 = 0;
create or replace view lake.events as select 'web' as source, occurred_at from fct_events;
"""


@pytest.fixture
def steady(world: Any) -> Any:
    return world.run(STEADY)


def test_metric_events_passes_events_that_arrive_up_to_the_cutoff(
    steady: Any, result_of: Any
) -> None:
    check = result_of(steady.data(), "metric_events")

    assert check.passed
    assert check.observed == "`signup` arriving up to the cutoff"


def test_metric_events_refuses_an_event_that_stopped(steady: Any, result_of: Any) -> None:
    steady.run(STOPPED)

    decision = steady.data()

    check = result_of(decision, "metric_events")
    assert "metric_events" in [each.check_id for each in decision.failed]
    assert check.observed == (
        "`signup_rate` cannot be judged: `signup` not seen since 2026-03-08"
        " (8 whole days without it, about 218 expected)"
    )
    assert check.sample == (
        {
            "event": "signup",
            "source": "web",
            "last_seen_on": "2026-03-07",
            "days": 8,
            "expected": 218,
        },
    )


def test_metric_events_names_the_new_name_of_an_event(steady: Any, result_of: Any) -> None:
    steady.run(RENAMED)

    check = result_of(steady.data(), "metric_events")

    assert check.blocks
    assert check.observed.endswith("; `signed_up` came as it went")
    assert check.fix.startswith("`signed_up` came as `signup` went: if it is the new name, ")
    assert check.fix.endswith("See docs/checks/metric_events.md.")


def test_metric_events_refuses_an_event_that_a_new_version_does_not_send(
    steady: Any, result_of: Any
) -> None:
    steady.run(VERSIONS)

    check = result_of(steady.data(), "metric_events")

    assert check.blocks
    assert check.observed.startswith(
        "`signup_rate` cannot be judged: `signup` not seen since 4.2.0 (8 whole days of it, "
    )


def test_metric_events_warns_of_a_diagnostic_that_lost_its_event(
    steady: Any, result_of: Any
) -> None:
    steady.run(STOPPED).change(
        roles=(
            RoleOfMetric("mean_view_seconds", "success"),
            RoleOfMetric("signup_rate", "diagnostic"),
        )
    )

    check = result_of(steady.data(), "metric_events")

    assert (check.severity, check.passed) == ("warning", False)


def test_metric_events_passes_an_outage_that_was_repaired(steady: Any, result_of: Any) -> None:
    steady.run("create table kept as from fct_events where event_name = 'signup'").run(STOPPED)
    assert result_of(steady.data(), "metric_events").blocks

    steady.run(
        "insert into fct_events select event_id, event_name, unit_id, occurred_at from kept"
        " where occurred_at >= '2026-03-08'"
    )

    assert result_of(steady.data(), "metric_events").passed


def test_metric_events_lets_an_event_of_the_release_end_with_the_exposure(
    steady: Any, result_of: Any
) -> None:
    steady.run(
        "insert into fct_events select 9000 + row_number() over (), 'checklist_shown',"
        " format('u{:02d}', i), day + to_minutes(i::integer)"
        " from range(timestamp '2026-03-02', timestamp '2026-03-06', interval 1 day) as days(day),"
        " range(40) as rows(i)"
    )
    steady.run("update dim_releases set exposure_ends_at = '2026-04-01'")
    # whoever was exposed was so by the fifth of March: nobody came after that

    assert result_of(steady.data(), "metric_events").passed

    steady.run(
        "insert into fct_exposures (release, unit_id, variant, exposed_at, is_crossover, is_bot)"
        " select 'checklist', format('v{:04d}', i), if(i % 2 = 0, 'control', 'checklist'),"
        " timestamp '2026-03-02' + to_hours(i::integer), false, false from range(330) as units(i)"
    )
    check = result_of(steady.data(), "metric_events")
    assert check.observed.startswith(
        "`must_emit` cannot be judged: `checklist_shown` not seen since 2026-03-06 "
    )


def test_metric_events_refuses_a_metric_whose_event_never_came(steady: Any, result_of: Any) -> None:
    steady.run("delete from fct_events where event_name = 'signup'")
    assert result_of(steady.data(), "metric_events").passed  # forty units may be too few

    steady.run(
        "insert into fct_exposures by name"
        " select 'checklist' as release, format('v{:04d}', i) as unit_id,"
        " if(i % 2 = 0, 'control', 'checklist') as variant,"
        " timestamp '2026-03-03' as exposed_at, false as is_crossover, false as is_bot"
        " from range(1000) as units(i)"
    )
    check = result_of(steady.data(), "metric_events")
    assert check.blocks
    assert check.observed == (
        "`signup_rate` cannot be judged: `signup` never seen since 2026-01-05"
    )


def test_metric_events_does_not_apply_where_no_event_is_named(world: Any) -> None:
    world.change(roles=(RoleOfMetric("event_count", "success"),), must_emit=())

    assert "metric_events" in world.data().skipped


def test_metric_events_looks_at_whole_days_only(steady: Any, result_of: Any) -> None:
    steady.run("delete from fct_events where event_name = 'signup' and occurred_at >= '2026-03-14'")
    steady.run("update dim_releases set cutoff_at = '2026-03-15 12:00'")

    assert result_of(steady.data(), "metric_events").passed
    assert steady.as_of > datetime(2026, 3, 15, tzinfo=UTC)


FADING = """
delete from fct_exposures;
insert into fct_exposures by name
select 'checklist' as release, format('v{:05d}', i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    if(i < SIZE, timestamp '2026-03-02' + to_minutes((i * 3)::integer),
        timestamp '2026-03-07 12:00' + to_minutes((i - SIZE)::integer)) as exposed_at,
    false as is_crossover, false as is_bot
from range(SIZE + LATE) as units(i);
insert into fct_events
select 9000 + row_number() over (), 'checklist_shown', unit_id, exposed_at + interval 1 second
from fct_exposures where variant = 'checklist' and exposed_at < '2026-03-05'
"""


@pytest.mark.parametrize(("late", "passes"), [(0, True), (900, False)])
def test_an_event_that_units_send_as_they_are_exposed_is_missed_while_there_are_new_ones(
    steady: Any, result_of: Any, late: int, passes: bool
) -> None:
    steady.run("delete from fct_events where event_name = 'checklist_shown'")
    steady.run(FADING.replace("SIZE", "1440").replace("LATE", str(late)))

    check = result_of(steady.data(), "metric_events")

    assert check.passed is passes
    assert passes or "`must_emit` cannot be judged: checklist_shown" in check.observed.replace(
        "`checklist_shown`", "checklist_shown"
    )


@pytest.mark.parametrize(
    "server",
    ["occurred_at >= '2026-03-08'", "(occurred_at >= '2026-03-08' or event_id % 3 = 0)"],
)
def test_an_event_that_another_source_goes_on_to_send_has_not_stopped(
    steady: Any, result_of: Any, server: str
) -> None:
    move_signups(steady, server)

    decision = steady.data()

    assert result_of(decision, "metric_events").passed
    assert not result_of(decision, "volume").blocks


def test_an_event_that_another_source_did_not_send_more_of_has_stopped(
    steady: Any, result_of: Any
) -> None:
    move_signups(steady, "event_id % 3 = 0", "occurred_at < '2026-03-08' or event_id % 3 = 0")

    check = result_of(steady.data(), "metric_events")

    assert check.blocks
    assert "`signup` not seen since 2026-03-08" in check.observed
    assert check.sample[0]["source"] == "web"


def test_an_event_that_stopped_in_both_sources_has_stopped(steady: Any, result_of: Any) -> None:
    move_signups(steady, "event_id % 3 = 0", "occurred_at < '2026-03-08'")

    assert result_of(steady.data(), "metric_events").blocks


def test_what_a_far_busier_source_sends_more_does_not_hide_a_stop(
    steady: Any, result_of: Any
) -> None:
    move_signups(steady, "event_id % 10 > 0", "occurred_at < '2026-03-08' or event_id % 10 > 0")
    steady.run(
        "insert into fct_events by name select 90000 + row_number() over () as event_id,"
        " 'signup' as event_name, 's00' as unit_id, day as occurred_at, day::date as event_on,"
        " 'server' as source"
        " from range(timestamp '2026-03-08', timestamp '2026-03-16', interval 8 hours) t(day)"
    )

    check = result_of(steady.data(), "metric_events")

    assert check.blocks
    assert check.sample[0]["source"] == "web"
