"""Outcomes just before the exposure: as many units of every arm have one."""

from __future__ import annotations

from dataclasses import replace

import pytest

# 600 units an arm on each of five days; `early` of 100 units of an arm act `minutes` before.
DAYS = """
insert into fct_exposures by name
select 'checklist' as release, format('{variant}{{:04d}}', i) as unit_id, '{variant}' as variant,
    timestamp '2026-03-03 09:00' + to_days((i % 5)::integer) as exposed_at,
    false as is_crossover, false as is_bot
from range({units}) as units(i);
insert into dim_units by name
select format('{variant}{{:04d}}', i) as unit_id, false as is_bot from range({units}) as units(i);
insert into fct_events
select 5000 + i, '{event}', unit_id, exposed_at - interval {minutes} minute
from (select *, unit_id[-4:]::integer as i from fct_exposures where unit_id like '{variant}%')
where i % 100 < {early}
"""


def arm(world, variant, early, *, units=3_000, minutes=30, event="signup"):
    world.run(DAYS.format(variant=variant, early=early, units=units, minutes=minutes, event=event))


def test_outcome_before_exposure_refuses_an_arm_that_logs_late(world, result_of):
    arm(world, "control", 2)
    arm(world, "checklist", 6)

    decision = world.data()

    check = result_of(decision, "outcome_before_exposure")
    assert [each.check_id for each in decision.failed] == ["outcome_before_exposure"]
    assert check.observed.startswith(
        "units with an outcome within 1 hour before their exposure: 1.99 % in control,"
        " 5.96 % in checklist (signup_rate, 2026-03-08, z = "
    )
    assert check.expected == (
        "the same share in every arm, or a difference below 2 % or within its bound"
    )


def test_outcome_before_exposure_passes_a_difference_that_is_certain_but_small(world, result_of):
    arm(world, "control", 0)
    arm(world, "checklist", 1)

    assert result_of(world.data(), "outcome_before_exposure").passed is True


def test_outcome_before_exposure_passes_a_difference_that_chance_explains(world, result_of):
    arm(world, "control", 2, units=300)
    arm(world, "checklist", 5, units=300)

    assert result_of(world.data(), "outcome_before_exposure").passed is True


@pytest.mark.parametrize("minutes", [0, 61])
def test_outcome_before_exposure_looks_within_the_hour_before(world, result_of, minutes):
    arm(world, "control", 0)
    arm(world, "checklist", 30, minutes=minutes)

    assert result_of(world.data(), "outcome_before_exposure").passed is True


def test_outcome_before_exposure_reads_the_metrics_filter(world, result_of):
    arm(world, "control", 0)
    arm(world, "checklist", 30, event="view")

    assert result_of(world.data(), "outcome_before_exposure").passed is True


@pytest.mark.parametrize("mark", ["is_bot", "is_crossover"])
def test_outcome_before_exposure_leaves_out_what_no_estimate_holds(world, result_of, mark):
    arm(world, "control", 0)
    arm(world, "checklist", 30)
    world.run(
        f"update fct_exposures set {mark} = true where unit_id like 'checklist%'"
        " and unit_id[-4:]::integer % 200 < 30"
    )
    world.run(
        f"update fct_exposures set {mark} = true where unit_id like 'control%'"
        " and unit_id[-4:]::integer % 200 < 30"
    )
    blocked = result_of(world.data(), "outcome_before_exposure")
    world.run(
        f"update fct_exposures set {mark} = true where unit_id[-4:]::integer % 100 < 30"
        " and length(unit_id) > 4"
    )

    assert (blocked.passed, result_of(world.data(), "outcome_before_exposure").passed) == (
        False,
        True,
    )


def test_outcome_before_exposure_compares_within_a_stage_of_the_allocation(world, result_of):
    # whoever comes first acts before the exposure more often, and nine in ten of them are control
    arm(world, "control", 30, units=2_700)
    arm(world, "checklist", 30, units=300)
    world.run("update fct_exposures set exposed_at = '2026-03-02 09:00' where length(unit_id) > 4")
    world.run("update fct_events set occurred_at = '2026-03-02 08:30' where event_id >= 5000")
    for variant in ("control", "checklist"):
        world.run(
            f"""insert into fct_exposures by name
            select 'checklist' as release, format('{variant}-late{{}}', i) as unit_id,
                '{variant}' as variant, timestamp '2026-03-04 09:00' as exposed_at,
                false as is_crossover, false as is_bot
            from range(2000) as units(i)"""
        )
    first = world.release.allocation[0]
    later = replace(first, starts_at=first.starts_at.replace(day=3))
    one_stage = result_of(world.data(), "outcome_before_exposure")
    world.change(allocation=(replace(first, shares={"control": 0.9, "checklist": 0.1}), later))

    assert one_stage.blocks
    assert result_of(world.data(), "outcome_before_exposure").passed is True


def test_outcome_before_exposure_counts_a_cluster_once(world, result_of):
    arm(world, "control", 0)
    arm(world, "checklist", 6)
    # every early unit is of one team of its day: a few teams, not hundreds of people
    world.run(
        """alter table fct_exposures add column cluster_id varchar;
        alter table fct_exposures add column is_in_two_clusters boolean;
        update fct_exposures set cluster_id = if(
            variant = 'checklist' and length(unit_id) > 4 and unit_id[-4:]::integer % 100 < 6,
            format('team{}', unit_id[-4:]::integer % 2), unit_id)"""
    )
    assert result_of(world.data(), "outcome_before_exposure").blocks

    world.change(cluster="team_id")

    assert result_of(world.data(), "outcome_before_exposure").passed is True


def test_outcome_before_exposure_does_not_apply_to_few_units(world):
    assert world.data().skipped["outcome_before_exposure"] == (
        "fewer than 100 units of an arm were exposed"
    )
