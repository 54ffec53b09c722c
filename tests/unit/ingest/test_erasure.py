"""One person leaves: every lake file, the quarantine, and whatever would bring them back."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from landed.errors import SourceError, WarehouseError
from landed.ingest import Ledger, load_sources
from landed.ingest.erasure import erase
from landed.ingest.holding import holds, landed_files
from landed.ingest.ledger import Ledger as WrittenLedger
from landed.ingest.person import ALIASES, IDENTIFY
from landed.ingest.personal import pseudonym, tombstone
from landed.project.keys import secret_key
from landed.settings import Settings

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SMALL = Settings(threads=2, memory_limit_mb=512)


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def take_out(world, user="u1", **given):
    sources = load_sources(world.project).values()
    found = erase(world.home, SMALL, user, sources, now=NOW, **given)
    world.check_identity()
    return found


def users(world, kind="events"):
    return world.rows(f"select distinct user_id from lake.{kind} order by 1 nulls first")


def everything(world):
    """All bytes below the home but the landing folder and the ledger's own accounts."""
    return b"".join(
        path.read_bytes()
        for folder in (world.home.lake, world.home.quarantine, world.home.warehouse)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


@pytest.fixture
def people(events, event):
    """Two days of three users; u1 has the device a1, and u2 the device a2."""
    lines = [
        event(n, anonymous_id=f"a{n % 3}", occurred_at=f"2026-11-0{1 + n % 2}T10:00:{n:02d}Z")
        for n in range(30)
    ]
    lines += [event(100 + n, user_id=None, anonymous_id=f"a{n}") for n in range(3)]
    lines.append(event(200, user_id="u0", occurred_at="2026-11-05T00:00:00Z"))
    events.land("events/a.jsonl", "".join(lines))
    events.ingest()
    return events


def test_every_row_of_a_person_and_of_their_devices_leaves(people):
    untouched = Ledger(people.home).files("events")[-1].path.name
    before = Ledger(people.home).generation()

    found = take_out(people)

    assert (found.anonymous_ids, found.shared_ids) == (("a1",), {})
    assert (found.lake_rows, found.lake_files) == ({("app", "events"): 11}, 2)
    assert users(people) == [(None,), ("u0",), ("u2",)]
    assert people.rows("select count(*) from lake.events where anonymous_id = 'a1'") == [(0,)]
    assert Ledger(people.home).generation() != before
    assert Ledger(people.home).files("events")[-1].path.name == untouched
    (account,) = Ledger(people.home).accounts_total()
    assert (account.accepted, account.removed) == (34, {"erase": 11})


def test_nothing_of_the_person_is_left_on_the_disk(people):
    people.home.build.parent.mkdir()
    people.home.build.write_bytes(b"holds u1")
    spilled = people.home.warehouse / "build.duckdb.tmp" / "duckdb_temp_storage-0.tmp"
    spilled.parent.mkdir()
    spilled.write_bytes(b"holds u1 and someone-rare")
    marked = json.dumps({"user_id": "someone-rare", "broken": True})
    people.land("events/b.jsonl", marked + "\n" + marked[:-3] + "\n")
    people.ingest()
    assert b"u1" in everything(people)

    take_out(people, "someone-rare")
    take_out(people)

    assert not list(people.home.warehouse.iterdir())
    assert b"someone-rare" not in everything(people)
    rows = [row for path in people.home.lake.rglob("*.parquet")
            for row in pq.read_table(path).to_pylist()]  # fmt: skip
    assert rows
    assert "u1" not in {row["user_id"] for row in rows}
    listed = {str(file.path) for file in Ledger(people.home).files("events")}
    assert {str(path) for path in people.home.lake.rglob("*.parquet")} == listed
    assert "someone-rare" not in str(Ledger(people.home).erased())


def test_looking_first_changes_nothing(people):
    before = everything(people)

    looked = take_out(people, dry_run=True)

    assert looked.is_dry_run
    assert everything(people) == before
    assert Ledger(people.home).erased() == frozenset()
    assert take_out(people).lake_rows == looked.lake_rows


def test_a_device_of_two_people_is_left_unless_it_is_asked_for(people, event):
    people.land("events/b.jsonl", event(300, user_id="u2", anonymous_id="a1"))
    people.ingest()

    looked = take_out(people, dry_run=True)
    assert (looked.anonymous_ids, looked.left_ids, looked.shared_ids) == ((), ("a1",), {"a1": 1})
    found = take_out(people, with_shared=True)

    assert found.lake_rows == {("app", "events"): 11}
    assert people.rows("select event_id from lake.events where anonymous_id = 'a1'") == [("e300",)]


def test_an_erased_person_does_not_come_back_by_any_way(people, event):
    take_out(people)
    people.land("events/again.jsonl", event(1) + event(499))
    people.land("events/other.jsonl", event(900, user_id="u7", anonymous_id="a1"))

    account = people.one()

    assert account.reasons == {"erased": 2}
    assert account.accepted == 1
    account = people.one(again=True)
    assert account.reasons == {"erased": 13}
    assert ("u1",) not in users(people)
    assert all(row["raw"] == "" for row in people.quarantine("app") if row["reason"] == "erased")
    assert b'"u1"' not in everything(people)


@pytest.fixture
def merged(events, event):
    """old@mail became amy, and amy became ann; bob and the device d1 of ann are apart."""
    lines = [
        event(1, user_id="old@mail", anonymous_id="d0"),
        event(2, event_name="alias", user_id="amy", anonymous_id="old@mail"),
        event(3, event_name="$merge", user_id="ann", anonymous_id="amy"),
        event(4, user_id="ann", anonymous_id="d1"),
        event(5, user_id=None, anonymous_id="d0"),
        event(6, user_id="bob", anonymous_id="d2"),
        event(7, user_id="old@mail", occurred_at="never"),
        event(8, user_id=None, anonymous_id="old@mail"),
    ]
    events.land("events/a.jsonl", "".join(lines))
    events.ingest()
    return events


@pytest.mark.parametrize("user", ["old@mail", "amy", "ann"])
def test_ids_that_aliases_merge_are_erased_together_whichever_is_given(merged, event, user):
    others = sorted({"old@mail", "amy", "ann"} - {user})
    looked = take_out(merged, user, dry_run=True)

    found = take_out(merged, user)

    assert looked.merged_ids == found.merged_ids == tuple(others)
    assert (found.anonymous_ids, found.shared_ids) == (("d0", "d1"), {})
    assert (found.lake_rows, found.refused) == ({("app", "events"): 6}, {"app": 1})
    assert users(merged) == [("bob",)]
    assert not [one for one in (b"old@mail", b"amy", b"ann") if one in everything(merged)]
    merged.land(
        "events/b.jsonl",
        event(11, user_id="old@mail") + event(12, user_id="amy") + event(13, user_id="ann")
        + event(14, user_id="amy", event_name="alias", anonymous_id="old@mail"),
    )  # fmt: skip
    assert merged.one().reasons == {"erased": 4}
    assert merged.one(again=True).reasons == {"erased": 11}


def test_an_alias_of_an_id_that_is_nobodys_user_id_merges_nobody(events, event):
    lines = [event(n, event_name="alias", user_id=one, anonymous_id="phone")
             for n, one in enumerate(["amy", "bob"])]  # fmt: skip
    events.land("events/a.jsonl", "".join(lines))
    events.ingest()

    found = take_out(events, "amy")

    assert (found.merged_ids, found.left_ids) == ((), ("phone",))
    assert users(events) == [("bob",)]
    take_out(events, "amy", with_shared=True)
    events.land("events/b.jsonl", event(7, event_name="alias", user_id="bob", anonymous_id="phone"))
    assert events.one().accepted == 1


def test_an_identify_merges_where_its_earlier_id_is_given_to_one_user_only(events, event):
    def identify(number, user, earlier):
        return event(number, event_name="$identify", user_id=user, anonymous_id=earlier)

    lines = [event(1, user_id="tab"), identify(2, "amy", "tab"), identify(3, "bob", "tab"),
             event(4, user_id="old"), identify(5, "amy", "old"), identify(6, "amy", "old"),
             event(7, user_id="tab2"), identify(8, "bob", "tab2")]  # fmt: skip
    events.land("events/a.jsonl", "".join(lines))
    events.ingest()

    assert take_out(events, "bob", dry_run=True).merged_ids == ("tab2",)
    found = take_out(events, "tab")

    assert (found.merged_ids, found.lake_rows) == ((), {("app", "events"): 3})
    assert users(events) == [("amy",), ("bob",), ("old",), ("tab2",)]
    assert events.rows("select count(*) from lake.events where anonymous_id = 'tab'") == [(0,)]
    events.land("events/b.jsonl", identify(9, "bob", "tab"))
    assert events.one().reasons == {"erased": 1}
    assert take_out(events, "amy").merged_ids == ("old",)
    assert users(events) == [("bob",), ("tab2",)]


def test_merged_ids_of_which_the_lake_keeps_digests_are_followed(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n"
                 "personal: [user_id, anonymous_id]\n")  # fmt: skip
    lines = [event(1, user_id="old"), event(2, user_id="bob"),
             event(3, event_name="alias", user_id="amy", anonymous_id="old"),
             event(4, user_id="old", occurred_at="never")]  # fmt: skip
    world.land("events/a.jsonl", "".join(lines))
    world.ingest()
    key = secret_key(world.home)

    found = take_out(world, "amy")

    assert found.merged_ids == (pseudonym(key, "old"),)
    assert found.refused == {"app": 1}
    assert users(world) == [(pseudonym(key, "bob"),)]
    world.land("events/b.jsonl", event(5, user_id="old"))
    assert world.one().reasons == {"erased": 1}


def test_the_models_merge_by_the_same_events():
    model = Path(__file__).parents[3] / "models" / "intermediate" / "int_identity_pairs.sql"
    text = model.read_text(encoding="utf-8")

    assert f"event_name in {ALIASES} as is_alias" in text
    assert f"event_name = '{IDENTIFY}' as is_identify" in text


def test_an_id_that_nobody_had_costs_no_build_and_is_refused_from_then_on(people, event):
    people.home.build.parent.mkdir()
    people.home.build.write_bytes(b"built")
    before = Ledger(people.home).generation()

    found = take_out(people, "user-typo")

    assert (found.lake_rows, found.refused) == ({}, {})
    assert people.home.build.read_bytes() == b"built"
    assert Ledger(people.home).generation() == before
    people.land("events/b.jsonl", event(300, user_id="user-typo"))
    assert people.one().reasons == {"erased": 1}
    take_out(people, "user-typo")
    assert not people.home.build.exists()


def test_refused_records_lose_their_text_and_keep_their_place(events, event):
    bad = {"occurred_at": "never"}
    events.land(
        "events/a.jsonl",
        event(1, **bad) + event(2, **bad) + event(4, properties={"by": {"id": "u1"}}, **bad),
    )
    events.ingest()
    before = events.quarantine("app")

    found = take_out(events)

    after = events.quarantine("app")
    assert found.refused == {"app": 2}
    assert [row["raw"] for row in after] == ["", before[1]["raw"], ""]
    for one, other in zip(before, after, strict=True):
        assert {**one, "raw": None} == {**other, "raw": None}


def test_a_pseudonymised_person_is_found_by_the_id_that_was_digested(world, event):
    world.source(
        "app",
        "kind: events\nformat: jsonl\npath: events/*\npersonal: [user_id, anonymous_id]\n",
    )
    world.land("events/a.jsonl", event(1, anonymous_id="a1") + event(2, anonymous_id="a2"))
    world.land("events/b.jsonl", event(3, user_id=None, anonymous_id="a1"))
    world.ingest()
    key = secret_key(world.home)
    assert world.rows("select count(*) from lake.events where user_id = 'u1'") == [(0,)]

    found = take_out(world)

    assert found.anonymous_ids == (pseudonym(key, "a1"),)
    assert found.lake_rows == {("app", "events"): 2}
    assert tombstone(key, "u1") in Ledger(world.home).erased()
    world.land("events/c.jsonl", event(7) + event(8, user_id=None, anonymous_id="a1"))
    assert world.one().reasons == {"erased": 2}


def test_a_device_of_which_the_lake_keeps_a_digest_is_found_in_refused_records(world, event):
    world.source(
        "app",
        "kind: events\nformat: jsonl\npath: events/*\npersonal: [user_id, anonymous_id]\n",
    )
    bad = {"user_id": None, "occurred_at": "never"}
    lines = [event(1, anonymous_id="a1"), event(2, anonymous_id="a1", **bad),
             event(3, anonymous_id="a2", **bad)]  # fmt: skip
    world.land("events/a.jsonl", "".join(lines))
    world.ingest()

    found = take_out(world)

    assert found.refused == {"app": 1}
    assert [row["raw"] for row in world.quarantine("app")] == ["", lines[2].rstrip()]


def test_all_kinds_and_all_sources_are_looked_through(events, event):
    events.source("survey", "kind: feedback\nformat: jsonl\npath: survey/*\n")
    given = {"given_at": "2026-11-01T00:00:00Z", "channel": "survey", "rating": 5}
    lines = [{"feedback_id": str(n), "user_id": f"u{n}", **given} for n in range(3)]
    events.land("survey/a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    events.land("events/a.jsonl", event(1) + event(2))
    events.ingest()

    found = take_out(events)

    assert found.lake_rows == {("app", "events"): 1, ("survey", "feedback"): 1}
    assert users(events, "feedback") == [("u0",), ("u2",)]


@pytest.mark.parametrize("step", ["rename", "apply", "commit", "sweep"])
def test_a_killed_erasure_is_none_or_whole_and_can_be_run_again(people, event, monkeypatch, step):
    people.land("events/b.jsonl", event(1, event_id="b1", occurred_at="never"))
    people.ingest()
    before = people.rows("from lake.events order by event_id")

    def die(*args, **kwargs):
        raise Killed

    place = {
        "rename": (Path, "replace"),
        "apply": (WrittenLedger, "apply"),
        "commit": (WrittenLedger, "_require_balance"),
        "sweep": ("landed.ingest.erasure.sweep", die),
    }[step]
    with monkeypatch.context() as killed:
        killed.setattr(*(place if step == "sweep" else (*place, die)))
        with pytest.raises(Killed):
            take_out(people)
    people.check_identity()
    rows = people.rows("from lake.events order by event_id")
    assert (rows == before) is (step != "sweep")

    take_out(people)

    assert users(people) == [(None,), ("u0",), ("u2",)]
    assert b'"u1"' not in everything(people)
    (account,) = Ledger(people.home).accounts_total()
    assert account.removed == {"erase": 11}


@pytest.mark.parametrize(
    ("raw", "is_held"),
    [
        ('{"user": "u1"}', True),
        ('{"user": "u\\u0031"}', True),
        ('{"a": [{"b": "u1"}]}', True),
        ('{"u1": 1}', True),
        ('{"nested": "{\\"user\\": \\"u1\\"}"}', True),
        ('{"user": "u12"}', False),
        ('{"text": "by u1"}', False),
        ("7,u1,x", True),
        ('7,"u1",x', True),
        ("7\tu1\tx", True),
        ("7,u12,x", False),
        ('{"user": "u1", cut', True),
        ('{"user": "u12", cut', False),
        ('{"user": "u1", "user": "u2"}', True),
        ('{"a": {"user": "u1", "user": "u2"}}', True),
        ('7\t{"user": {"id": "u1"}}\tx', True),
        ('7,"[""u1""]",x', True),
        ("7,u1\u2028,x", True),
        ("u\u0661", False),  # another digit one
        ("\uff551", False),  # a wide u
    ],
)
def test_a_record_holds_an_id_as_a_whole_value(raw, is_held):
    assert holds(raw, {"u1"}) is is_held


@pytest.mark.parametrize("user", ['o"brien', "a\nb", "a\r\nb", "a,b", "tab\tbed", "ü\u2028 x", "'"])
def test_an_id_of_odd_letters_is_found_however_it_is_escaped(user):
    row = io.StringIO(newline="")
    csv.writer(row).writerow([7, user, "x"])

    assert holds(row.getvalue(), {user})
    assert holds(row.getvalue()[:-2] + ',"cut', {user})
    for is_ascii in (True, False):
        text = json.dumps({"user": user}, ensure_ascii=is_ascii)
        assert holds(text, {user})
        assert holds(text[:-1], {user})
    assert not holds(row.getvalue(), {user + "2"})


ODD = ["o'brien", 'o"brien', "a\nb", "x'); drop table lake; --", "caf\u00e9", "\u202eu1", "%", "*"]


@pytest.mark.parametrize("user", ODD)
def test_a_person_of_an_odd_id_leaves_and_nobody_else(events, event, user):
    other = {"caf\u00e9": "cafe\u0301", "\u202eu1": "u1", "%": "u2", "*": "u2"}.get(
        user, user + "2"
    )
    bad = {"occurred_at": "never"}
    lines = [event(n, user_id=one, **more) for n, (one, more) in enumerate(
        [(user, {}), (other, {}), (user, bad), (other, bad)])]  # fmt: skip
    events.land("events/a.jsonl", "".join(lines))
    events.ingest()

    found = take_out(events, user)

    assert (found.lake_rows, found.refused) == ({("app", "events"): 1}, {"app": 1})
    assert users(events) == [(other,)]
    assert [row["raw"] for row in events.quarantine("app")] == ["", lines[3].rstrip()]
    events.land("events/b.jsonl", event(9, user_id=user) + event(10, user_id=other))
    assert events.one().reasons == {"erased": 1}


@pytest.mark.parametrize("user", ["", "  ", "\n", "a\0b", "caf\udce9"])
def test_what_names_nobody_is_refused_before_anything_is_looked_at(people, event, user):
    people.land("events/b.jsonl", event(301, occurred_at="never", session_id=""))
    people.ingest()
    before = everything(people)

    with pytest.raises(SourceError, match="is no user id"):
        take_out(people, user)

    assert everything(people) == before


def test_refused_csv_of_a_quoted_id_over_two_lines_loses_its_text(world):
    world.source("app", "kind: events\nformat: csv\npath: events/*\n")
    head = "event_id,event_name,occurred_at,user_id\n"
    rows = ['1,seen,never,"a\nb ""c"""\n', '2,seen,never,"ab ""c"""\n']
    path = world.land("events/a.csv", head + "".join(rows))
    world.ingest()

    found = take_out(world, 'a\nb "c"')

    assert found.refused == {"app": 1}
    assert [row["raw"] for row in world.quarantine("app")] == ["", rows[1].rstrip()]
    left = landed_files(world.home, load_sources(world.project).values(), ['a\nb "c"'])
    assert left.files == (("app", str(path), 1),)


def test_refused_records_that_write_an_id_otherwise_than_the_lake_lose_their_text(world):
    world.source("app", "kind: feedback\nformat: slack_export\npath: in/*/*\n")
    message = {"type": "message", "text": "It hangs", "ts": "1793527200.0001"}
    day = [
        {**message, "user": "U1"},
        {**message, "user": "U1", "ts": "soon"},
        {**message, "user": "U2", "ts": "soon"},
    ]
    path = world.land("in/help/2026-11-01.json", json.dumps(day))
    world.ingest()

    found = take_out(world, "slack:U1")

    assert (found.lake_rows, found.refused) == ({("app", "feedback"): 1}, {"app": 1})
    assert [row["raw"] for row in world.quarantine("app")] == ["", json.dumps(day[2])]
    left = landed_files(world.home, load_sources(world.project).values(), ["slack:U1"])
    assert left.files == (("app", str(path), 2),)


def test_a_person_is_refused_in_files_that_waited_when_they_were_erased(people, event):
    waiting = event(301) + event(302) + event(304, occurred_at="never")
    people.land("events/b.jsonl", waiting)
    people.land("events/c.jsonl.gz", event(307) + event(303))

    take_out(people)
    account = people.one()

    assert (account.accepted, account.reasons) == (2, {"erased": 3})
    assert ("u1",) not in users(people)
    assert b'"u1"' not in everything(people)


def test_a_quarantine_file_that_somebody_changed_keeps_a_person_from_being_half_erased(
    people, event
):
    people.land("events/b.jsonl", event(301, occurred_at="never"))
    people.ingest()
    (file,) = Ledger(people.home).quarantine_files()
    path = people.home.root / file.path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")

    with pytest.raises(WarehouseError, match="was changed"):
        take_out(people)

    assert ("u1",) in users(people)
    assert Ledger(people.home).erased() == frozenset()
    path.write_bytes(whole)
    assert take_out(people).refused == {"app": 1}


def test_a_value_that_is_known_by_its_digest_is_told_whole():
    def is_meant(text):
        return text == "a\n\u2028b"

    assert holds('7,"a\n\u2028b",x', (), is_meant=is_meant)
    assert holds('{"a": ["a\\n\u2028b"]}', (), is_meant=is_meant)
    assert not holds('7,"a\u2028b",x', (), is_meant=is_meant)


def test_an_id_of_digits_is_found_as_a_number():
    assert holds('{"user": 17}', {"17"})
    assert not holds('{"user": 170, "n": 1.7}', {"17"})


def test_landing_files_are_named_and_left_as_they_are(people):
    (path,) = people.home.landing.rglob("*.jsonl")
    before = hashlib.sha256(path.read_bytes()).hexdigest()

    found = landed_files(people.home, load_sources(people.project).values(), ["u1", "a1"])

    assert found.files == (("app", str(path), 11),)
    assert found.unread == ()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
