"""The ledger by itself: what it refuses, what it answers, and how it looks things up."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from landed.errors import WarehouseError
from landed.ingest import Ledger, SourceAccount
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


@pytest.mark.parametrize(("version", "fix"), [(2, "move .* away"), (4, "or a newer one")])
def test_a_ledger_of_another_version_is_refused_for_reading_and_for_writing(
    ledger, tmp_path, version, fix
):
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        found.execute(f"pragma user_version = {version}")

    for use in (ledger.accounts_total, lambda: ledger.forget("app", "g2")):
        with pytest.raises(WarehouseError, match=f"(?s)version {version}.*version 3.*{fix}"):
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


@pytest.mark.parametrize(
    "sql",
    [
        "select path from lake_files where kind = 'events' and sequence > 9",
        "select path from lake_files where kind = 'events' and day in ('2026-11-01')",
        "select sum(rows) from lake_files where source = 'app'",
        "select path from quarantine_files where source = 'app'",
        "delete from batches where source = 'app'",
    ],
)
def test_no_question_looks_through_all_files(ledger, tmp_path, sql):
    with sqlite3.connect(tmp_path / "home" / "ledger.sqlite") as found:
        found.execute("pragma foreign_keys = on")
        plan = [row[3] for row in found.execute(f"explain query plan {sql}")]

    assert plan
    assert not [step for step in plan if step.startswith("SCAN")], plan
