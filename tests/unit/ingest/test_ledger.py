"""The ledger by itself: what it refuses, what it answers, and how it looks things up."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from landed.errors import WarehouseError
from landed.ingest import Ledger, SourceAccount
from landed.ingest.accounts import DayAccount
from landed.ingest.ledger import SCHEMA_VERSION
from landed.ingest.ledger_rows import Batch, Change, Declared, StoredFile
from landed.project import Home

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(Home(tmp_path / "home"))
    made.declare(
        [Declared("app", "events", None, "m1"), Declared("web", "events", None, "m1")], "g"
    )
    return made


def stored(name, rows, day=None):
    folder = f"lake/events/day={day}" if day else "quarantine/app"
    return StoredFile(Path(folder) / f"{name}.parquet", rows, "0" * 64, 10, day)


def batch(name="b1", source="app", **given):
    account = SourceAccount(source, "events", 1, 0, 5, 3, 1, 0, 1, {"bad_time": 1})
    return Batch(
        name,
        replace(account, **given),
        ((f"{source}{name}", Path("a.jsonl"), 5, 7),),
        (stored(f"{source}{name}1", 2, FIRST), stored(f"{source}{name}2", 1, SECOND)),
        (stored(f"{source}{name}", 1),),
    )


def test_a_batch_may_have_several_files_a_day_and_several_of_refused_records(ledger):
    files = (stored("x", 1, FIRST), stored("y", 2, FIRST))
    refused = (stored("p", 1), stored("q", 2))
    ledger.commit(
        replace(
            batch(rows_in=7, quarantined=3, reasons={"bad_time": 1, "no_id": 2}),
            lake=files,
            quarantine=refused,
        ),
        NOW,
    )

    assert [(file.day, file.rows) for file in ledger.files("events")] == [(FIRST, 1), (FIRST, 2)]
    assert [(file.path.stem, file.rows) for file in ledger.quarantine_files()] == [
        ("p", 1),
        ("q", 2),
    ]
    (app, _) = ledger.accounts_total()
    assert (app.rows_in, app.accepted, app.quarantined) == (7, 3, 3)


def test_a_day_of_arrival_counts_what_was_refused_and_what_met_the_id_of_another_apart(ledger):
    mixed = batch(
        rows_in=9,
        accepted=3,
        duplicate=1,
        conflict=2,
        quarantined=3,
        reasons={"bad_time": 3, "conflict": 2},
    )
    ledger.commit(replace(mixed, quarantine=(stored("q", 5),)), NOW)

    (app, _) = ledger.accounts_total()
    assert app.arrivals == (DayAccount(NOW.date(), 9, duplicate=1, refused=3, conflict=2),)


@pytest.mark.parametrize(
    "given", [{"rows_in": 6}, {"accepted": 4}, {"reasons": {"bad_time": 2}}, {"duplicate": 2}]
)
def test_a_batch_that_does_not_balance_is_refused_whole(ledger, given):
    with pytest.raises(WarehouseError, match="does not balance"):
        ledger.commit(batch(**given), NOW)

    assert (ledger.last_sequence(), ledger.files("events"), ledger.claimed("app")) == (0, [], set())


def test_the_database_itself_refuses_accounts_that_do_not_add_up(ledger, tmp_path):
    ledger.commit(batch(), NOW)
    with (
        sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found,
        pytest.raises(sqlite3.IntegrityError, match="CHECK constraint"),
    ):
        found.execute("update batches set accepted = accepted + 1")


def test_a_file_that_was_claimed_is_not_claimed_twice(ledger):
    ledger.commit(batch(), NOW)

    with pytest.raises(WarehouseError):
        ledger.commit(batch(), NOW)

    assert ledger.accounts_total()[0].rows_in == 5


@pytest.mark.parametrize(("version", "fix"), [(2, "move .* away"), (5, "or a newer one")])
def test_a_ledger_of_another_version_is_refused_for_reading_and_for_writing(
    ledger, tmp_path, version, fix
):
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        found.execute(f"pragma user_version = {version}")

    for use in (ledger.accounts_total, lambda: ledger.forget("app", "g2")):
        with pytest.raises(WarehouseError, match=f"(?s)version {version}.*version 3 to 4.*{fix}"):
            use()


def test_files_are_asked_for_by_exact_days_and_by_source(ledger):
    ledger.commit(batch(), NOW)
    ledger.commit(batch(source="web"), NOW)

    def names(**given):
        return [path.stem for path in ledger.files_on("events", **given)]

    assert names(days={SECOND}) == ["appb12", "webb12"]
    assert names(days=[FIRST, SECOND], source="web") == ["webb11", "webb12"]
    assert names(days=[]) == []
    assert ledger.files_on("feedback", {FIRST}) == []


def test_a_change_that_would_lose_a_row_is_refused_whole(ledger):
    ledger.commit(batch(), NOW)
    (file, _) = ledger.listed_files()

    with pytest.raises(WarehouseError, match="`app` would not balance: 1 rows in the lake of 3"):
        ledger.apply(Change(lake_out=(file,), generation="g2"), NOW)
    ledger.apply(Change(lake_out=(file,), removed={("app", FIRST, "erase"): 2}), NOW)

    assert ledger.generation() == "g"
    assert ledger.removals() == [("app", FIRST, "erase", 2)]
    assert str(ledger.accounts_total()[0]).endswith("+ 1 quarantined; 2 removed by erase")


def test_a_change_prepared_on_an_older_ledger_is_refused(ledger):
    ledger.commit(batch(), NOW)
    (file, _) = ledger.listed_files()
    change = Change(lake_out=(file,), removed={("app", FIRST, "erase"): 2})
    ledger.apply(change, NOW)

    with pytest.raises(WarehouseError, match="is not in the ledger"):
        ledger.apply(change, NOW)


def test_refused_records_that_move_to_another_batch_count_once(ledger):
    first = ledger.commit(batch(), NOW)
    fed = replace(
        batch("b2", rows_in=1, accepted=1, duplicate=0, quarantined=0, reasons={}),
        claims=(),
        lake=(stored("fed", 1, SECOND),),
        quarantine=(),
    )
    change = Change(
        quarantine_out=tuple(ledger.quarantine_files("app")),
        moved={(first, "bad_time"): 1},
        batch=fed,
        mapping="m2",
    )
    ledger.apply(change, NOW)

    (app, _) = ledger.accounts_total()
    assert (app.rows_in, app.accepted, app.quarantined, app.reasons) == (5, 4, 0, {})
    assert ledger.remapped([Declared("app", "events", None, "m2")]) == []


def test_a_source_that_is_forgotten_takes_its_removals_along_and_no_erased_id(ledger):
    ledger.commit(batch(), NOW)
    (file, _) = ledger.listed_files()
    removed = {("app", FIRST, "erase"): 2}
    ledger.apply(Change(lake_out=(file,), removed=removed, erased=frozenset({"d"})), NOW)

    ledger.forget("app", "g2")

    assert (ledger.removals(), ledger.listed(), ledger.generation()) == ([], set(), "g2")
    assert ledger.erased() == {"d"}


def test_what_is_removed_touches_its_days_even_without_a_file_and_moves_the_number_on(ledger):
    ledger.commit(batch(), NOW)
    (file, _) = ledger.listed_files()
    seen = ledger.last_sequence()

    ledger.apply(Change(lake_out=(file,), removed={("app", FIRST, "retention"): 2}), NOW)

    assert ledger.last_sequence() == seen + 1
    assert ledger.touched_days("events", seen) == [FIRST]
    assert ledger.touched_days("events", seen + 1) == []
    assert ledger.touched_days("exposures", 0) == []
    assert ledger.generation() == "g"
    assert ledger.commit(batch("b2"), NOW) == seen + 2


def test_the_number_never_falls_and_no_batch_takes_that_of_a_removal(ledger):
    ledger.commit(batch(source="web"), NOW)
    ledger.commit(batch(), NOW)
    (file, *_) = ledger.listed_files("app")
    ledger.apply(Change(lake_out=(file,), removed={("app", FIRST, "erase"): 2}), NOW)
    before = ledger.last_sequence()

    ledger.forget("app", "g2")

    assert ledger.last_sequence() == before
    assert ledger.commit(batch(), NOW) == before + 1


def test_rows_that_are_removed_and_still_in_the_lake_are_refused(ledger):
    ledger.commit(batch(), NOW)

    with pytest.raises(WarehouseError, match="3 rows in the lake of 3 accepted - 2 removed"):
        ledger.apply(Change(removed={("app", FIRST, "retention"): 2}), NOW)
    with pytest.raises(WarehouseError, match="the source apps is not in the ledger"):
        ledger.apply(Change(removed={("apps", FIRST, "retention"): 2}), NOW)

    assert (ledger.removals(), ledger.last_sequence()) == ([], 1)


#: What a ledger of version 3 knew of removals.
OLD_REMOVALS = """
drop table removals;
create table removals (
    source text not null, day text not null,
    why text not null check (why in ('erase', 'retention')),
    rows integer not null check (rows > 0), primary key (source, day, why)
) strict, without rowid;
insert into removals values ('app', '2026-11-01', 'erase', 2);
pragma user_version = 3;
"""


@pytest.fixture
def older(ledger, tmp_path):
    """The ledger as version 3 would have left it, after a batch and a removal."""
    ledger.commit(batch(), NOW)
    (file, _) = ledger.listed_files()
    ledger.apply(Change(lake_out=(file,), removed={("app", FIRST, "erase"): 2}), NOW)
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        found.executescript(OLD_REMOVALS)
    return ledger


def facts(ledger):
    return (
        ledger.accounts_total(),
        ledger.removals(),
        ledger.listed_files(),
        ledger.last_sequence(),
        ledger.touched_days("events", 0),
        ledger.touched_days("events", 1),
        ledger.generation(),
    )


def version_of(tmp_path):
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        return found.execute("pragma user_version").fetchone()[0]


def test_a_ledger_of_version_3_is_read_as_it_is_and_upgraded_by_the_first_write(older, tmp_path):
    before = facts(older)
    assert before[1] == [("app", FIRST, "erase", 2)]
    assert version_of(tmp_path) == 3

    older.declare([], "unused")

    assert version_of(tmp_path) == SCHEMA_VERSION
    # no day is told again of what a new generation has told of
    assert facts(older) == before
    assert before[4] == [SECOND]
    (file,) = older.listed_files()
    older.apply(Change(lake_out=(file,), removed={("app", SECOND, "retention"): 1}), NOW)
    assert older.touched_days("events", before[3]) == [SECOND]
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        assert found.execute("pragma integrity_check").fetchall() == [("ok",)]
        names = {name for (name,) in found.execute("select name from sqlite_master")}
    assert "removals_by_sequence" in names
    assert "old_removals" not in names


def test_an_upgrade_that_is_killed_leaves_the_older_ledger(older, tmp_path, monkeypatch):
    before = facts(older)

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Ledger, "_insert_batch", die)
        with pytest.raises(KeyboardInterrupt):
            older.commit(batch("b2"), NOW)

    assert version_of(tmp_path) == 3
    assert facts(older) == before


@pytest.mark.parametrize(
    "sql",
    [
        "select path from lake_files where kind = 'events' and sequence > 9",
        "select path from lake_files where kind = 'events' and day in ('2026-11-01')",
        "select sum(rows) from lake_files where source = 'app'",
        "select path from quarantine_files where source = 'app'",
        "select day from removals where sequence > 9 and +kind = 'events'",
        "delete from batches where source = 'app'",
    ],
)
def test_no_question_looks_through_all_files(ledger, tmp_path, sql):
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        found.execute("pragma foreign_keys = on")
        plan = [row[3] for row in found.execute(f"explain query plan {sql}")]

    assert plan
    assert not [step for step in plan if step.startswith("SCAN")], plan
