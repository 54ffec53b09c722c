"""Every event once; deliveries that repeat rows are told, and are no mismatch of anything."""

from __future__ import annotations

from datetime import date, timedelta


def _days(arrivals, duplicate, last):
    """Three weeks of arrivals with as many duplicates a day, then a day with others."""
    start = date(2026, 2, 20)
    usual = [arrivals(start + timedelta(days=n), 10_000, duplicate=duplicate) for n in range(21)]
    return (*usual, arrivals(date(2026, 3, 13), 10_000, duplicate=last))


def test_duplicates_refuses_marts_with_more_events_than_were_accepted(world, account, result_of):
    world.accounts = [account("web", "events", 69, 69)]
    assert result_of(world.data(), "duplicates").passed is True
    world.run(
        "insert into fct_events by name"
        " select event_id, event_name, unit_id, occurred_at from fct_events"
        " where event_name = 'signup' and unit_id = 'u05'"
    )

    check = result_of(world.data(), "duplicates")

    assert check.blocks
    assert check.observed == "1 event of source `web` more than ingest ever accepted"


def test_duplicates_warns_of_a_file_that_was_delivered_twice(world, account, arrivals, result_of):
    days = _days(arrivals, 30, 5_000)
    world.accounts = [account("web", "events", 220_000, 214_370, 5_630, arrivals=days)]

    decision = world.data()

    check = result_of(decision, "duplicates")
    assert (check.severity, check.passed) == ("warning", False)
    assert "50 % of what source `web` sent on 2026-03-13 were duplicates" in check.observed
    assert result_of(decision, "sample_ratio").passed is True


def test_duplicates_passes_a_client_that_always_retries(world, account, arrivals, result_of):
    days = _days(arrivals, 400, 500)
    world.accounts = [account("web", "events", 220_000, 211_100, 8_900, arrivals=days)]

    assert result_of(world.data(), "duplicates").passed is True
