"""The events a release promised are seen in every treatment."""

from __future__ import annotations


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
