"""Many small files of a day become one; nothing else changes, whenever it is killed."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from landed.errors import WarehouseError
from landed.ingest import Ledger, compaction
from landed.ingest.ledger import Ledger as WrittenLedger
from landed.warehouse import Engine

MANY = compaction.MAX_FILES + 1
DAY, OTHER = "2026-11-01", "2026-11-02"


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def land(world, event, numbers):
    """One ingest a file; every file has one row on each of two days, but the last one."""
    for number in numbers:
        more = event(number + 500, occurred_at=f"{OTHER}T00:00:00Z") if number < 3 else ""
        world.land(f"events/{number}.jsonl", event(number) + more)
        world.ingest()


def paths(world, day=None):
    files = Ledger(world.home).files("events")
    return [file.path for file in files if day is None or str(file.day) == day]


def contents(world):
    return world.rows("from lake.events order by event_id")


def test_a_day_of_many_small_files_becomes_one_sorted_file(events, event):
    land(events, event, range(MANY - 1))
    before, other = contents(events), paths(events, OTHER)
    assert len(paths(events, DAY)) == MANY - 1
    land(events, event, [100])

    (merged,) = paths(events, DAY)

    assert [row for row in contents(events) if row[0] != "e100"] == before
    assert paths(events, OTHER) == other  # three files: nothing to do
    rows = pq.read_table(merged).select(["user_id", "occurred_at", "event_id"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == sorted(tuple(row.values()) for row in rows)
    assert len({row["batch_id"] for row in pq.read_table(merged).to_pylist()}) == MANY


def test_who_has_seen_all_batches_is_not_told_of_the_day_again(events, event, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_FILES", 100)
    land(events, event, range(MANY))
    seen = Ledger(events.home).last_sequence()
    monkeypatch.setattr(compaction, "MAX_FILES", 2)
    events.ingest()

    assert len(paths(events, DAY)) == 1
    assert Ledger(events.home).touched_days("events", seen) == []
    assert [str(day) for day in Ledger(events.home).touched_days("events", seen - 1)] == [DAY]


def test_a_view_of_the_lake_holds_until_the_next_ingest_has_swept(events, event):
    land(events, event, range(MANY - 1))
    old = paths(events, DAY)
    with Engine.open(None) as engine:
        listed = ", ".join(f"'{path}'" for path in old)
        engine.execute(f"create view held as from read_parquet([{listed}])")
        land(events, event, [100])
        assert engine.one("select count(*) from held") == (MANY - 1,)
    assert all(path.is_file() for path in old)

    events.ingest()

    assert not [path for path in old if path.is_file()]


def test_a_day_that_no_batch_touched_is_not_written_again(events, event):
    land(events, event, range(MANY))
    before = {path: path.stat().st_mtime_ns for path in paths(events)}
    events.land("events/later.jsonl", event(900, occurred_at="2026-11-09T00:00:00Z"))

    events.ingest()

    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert set(before) < set(paths(events))


def test_large_files_are_left_alone_and_small_ones_merge_up_to_the_target(
    events, event, monkeypatch
):
    monkeypatch.setattr(compaction, "MAX_FILES", 100)
    land(events, event, range(6))
    sizes = [path.stat().st_size for path in paths(events, DAY)]
    monkeypatch.setattr(compaction, "MAX_FILES", 2)
    monkeypatch.setattr(compaction, "TARGET_BYTES", min(sizes) * 2)
    events.ingest()
    assert 1 < len(paths(events, DAY)) < 6

    monkeypatch.setattr(compaction, "TARGET_BYTES", 1)
    before = paths(events)
    events.ingest()

    assert paths(events) == before


@pytest.mark.parametrize("step", ["rename", "apply", "commit"])
def test_a_killed_compaction_changes_nothing_and_the_next_one_ends_the_same(
    events, event, monkeypatch, step
):
    monkeypatch.setattr(compaction, "MAX_FILES", 100)
    land(events, event, range(MANY))
    before, listed = contents(events), paths(events)
    monkeypatch.setattr(compaction, "MAX_FILES", 4)

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as killed:
        place = {
            "rename": (Path, "replace"),
            "apply": (WrittenLedger, "apply"),
            "commit": (WrittenLedger, "_require_balance"),
        }[step]
        killed.setattr(*place, die)
        with pytest.raises(Killed):
            events.ingest()
    events.check_identity()
    assert (contents(events), paths(events)) == (before, listed)

    events.ingest()

    assert contents(events) == before
    (merged,) = paths(events, DAY)
    events.ingest()
    on_disk = set(events.home.lake.rglob("*.parquet"))
    assert on_disk == {merged, *paths(events, OTHER)}


def test_a_file_that_lost_rows_is_not_merged_away(events, event, monkeypatch):
    monkeypatch.setattr(compaction, "MAX_FILES", 100)
    land(events, event, range(5, 5 + MANY))
    one = paths(events, DAY)[0]
    pq.write_table(pq.read_table(one).slice(0, 0), one)
    monkeypatch.setattr(compaction, "MAX_FILES", 2)
    before = paths(events)

    with pytest.raises(WarehouseError, match=rf"hold {MANY - 1} rows; expected {MANY}"):
        events.ingest()

    assert paths(events) == before
