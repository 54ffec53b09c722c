"""Clocks that are wrong are told."""

from __future__ import annotations


def _with_ahead(world, rows: int):
    return world.run(
        "create or replace view int_event_hours as select date '2026-03-05' as event_on,"
        " 'web' as source, 'view' as event_name, '1.0.0' as app_version,"
        " timestamp '2026-03-05 10:00' as hour_at, 10000 as event_count,"
        f" {rows} as ahead_count, 0 as corrected_count"
    )


def test_clock_skew_warns_of_a_source_with_six_clocks_in_a_hundred_wrong(world, result_of):
    check = result_of(_with_ahead(world, 600).data(), "clock_skew")

    assert (check.severity, check.passed) == ("warning", False)
    assert check.observed.startswith("600 of 10,000 events of source `web`")


def test_clock_skew_passes_a_few_wrong_phones(world, result_of):
    assert result_of(_with_ahead(world, 400).data(), "clock_skew").passed is True
