"""The core models, built once by dbt over a small lake; every expected row is written by hand."""

from __future__ import annotations

from typing import Any

import yaml
from lake_rows import at, day

from landed.project import core_root
from landed.project.build_database import database_released


def test_every_mart_is_built_and_every_data_test_passes(scenario: Any) -> None:
    names = {model.name for model in scenario.result.models}

    assert names >= {"fct_events", "fct_sessions", "fct_exposures", "fct_feedback"}
    assert names >= {"dim_units", "dim_releases", "agg_unit_days", "time_spine"}
    assert [test for test in scenario.result.tests if not test.passed] == []


def test_a_test_belongs_to_the_model_it_stands_beside(scenario: Any) -> None:
    by_test = {test.test: test.model for test in scenario.result.tests}

    assert by_test["unique_fct_events_event_id"] == "fct_events"
    assert by_test["relationships_fct_exposures_unit_id__unit_id__ref_dim_units_"] == (
        "fct_exposures"
    )


def test_progress_is_told_a_line_for_every_model_and_test(scenario: Any) -> None:
    told = len(scenario.result.models) + len(scenario.result.tests)

    assert len(scenario.heard) == told
    assert any("fct_events" in line for line in scenario.heard)


def test_the_unit_tests_of_the_models_pass(scenario: Any) -> None:
    from dbt.cli.main import dbtRunner

    folder = str(scenario.built.home.dbt)
    where = ["--project-dir", folder, "--profiles-dir", folder, "--log-level", "none"]
    with database_released():
        done = dbtRunner().invoke(["test", "--select", "test_type:unit", *where])

    assert done.exception is None
    assert [result.node.name for result in done.result if result.status != "pass"] == []
    assert len(done.result.results) >= 9


def test_a_visitor_who_signs_in_later_is_one_unit_and_a_shared_tablet_is_not(
    scenario: Any,
) -> None:
    found = dict(
        scenario.built.rows("select split_part(event_id, ':', 2), unit_id from fct_events")
    )

    assert (found["e01"], found["e02"], found["e03"]) == ("ann", "ann", "ann")
    assert (found["e05"], found["e06"], found["e07"]) == ("tablet", "ben", "cem")
    assert found["e09"] is None


def test_sessions_cross_midnight_and_end_after_30_minutes(scenario: Any) -> None:
    sessions = scenario.built.rows(
        "select event_count, duration_seconds, app_version, country, session_on from fct_sessions"
        " where unit_id = 'ann' order by started_at limit 2"
    )

    assert sessions == [
        (3, 3000.0, "1.0", "de", day("2026-11-01")),
        (1, 0.0, None, None, day("2026-11-02")),
    ]


def test_a_session_id_of_three_units_gives_each_its_row(scenario: Any) -> None:
    sessions = scenario.built.rows(
        "select unit_id, event_count from fct_sessions where session_id = 's1' order by unit_id"
    )

    assert sessions == [("ben", 1), ("cem", 1), ("tablet", 1)]


def test_an_exposure_is_the_first_named_variant_while_exposure_was_open(scenario: Any) -> None:
    exposures = scenario.built.rows(
        "select unit_id, variant, is_crossover, is_bot, exposure_count, exposed_at"
        " from fct_exposures where release = 'box' order by unit_id"
    )

    assert exposures == [
        ("ann", "big", False, False, 2, at("2026-11-03 09:00")),
        ("ben", "small", True, False, 2, at("2026-11-03 10:00")),
        ("bot1", "big", False, True, 1, at("2026-11-03 12:30")),
        ("cem", "big", False, False, 1, at("2026-11-03 12:00")),
    ]


def test_an_exposure_is_of_the_one_cluster_it_names_and_says_where_it_names_two(
    scenario: Any,
) -> None:
    clusters = scenario.built.rows(
        "select release, unit_id, cluster_id, is_in_two_clusters from fct_exposures"
        " where cluster_id is not null or is_in_two_clusters order by all"
    )

    assert clusters == [
        ("box", "ann", None, True),
        ("box", "cem", "red", False),
        ("mail", "zoe", "red", False),
    ]


def test_every_kind_of_rule_finds_its_exposures(scenario: Any) -> None:
    exposures = scenario.built.rows(
        "select release, unit_id, variant from fct_exposures where release <> 'box' order by all"
    )

    assert exposures == [
        ("everybody", "eve", "released"),
        ("everybody", "hal", "released"),
        ("mail", "ann", "x"),
        ("mail", "zoe", "y"),
        ("page", "fay", "a"),
        ("two", "hal", "released"),
    ]


def test_units_that_carry_a_label_but_were_never_exposed_are_found(scenario: Any) -> None:
    never = scenario.built.rows(
        "select release, unit_id, variant from int_assigned_units"
        " anti join fct_exposures using (release, unit_id)"
    )

    assert never == [("page", "gus", "b")]


def test_a_unit_carries_its_latest_attributes(scenario: Any) -> None:
    units = scenario.built.rows(
        "select unit_id, first_app_version, country, plan, is_bot, signed_up_on, first_seen_at,"
        " last_seen_at from dim_units where unit_id in ('ann', 'bot1') order by unit_id"
    )

    ann = (at("2026-11-01 23:50"), at("2026-11-03 15:00"))
    bot = (at("2026-11-02 11:00"), at("2026-11-03 12:30"))
    assert units == [
        ("ann", "1.0", "de", "pro", False, day("2026-11-02"), *ann),
        ("bot1", None, None, None, True, None, *bot),
    ]


def test_a_unit_known_only_from_an_exposure_record_is_a_unit(scenario: Any) -> None:
    seen = scenario.built.rows("select first_seen_at from dim_units where unit_id = 'yan'")

    assert seen == [(at("2026-11-02 08:00"),)]


def test_feedback_keeps_what_it_is_about(scenario: Any) -> None:
    items = scenario.built.rows(
        "select split_part(feedback_id, ':', 2) as id, unit_id, product, kind, rating"
        " from fct_feedback order by id"
    )

    assert items == [("w1", "ann", "app", "bug", 2.0), ("w2", None, None, None, None)]


def test_unit_days_add_up_to_the_events_of_known_units(scenario: Any) -> None:
    total = scenario.built.rows("select sum(event_count), sum(error_count) from agg_unit_days")
    events = scenario.built.rows("select count(*) from fct_events where unit_id is not null")

    assert total == [(events[0][0], 1)]


def test_the_measure_of_errors_counts_what_unit_days_count(scenario: Any) -> None:
    path = core_root() / "models/marts/usage/_usage__models.yml"
    models = yaml.safe_load(path.read_text())["semantic_models"]
    measures = {m["name"]: m["expr"] for model in models for m in model["measures"]}
    scenario.built.execute("create or replace table lake.names (event_name varchar)")
    scenario.built.execute(
        "insert into lake.names values ('error'), ('app_error'), ('exception'), ('crash'), ('ok')"
    )
    model = (scenario.built.home.dbt / "target/compiled").rglob("int_unit_days.sql")
    condition = next(model).read_text().split("filter (where ")[1].split(") as error_count")[0]

    differing = scenario.built.rows(
        f"select * from lake.names where ({condition}) <> ({measures['error_count']} = 1)"
    )

    assert differing == []


def test_a_release_shows_when_its_version_was_seen_to_ship(scenario: Any) -> None:
    found = scenario.built.rows(
        "select release, observed_at from dim_releases where observed_at is not null"
    )

    # before that the version was a candidate, in staging only, or failed
    assert found == [("two", at("2026-11-01 09:00"))]


def test_observed_releases_keep_the_source_in_front_of_their_id(scenario: Any) -> None:
    found = scenario.built.rows(
        "select release_event_id, product, is_shipped from stg_lake__release_events order by 1"
    )

    assert found == [
        ("github:1", None, False),
        ("github:2", "octo/app", True),
        ("ops:7", None, False),
        ("ops:7:1", None, False),
        ("ops:7:2", None, True),
        ("ops:8", None, True),
    ]
