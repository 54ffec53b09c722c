import signal
import sqlite3
import subprocess
import sys

import pytest

from landed.errors import HomeBusyError, SourceError, WarehouseError
from landed.ingest import Ledger
from landed.ingest.formats import InputFile
from landed.project import Home

KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from landed.ingest import batch, ingest, ledger
from landed.project import Home, Project
from landed.settings import Settings

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

moments = {
    "quarantine": (batch, "write_quarantine"),
    "rows": (ledger.Ledger, "_insert_files"),
}
setattr(*moments[sys.argv[3]], die)
ingest(Project(Path(sys.argv[1]), "shop"), Home(Path(sys.argv[2])),
       Settings(threads=1, memory_limit_mb=512), now=datetime(2026, 11, 22, tzinfo=UTC))
"""


def contents(world):
    """Every accepted row, without the name of its batch."""
    return world.rows("select * exclude (batch_id) from lake.events order by event_id")


def lake_files(home):
    return sorted(str(path.relative_to(home.root)) for path in home.lake.rglob("*.parquet"))


@pytest.mark.parametrize("moment", ["quarantine", "rows"])
def test_a_killed_batch_leaves_nothing_and_the_next_run_is_exact(events, event, moment):
    events.land("events/a.jsonl", "".join(event(n) for n in range(50)) + "broken\n")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, events.project.root, events.home.root, moment],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr

    assert lake_files(events.home)
    assert Ledger(events.home).files("events") == []
    events.land("events/b.jsonl", event(50))

    account = events.one()

    assert (account.rows_in, account.accepted, account.quarantined) == (52, 51, 1)
    assert len(contents(events)) == 51
    listed = [
        str(file.path.relative_to(events.home.root)) for file in Ledger(events.home).files("events")
    ]
    assert lake_files(events.home) == sorted(listed)


def test_a_delivered_file_is_taken_once_whatever_its_name(events, event):
    path = events.land("events/a.jsonl", event(1) + event(2) + "broken\n")
    events.ingest()
    before, files = contents(events), lake_files(events.home)
    path.rename(path.with_name("renamed.jsonl"))
    events.land("events/copy.jsonl", path.with_name("renamed.jsonl").read_bytes())

    account = events.one()

    assert (account.files_new, account.files_seen, account.rows_in) == (0, 2, 0)
    assert (contents(events), lake_files(events.home)) == (before, files)


def test_the_same_input_gives_the_same_bytes_in_another_home(events, tmp_path, event):
    events.land("events/a.jsonl", "".join(event(n) for n in range(3_000)))
    events.ingest()
    other = Home(tmp_path / "other")
    other.landing.mkdir(parents=True)
    (events.home.landing / "events").rename(other.landing / "events")

    first = lake_files(events.home)
    events.home = other
    events.ingest()

    assert lake_files(other) == first


def test_rows_lie_by_day_unit_and_time(events, event):
    lines = [event(n, user_id=f"u{n % 2}", occurred_at=f"2026-11-0{1 + n % 2}T0{9 - n}:00:00Z")
             for n in range(8)]  # fmt: skip
    events.land("events/a.jsonl", "".join(lines))

    account = events.one()

    assert [str(day) for day in account.days] == ["2026-11-01", "2026-11-02"]
    for file in Ledger(events.home).files("events"):
        found = events.rows(f"select user_id, occurred_at from read_parquet('{file.path}')")
        assert found == sorted(found)
        assert len(found) == file.rows == 4


def test_touched_views_hold_whole_days_since_a_batch(events, event):
    events.land("events/a.jsonl", event(1) + event(2, occurred_at="2026-11-02T00:00:00Z"))
    first = events.ingest().sequence
    events.land("events/b.jsonl", event(3, occurred_at="2026-11-02T05:00:00Z"))
    second = events.ingest().sequence

    assert second == first + 1
    ids = events.rows("select event_id from lake.touched_events order by 1", since_sequence=first)
    assert ids == [("e2",), ("e3",)]
    days = events.rows("select day::varchar, kind from lake.touched_days", since_sequence=first)
    assert days == [("2026-11-02", "events")]
    assert events.rows("select count(*) from lake.touched_events", since_sequence=second) == [(0,)]
    assert events.rows("select count(*) from lake.events") == [(3,)]
    assert {str(day): rows for day, rows in Ledger(events.home).days("events").items()} == {
        "2026-11-01": 1,
        "2026-11-02": 2,
    }


def test_accounts_and_sources_stand_in_the_lake_schema(world, event):
    world.source(
        "app",
        "kind: events\nformat: jsonl\npath: events/*\n"
        "complete_through: 2026-11-02T00:00:00+02:00\n",
    )
    world.land("events/a.jsonl", event(1) + event(1) + event(1, event_name="x") + "broken\n")
    world.ingest()

    assert world.rows("from lake.accounts") == [("app", "events", 4, 1, 1, 1, 1)]
    assert world.rows("from lake.quarantine_reasons order by reason") == [
        ("app", "conflict", 1),
        ("app", "invalid_json", 1),
    ]
    assert world.rows("select source, kind, complete_through::varchar from lake.sources") == [
        ("app", "events", "2026-11-01 22:00:00")
    ]


def test_a_lost_lake_file_is_named(events, event):
    events.land("events/a.jsonl", event(1))
    events.ingest()
    (file,) = Ledger(events.home).files("events")
    file.path.unlink()

    with pytest.raises(WarehouseError, match=file.path.name):
        events.rows("select 1")


def test_the_ledger_itself_refuses_a_batch_that_does_not_balance(events, event):
    events.land("events/a.jsonl", event(1))
    events.ingest()

    with sqlite3.connect(events.home.ledger) as found, pytest.raises(sqlite3.IntegrityError):
        found.execute("update batches set accepted = accepted + 1")


def test_a_ledger_of_a_newer_version_is_refused(events, event):
    events.land("events/a.jsonl", event(1))
    events.ingest()
    with sqlite3.connect(events.home.ledger) as found:
        found.execute("pragma user_version = 99")

    with pytest.raises(WarehouseError, match="version 99"):
        Ledger(events.home).last_sequence()


def test_a_source_keeps_its_kind(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    world.land("events/a.jsonl", event(1))
    world.ingest()
    world.source("app", "kind: feedback\nformat: jsonl\npath: events/*\n")

    with pytest.raises(WarehouseError, match="was of kind events"):
        world.ingest()


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path, event):
    path = tmp_path / "a.jsonl"
    path.write_text(event(1))

    with pytest.raises(SourceError, match="changed while it was read"):
        list(InputFile(path, "0" * 64).chunks())


def test_a_second_ingest_is_told_who_works_here(events):
    program = (
        "import sys; from pathlib import Path; from landed.project import Home\n"
        "from landed.warehouse import run_lock\n"
        "with run_lock(Home(Path(sys.argv[1]))): print('ready', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(events.home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(HomeBusyError, match=f"pid {holder.pid}"):
            events.ingest()
    finally:
        holder.communicate()


def test_three_hundred_small_files_share_batches(events, event):
    for number in range(300):
        events.land(f"events/{number:03d}.jsonl", event(number))

    result = events.ingest()

    assert (result.accounts[0].files_new, result.accounts[0].accepted) == (300, 300)
    assert result.sequence == 1
    assert list((events.home.lake / ".tmp").iterdir()) == []
