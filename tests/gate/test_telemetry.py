"""What arrives of exposures and of telemetry: as much in one arm as in the other."""

from __future__ import annotations

LABELLED = """
insert into int_labels
select 'checklist', format('{name}{{:04d}}', i), '{variant}', timestamp '2026-03-03 08:00'
from range({units}) as units(i);
insert into dim_units by name
select format('{name}{{:04d}}', i) as unit_id, false as is_bot from range({units}) as units(i);
insert into fct_exposures by name
select 'checklist' as release, format('{name}{{:04d}}', i) as unit_id, '{variant}' as variant,
    timestamp '2026-03-03 09:00' as exposed_at, false as is_crossover, false as is_bot
from range({units} - {lost}) as units(i)
"""

TELEMETRY = """
insert into int_telemetry_days
select unit_id, cast(exposed_at as date) + n::integer, '{signal}', 100, 100 - {lost}
from fct_exposures, range(2) as days(n) where variant = '{variant}'
"""


def label(world, name, variant, units, lost):
    world.run(LABELLED.format(name=name, variant=variant, units=units, lost=lost))


def test_exposure_logging_refuses_a_treatment_that_logs_fewer_of_its_units(world, result_of):
    label(world, "c", "control", 1000, 10)
    label(world, "t", "checklist", 1000, 60)

    decision = world.data()

    check = result_of(decision, "exposure_logging")
    assert [each.check_id for each in decision.failed] == ["exposure_logging"]
    assert check.observed == (
        "units with an arm's label but without an exposure: 0.988 % in control, 5.93 % in checklist"
        " (exposures, 2026-03-04, z = 6.08 against a bound of 5.47)"
    )
    assert check.expected == (
        "the same share in every arm, or a difference below 2 % or within its bound"
    )


def test_exposure_logging_passes_a_difference_that_is_certain_but_small(world, result_of):
    label(world, "c", "control", 4000, 0)
    label(world, "t", "checklist", 4000, 60)

    assert result_of(world.data(), "exposure_logging").passed is True


def test_exposure_logging_passes_a_difference_that_chance_explains(world, result_of):
    label(world, "c", "control", 150, 2)
    label(world, "t", "checklist", 150, 8)

    assert result_of(world.data(), "exposure_logging").passed is True


def test_exposure_logging_gives_an_exposure_a_day_to_arrive(world, result_of):
    label(world, "c", "control", 1000, 0)
    label(world, "t", "checklist", 1000, 0)
    world.run(
        "update fct_exposures set exposed_at = '2026-03-04 07:00' where unit_id between 't0000'"
        " and 't0099'"
    )
    assert result_of(world.data(), "exposure_logging").passed is True

    world.run(
        "update fct_exposures set exposed_at = '2026-03-04 08:01' where unit_id between 't0000'"
        " and 't0099'"
    )
    assert result_of(world.data(), "exposure_logging").blocks


def test_exposure_logging_leaves_bots_out(world, result_of):
    label(world, "c", "control", 1000, 0)
    label(world, "t", "checklist", 1000, 100)
    world.run("update dim_units set is_bot = true where unit_id >= 't0900'")

    assert result_of(world.data(), "exposure_logging").passed is True


def test_exposure_logging_does_not_apply_where_no_event_carries_a_label(world):
    world.run("delete from int_labels")

    assert "exposure_logging" in world.data().skipped


def test_telemetry_loss_refuses_an_arm_that_loses_more_of_its_sequence(world, result_of):
    label(world, "c", "control", 400, 0)
    label(world, "t", "checklist", 400, 0)
    world.run(
        TELEMETRY.format(signal="sequence", variant="control", lost="unit_id[2:]::integer % 2")
    )
    world.run(
        TELEMETRY.format(signal="sequence", variant="checklist", lost="unit_id[2:]::integer % 9")
    )

    decision = world.data()

    check = result_of(decision, "telemetry_loss")
    assert [each.check_id for each in decision.failed] == ["telemetry_loss"]
    assert check.observed.startswith(
        "lost of the telemetry of exposed units: 0.476 % in control, 3.97 % in checklist (sequence"
    )


def test_telemetry_loss_compares_every_signal(world, result_of):
    label(world, "c", "control", 400, 0)
    label(world, "t", "checklist", 400, 0)
    for variant in ("control", "checklist"):
        world.run(TELEMETRY.format(signal="sequence", variant=variant, lost=0))
    world.run(TELEMETRY.format(signal="heartbeat", variant="control", lost=0))
    world.run(TELEMETRY.format(signal="heartbeat", variant="checklist", lost=5))

    check = result_of(world.data(), "telemetry_loss")

    assert check.blocks
    assert "5 % in checklist (heartbeat" in check.observed


def test_telemetry_loss_passes_what_one_heavy_unit_lost(world, result_of):
    label(world, "c", "control", 400, 0)
    label(world, "t", "checklist", 400, 0)
    for variant in ("control", "checklist"):
        world.run(TELEMETRY.format(signal="sequence", variant=variant, lost=0))
    world.run(
        "update int_telemetry_days set expected_count = 20000, seen_count = 10000"
        " where unit_id = 't0001'"
    )

    assert result_of(world.data(), "telemetry_loss").passed is True  # a fifth of all, of one unit


def test_telemetry_loss_does_not_apply_where_nothing_is_declared(world):
    assert world.data().skipped["telemetry_loss"].startswith("no exposed unit sends")
