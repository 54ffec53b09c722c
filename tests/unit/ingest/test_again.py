"""A source whose mapping changed: refused, or read anew as a whole."""

import pytest

from landed.errors import SourceError
from landed.ingest import Ledger

CSV = (
    "kind: events\nformat: csv\npath: app/*.csv\nevent_id: id\n"
    "select: |\n  select {columns} from raw\n"
)
OLD = CSV.format(columns="name as event_name, ts as occurred_at, who as user_id")
NEW = CSV.format(columns="upper(name) as event_name, ts as occurred_at, who as user_id")
ROWS = "id,name,ts,who\n1,seen,2026-09-01T00:00:00Z,u1\n2,done,2026-09-02T00:00:00Z,u1\n"


def names(world):
    return world.rows("select event_name from lake.events order by event_id")


def test_a_changed_select_is_refused_while_rows_of_the_old_one_are_there(world):
    world.source("app", OLD)
    world.land("app/1.csv", ROWS)
    world.ingest()
    world.source("app", NEW)

    with pytest.raises(SourceError, match="--again"):
        world.ingest()

    assert names(world) == [("seen",), ("done",)]


def test_reading_again_replaces_the_rows_and_counts_them_once(world):
    world.source("app", OLD)
    world.land("app/1.csv", ROWS)
    world.ingest()
    before = Ledger(world.home).generation()
    world.source("app", NEW)

    account = world.one(only=["app"], again=True)

    assert account.accepted == 2
    assert names(world) == [("SEEN",), ("DONE",)]
    (total,) = Ledger(world.home).accounts_total()
    assert (total.rows_in, total.accepted) == (2, 2)
    assert Ledger(world.home).generation() != before


def test_a_source_whose_files_are_gone_is_not_taken_out(world):
    world.source("app", OLD)
    path = world.land("app/1.csv", ROWS)
    world.ingest()
    path.unlink()

    with pytest.raises(SourceError, match="are gone"):
        world.ingest(only=["app"], again=True)

    assert names(world) == [("seen",), ("done",)]
