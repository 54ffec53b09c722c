"""Who was exposed: in every variant, in the planned split, to one variant, to a known one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from landed.catalog.releases import AllocationStage

MANY = """
insert into fct_exposures by name
select 'checklist' as release, format('m{{:04d}}', i) as unit_id,
    if(i < {control}, 'control', 'checklist') as variant,
    timestamp '2026-03-04' as exposed_at, false as is_crossover, false as is_bot
from range({total}) as units(i)
"""


def test_exposed_units_refuses_a_variant_that_met_nobody(world, result_of):
    world.run("delete from fct_exposures where variant = 'checklist'")

    decision = world.data()

    check = result_of(decision, "exposed_units")
    assert check.blocks
    assert check.observed == "control: 20 units, checklist: 0 units"
    assert check.expected == "at least 1 exposed unit in every variant"


def test_exposed_units_refuses_a_variant_of_bots_alone(world, result_of):
    world.run("update fct_exposures set is_bot = true where variant = 'control'")

    check = result_of(world.data(), "exposed_units")

    assert check.blocks
    assert check.observed == "control: 0 units, checklist: 20 units"


def test_exposed_units_does_not_count_exposures_after_the_cutoff(world, result_of):
    world.run("update fct_exposures set exposed_at = '2026-03-16' where variant = 'control'")

    assert result_of(world.data(), "exposed_units").blocks


def test_exposed_units_passes_one_unit_a_variant(world, result_of):
    world.run("delete from fct_exposures where unit_id not in ('u00', 'u01')")

    check = result_of(world.data(), "exposed_units")

    assert check.passed is True
    assert check.observed == "control: 1 unit, checklist: 1 unit"


def test_a_release_that_exposed_nobody_is_blocked_without_an_error_of_the_gate(world):
    world.run("delete from fct_exposures")

    decision = world.data()

    assert "exposed_units" in {check.check_id for check in decision.failed}
    assert "gate_error" not in {check.check_id for check in decision.failed}
    assert "sample_ratio" in decision.skipped


def test_sample_ratio_refuses_a_split_that_is_not_the_planned_one(world, result_of):
    world.run(MANY.format(control=500, total=1140))

    decision = world.data()

    check = result_of(decision, "sample_ratio")
    assert [each.check_id for each in decision.failed] == ["sample_ratio"]
    assert check.observed == (
        "control 520 of 1,180 (44.1 %), checklist 660 of 1,180 (55.9 %); "
        "crossed at look 7, 2026-03-08: z = 4.05 against a bound of 3.35, e-value 602"
    )
    assert check.expected == (
        "control 50 % : checklist 50 %; at every daily look z below its bound"
        " and an e-value below 5,000"
    )


def test_sample_ratio_waits_for_its_bound_while_the_horizon_is_far(world, result_of):
    world.run(MANY.format(control=500, total=1140))
    world.run("update dim_releases set cutoff_at = '2026-03-06'")  # look 4 of 7

    check = result_of(world.data(), "sample_ratio")

    assert check.passed is True  # p = 0.00005 on the fourth of seven days
    assert "nearest at look 3, 2026-03-04: z = 4.05 against a bound of 5.28" in check.observed


def test_sample_ratio_refuses_gross_mismatch_within_a_day_of_it(world, result_of):
    world.run(MANY.format(control=400, total=1140))
    world.run("update dim_releases set cutoff_at = '2026-03-05'")

    check = result_of(world.data(), "sample_ratio")

    assert check.blocks
    assert "crossed at look 3, 2026-03-04" in check.observed


def test_sample_ratio_keeps_a_crossing_that_later_days_hide(world, result_of):
    world.run(MANY.format(control=400, total=1140))
    world.run(MANY.format(control=740, total=1140).replace("m{:", "n{:").replace("-04", "-08"))

    check = result_of(world.data(), "sample_ratio")

    assert check.blocks  # 1,160 to 1,160 by the end
    assert "crossed at look 3, 2026-03-04" in check.observed


def test_sample_ratio_passes_once_the_lost_units_are_there_again(world, result_of):
    world.run(MANY.format(control=400, total=1140))
    assert result_of(world.data(), "sample_ratio").blocks

    world.run(MANY.format(control=340, total=340).replace("m{:", "n{:"))

    assert result_of(world.data(), "sample_ratio").passed is True


def test_sample_ratio_counts_who_was_exposed_before_it_shipped_on_the_first_day(world, result_of):
    world.run("update fct_exposures set exposed_at = '2026-02-27' where unit_id < 'u04'")

    check = result_of(world.data(), "sample_ratio")

    assert check.passed is True
    assert check.details["looks"][0]["units"] == 4


def test_sample_ratio_without_an_end_of_exposure_is_judged_by_its_e_value(world, result_of):
    world.run(MANY.format(control=500, total=1140))
    world.run("update dim_releases set exposure_ends_at = null")
    assert result_of(world.data(), "sample_ratio").passed is True

    world.run(MANY.format(control=440, total=1000).replace("m{:", "n{:"))

    check = result_of(world.data(), "sample_ratio")
    assert check.blocks
    assert "z =" not in check.observed


def test_sample_ratio_holds_each_of_three_variants_against_the_rest(world, result_of):
    thirds = AllocationStage(
        datetime(2026, 3, 2, tzinfo=UTC), {"control": 0.4, "checklist": 0.3, "tour": 0.3}
    )
    world.change(allocation=(thirds,), treatments=("checklist", "tour"))
    world.run("delete from fct_exposures")
    world.run(MANY.format(control=800, total=1400))
    tour = MANY.format(control=0, total=600).replace("'checklist')", "'tour')")
    world.run(tour.replace("m{:", "n{:"))
    assert result_of(world.data(), "sample_ratio").passed is True

    world.run("delete from fct_exposures where variant = 'tour' and unit_id < 'n0150'")

    check = result_of(world.data(), "sample_ratio")
    assert check.blocks
    assert check.details["looks"][6]["variant"] == "tour"


def test_sample_ratio_passes_the_course_pages_split(world, result_of):
    world.run("delete from fct_exposures")
    world.run(MANY.format(control=1586, total=3231))

    check = result_of(world.data(), "sample_ratio")

    assert check.passed is True
    assert "z = 1.0" in check.observed


def test_sample_ratio_judges_each_stage_of_a_ramp_by_its_own_plan(world, result_of):
    ramp = (
        AllocationStage(datetime(2026, 3, 4, tzinfo=UTC), {"control": 0.5, "checklist": 0.5}),
        AllocationStage(datetime(2026, 3, 2, tzinfo=UTC), {"control": 0.9, "checklist": 0.1}),
    )
    world.change(allocation=ramp)
    world.run("delete from fct_exposures")
    world.run(MANY.format(control=500, total=1000))
    world.run(MANY.format(control=900, total=1000).replace("m{:", "n{:").replace("-04", "-02"))

    check = result_of(world.data(), "sample_ratio")

    assert check.passed is True  # pooled, 1,400 to 600 would fit neither stage
    assert check.expected.startswith(
        "control 90 % : checklist 10 %, then control 50 % : checklist 50 %"
    )


def test_sample_ratio_refuses_a_ramp_in_which_one_stage_is_off(world, result_of):
    ramp = (
        AllocationStage(datetime(2026, 3, 2, tzinfo=UTC), {"control": 0.9, "checklist": 0.1}),
        AllocationStage(datetime(2026, 3, 4, tzinfo=UTC), {"control": 0.5, "checklist": 0.5}),
    )
    world.change(allocation=ramp)
    world.run("delete from fct_exposures")
    world.run(MANY.format(control=620, total=1000))
    world.run(MANY.format(control=780, total=1000).replace("m{:", "n{:").replace("-04", "-02"))

    assert result_of(world.data(), "sample_ratio").blocks  # pooled, 1,400 of 2,000 fits


def test_sample_ratio_refuses_units_in_a_variant_that_was_given_no_traffic(world, result_of):
    closed = AllocationStage(datetime(2026, 3, 2, tzinfo=UTC), {"control": 1.0, "checklist": 0.0})
    world.change(allocation=(closed,))

    check = result_of(world.data(), "sample_ratio")

    assert check.blocks
    assert "20 units exposed where the plan gave no traffic" in check.observed


def test_sample_ratio_does_not_apply_without_an_allocation(world):
    world.change(allocation=())

    decision = world.data()

    assert decision.decision == "pass"
    assert decision.skipped["sample_ratio"] == "the release plans no allocation"


def test_sample_ratio_slices_warns_of_a_platform_that_loses_one_variant(world, result_of):
    world.run(MANY.format(control=2000, total=4000))
    world.run("update fct_exposures set platform = if(hash(unit_id) % 4 = 0, 'ios', 'web')")
    world.run(
        "update fct_exposures set is_bot = true where platform = 'ios' and variant = 'checklist'"
        " and hash(unit_id || 'x') % 4 = 0"
    )
    world.run("update fct_exposures set country = 'FR' where hash(unit_id || 'y') % 2 = 0")

    decision = world.data()

    check = result_of(decision, "sample_ratio_slices")
    assert (check.passed, check.severity) == (False, "warning")
    assert check.observed == "off the plan: `platform ios`"
    assert decision.decision == "pass", decision.failed


def test_sample_ratio_slices_passes_slices_as_planned(world, result_of):
    check = result_of(world.data(), "sample_ratio_slices")

    assert check.passed is True
    assert check.observed == "5 slices as planned"  # 2 days, a platform, a country, a version


def test_crossover_share_refuses_one_per_cent(world, result_of):
    world.run(MANY.format(control=480, total=960))
    world.run(
        "update fct_exposures set is_crossover = true where unit_id in "
        "('m0001', 'm0002', 'm0003', 'm0004', 'm0005', 'm0501', 'm0502', 'm0503', "
        "'m0504', 'm0505')"
    )

    check = result_of(world.data(), "crossover_share")

    assert check.blocks
    assert check.observed == "10 of 1,000 exposed units met more than one variant (1 %)"


def test_crossover_share_only_warns_of_one_unit_in_forty(world, result_of):
    world.run("update fct_exposures set is_crossover = true where unit_id = 'u01'")

    check = result_of(world.data(), "crossover_share")

    assert (check.passed, check.severity) == (False, "warning")  # 2.5 %, and may be chance


def test_crossover_share_refuses_units_that_leave_one_arm_only(world, result_of):
    world.run(MANY.format(control=4000, total=8000))
    world.run(
        "update fct_exposures set is_crossover = true where unit_id < 'm0040'"
        " and variant = 'control'"
    )

    check = result_of(world.data(), "crossover_share")

    assert check.blocks  # half a per cent of all, 1 % of control
    assert check.observed == (
        "40 of 8,040 exposed units met more than one variant (0.498 %), "
        "0.995 % of those who met control first, 0 % of those who met checklist first"
    )


def test_crossover_share_warns_above_one_in_a_thousand(world, result_of):
    world.run(MANY.format(control=480, total=960))
    world.run("update fct_exposures set is_crossover = true where unit_id in ('m0001', 'm0501')")

    decision = world.data()

    assert decision.decision == "pass"
    assert [check.check_id for check in decision.warnings] == ["crossover_share"]


def test_crossover_share_leaves_bots_out(world, result_of):
    world.run("update fct_exposures set is_crossover = true, is_bot = true where unit_id = 'u01'")

    assert result_of(world.data(), "crossover_share").passed is True


def test_unknown_variant_warns_of_exposures_nobody_measures(world, result_of):
    world.run("insert into int_exposure_events values ('checklist', 'x1', null, '2026-03-04')")
    world.run(
        "insert into int_exposure_events select 'checklist', format('y{}', i), 'checklist_v2',"
        " timestamp '2026-03-04' from range(9) as units(i)"
    )

    decision = world.data()

    check = result_of(decision, "unknown_variant")
    assert decision.decision == "pass"
    assert (check.passed, check.severity) == (False, "warning")
    assert check.observed == (
        "20 % of exposed units met a variant the release does not name: "
        "`checklist_v2` (9 units), `(none)` (1 unit)"
    )


def test_unknown_variant_tells_no_label_that_few_units_share(world, result_of):
    world.run(
        "insert into int_exposure_events"
        " select 'checklist', format('x{}', i), format('bob{}@x.example', i),"
        " timestamp '2026-03-04' from range(300) as units(i)"
    )

    check = result_of(world.data(), "unknown_variant")

    assert check.observed.endswith("does not name: other labels (300 units)")
    assert "bob" not in str(check)


def test_unknown_variant_passes_when_exposures_name_the_releases_variants(world, result_of):
    world.run(
        "insert into int_exposure_events values "
        "('another', 'x1', 'blue', '2026-03-04'), "
        "('checklist', 'x1', 'checklist_v2', '2026-03-10')"
    )  # after exposure ended

    assert result_of(world.data(), "unknown_variant").passed is True


def test_a_release_to_everybody_is_not_judged_by_its_split(world):
    world.run("update fct_exposures set variant = 'released'")
    world.change(
        kind="everyone", control=None, treatments=("released",), allocation=(), exposure=None
    )

    decision = world.data()

    assert decision.decision == "pass", decision.failed
    assert {"sample_ratio", "crossover_share", "unknown_variant"} <= set(decision.skipped)


def test_the_report_may_not_show_other_counts_than_the_gate_judged(world, result_of):
    from landed.impact import summarise_exposure

    exposure = summarise_exposure(world.engine, world.release, datetime(2026, 3, 16, tzinfo=UTC))
    other = replace(exposure, counts={"control": 20, "checklist": 21})

    assert world.data(exposure=exposure).decision == "pass"
    assert "the report counts 21 units in checklist, the gate 20" in (
        result_of(world.data(exposure=other), "gate_error").observed
    )
