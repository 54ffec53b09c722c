"""The arms' units before the exposure: alike, or a reason to refuse."""

from __future__ import annotations

from dataclasses import replace

from landed.gate.facts import chance

MANY = """
delete from fct_exposures;
insert into fct_exposures by name
select 'checklist' as release, format('m{{:05d}}', i) as unit_id,
    if(i % 2 = 0, 'control', 'checklist') as variant,
    timestamp '2026-03-03' + to_hours((i % 96)::integer) as exposed_at,
    false as is_crossover, false as is_bot, '1.0' as first_app_version, 'DE' as country,
    if({ios}, 'ios', 'web') as platform, 'free' as plan
from range({units}) as units(i);
insert into dim_units by name
select unit_id, false as is_bot, timestamp '2026-02-01' as first_seen_at from fct_exposures
where unit_id not in (select unit_id from dim_units);
insert into agg_unit_days
select unit_id, '2026-03-01', 5 + (hash(unit_id) % 10)::integer from fct_exposures;
"""


def test_balance_passes_arms_that_chance_made(world, result_of):
    world.run(MANY.format(units=4000, ios="hash(i) % 3 = 0"))

    check = result_of(world.data(), "pre_exposure_balance")

    assert check.passed is True, check.observed
    assert [test["on"] for test in check.details["tests"]] == ["2026-03-03", "2026-03-08"]


def test_balance_refuses_a_platform_that_one_arm_has_more_of(world, result_of):
    world.run(MANY.format(units=4000, ios="hash(i) % 100 < 30 + 10 * (i % 2)"))

    check = result_of(world.data(), "pre_exposure_balance")

    assert check.blocks
    assert "furthest apart platform ios (+0.2" in check.observed
    assert "by themselves uneven: `platform ios`" in check.observed


def test_balance_refuses_an_arm_that_was_more_active_before(world, result_of):
    world.run(MANY.format(units=4000, ios="true"))
    world.run(
        "update agg_unit_days set event_count = event_count * 2 where unit_id in"
        " (select unit_id from fct_exposures where variant = 'control' and hash(unit_id) % 3 = 0)"
    )

    check = result_of(world.data(), "pre_exposure_balance")

    assert check.blocks
    assert "furthest apart events before the exposure (-0." in check.observed


def test_balance_passes_a_difference_too_small_to_matter(world, result_of):
    world.run(MANY.format(units=120_000, ios="hash(i) % 1000 < 300 + 14 * (i % 2)"))

    decision = world.data()

    check = result_of(decision, "pre_exposure_balance")
    assert check.details["tests"][-1]["p_value"] < 0.0005
    assert (check.passed, check.severity) == (False, "warning")
    assert "pre_exposure_balance" not in {each.check_id for each in decision.failed}


def test_balance_does_not_look_at_what_came_after_the_exposure(world, result_of):
    world.run(MANY.format(units=4000, ios="true"))
    world.run(
        "insert into agg_unit_days select unit_id, cast(exposed_at as date), 500"
        " from fct_exposures where variant = 'checklist'"
    )

    assert result_of(world.data(), "pre_exposure_balance").passed is True


def test_balance_of_a_ramp_is_that_of_its_stages(world, result_of):
    from datetime import UTC, datetime

    from landed.catalog.releases import AllocationStage

    ramp = (
        AllocationStage(datetime(2026, 3, 2, tzinfo=UTC), {"control": 0.9, "checklist": 0.1}),
        AllocationStage(datetime(2026, 3, 5, tzinfo=UTC), {"control": 0.5, "checklist": 0.5}),
    )
    world.change(allocation=ramp)
    world.run(MANY.format(units=6000, ios="i % 96 < 48"))  # iOS users all come in the first stage
    world.run(
        "update fct_exposures set variant ="
        " if(hash(unit_id || 'a') % 10 = 0, 'checklist', 'control') where exposed_at < '2026-03-05'"
    )

    assert result_of(world.data(), "pre_exposure_balance").passed is True


def test_balance_waits_for_a_thousand_units(world):
    assert world.data().skipped["pre_exposure_balance"] == "fewer than 1,000 units were exposed"


def uneven(world, shares):
    stage = world.release.allocation[0]
    return world.change(allocation=(replace(stage, shares=shares),))


def test_aa_replay_warns_of_a_small_arm_in_which_a_few_units_decide(world, result_of):
    world.run(MANY.format(units=4000, ios="true"))
    world.run(
        "update agg_unit_days set event_count = 20000 * (1 + hash(unit_id) % 3)"
        " where unit_id[2:]::integer % 200 = 7 and event_on = '2026-03-01'"
    )
    even = result_of(world.data(), "aa_replay")
    check = result_of(uneven(world, {"control": 0.97, "checklist": 0.03}).data(), "aa_replay")

    assert even.passed is True, even.observed
    assert (check.severity, check.passed) == ("warning", False)
    assert "of 400 random splits" in check.observed
    assert 100 < check.details["differing"] < 300


def test_aa_replay_passes_a_small_arm_of_units_that_are_alike(world, result_of):
    world.run(MANY.format(units=4000, ios="true"))
    uneven(world, {"control": 0.97, "checklist": 0.03})

    check = result_of(world.data(), "aa_replay")

    assert check.passed is True, check.observed
    assert check.observed == result_of(world.data(), "aa_replay").observed


def test_aa_replay_counts_each_unit_before_its_exposure_only(world, result_of):
    world.run(MANY.format(units=4000, ios="true"))
    world.run(
        "insert into agg_unit_days select unit_id, cast(exposed_at as date), 1000000"
        " from fct_exposures where unit_id[2:]::integer % 200 = 7"
    )
    uneven(world, {"control": 0.97, "checklist": 0.03})

    assert result_of(world.data(), "aa_replay").passed is True


def test_aa_replay_does_not_apply_without_a_past(world):
    assert world.data().skipped["aa_replay"] == "fewer than 1,000 units were exposed"

    world.run(MANY.format(units=4000, ios="true"))
    world.run("delete from agg_unit_days")

    assert world.data().skipped["aa_replay"] == "no unit was there before its exposure"


def test_a_chance_too_small_to_write_is_told_as_small_and_never_as_none() -> None:
    assert chance(0.0) == "p < 1e-300"
    assert chance(0.01492) == "p = 0.0149"
