"""Outcomes and exposures are of the same units, and no variant loses its outcomes."""

from __future__ import annotations

import pytest

from landed.catalog.releases import RoleOfMetric

LOST = """
insert into int_assigned_units
select 'checklist', format('lost{{}}', i), if(i % 2 = 0, 'control', 'checklist')
from range({units}) as units(i);
insert into fct_events
select 1000 + i, '{event}', format('lost{{}}', i), timestamp '{at}' from range({units}) as units(i)
"""


def test_outcome_without_exposure_refuses_outcomes_of_units_never_exposed(world, result_of):
    world.run(LOST.format(units=5, event="signup", at="2026-03-04"))

    decision = world.data()

    check = result_of(decision, "outcome_without_exposure")
    assert [each.check_id for each in decision.failed] == ["outcome_without_exposure"]
    assert check.observed == (
        "signup_rate: 5 of 13 units with an outcome were never exposed (38.5 %)"
    )
    assert check.details["by_metric"]["mean_view_seconds"]["never_exposed"] == 0


def test_outcome_without_exposure_lets_four_accidents_pass(world, result_of):
    world.run(LOST.format(units=4, event="signup", at="2026-03-04"))

    check = result_of(world.data(), "outcome_without_exposure")

    assert check.passed is True
    assert check.observed == (
        "signup_rate: 4 of 12 units with an outcome were never exposed (33.3 %)"
    )


def test_outcome_without_exposure_warns_of_what_accidents_may_make(world, result_of):
    world.run(LOST.format(units=5, event="signup", at="2026-03-04"))
    world.run(
        "insert into fct_exposures by name select 'checklist' as release,"
        " format('many{}', i) as unit_id, if(i % 2 = 0, 'control', 'checklist') as variant,"
        " timestamp '2026-03-03' as exposed_at, false as is_crossover, false as is_bot"
        " from range(400) as units(i)"
    )
    world.run(
        "insert into int_assigned_units select release, unit_id, variant from fct_exposures"
        " where unit_id like 'many%'"
    )
    world.run(
        "insert into fct_events select 5000 + row_number() over (), 'signup', unit_id,"
        " timestamp '2026-03-04' from fct_exposures where unit_id like 'many%'"
    )

    check = result_of(world.data(), "outcome_without_exposure")

    assert check.observed.startswith("signup_rate: 5 of 413 units")
    assert (check.passed, check.severity) == (False, "warning")


def test_outcome_without_exposure_reads_the_metrics_filter(world, result_of):
    world.run(LOST.format(units=50, event="view", at="2026-03-04"))

    assert result_of(world.data(), "outcome_without_exposure").passed is True


@pytest.mark.parametrize("at", ["2026-03-01 23:59:59", "2026-03-16"])
def test_outcome_without_exposure_looks_between_shipping_and_cutoff(world, result_of, at):
    world.run(LOST.format(units=50, event="signup", at=at))

    assert result_of(world.data(), "outcome_without_exposure").passed is True


def test_outcome_without_exposure_passes_units_that_carry_no_arm(world, result_of):
    world.run(LOST.format(units=50, event="signup", at="2026-03-04"))
    world.run("delete from int_assigned_units where unit_id like 'lost%'")

    assert result_of(world.data(), "outcome_without_exposure").passed is True


def test_outcome_without_exposure_counts_a_unit_once(world, result_of):
    world.run(LOST.format(units=6, event="signup", at="2026-03-04"))
    world.run(
        "insert into int_assigned_units select release, unit_id, 'control' "
        "from int_assigned_units where unit_id like 'lost%'"
    )
    world.run(
        "insert into fct_events select event_id, event_name, unit_id, occurred_at"
        " from fct_events where unit_id like 'lost%'"
    )

    assert result_of(world.data(), "outcome_without_exposure").observed == (
        "signup_rate: 6 of 14 units with an outcome were never exposed (42.9 %)"
    )


def test_outcome_without_exposure_reads_attributes_of_units(world, result_of):
    world.change(roles=(RoleOfMetric("team_events", "success"),), must_emit=())
    world.run(LOST.format(units=6, event="view", at="2026-03-04"))
    free = result_of(world.data(), "outcome_without_exposure")
    world.run(
        "insert into dim_units by name"
        " select format('lost{}', i) as unit_id, 'team' as plan from range(6) t(i)"
    )
    team = result_of(world.data(), "outcome_without_exposure")

    assert (free.passed, team.passed) == (True, False)
    assert team.details["by_metric"]["team_events"]["never_exposed"] == 6


def test_outcome_rows_refuses_a_metric_whose_mart_is_empty(world, result_of):
    world.run("delete from fct_views")

    decision = world.data()

    check = result_of(decision, "outcome_rows")
    assert [each.check_id for each in decision.failed] == ["outcome_rows"]
    assert check.observed == "no row of an exposed unit for `mean_view_seconds`"


def test_outcome_rows_refuses_a_mart_of_other_unit_ids(world, result_of):
    world.run("update fct_views set unit_id = 'anonymous-' || unit_id")

    assert result_of(world.data(), "outcome_rows").blocks


def test_outcome_rows_refuses_rows_from_outside_the_window(world, result_of):
    world.run("update fct_views set viewed_at = '2026-03-16'")

    assert result_of(world.data(), "outcome_rows").blocks


# a table of the team's own, delivered beside the events; both go on to the cutoff
DELIVERED = """
insert into fct_events
select 9000 + row_number() over (), 'view', 'u01', day + to_minutes(i::integer)
from range(timestamp '2026-02-01', timestamp '2026-03-16', interval 1 day) as days(day),
    range(60) as rows(i);
insert into fct_views
select 9000 + row_number() over (), 'u01', 1.0, day + to_minutes(i::integer)
from range(timestamp '2026-02-01', timestamp '2026-03-16', interval 1 day) as days(day),
    range(30) as rows(i) where {where}
"""


def test_outcome_rows_refuses_a_mart_that_is_no_longer_delivered(world, result_of):
    world.run(DELIVERED.format(where="day < '2026-03-08'"))

    check = result_of(world.data(), "outcome_rows")

    assert check.blocks
    assert check.observed.startswith("no row in fct_views since 2026-03-08 (8 whole days, about ")


def test_outcome_rows_passes_a_mart_that_rests_at_weekends(world, result_of):
    world.run(DELIVERED.format(where="dayofweek(day) between 1 and 5"))

    assert result_of(world.data(), "outcome_rows").passed is True


def test_outcome_rows_passes_a_mart_with_a_row_now_and_then(world, result_of):
    world.run(DELIVERED.format(where="i = 0 and day(day) % 3 = 0 and day < '2026-03-08'"))

    assert result_of(world.data(), "outcome_rows").passed is True


def test_outcome_rows_passes_one_row_a_mart(world, result_of):
    world.run("delete from fct_views where view_id <> 1")

    check = result_of(world.data(), "outcome_rows")

    assert check.passed is True
    assert check.details["rows"] == {"fct_events": 68, "fct_views": 1}


def test_missing_outcome_warns_when_one_variant_loses_its_values(world, result_of):
    world.run(
        "update fct_views set seconds = null where unit_id in "
        "('u00', 'u02', 'u04', 'u06', 'u08', 'u10', 'u12', 'u14')"
    )

    decision = world.results()

    check = result_of(decision, "missing_outcome")
    assert decision.decision == "pass"
    assert (check.passed, check.severity) == (False, "warning")
    assert check.observed == (
        "mean_view_seconds: 8 of 20 units without a value in control, 0 of 20 in checklist; "
        "p = 0.00328"
    )


def test_missing_outcome_passes_values_missing_alike(world, result_of):
    world.run(
        "update fct_views set seconds = null where unit_id in ('u00', 'u02', 'u04', 'u01', 'u03')"
    )

    assert result_of(world.results(), "missing_outcome").passed is True


def test_outcome_rows_counts_no_further_than_it_needs(world, result_of):
    world.run("insert into fct_views select 1000 + i, 'u00', 1, '2026-03-04' from range(999) t(i)")

    check = result_of(world.data(), "outcome_rows")

    assert check.observed == "fct_events: 68 rows, fct_views: 1,000 rows or more"
