"""The ledger's database: its tables, and how it is opened. SQLite, one file below the home."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from ..errors import WarehouseError
from ..project import Home

SCHEMA_VERSION = 4

_REMOVALS = """
create table removals (
    source text not null, kind text not null, day text not null,
    why text not null check (why in ('erase', 'retention')),
    rows integer not null check (rows > 0), sequence integer not null,
    primary key (source, day, why)
) strict, without rowid;
create index removals_by_sequence on removals (sequence);
"""

#: The indexes on `sequence` also serve the foreign keys: without them taking out a source of
#: 10,000 batches would look through all files once a batch.
_SCHEMA = (
    """
create table sources (
    source text primary key, kind text not null, complete_through text, mapping text not null
) strict;
create table generation (id text primary key) strict;
create table hashing (probe text primary key) strict;
create table batches (
    sequence integer primary key autoincrement,
    batch_id text not null,
    source text not null,
    kind text not null,
    committed_at text not null,
    rows_in integer not null check (rows_in >= 0),
    accepted integer not null check (accepted >= 0),
    duplicate integer not null check (duplicate >= 0),
    conflict integer not null check (conflict >= 0),
    quarantined integer not null check (quarantined >= 0),
    check (rows_in = accepted + duplicate + conflict + quarantined)
) strict;
create index batches_by_source on batches (source);
create table claims (
    source text not null, sha256 text not null, path text not null, bytes integer not null,
    changed_ns integer not null, sequence integer not null references batches,
    primary key (source, sha256)
) strict, without rowid;
create index claims_by_sequence on claims (sequence);
create table reasons (
    sequence integer not null references batches, reason text not null,
    rows integer not null check (rows > 0), primary key (sequence, reason)
) strict, without rowid;
create table lake_files (
    path text primary key, kind text not null, source text not null, day text not null,
    rows integer not null check (rows > 0), sha256 text not null, bytes integer not null,
    sequence integer not null references batches
) strict, without rowid;
create index lake_files_by_day on lake_files (kind, day, source);
create index lake_files_by_sequence on lake_files (sequence);
create index lake_files_by_source on lake_files (source, day, rows);
create table quarantine_files (
    path text primary key, source text not null, rows integer not null check (rows > 0),
    sha256 text not null, bytes integer not null, sequence integer not null references batches,
    arrived_at text not null, dropped_at text
) strict, without rowid;
create index quarantine_files_by_sequence on quarantine_files (sequence);
create index quarantine_files_by_source on quarantine_files (source, arrived_at);
create table erased (digest text primary key, erased_at text not null) strict, without rowid;
"""
    + _REMOVALS
)
#: Where SQLite keeps the highest number a batch ever had. Removals take theirs from it too, so that
#: one number says how much of the lake's life somebody has seen; it never falls.
LAST_NUMBER = "from sqlite_sequence where name = 'batches'"
#: A ledger of version 3 noted no kind and no number beside what was removed: whoever had built from
#: it was told by a new generation, so that 0 tells nobody again.
_REMOVALS_OF_3 = (
    "select source, (select kind from main.sources where source = old.source) as kind, day, why,"
    " rows, 0 as sequence"
)
#: What a writer does to a ledger of an older version, in the transaction of its first write.
_UPGRADES = {
    3: "alter table removals rename to old_removals;"
    + _REMOVALS
    + f"insert into removals {_REMOVALS_OF_3} from old_removals as old; drop table old_removals"
}
#: How a reader, who changes nothing, sees an older one: a view of its own in front of the table.
_SEEN_AS = {3: f"create temp view removals as {_REMOVALS_OF_3} from main.removals as old"}


class LedgerStore:
    """Connections to the ledger of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read by; None while there is no ledger."""
        if not self._home.ledger.is_file():
            yield None
            return
        with self._connected() as found:
            version = self._version(found)
            if version in _SEEN_AS:
                found.execute(_SEEN_AS[version])
            yield found if version else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of the block or, where it raises, nothing."""
        self._home.root.mkdir(parents=True, exist_ok=True)
        with self._connected() as found:
            found.execute("pragma journal_mode = wal")
            found.execute("pragma synchronous = full")
            found.execute("pragma foreign_keys = on")
            found.execute("begin immediate")
            try:
                version = self._version(found)
                if version != SCHEMA_VERSION:
                    for statement in _UPGRADES.get(version, _SCHEMA).split(";"):
                        found.execute(statement)
                    found.execute(f"pragma user_version = {SCHEMA_VERSION}")
                yield found
            except BaseException:
                found.execute("rollback")
                raise
            found.execute("commit")

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            found = sqlite3.connect(self._home.ledger, timeout=30, isolation_level=None)
            with contextlib.closing(found):
                yield found
        except sqlite3.Error as error:
            raise WarehouseError(
                f"the ledger cannot be used: {error}",
                where=str(self._home.ledger),
                fix="check the disk and the file; `landed doctor` tells more.",
                code="ledger",
            ) from error

    def _version(self, found: sqlite3.Connection) -> int:
        version = int(found.execute("pragma user_version").fetchone()[0])
        if version in (0, *_UPGRADES, SCHEMA_VERSION):
            return version
        is_newer = version > SCHEMA_VERSION
        raise WarehouseError(
            f"the ledger is of version {version}",
            expected=f"version {min(_UPGRADES)} to {SCHEMA_VERSION}",
            where=str(self._home.ledger),
            fix="use the landed that wrote it, or a newer one."
            if is_newer
            else f"move {self._home.root} away, put its landing folder into a new one and run"
            " again: every file is read anew.",
            code="ledger_version",
        )
