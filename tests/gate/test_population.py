"""Who is exposed lately is who was exposed first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

WEEKS = """
update dim_releases set exposure_ends_at = '2026-03-16', decides_at = '2026-03-23';
insert into fct_exposures by name
select 'checklist' as release, format('w{{}}n{{:04d}}', week, i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-02 12:00' + to_days(7 * week::integer + i::integer % 7) as exposed_at,
    false as is_crossover, false as is_bot,
    if(i % 10 < {web}, 'web', 'ios') as platform, 'DE' as country, 'free' as plan
from range({units}) as units(i), range(2) as weeks(week)
"""


def weeks(world, web, units=2_000):
    world.run(WEEKS.format(web=web, units=units))
    return world.change(exposure_ends_at=datetime(2026, 3, 16, tzinfo=UTC))


def test_population_stability_warns_of_another_mix_of_platforms(world, result_of):
    weeks(world, web="if(week = 0, 8, 4)")

    decision = world.data()

    check = result_of(decision, "population_stability")
    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == (
        "population stability index of the week from 2026-03-09 against the first:"
        " platform 0.73, country 0.00, plan 0.00"
    )
    assert (check.sample[0]["attribute"], check.sample[0]["level"]) == ("platform", "ios")
    assert (check.sample[0]["first_share"], check.sample[0]["latest_share"]) == (0.1961, 0.6)


@pytest.mark.parametrize("web", ["8", "if(week = 0, 8, 7)"])
def test_population_stability_passes_the_same_people_and_small_changes(world, result_of, web):
    weeks(world, web=web)

    assert result_of(world.data(), "population_stability").passed is True


def test_population_stability_leaves_out_bots(world, result_of):
    weeks(world, web="8")
    world.run(
        "insert into fct_exposures by name select * replace ('bot' || unit_id as unit_id,"
        " true as is_bot, 'bots' as platform) from fct_exposures where unit_id like 'w1%'"
    )
    assert result_of(world.data(), "population_stability").passed is True

    world.run("update fct_exposures set is_bot = false")
    assert result_of(world.data(), "population_stability").passed is False


def test_population_stability_waits_for_two_weeks_and_enough_units(world):
    assert world.data().skipped["population_stability"] == (
        "units were exposed for less than two weeks"
    )
    weeks(world, web="if(week = 0, 8, 4)", units=450)
    assert world.data().skipped["population_stability"] == "a week exposed fewer than 500 units"
