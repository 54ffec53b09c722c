"""What stands in the landing folder and is no file, or has a name that means something."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unit.ingest.malformed.case import CHUNK
from unit.ingest.malformed.child import Child, write_sources

from landed.errors import SourceError
from landed.ingest import Ledger, ingest, pending
from landed.project import Home, Project
from landed.settings import Settings

SOON_SECONDS = 60.0


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    write_sources(tmp_path)
    folder = tmp_path / "home" / "landing"
    (folder / "jsonl").mkdir(parents=True)
    return folder


def test_what_is_no_file_is_passed_over_without_waiting_for_it(landing, event, tmp_path):
    (landing / "jsonl" / "good.jsonl").write_text(event(1))
    (landing / "jsonl" / "folder.jsonl").mkdir()
    (landing / "jsonl" / "nowhere.jsonl").symlink_to(tmp_path / "nowhere")
    (landing / "jsonl" / "round.jsonl").symlink_to(landing / "jsonl" / "round.jsonl")
    os.mkfifo(landing / "jsonl" / "pipe.jsonl")
    (landing / "jsonl" / "zeros.jsonl").symlink_to("/dev/zero")

    with Child() as child:
        answer = child.ask(tmp_path, chunk_bytes=CHUNK, patience=SOON_SECONDS)

    (account,) = [one for one in answer["accounts"] if one["source"] == "jsonl"]
    assert (account["files_new"], account["rows_in"], account["accepted"]) == (1, 1, 1)


def test_a_disk_that_fails_while_reading_is_told_and_nothing_is_claimed(landing, event, tmp_path):
    (landing / "jsonl" / "a.jsonl").write_text(event(1))
    bad = landing / "jsonl" / "b.jsonl"
    bad.symlink_to("/proc/self/mem")  # opens for everyone; its first byte cannot be read

    with Child() as child:
        answer = child.ask(tmp_path, chunk_bytes=CHUNK, patience=SOON_SECONDS)
        bad.unlink()
        again = child.ask(tmp_path, chunk_bytes=CHUNK, patience=SOON_SECONDS)

    assert answer.get("codes") == ["source_unreadable"], answer
    (account,) = [one for one in again["accounts"] if one["source"] == "jsonl"]
    assert account["accepted"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "[!x].jsonl",
        "a*.jsonl",
        "?.jsonl",
        "[a-z].jsonl",
        "it's.jsonl",
        'say "hi".jsonl',
        "a\nb.jsonl",
        "a\\b.jsonl",
        "{a,b}.jsonl",
        "%2e%2e.jsonl",
        "~root.jsonl",
        "-rf.jsonl",
        "é\u0301🎉.jsonl",
        " .jsonl",
        "a;b$(c).jsonl",
    ],
)
def test_a_name_is_a_name_and_no_pattern(events, event, name):
    events.land("events/a.jsonl", event(1))
    path = events.land(f"events/{name}", event(2) + "{\n")

    account = events.one()

    assert (account.files_new, account.accepted, account.reasons) == (2, 2, {"invalid_json": 1})
    assert events.quarantine("app")[0]["file"] == str(path)


def odd_name(events, name: bytes, content: str) -> str:
    """Land a file whose name is no UTF-8; the name as it is shown."""
    folder = events.land("events/a.jsonl", "").parent
    (folder / os.fsdecode(name)).write_text(content)
    return f"{folder}/{name.decode('utf-8', 'backslashreplace')}"


def test_a_name_that_is_no_utf8_is_shown_escaped_and_read_once(events, event):
    shown = odd_name(events, b"\xff\xfe.jsonl", event(1) + "{\n")
    told = []

    account = events.one()
    again = ingest(events.project, events.home, Settings(threads=2), progress=told.append)

    assert (account.files_new, account.accepted, account.reasons) == (2, 1, {"invalid_json": 1})
    assert events.quarantine("app")[0]["file"] == shown
    assert (again.accounts[0].files_new, pending(events.project, events.home)) == (0, [])


def test_a_parquet_file_whose_name_is_no_utf8_is_told_by_its_name(events):
    events.source("app", "kind: events\nformat: parquet\npath: events/*.parquet\n")
    shown = odd_name(events, b"\xff.parquet", "")

    with pytest.raises(SourceError) as caught:
        events.ingest()

    assert caught.value.faults[0].where == shown
    folder = Path(shown).parent
    events.source("app", f"kind: relation\nformat: parquet\npath: {folder}\ngrain: [x]\n")
    with pytest.raises(SourceError) as caught:
        events.ingest()
    assert f"the name of {shown} is no UTF-8" in caught.value.faults[0].what


def test_the_home_may_lie_in_a_folder_whose_name_is_a_pattern(world, event):
    root = world.project.root.rename(world.project.root.with_name("[shop]*"))
    inside = type(world)(Project(root, "shop"), Home(root / "ho?me[1]"))
    inside.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    inside.source("own", "kind: events\nformat: jsonl\npath: ./data/*.jsonl\n")
    inside.land("events/a.jsonl", event(1))
    (root / "data").mkdir()
    (root / "data" / "b.jsonl").write_text(event(2))

    assert [account.accepted for account in inside.ingest().accounts] == [1, 1]


def _table(event_id: str) -> pa.Table:
    return pa.table(
        {
            "event_id": [event_id],
            "event_name": ["view"],
            "occurred_at": ["2026-11-01T10:00:00Z"],
            "user_id": ["u1"],
        }
    )


def test_a_parquet_file_whose_name_is_a_pattern_is_read_itself(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    names = ["-.parquet", "[!x].parquet", "b.parquet", "*.parquet", "?.parquet"]
    for name in names:
        pq.write_table(_table(name), world.land(f"events/{name}", b""))

    assert world.one().accepted == len(names)
    assert {row[0] for row in world.rows("select event_id from lake.events")} == set(names)


def test_a_folder_of_the_form_key_equals_value_adds_no_column(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/**/*.parquet\n")
    path = world.land("events/user_id=mallory/event_id=x/a.parquet", b"")
    pq.write_table(_table("e1"), path)

    assert world.one().accepted == 1
    assert world.rows("select event_id, user_id from lake.events") == [("e1", "u1")]


def test_columns_named_like_the_reader_s_own_are_columns(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    for name in ("file_row_number", "FILE_ROW_NUMBER", "filename", "_row", "raw", "_landed_row"):
        table = _table(name).append_column(name, [[7]])
        pq.write_table(table, world.land(f"events/{name}.parquet", b""))

    assert world.one().accepted == 6


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_table_without_a_needed_column_is_told_and_nothing_is_taken(world, form):
    world.source("app", f"kind: events\nformat: {form}\npath: events/*\n")
    path = world.land("events/a", b"event_id;event_name\n1;2\n")
    if form == "parquet":
        pq.write_table(_table("e1").drop(["occurred_at"]), path)

    with pytest.raises(SourceError, match="occurred_at"):
        world.ingest()

    assert Ledger(world.home).files("events") == []


def test_a_table_of_a_hundred_thousand_columns_is_refused_at_once(world):
    world.source("app", "kind: events\nformat: csv\npath: events/*\n")
    names = ",".join(f"c{number}" for number in range(100_000))
    world.land("events/a.csv", f"{names}\n" + "1\n" * 1_000)

    started = time.monotonic()
    account = world.one()

    assert account.reasons == {"bad_header": 1_001}
    assert time.monotonic() - started < SOON_SECONDS


def test_a_parquet_file_that_stands_for_gigabytes_is_refused(world):
    world.source("app", "kind: events\nformat: parquet\npath: events/*\n")
    columns = {
        name: _table("e1").column(name).to_pylist() * 3_000 for name in _table("e1").column_names
    }
    word = pa.array(["x" * 1_000_000])
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000, pa.int32()), word)
    path = world.land("events/a.parquet", b"")
    pq.write_table(pa.table({**columns, "properties": bomb}), path, compression="zstd")

    account = world.one()

    assert path.stat().st_size < 100_000
    assert set(account.reasons) == {"too_long", "decompression_bomb"}
    assert account.reasons["decompression_bomb"] == 1
    assert account.reasons["too_long"] < 1_000


@pytest.mark.parametrize("target", [".", "..", "deep"])
def test_a_link_that_leads_back_has_no_end_and_is_not_followed(world, event, target):
    world.source("app", "kind: events\nformat: jsonl\npath: events/**\n")
    world.land("events/deep/a.jsonl", event(1))
    (world.home.landing / "events" / "deep" / "loop").symlink_to(target)

    assert world.one().accepted == 1
