"""What changes on the way: traffic, labels, and exposures that come late."""

from __future__ import annotations

from datetime import UTC, datetime

from landed.catalog.releases import AllocationStage

DAYS = """
delete from fct_exposures;
insert into fct_exposures by name
select 'checklist' as release, format('d{{}}n{{:04d}}', day, i) as unit_id,
    if(i < {control}, 'control', 'checklist') as variant,
    timestamp '2026-03-03 06:00' + to_days(day::integer) as exposed_at,
    false as is_crossover, false as is_bot
from range(1000) as units(i), range(4) as days(day);
delete from fct_events;
insert into fct_events by name
select row_number() over () as event_id, 'checklist_shown' as event_name, unit_id,
    exposed_at + to_minutes({minutes}) as occurred_at
from fct_exposures where {sends};
"""


def days(world, control="500", sends="variant = 'checklist'", minutes="1"):
    world.run(DAYS.format(control=control, sends=sends, minutes=minutes))


def test_allocation_change_refuses_traffic_that_moved_though_all_days_fit(world, result_of):
    days(world, control="if(day < 2, 540, 460)")

    check = result_of(world.data(), "allocation_change")

    assert check.blocks
    assert check.observed == (
        "checklist was -4.0 points off its plan up to 2026-03-04 and +4.0 points from then to"
        " 2026-03-06 (z = 5.06 against a bound of 4.54)"
    ), check.observed


def test_allocation_change_passes_days_that_differ_by_chance(world, result_of):
    days(world, control="500 + 20 * (day % 2)")

    assert result_of(world.data(), "allocation_change").passed is True


def test_allocation_change_passes_a_ramp_that_is_declared(world, result_of):
    days(world, control="if(day < 2, 900, 500)")
    ramp = (
        AllocationStage(datetime(2026, 3, 2, tzinfo=UTC), {"control": 0.9, "checklist": 0.1}),
        AllocationStage(datetime(2026, 3, 5, tzinfo=UTC), {"control": 0.5, "checklist": 0.5}),
    )
    assert result_of(world.data(), "allocation_change").blocks

    world.change(allocation=ramp)

    assert result_of(world.data(), "allocation_change").passed is True


def test_variants_swapped_refuses_labels_that_were_exchanged(world, result_of):
    days(world, sends="(variant = 'checklist') = (exposed_at < '2026-03-05')")

    check = result_of(world.data(), "variants_swapped")

    assert check.blocks
    assert check.observed == (
        "`checklist_shown` came from 100 % more units of checklist than of control up to"
        " 2026-03-04, and from 100 % more units of control than of checklist since"
    )


def test_variants_swapped_passes_an_event_that_wears_off(world, result_of):
    days(world, sends="variant = 'checklist' and exposed_at < '2026-03-05'")

    assert result_of(world.data(), "variants_swapped").passed is True


def test_variants_swapped_passes_an_event_of_both_variants(world, result_of):
    days(world, sends="hash(unit_id) % 2 = 0")

    assert result_of(world.data(), "variants_swapped").passed is True


def test_treatment_before_exposure_refuses_exposures_that_come_late(world, result_of):
    days(world, minutes="if(hash(unit_id) % 20 = 0, -5, 1)")

    check = result_of(world.data(), "treatment_before_exposure")

    assert check.blocks
    assert check.observed.startswith("`checklist_shown`: ")
    assert "of 2,000 treatment units sent it before their exposure" in check.observed


def test_treatment_before_exposure_warns_of_what_accidents_may_make(world, result_of):
    days(world, minutes="if(unit_id between 'd0n0500' and 'd0n0521', -5, 1)")  # of 2,000

    check = result_of(world.data(), "treatment_before_exposure")

    assert not check.passed
    assert check.severity == "warning"


def test_treatment_before_exposure_allows_for_clocks(world, result_of):
    days(world, minutes="-1")

    assert result_of(world.data(), "treatment_before_exposure").passed is True


def test_treatment_before_exposure_says_nothing_of_what_control_sends_too(world):
    days(world, sends="true", minutes="-5")

    assert "treatment_before_exposure" in world.data().skipped
