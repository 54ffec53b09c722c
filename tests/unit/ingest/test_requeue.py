"""Refused records are fed again after a correction: each counts once, wherever it is killed."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from landed.errors import SourceError, WarehouseError
from landed.ingest import Ledger, load_sources, rereading
from landed.ingest import requeue as module
from landed.ingest.erasure import erase
from landed.ingest.formats.records import digest_of
from landed.ingest.ledger import Ledger as WrittenLedger
from landed.ingest.requeue import requeue
from landed.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Settings(threads=2, memory_limit_mb=512)
GOOD = "2026-11-01T10:00:00Z"
MAPPED = (
    "kind: events\nformat: {form}\npath: events/*\nevent_id: id\n"
    "select: |\n  select name as event_name, {when} as occurred_at, who as user_id from raw\n"
)
PLAIN = "ts"
#: The correction: a time with slashes is read too.
FIXED = "coalesce(strftime(try_strptime(ts, '%d/%m/%Y %H:%M'), '%Y-%m-%dT%H:%M:%SZ'), ts)"


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def feed(world, source="app", **given):
    found = requeue(world.project, world.home, SMALL, source, now=NOW, **given)
    world.check_identity()
    return found


def total(world):
    (account,) = Ledger(world.home).accounts_total()
    return account


def contents(world):
    return world.rows("select event_id, event_name, occurred_at from lake.events order by event_id")


def rewrite(world, raws, *, is_listed=True):
    """Put other texts into the one quarantine file, and its new digest into the ledger."""
    (file,) = Ledger(world.home).quarantine_files("app")
    path = world.home.root / file.path
    table = pq.read_table(path)
    at = table.schema.get_field_index("raw")
    pq.write_table(table.set_column(at, table.schema.field(at), pa.array(raws)), path)
    if is_listed:
        with sqlite3.connect(world.home.ledger) as found:
            found.execute("update quarantine_files set sha256 = ?", (digest_of(path),))


def record(number, when):
    return {"id": f"i{number}", "name": "seen", "ts": when, "who": "u1"}


def mapped(world, form="jsonl", when=PLAIN):
    world.source("app", MAPPED.format(form=form, when=when))


@pytest.fixture
def refused(world):
    """Ten records in two files, five of them with a time that the first mapping cannot read."""
    mapped(world)
    for name in "ab":
        lines = [
            record(f"{name}{n}", GOOD if n % 2 else f"0{n + 1}/11/2026 08:00") for n in range(5)
        ]
        world.land(f"events/{name}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    world.ingest()
    assert total(world).reasons == {"bad_time": 6}
    mapped(world, when=FIXED)
    return world


def test_records_are_fed_again_after_the_mapping_was_corrected(refused):
    found = feed(refused)

    assert (found.taken, found.stay, found.is_remapped) == ({"bad_time": 6}, {}, True)
    assert (found.account.rows_in, found.account.accepted, found.account.files_new) == (6, 6, 0)
    assert (total(refused).rows_in, total(refused).accepted, total(refused).reasons) == (10, 10, {})
    assert refused.quarantine("app") == []
    assert len(contents(refused)) == 10


def test_the_lake_is_that_of_one_ingest_by_the_new_mapping(refused):
    feed(refused)
    fed = contents(refused)

    account = refused.one()
    assert (account.files_new, account.rows_in) == (0, 0)  # the new mapping is the source's now
    refused.ingest(again=True)

    assert contents(refused) == fed


def test_records_that_are_refused_again_keep_where_they_stood(refused):
    before = refused.quarantine("app")
    mapped(refused, when="replace(ts, '01/11/2026 08:00', '2026-11-01')")

    found = feed(refused)

    assert (found.account.rows_in, found.account.accepted) == (6, 2)
    after = refused.quarantine("app")
    places = [
        (row["file"], row["sha256"], row["line"], row["byte_offset"], row["raw"]) for row in before
    ]
    assert [
        (row["file"], row["sha256"], row["line"], row["byte_offset"], row["raw"]) for row in after
    ] == [places[1], places[2], places[4], places[5]]
    assert {row["batch_id"] for row in after}.isdisjoint(row["batch_id"] for row in before)
    assert (total(refused).rows_in, total(refused).reasons) == (10, {"bad_time": 4})


def test_feeding_again_and_again_counts_nothing_twice(refused):
    for _ in range(3):
        mapped(refused, when=PLAIN)
        feed(refused)
        assert (total(refused).rows_in, total(refused).quarantined) == (10, 6)
    mapped(refused, when=FIXED)
    feed(refused)

    assert (total(refused).rows_in, total(refused).accepted) == (10, 10)
    with pytest.raises(SourceError, match="nothing of `app` is in the quarantine"):
        feed(refused)


def test_only_the_reason_or_the_batch_that_is_named_is_fed(events, event):
    events.land("events/a.jsonl", event(1, event_name=None) + event(2, occurred_at="never"))
    first = events.ingest().sequence
    events.land("events/b.jsonl", event(3, event_name=None))
    events.ingest()
    ids = Ledger(events.home).batch_ids()

    assert feed(events, reason="bad_time").taken == {"bad_time": 1}
    assert feed(events, batch=ids[first + 1][:8]).taken == {"no_event_name": 1}
    assert total(events).rows_in == 3
    with pytest.raises(SourceError, match="was refused as no_flag; expected bad_time, no_event"):
        feed(events, reason="no_flag")
    with pytest.raises(SourceError, match="in a batch zzz"):
        feed(events, batch="zzz")
    with pytest.raises(SourceError, match="nothing of `apps` is in the quarantine"):
        feed(events, "apps")


def test_a_corrected_tracking_plan_lets_them_in(events, event):
    plan = events.project.tracking
    plan.mkdir()
    schema = {"type": "object", "required": ["number", "page"]}
    (plan / "page_view.json").write_text(json.dumps(schema))
    events.land("events/a.jsonl", event(1) + event(2))
    events.ingest()
    (plan / "page_view.json").write_text(json.dumps({**schema, "required": ["number"]}))

    found = feed(events)

    assert (found.account.accepted, found.is_remapped) == (2, False)


def test_csv_is_fed_below_the_header_of_its_file(world):
    mapped(world, "csv")
    world.land("events/a.csv", 'id,name,ts,who\n1,"a\nb",01/11/2026 08:00,u1\n2,c,2026-11-01,u1\n')
    world.land("events/b.csv", 'who,ts,name,id\nu1,02/11/2026 08:00,"d,e",3\nu1,never,f,4\n')
    world.ingest()
    mapped(world, "csv", FIXED)

    found = feed(world)

    assert (found.taken, found.account.accepted) == ({"bad_time": 3}, 2)
    assert [row[:2] for row in contents(world)] == [("1", "a\nb"), ("2", "c"), ("3", "d,e")]
    (left,) = world.quarantine("app")
    assert (left["line"], left["raw"]) == (3, "u1,never,f,4")


def test_json_that_spans_lines_and_parquet_are_fed_as_objects(world):
    rows = [record(1, "01/11/2026 08:00"), record(2, "02/11/2026 08:00"), record(3, "never")]
    mapped(world, "json")
    world.land("events/a.json", json.dumps(rows, indent=2))
    world.ingest()
    mapped(world, "json", FIXED)

    assert feed(world).account.accepted == 2
    (left,) = world.quarantine("app")
    assert json.loads(left["raw"]) == rows[2]
    assert "\n" in left["raw"]


def test_parquet_rows_are_fed_from_their_json(world):
    rows = [record(1, "01/11/2026 08:00"), record(2, "02/11/2026 08:00")]
    mapped(world, "parquet")
    path = world.land("events/a.parquet", b"")
    pq.write_table(pa.Table.from_pylist(rows), path)
    world.ingest()
    mapped(world, "parquet", FIXED)

    assert feed(world).account.accepted == 2


def test_what_is_not_whole_stays_where_it_is(events, event):
    long = json.dumps({"event_id": "x" * 1_100_000})
    events.land("events/a.jsonl", b"\xff\n" + long.encode() + b"\n" + event(1).encode() + b"{\0}\n")
    events.ingest()
    before = events.quarantine("app")

    found = feed(events)

    assert (found.taken, found.account.rows_in) == ({}, 0)
    assert found.stay == {
        ("invalid_utf8", "cut"): 1, ("too_long", "cut"): 1, ("nul_byte", "cut"): 1,
    }  # fmt: skip
    assert events.quarantine("app") == before


def test_a_record_of_which_there_was_no_text_is_not_called_erased(events, event):
    events.land("events/a.jsonl.gz", event(1))
    path = events.land("events/b.jsonl.gz", event(2) * 100)
    path.write_bytes(path.read_bytes()[:12])
    events.land("events/c.jsonl", event(3, occurred_at="never"))
    events.ingest()
    assert [row["raw"] for row in events.quarantine("app")] == [
        "",
        event(3, occurred_at="never")[:-1],
    ]
    erase(events.home, SMALL, "u0", load_sources(events.project).values(), now=NOW)

    found = feed(events)

    assert found.stay == {("truncated_file", "cut"): 1, ("bad_time", "erased"): 1}


def test_conflicts_are_fed_only_by_name(events, event):
    events.land("events/a.jsonl", event(1) + event(1, event_name="other"))
    events.ingest()

    assert feed(events).taken == {}
    events.source("app", "kind: events\nformat: jsonl\npath: events/*\nevent_id: content\n")
    found = feed(events, reason="conflict")

    assert (found.taken, found.account.accepted) == ({"conflict": 1}, 1)
    assert (total(events).conflict, total(events).accepted) == (0, 2)


def test_a_record_that_swallows_its_neighbours_stays_alone(world, monkeypatch):
    mapped(world, "csv")
    lines = [f"{n},x,0{n}/11/2026 08:00,u1" for n in range(1, 8)]
    world.land("events/a.csv", "id,name,ts,who\n" + "\n".join(lines) + "\n")
    world.ingest()
    raws = [row["raw"] for row in world.quarantine("app")]
    raws[3] += '\n"9'  # as a reader that joins lines might have left it
    rewrite(world, raws)
    mapped(world, "csv", FIXED)

    found = feed(world)

    assert found.taken == {"bad_time": 6}
    assert found.stay == {("bad_time", "alone"): 1}
    assert [row["raw"] for row in world.quarantine("app")] == [raws[3]]


def test_a_record_that_was_accepted_meanwhile_is_a_duplicate(refused):
    lines = [record("a0", "2026-11-01T08:00:00Z"), record("new", GOOD)]
    refused.source("app", MAPPED.format(form="jsonl", when=PLAIN))
    refused.land("events/c.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    refused.ingest()
    mapped(refused, when=FIXED)

    found = feed(refused)

    assert (found.account.accepted, found.account.duplicate) == (5, 1)
    assert (total(refused).rows_in, total(refused).accepted) == (12, 11)


def test_many_records_are_fed_in_groups(world, monkeypatch):
    monkeypatch.setattr(module, "GROUP_ROWS", 7)
    mapped(world)
    lines = [record(n, GOOD if n % 3 else "01/11/2026 08:00") for n in range(60)]
    for at in range(3):
        some = lines[at * 20 : at * 20 + 20]
        world.land(f"events/{at}.jsonl", "".join(json.dumps(line) + "\n" for line in some))
    world.ingest()
    mapped(world, when=FIXED)

    assert feed(world).account.accepted == 20
    assert len(contents(world)) == 60


@pytest.mark.parametrize("step", ["read", "rename", "second rename", "apply", "moved", "commit"])
def test_a_killed_requeue_changes_nothing_and_the_next_one_counts_once(refused, monkeypatch, step):
    before, rows = refused.quarantine("app"), contents(refused)
    renames = iter([False, True])
    rename = Path.replace

    def die(*args, **kwargs):
        raise Killed

    def die_later(path, target):
        if next(renames):
            raise Killed
        return rename(path, target)

    place = {
        "read": (rereading, "_in_place", die),
        "rename": (Path, "replace", die),
        "second rename": (Path, "replace", die_later),
        "apply": (WrittenLedger, "apply", die),
        "moved": (WrittenLedger, "_insert_batch", die),
        "commit": (WrittenLedger, "_require_balance", die),
    }[step]
    with monkeypatch.context() as killed:
        killed.setattr(*place)
        with pytest.raises(Killed):
            feed(refused)
    refused.check_identity()
    assert (refused.quarantine("app"), contents(refused)) == (before, rows)

    assert feed(refused).account.accepted == 6

    refused.ingest()
    assert len(contents(refused)) == 10
    assert not list(refused.home.quarantine.rglob("*.parquet"))


def test_records_whose_file_was_dropped_are_counted_as_such(world):
    keeps = MAPPED + "retention: {{quarantine_days: 2}}\n"
    world.source("app", keeps.format(form="jsonl", when=PLAIN))
    line = json.dumps(record(1, "never"))
    world.land("events/a.jsonl", line + "\n" + json.dumps({**record(2, GOOD), "who": None}))
    world.ingest(now=NOW - timedelta(days=9))
    world.land("events/b.jsonl", json.dumps(record(3, "01/11/2026 08:00")))
    ids = Ledger(world.home).batch_ids()
    world.ingest()
    world.source("app", keeps.format(form="jsonl", when=FIXED))

    by_batch = feed(world, batch=ids[1])
    by_reason = feed(world, reason="bad_time")

    gone = {("bad_time", "dropped"): 1, ("no_unit", "dropped"): 1}
    assert (by_batch.taken, by_batch.stay) == ({}, gone)
    assert (by_reason.taken, by_reason.stay) == ({"bad_time": 1}, {("bad_time", "dropped"): 1})
    assert feed(world).stay == gone
    assert (total(world).rows_in, total(world).accepted) == (3, 1)


@pytest.mark.parametrize("damage", ["text", "cut", "gone"])
def test_a_quarantine_file_that_somebody_changed_is_not_fed(refused, damage):
    (file,) = Ledger(refused.home).quarantine_files("app")
    path = refused.home.root / file.path
    whole, rows = path.read_bytes(), contents(refused)
    if damage == "text":
        rewrite(refused, ['{"id": "forged"}'] * 6, is_listed=False)
    elif damage == "cut":
        path.write_bytes(whole[:-9])
    else:
        path.unlink()
    code = "missing" if damage == "gone" else "was changed"

    with pytest.raises(WarehouseError, match=code):
        feed(refused)

    assert contents(refused) == rows
    path.write_bytes(whole)
    assert feed(refused).account.accepted == 6


def test_long_records_are_read_again_a_few_at_once(world, monkeypatch):
    monkeypatch.setattr(module, "GROUP_BYTES", 3_000)
    mapped(world)
    lines = [{**record(n, "01/11/2026 08:00"), "text": "x" * (900 * (n % 3))} for n in range(9)]
    world.land("events/a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    world.ingest()
    mapped(world, when=FIXED)
    groups: list[int] = []
    read = module.read_again
    monkeypatch.setattr(
        module, "read_again", lambda *given: groups.append(len(given[2])) or read(*given)
    )

    assert feed(world).account.accepted == 9

    assert groups == [1] * 9
    assert len(contents(world)) == 9


FEED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from landed.errors import LandedError
from landed.ingest.requeue import requeue
from landed.project import Home, Project
from landed.settings import Settings

sys.stdin.readline()
try:
    found = requeue(
        Project(Path(sys.argv[1]), "shop"), Home(Path(sys.argv[2])),
        Settings(threads=1, memory_limit_mb=512), "app", now=datetime(2026, 11, 22, tzinfo=UTC),
    )
    print("fed", found.account.accepted)
except LandedError as error:
    print(error.faults[0].code)
"""


def test_of_two_processes_that_feed_at_once_one_feeds(refused):
    command = [sys.executable, "-c", FEED, str(refused.project.root), str(refused.home.root)]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    for one in both:  # they have imported what they need, or soon will
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=60)[0].strip() for one in both)

    # the other one was told who works, or came when nothing was left
    assert said[0] == "fed 6" or said[1] == "fed 6"
    assert {*said} - {"fed 6"} <= {"home_busy", "source_unknown"}
    refused.check_identity()
    assert (total(refused).rows_in, total(refused).accepted) == (10, 10)
