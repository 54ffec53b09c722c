"""A real experiment: one release can be judged, the other must be refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from landed.catalog import load_catalog
from landed.gate import ModelTest, judge_data
from landed.project import load_project
from landed.warehouse import Engine

PROJECT = Path(__file__).resolve().parents[2] / "examples" / "course_page"

MARTS = """
create schema lake;
create table actions as
select row_number() over () as action_id, id as unit_id, "group" as variant, action,
    duration::double as duration_seconds, "timestamp"::timestamp as occurred_at
from read_csv('{file}', all_varchar = true);

create table fct_events as
select action_id as event_id, action as event_name, unit_id, occurred_at,
    occurred_at::date as event_on, 'course_page' as source, null::varchar as app_version
from actions;
create view int_event_hours as
select event_on, source, event_name, app_version, date_trunc('hour', occurred_at) as hour_at,
    count(*) as event_count, 0 as ahead_count, 0 as corrected_count,
    0 as copied_count, null::map(integer, bigint) as copied_groups,
    0 as late_count, 0 as local_count,
    min(occurred_at) as first_at, max(occurred_at) as last_at
from fct_events group by all;
create view int_unit_days as
select unit_id, event_on, null::varchar as first_app_version from fct_events group by all;
create table int_property_days (
    event_on date, source varchar, event_name varchar, app_version varchar, property varchar,
    type varchar, row_count bigint, name_count bigint, log10_median double,
    places map(integer, ubigint), place_persons map(integer, ubigint),
    person_groups map(integer, ubigint));
create table fct_course_actions as
select action_id, unit_id, action, duration_seconds, occurred_at from actions;

create table dim_releases as
select unnest(['course-page', 'course-page-enrolment']) as release,
    timestamp '2016-09-24' as shipped_at, timestamp '2017-01-19' as exposure_ends_at,
    timestamp '2017-01-19' as decides_at, timestamp '2017-01-19' as cutoff_at;
create table int_exposure_events as
select release, unit_id, variant, occurred_at as exposed_at
from actions, dim_releases where action = 'view';
create table fct_exposures as
select release, unit_id, min_by(variant, exposed_at) as variant, min(exposed_at) as exposed_at,
    count(distinct variant) > 1 as is_crossover, false as is_bot, null::varchar as platform,
    null::varchar as country, null::varchar as first_app_version, null::varchar as plan,
    count(*) as exposure_count
from int_exposure_events group by release, unit_id;
create table int_assigned_units as
select distinct release, unit_id, variant from actions, dim_releases;
create table int_labels as
select release, unit_id, variant, min(occurred_at) as labelled_at
from actions, dim_releases group by all;
create table dim_units as
select unit_id, false as is_bot, min(occurred_at) as first_seen_at,
    max(occurred_at) as last_seen_at
from actions group by unit_id;
create table int_telemetry_days (
    unit_id varchar, event_on date, signal varchar, expected_count bigint, seen_count bigint
);
create table agg_unit_days as
select unit_id, cast(occurred_at as date) as event_on, count(*) as event_count
from actions group by all;

create view lake.events as select 'course_page' as source, occurred_at from actions;
create table lake.sources as
select 'course_page' as source, 'events' as kind, timestamp '2017-01-19' as complete_through;
"""


@pytest.fixture(scope="module")
def judged(real_data, tmp_path_factory):
    file = real_data / "course_page_experiment" / "course_page_actions.csv"
    catalog = load_catalog(load_project(PROJECT))

    class Account:
        source, kind, rows_in, accepted = "course_page", "events", 4074, 4074
        duplicate = conflict = quarantined = left_out = 0
        arrivals = ()

    with Engine.open(None) as engine:
        engine.execute(MARTS.format(file=file))
        yield {
            name: judge_data(
                engine,
                catalog,
                catalog.releases[name],
                accounts=[Account()],
                model_tests=[ModelTest("fct_exposures", "unique", True)],
                as_of=datetime(2026, 11, 22, tzinfo=UTC),
                exposure=None,
            )
            for name in ("course-page", "course-page-enrolment")
        }


def test_the_time_on_the_page_may_be_reported(judged, result_of):
    decision = judged["course-page"]

    assert decision.decision == "pass", decision.failed
    assert "z = 1.82 against a bound of 3.84" in result_of(decision, "sample_ratio").observed


def test_enrolment_is_refused_where_published_analyses_call_it_significant(judged, result_of):
    decision = judged["course-page-enrolment"]

    check = result_of(decision, "outcome_without_exposure")
    assert [each.check_id for each in decision.failed] == ["outcome_without_exposure"]
    assert check.observed == (
        "enrolment_rate: 797 of 814 units with an outcome were never exposed (97.9 %)"
    )
