"""Days of the lake that are read again: what the ledger lists is there, as it was written."""

from __future__ import annotations

from datetime import date

import pytest

from landed.errors import WarehouseError
from landed.ingest import Ledger, attach_lake, check_days
from landed.warehouse import Engine

FIRST, SECOND, THIRD = date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture
def two_days(events, event):
    events.land("events/a.jsonl", event(1) + event(2) + event(3, occurred_at="2026-11-02T10:00Z"))
    events.ingest()
    return events


def test_days_are_counted_and_a_day_without_rows_has_none(two_days):
    rows = check_days(two_days.home, "events", [THIRD, FIRST, SECOND])

    assert rows == {FIRST: 2, SECOND: 1, THIRD: 0}


def test_every_file_that_is_missing_or_changed_is_told_at_once(two_days):
    gone, changed = (file.path for file in Ledger(two_days.home).files("events"))
    gone.unlink()
    changed.chmod(0o600)
    changed.write_bytes(changed.read_bytes() + b"more")

    with pytest.raises(WarehouseError) as caught:
        check_days(two_days.home, "events", [FIRST, SECOND])

    assert [fault.what for fault in caught.value.faults] == [
        f"{gone} is missing",
        f"{changed} is not what was written",
    ]


def test_files_of_other_days_are_not_looked_at(two_days):
    Ledger(two_days.home).files("events")[0].path.unlink()

    assert check_days(two_days.home, "events", [SECOND]) == {SECOND: 1}


def test_a_day_may_count_as_touched_although_no_batch_wrote_to_it(two_days):
    with Engine.open(None) as engine:
        latest = Ledger(two_days.home).last_sequence()
        attach_lake(engine, two_days.home, since_sequence=latest, again={"events": [SECOND]})
        touched = engine.rows("select event_id from lake.touched_events")
        days = engine.rows("select day, kind from lake.touched_days")

    assert touched == [("e3",)]
    assert days == [(SECOND, "events")]
