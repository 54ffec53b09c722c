"""What people see of an ingest: counts and freshness, and nobody's name."""

from __future__ import annotations

from datetime import UTC, datetime

from landed.ingest import Ledger, arrivals
from landed.settings import Settings

NOW = datetime(2026, 11, 1, 11, 0, 2, tzinfo=UTC)
SMALL = Settings(threads=2, memory_limit_mb=512)


def test_arrivals_are_those_of_the_batches_after_a_number(events, event):
    events.land("events/a.jsonl", event(1) + event(2))
    events.ingest()
    before = Ledger(events.home).last_sequence()
    events.land("events/b.jsonl", event(3, event_name="search") + event(2))
    events.ingest()

    all_of_them = arrivals(events.home, SMALL, 0, NOW)
    new = arrivals(events.home, SMALL, before, NOW)

    assert all_of_them.rows_by_event == {"page_view": 2, "search": 1}
    assert new.rows_by_event == {"search": 1}
    assert new.age_seconds == 3599.0


def test_rows_that_were_merged_into_a_new_file_are_not_new(events, event):
    for number in range(9):
        events.land(f"events/{number}.jsonl", event(number))
        events.ingest()

    new = arrivals(events.home, SMALL, Ledger(events.home).last_sequence() - 1, NOW)

    assert len(Ledger(events.home).files("events")) == 1
    assert new.rows_by_event == {"page_view": 1}


def test_a_sample_names_nobody(events, event):
    events.land("events/a.jsonl", event(1, user_id="someone", properties={"email": "a@b.c"}))
    events.ingest()

    (row,) = arrivals(events.home, SMALL, 0, NOW).sample

    assert set(row) == {"event_name", "occurred_at", "app_version", "source"}


def test_a_source_that_went_silent_shows_beside_one_that_did_not(events, event):
    events.source("web", "kind: events\nformat: jsonl\npath: web/*\n")
    events.land("events/a.jsonl", event(1, occurred_at="2026-10-01T10:00:00Z"))
    events.land("web/a.jsonl", event(2, occurred_at="2026-11-01T11:00:00Z"))
    events.ingest()

    found = arrivals(events.home, SMALL, 0, NOW)

    assert found.latest_by_source == {
        "app": datetime(2026, 10, 1, 10, tzinfo=UTC),
        "web": datetime(2026, 11, 1, 11, tzinfo=UTC),
    }
    assert found.age_seconds == 2.0


def test_an_ingest_of_nothing_has_no_age(events):
    found = arrivals(events.home, SMALL, 0, NOW)

    assert (found.rows_by_event, found.latest_at, found.age_seconds) == ({}, None, None)
