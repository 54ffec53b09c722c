"""Rows and records that are too old leave, and every account still adds up."""

from datetime import UTC, datetime, timedelta

import pytest

from landed.ingest import Ledger, is_overdue, load_sources
from landed.ingest.ledger import Ledger as WrittenLedger

KEEPS = "kind: events\nformat: jsonl\npath: events/*\nretention: {{{}}}\n"
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


class Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def on(event, number, day):
    return event(number, occurred_at=f"2026-11-{day:02d}T10:00:00Z")


def days(world):
    return [day.day for day in Ledger(world.home).days("events")]


def total(world):
    (account,) = Ledger(world.home).accounts_total()
    return account


def test_days_older_than_the_source_keeps_them_leave_the_lake(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", "".join(on(event, n, n) for n in range(1, 11)))

    account = world.one(now=NOW)

    assert days(world) == [7, 8, 9, 10]
    assert (account.accepted, account.removed) == (10, {"retention": 6})
    assert (total(world).accepted, total(world).removed) == (10, {"retention": 6})
    assert world.rows("select min(event_id), count(*) from lake.events") == [("e10", 4)]


def test_dropped_rows_do_not_come_back_and_their_days_are_told_once(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", on(event, 1, 9) + on(event, 2, 11))
    world.ingest(now=NOW)
    ledger = Ledger(world.home)
    built, generation = ledger.last_sequence(), ledger.generation()

    world.ingest(now=NOW + timedelta(days=3))
    seen = ledger.last_sequence()
    account = world.one(now=NOW + timedelta(days=4))

    assert (account.files_new, account.removed, days(world)) == (0, {}, [11])
    assert ledger.touched_days("events", built) == [NOW.date() - timedelta(days=1)]
    assert seen > built
    assert (ledger.touched_days("events", seen), ledger.last_sequence()) == ([], seen)
    assert ledger.touched_days("feedback", built) == []
    assert ledger.generation() == generation
    assert len(list(world.home.lake.rglob("*.parquet"))) == 1


def test_a_day_that_lost_all_rows_is_shown_as_touched_and_holds_none(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", on(event, 1, 8) + on(event, 2, 9) + on(event, 3, 9))
    built = world.ingest(now=NOW).sequence

    world.ingest(now=NOW + timedelta(days=3))

    touched = world.rows("select day::varchar, kind from lake.touched_days order by all", built)
    assert touched == [("2026-11-08", "events"), ("2026-11-09", "events")]
    assert world.rows("select count(*) from lake.touched_events", built) == [(0,)]
    assert world.rows("select source, day::varchar, why, rows from lake.removals order by day") == [
        ("app", "2026-11-08", "retention", 1),
        ("app", "2026-11-09", "retention", 2),
    ]


def test_a_batch_after_a_removal_is_told_apart_from_it(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", on(event, 1, 9) + on(event, 2, 11))
    world.ingest(now=NOW)
    dropped = world.ingest(now=NOW + timedelta(days=3)).sequence
    world.land("events/b.jsonl", on(event, 3, 13))

    after = world.ingest(now=NOW + timedelta(days=3)).sequence

    assert after > dropped
    assert [day.day for day in Ledger(world.home).touched_days("events", dropped)] == [13]
    world.land("events/c.jsonl", on(event, 4, 9))  # too late: it comes and goes
    world.ingest(now=NOW + timedelta(days=3))
    assert [day.day for day in Ledger(world.home).touched_days("events", after)] == [9]
    assert total(world).removed == {"retention": 2}


def test_a_clock_that_jumps_back_drops_nothing_and_loses_nothing(world, event):
    world.source("app", KEEPS.format("lake_days: 3, quarantine_days: 2"))
    world.land("events/a.jsonl", on(event, 1, 6) + on(event, 2, 9) + "broken\n")
    world.ingest(now=NOW)
    back = NOW - timedelta(days=400)
    world.land("events/b.jsonl", event(3, occurred_at="2025-10-05T10:00:00Z") + "broken too\n")

    account = world.one(now=back)

    assert (account.accepted, account.removed) == (1, {})
    assert [row["raw"] for row in world.quarantine("app")] == ["broken", "broken too"]
    account = world.one(now=NOW)
    assert account.removed == {"retention": 1}  # 2025 is too old now
    assert [row["raw"] for row in world.quarantine("app")] == ["broken"]
    assert (days(world), total(world).accepted) == ([9], 3)


def test_a_row_that_arrives_too_late_is_accepted_and_removed_by_the_same_run(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", on(event, 1, 9))
    world.ingest(now=NOW)
    world.land("events/b.jsonl", on(event, 2, 1) + on(event, 3, 10))

    account = world.one(now=NOW)

    assert (account.accepted, account.removed) == (2, {"retention": 1})
    assert days(world) == [9, 10]


def test_refused_records_are_dropped_by_the_day_they_came_and_still_count(world, event):
    world.source("app", KEEPS.format("quarantine_days: 2"))
    world.land("events/a.jsonl", on(event, 1, 1) + "broken\n")
    world.ingest(now=NOW)
    world.land("events/b.jsonl", on(event, 2, 1) + "broken too\n")
    world.ingest(now=NOW + timedelta(days=2))
    assert len(world.quarantine("app")) == 2

    world.ingest(now=NOW + timedelta(days=2, seconds=1))
    world.ingest(now=NOW + timedelta(days=2, seconds=1))

    assert [row["raw"] for row in world.quarantine("app")] == ["broken too"]
    assert len(list(world.home.quarantine.rglob("*.parquet"))) == 1
    assert (total(world).quarantined, total(world).reasons) == (2, {"invalid_json": 2})
    assert days(world) == [1]


def test_a_source_without_retention_keeps_all(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    world.land("events/a.jsonl", on(event, 1, 1) + "broken\n")
    world.ingest(now=NOW)
    world.ingest(now=NOW + timedelta(days=900))

    assert (days(world), len(world.quarantine("app"))) == ([1], 1)


@pytest.mark.parametrize("step", ["apply", "_require_balance"])
def test_a_killed_retention_drops_nothing_and_the_next_run_drops_it_once(
    world, event, monkeypatch, step
):
    world.source("app", KEEPS.format("lake_days: 3, quarantine_days: 2"))
    world.land("events/a.jsonl", on(event, 1, 9) + on(event, 2, 10) + "broken\n")
    world.ingest(now=NOW)
    later = NOW + timedelta(days=3)

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(WrittenLedger, step, die)
        with pytest.raises(Killed):
            world.ingest(now=later)
    world.check_identity()
    assert (days(world), len(world.quarantine("app"))) == ([9, 10], 1)

    world.ingest(now=later)
    world.ingest(now=later)

    assert (days(world), world.quarantine("app")) == ([10], [])
    assert total(world).removed == {"retention": 1}


def test_reading_again_starts_the_accounts_anew(world, event):
    world.source("app", KEEPS.format("lake_days: 3"))
    world.land("events/a.jsonl", on(event, 1, 1) + on(event, 2, 10))
    world.ingest(now=NOW)

    account = world.one(now=NOW, again=True)

    assert (account.accepted, account.removed) == (2, {"retention": 1})
    assert total(world).removed == {"retention": 1}


def test_what_is_too_old_is_overdue_until_an_ingest_drops_it(world, event):
    world.source("app", KEEPS.format("lake_days: 3, quarantine_days: 5"))
    sources = load_sources(world.project).values()
    assert not is_overdue(world.home, sources, NOW)  # there is no ledger yet
    world.land("events/a.jsonl", on(event, 1, 9) + "broken\n")
    world.ingest(now=NOW)

    assert not is_overdue(world.home, sources, NOW + timedelta(days=2))
    for later in (NOW + timedelta(days=3), NOW + timedelta(days=5, seconds=1)):
        assert is_overdue(world.home, sources, later)
        world.ingest(now=later)
        assert not is_overdue(world.home, sources, later)
    assert (days(world), world.quarantine("app")) == ([], [])


def test_nothing_of_a_source_that_keeps_all_is_overdue(world, event):
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    world.land("events/a.jsonl", on(event, 1, 1) + "broken\n")
    world.ingest(now=NOW)

    assert not is_overdue(world.home, load_sources(world.project).values(), NOW.replace(year=9000))
