"""The events a release promised are seen in every treatment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from landed.catalog.releases import EmitRule

MORE_UNITS = """
insert into fct_exposures by name
select 'checklist' as release, format('v{:04d}', i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-03' + to_minutes(i::integer) as exposed_at,
    false as is_crossover, false as is_bot
from range(SIZE) as units(i)
"""
TOUR = MORE_UNITS.replace("SIZE", "40").replace("if(i % 2 = 0, 'control', 'checklist')", "'tour'")
EVENTS_OF_VERSIONS = """
create table old_events as from fct_events;
drop table fct_events cascade;
create table fct_events as select * replace (VERSION as app_version) from old_events;
create or replace view lake.events as select 'web' as source, occurred_at from fct_events;
"""
STILL_OPEN = datetime(2026, 4, 1, tzinfo=UTC)


def test_must_emit_refuses_an_event_that_never_arrived(world, result_of):
    world.change(must_emit=("checklist_shown", "checklist_completed"))

    decision = world.data()

    check = result_of(decision, "must_emit")
    assert [each.check_id for each in decision.failed] == ["must_emit"]
    assert check.observed == "never seen: `checklist_completed in checklist`"


def test_must_emit_refuses_an_event_that_only_control_sends(world, result_of):
    world.run("delete from fct_events where event_name = 'checklist_shown'")
    world.run("insert into fct_events values (999, 'checklist_shown', 'u00', '2026-03-04')")

    assert result_of(world.data(), "must_emit").blocks


def test_must_emit_refuses_an_event_from_before_the_release(world, result_of):
    world.run(
        "update fct_events set occurred_at = '2026-03-01 23:59' "
        "where event_name = 'checklist_shown'"
    )

    assert result_of(world.data(), "must_emit").blocks


def test_must_emit_refuses_an_event_that_only_bots_send(world, result_of):
    world.run("update fct_exposures set is_bot = true where unit_id = 'u01'")
    world.run("delete from fct_events where event_name = 'checklist_shown' and unit_id <> 'u01'")

    assert result_of(world.data(), "must_emit").blocks


def test_must_emit_wants_the_event_in_every_treatment(world, result_of):
    world.change(treatments=("checklist", "tour"))

    assert result_of(world.data(), "must_emit").observed == (
        "never seen: `checklist_shown in tour`"
    )


def test_must_emit_passes_an_event_that_only_the_treatment_sends(world, result_of):
    check = result_of(world.data(), "must_emit")

    assert check.passed is True
    assert check.details["units"] == {"checklist_shown in checklist": 20}


def test_must_emit_does_not_apply_to_a_release_that_promises_nothing(world):
    world.change(must_emit=())

    assert "must_emit" in world.data().skipped


def still_open(world):
    """The release goes on exposing units after the cutoff."""
    world.run("update dim_releases set exposure_ends_at = '2026-04-01', decides_at = '2026-04-08'")
    return world.change(exposure_ends_at=STILL_OPEN)


def test_must_emit_waits_for_a_hundred_units_before_it_calls_an_event_missing(world, result_of):
    still_open(world).change(must_emit=("checklist_shown", "checklist_completed"))

    check = result_of(world.data(), "must_emit")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == (
        "not seen yet, of too few units to tell: `checklist_completed in checklist` (20 units)"
    )

    world.run(MORE_UNITS.replace("SIZE", "160"))
    assert result_of(world.data(), "must_emit").blocks


def test_must_emit_refuses_an_event_that_one_treatment_sends_and_another_beyond_chance_does_not(
    world, result_of
):
    still_open(world).change(treatments=("checklist", "tour"))
    world.run(TOUR)

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert check.observed == "never seen: `checklist_shown in tour`"


def test_must_emit_lets_a_rare_event_be_absent_from_one_treatment(world, result_of):
    still_open(world).change(treatments=("checklist", "tour"))
    world.run(TOUR)
    world.run("delete from fct_events where event_name = 'checklist_shown' and unit_id > 'u10'")

    assert not result_of(world.data(), "must_emit").blocks


def test_must_emit_wants_an_event_from_control_where_it_is_promised_of_all(world, result_of):
    world.change(emit_rules={"checklist_shown": EmitRule(in_control=True)})

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert check.observed == "never seen: `checklist_shown in control`"


def test_must_emit_counts_an_event_from_its_version_on_only(world, result_of):
    world.change(emit_rules={"checklist_shown": EmitRule(since_version="4.2.0")})
    world.run(EVENTS_OF_VERSIONS.replace("VERSION", "if(unit_id < 'u20', '4.10.0', '4.1.9')"))

    assert result_of(world.data(), "must_emit").details == {
        "units": {"checklist_shown in checklist": 10},
        "of": {"checklist_shown in checklist": 10},
    }

    world.run("delete from fct_events where event_name = 'checklist_shown' and unit_id < 'u20'")
    check = result_of(world.data(), "must_emit")
    assert check.blocks
    assert check.observed == "never seen: `checklist_shown in checklist since 4.2.0`"


def with_plan(world, *events):
    catalog = replace(world.catalog)
    catalog.__dict__["planned_events"] = dict.fromkeys(events)
    world.catalog = catalog
    return world


def test_unplanned_events_warns_of_events_that_no_schema_knows(world, result_of):
    with_plan(world, "checklist_seen", "checklist_shown", "view")

    check = result_of(world.data(), "unplanned_events")
    assert check.passed  # eight sign-ups may be a test

    world.run(
        "insert into fct_events select 900 + i, 'signup', 'u00', '2026-03-04' from range(2) t(i)"
    )
    check = result_of(world.data(), "unplanned_events")
    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == "not in the tracking plan: `signup` (10 rows)"
    assert check.sample == ({"event": "signup", "rows": 10},)


def test_unplanned_events_leaves_out_sources_without_a_plan(world, result_of):
    with_plan(world, "view").catalog.__dict__["untracked_sources"] = frozenset({"web"})

    assert result_of(world.data(), "unplanned_events").passed


def test_unplanned_events_does_not_apply_without_a_plan(world):
    assert "unplanned_events" in world.data().skipped


VERSIONS_OF_UNITS = """
update fct_exposures set first_app_version = VERSION, exposed_at = exposed_at
    + to_days(if(VERSION = '4.2', 4, 0)) where unit_id like 'v%';
create table old_events as from fct_events;
drop table fct_events cascade;
create table fct_events as
select * replace ('4.1' as app_version) from old_events
union all by name
select 5000 + row_number() over () as event_id, 'view' as event_name, unit_id, occurred_at,
    occurred_at::date as event_on, 'web' as source, '{}' as properties,
    if(first_app_version = '4.2' and occurred_at < '2026-03-07', '4.1', first_app_version)
        as app_version
from (
    select unit_id, first_app_version, day + interval 9 hours as occurred_at
    from fct_exposures, range(timestamp '2026-02-20', timestamp '2026-03-16', interval 1 day) t(day)
    where unit_id like 'v%'
)
union all by name
select 90000 + row_number() over () as event_id, 'checklist_shown' as event_name, unit_id,
    exposed_at as occurred_at, exposed_at::date as event_on, 'web' as source, '{}' as properties,
    first_app_version as app_version
from fct_exposures
where variant = 'checklist' and first_app_version = '4.1' and unit_id like 'v%';
create or replace view lake.events as select 'web' as source, occurred_at from fct_events;
"""


def exposed_on(world, version):
    """Four hundred units, there every day; of the treatment those on 4.1 send the event."""
    world.run(MORE_UNITS.replace("SIZE", "400"))
    return world.run(VERSIONS_OF_UNITS.replace("VERSION", version))


def test_must_emit_refuses_an_event_that_units_exposed_on_a_newer_version_never_send(
    world, result_of
):
    exposed_on(world, "if(unit_id >= 'v0200', '4.2', '4.1')")

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert "`checklist_shown` in checklist not seen since 4.2: none of 100 units" in check.observed

    world.run(
        "insert into fct_events by name select 99999 as event_id, 'checklist_shown' as event_name,"
        " unit_id, exposed_at as occurred_at, exposed_at::date as event_on, '4.2' as app_version,"
        " 'web' as source from fct_exposures"
        " where variant = 'checklist' and first_app_version = '4.2' limit 1"
    )
    assert result_of(world.data(), "must_emit").passed


def test_must_emit_lets_a_site_with_higher_numbers_beside_the_app_do_without_its_event(
    world, result_of
):
    exposed_on(world, "if(unit_id >= 'v0200', '2024.1', '4.1')")

    assert result_of(world.data(), "must_emit").passed


def test_must_emit_refuses_what_the_app_lost_with_a_version_though_a_site_is_beside_it(
    world, result_of
):
    exposed_on(
        world,
        "case when unit_id >= 'v0300' then '2024.1' when unit_id >= 'v0150' then '4.2'"
        " else '4.1' end",
    )

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert "`checklist_shown` in checklist not seen in `4.2`: none of 75 units" in check.observed


UPDATED = """
drop table fct_events cascade;
create table fct_events as
select * replace (
    if(occurred_at >= '2026-03-06' and hash(unit_id) % 2 = 0, '2.1', '2.0') as app_version
)
from old_events
union all by name
select 5000 + row_number() over () as event_id, event_name, unit_id, occurred_at,
    occurred_at::date as event_on, 'web' as source, '{}' as properties, app_version
from (
    select unit_id, exposed_at + to_days(n::integer) as occurred_at, unnest(EVENTS) as event_name,
        if(occurred_at >= '2026-03-06' and hash(unit_id) % 2 = 0, '2.1', '2.0') as app_version
    from fct_exposures, range(1, 6) as days(n) where variant = 'checklist'
);
create or replace view lake.events as select 'web' as source, occurred_at from fct_events;
"""


def updated(world, events="['view', 'checklist_shown']"):
    """Two hundred units, all exposed on version 2.0, of which half have 2.1 from the sixth on."""
    world.run(MORE_UNITS.replace("SIZE", "400"))
    world.run("create table old_events as from fct_events")
    world.run(UPDATED.replace("EVENTS", events))
    return world


def test_must_emit_refuses_an_event_that_units_stop_sending_as_they_update(world, result_of):
    updated(world)
    assert result_of(world.data(), "must_emit").passed
    world.run("delete from fct_events where event_name = 'checklist_shown' and app_version = '2.1'")

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert "`checklist_shown` in checklist not seen since 2.1: none of" in check.observed
    assert "exposed units that were there with it on 2026-03-0" in check.observed
    assert "100 % of those with older versions did" in check.observed


def test_must_emit_names_a_version_in_between_that_does_not_send_the_event(world, result_of):
    updated(world)
    world.run(
        "update fct_events set app_version = '2.2'"
        " where app_version = '2.1' and occurred_at >= '2026-03-07'"
    )
    world.run("delete from fct_events where event_name = 'checklist_shown' and app_version = '2.1'")

    check = result_of(world.data(), "must_emit")

    assert check.blocks
    assert "`checklist_shown` in checklist not seen in `2.1`: none of" in check.observed


def test_must_emit_passes_an_event_that_a_unit_sends_once_before_it_updates(world, result_of):
    updated(world, events="['view']")

    assert result_of(world.data(), "must_emit").passed


def test_must_emit_passes_an_event_that_older_versions_do_not_send(world, result_of):
    updated(world)
    world.run("delete from fct_events where event_name = 'checklist_shown' and app_version = '2.0'")

    assert result_of(world.data(), "must_emit").passed
