"""Rows on the way in: every one accounted for, few refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from landed.gate import load_suites


def test_row_accounting_refuses_a_source_that_lost_rows(world, account, result_of):
    world.accounts = [account("web", "events", 100, 96, 2, 0, 0)]

    decision = world.data()

    check = result_of(decision, "row_accounting")
    assert decision.decision == "blocked"
    assert check.observed == "source `web`: 2 rows missing"


def test_row_accounting_refuses_losses_and_doublings_that_cancel_out(world, account, result_of):
    world.accounts = [account("web", "events", 100, 99), account("app", "events", 100, 101)]

    decision = world.data()

    check = result_of(decision, "row_accounting")
    assert [each.check_id for each in decision.failed] == ["row_accounting"]
    assert check.observed == (
        "source `app`: 1 row more than were read, source `web`: 1 row missing"
    )


def test_row_accounting_passes_when_every_row_is_explained(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 990, 5, 2, 3)]

    decision = world.data()

    check = result_of(decision, "row_accounting")
    assert decision.decision == "pass"
    assert (check.passed, check.severity) == (True, "critical")
    assert check.observed == "all 1,000 rows of 1 source accounted for"


def test_a_project_whose_sources_account_for_nothing_is_blocked(world, result_of):
    world.accounts = []

    decision = world.data()

    assert decision.decision == "blocked"
    assert "no source accounts for its rows" in result_of(decision, "gate_error").observed


def test_quarantine_rate_refuses_a_source_with_more_than_a_twentieth_refused(
    world, account, result_of
):
    world.accounts = [
        account("web", "events", 1000, 1000),
        account("app", "events", 1000, 949, quarantined=51),
    ]

    decision = world.data()

    check = result_of(decision, "quarantine_rate")
    assert [each.check_id for each in decision.failed] == ["quarantine_rate"]
    assert check.observed == "51 of 1,000 rows of source `app` in quarantine (5.1 %)"
    assert check.expected == "at most 5 % of each source's rows in quarantine"


def test_quarantine_rate_warns_between_one_and_five_per_cent(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 950, quarantined=50)]

    decision = world.data()

    check = result_of(decision, "quarantine_rate")
    assert decision.decision == "pass"
    assert [each.check_id for each in decision.warnings] == ["quarantine_rate"]
    assert (check.severity, check.expected) == (
        "warning",
        "at most 1 % of each source's rows in quarantine",
    )


def test_quarantine_rate_passes_at_one_per_cent(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 990, quarantined=10)]

    assert result_of(world.data(), "quarantine_rate").passed is True


@pytest.mark.parametrize(("refused", "severity"), [(9, "warning"), (10, "critical")])
def test_quarantine_rate_only_warns_of_a_tiny_source_with_fewer_than_ten_refused_rows(
    world, account, result_of, refused, severity
):
    world.accounts = [account("web", "events", 20, 20 - refused, quarantined=refused)]

    check = result_of(world.data(), "quarantine_rate")

    assert (check.passed, check.severity) == (False, severity)


def test_a_tiny_source_hides_no_other_that_lost_many_rows(world, account, result_of):
    world.accounts = [
        account("tiny", "events", 12, 11, quarantined=1),
        account("web", "events", 10_000, 9_300, quarantined=700),
    ]

    check = result_of(world.data(), "quarantine_rate")

    assert check.blocks
    assert check.observed == (
        "700 of 10,000 rows of source `web` in quarantine (7 %);"
        " 1 of 12 rows of source `tiny` in quarantine (8.33 %)"
    )


def test_few_rows_since_the_release_hide_nothing_of_a_life(world, account, arrivals, result_of):
    late = (arrivals(date(2026, 2, 1), 988, refused=69), arrivals(date(2026, 3, 5), 12, refused=1))
    world.accounts = [account("web", "events", 1_000, 930, quarantined=70, arrivals=late)]

    assert result_of(world.data(), "quarantine_rate").blocks


def test_rows_that_a_select_leaves_out_are_no_part_of_the_rate(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 700, quarantined=300, left_out=300)]

    assert result_of(world.data(), "quarantine_rate").passed is True


def test_rows_that_a_select_leaves_out_do_not_thin_the_rate(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 470, quarantined=530, left_out=500)]

    check = result_of(world.data(), "quarantine_rate")

    assert check.passed is False
    assert check.observed == "30 of 500 rows of source `web` in quarantine (6 %)"


def test_a_source_of_feedback_does_not_hold_up_a_release_that_reads_none(world, account, result_of):
    world.accounts.append(account("reviews", "feedback", 100, 50, quarantined=50))

    assert world.data().decision == "pass"


def test_a_source_of_feedback_blocks_a_release_that_reads_it(world, account, tiny_catalog):
    world.accounts.append(account("reviews", "feedback", 100, 50, quarantined=50))
    feedback = type(world.release.roles[0])("feedback_count", "diagnostic")
    world.change(roles=(*world.release.roles, feedback))

    assert [each.check_id for each in world.data().failed] == ["quarantine_rate"]


def test_quarantine_rate_refuses_what_was_lost_since_the_release_shipped(
    world, account, arrivals, result_of
):
    late = (arrivals(date(2026, 2, 1), 9_000), arrivals(date(2026, 3, 5), 1_000, refused=60))
    world.accounts = [account("web", "events", 10_000, 9_940, quarantined=60, arrivals=late)]

    check = result_of(world.data(), "quarantine_rate")

    assert check.blocks
    assert check.observed == "60 of 1,000 rows of source `web` in quarantine (6 %)"


def _days(arrivals, last):
    start = date(2026, 2, 20)
    usual = [arrivals(start + timedelta(days=n), 10_000, refused=10) for n in range(21)]
    return (*usual, arrivals(date(2026, 3, 13), 10_000, refused=last))


def test_quarantine_jump_warns_of_a_day_with_four_times_the_usual_share(
    world, account, arrivals, result_of
):
    days = _days(arrivals, 40)
    world.accounts = [account("web", "events", 220_000, 219_750, quarantined=250, arrivals=days)]

    check = result_of(world.data(), "quarantine_jump")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed == (
        "0.4 % of what came of source `web` on 2026-03-13 was refused, 0.1 % usual"
    )


def test_quarantine_jump_passes_twice_the_usual_share(world, account, arrivals, result_of):
    days = _days(arrivals, 20)
    world.accounts = [account("web", "events", 220_000, 219_770, quarantined=230, arrivals=days)]

    assert result_of(world.data(), "quarantine_jump").passed is True


def test_row_conflicts_refuses_a_source_with_more_than_a_fiftieth_under_ids_of_others(
    world, account, result_of
):
    world.accounts = [
        account("web", "events", 1000, 1000),
        account("app", "events", 1000, 979, conflict=21),
    ]

    decision = world.data()

    check = result_of(decision, "row_conflicts")
    assert [each.check_id for each in decision.failed] == ["row_conflicts"]
    assert check.observed == (
        "21 of 1,000 rows of source `app` under the id of another row, with other content (2.1 %)"
    )
    assert check.expected == "at most 2 % of each source's rows under the id of another row"


def test_row_conflicts_warns_between_a_thousandth_and_a_fiftieth(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 980, conflict=20)]

    decision = world.data()

    assert decision.decision == "pass"
    assert [each.check_id for each in decision.warnings] == ["row_conflicts"]


@pytest.mark.parametrize(("conflict", "severity"), [(4, "warning"), (5, "critical")])
def test_row_conflicts_only_warns_of_a_tiny_source_with_fewer_than_five(
    world, account, result_of, conflict, severity
):
    world.accounts = [account("web", "events", 12, 12 - conflict, conflict=conflict)]

    check = result_of(world.data(), "row_conflicts")

    assert (check.passed, check.severity) == (False, severity)


def test_row_conflicts_passes_a_single_accident_and_any_number_of_duplicates(
    world, account, result_of
):
    world.accounts = [account("web", "events", 1000, 499, duplicate=500, conflict=1)]

    assert result_of(world.data(), "row_conflicts").passed is True


def test_row_conflicts_refuses_ids_that_went_wrong_since_the_release_shipped(
    world, account, arrivals, result_of
):
    late = (arrivals(date(2026, 2, 1), 9_000), arrivals(date(2026, 3, 5), 1_000, conflict=30))
    world.accounts = [account("web", "events", 10_000, 9_970, conflict=30, arrivals=late)]

    check = result_of(world.data(), "row_conflicts")

    assert check.blocks
    assert "30 of 1,000 rows of source `web`" in check.observed


def test_row_conflicts_takes_off_what_a_source_says_comes_again_changed(world, account, result_of):
    world.accounts = [account("web", "events", 1000, 880, conflict=120)]
    assert result_of(world.data(), "row_conflicts").blocks
    suites = load_suites()
    tickets = tuple(
        replace(one, by_source={"web": {"explained_share": 0.1195}})
        if one.check_id == "row_conflicts"
        else one
        for one in suites["accounting"].expectations
    )
    world.suites = {**suites, "accounting": replace(suites["accounting"], expectations=tickets)}

    assert result_of(world.data(), "row_conflicts").passed is True
