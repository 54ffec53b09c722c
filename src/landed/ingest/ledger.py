"""The ledger: what was ever read, what became of every record, and which files are the lake.

A Parquet file that it does not list does not exist. One SQLite transaction a batch: its commit is
the batch.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ..errors import WarehouseError
from ..project import Home
from .accounts import LakeFile, SourceAccount
from .ledger_rows import Batch, Declared

SCHEMA_VERSION = 2

_SCHEMA = """
create table sources (
    source text primary key, kind text not null, complete_through text, mapping text not null
) strict;
create table generation (id text primary key) strict;
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
create table reasons (
    sequence integer not null references batches, reason text not null,
    rows integer not null check (rows > 0), primary key (sequence, reason)
) strict, without rowid;
create table lake_files (
    path text primary key, kind text not null, source text not null, day text not null,
    rows integer not null check (rows > 0), sha256 text not null, bytes integer not null,
    sequence integer not null references batches, superseded_by integer references batches
) strict, without rowid;
create index lake_files_by_day on lake_files (kind, day);
create table quarantine_files (
    path text primary key, source text not null, rows integer not null check (rows > 0),
    sha256 text not null, bytes integer not null, sequence integer not null references batches
) strict, without rowid;
"""


class Ledger:
    """The ledger of one home. Reading needs no lock; `open_for_writing` and `commit` need the
    home's.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def accounts_total(self) -> tuple[SourceAccount, ...]:
        """Account of each source over its whole life, by name."""
        with self._reading() as found:
            if found is None:
                return ()
            days: dict[str, list[date]] = {}
            for source, day in found.execute(
                "select distinct source, day from lake_files where superseded_by is null"
                " order by source, day"
            ):
                days.setdefault(source, []).append(date.fromisoformat(day))
            reasons: dict[str, dict[str, int]] = {}
            for source, reason, rows in self._reasons(found):
                reasons.setdefault(source, {})[reason] = rows
            files = dict(found.execute("select source, count(*) from claims group by source"))
            totals = found.execute(
                "select s.source, s.kind, coalesce(sum(rows_in), 0), coalesce(sum(accepted), 0),"
                " coalesce(sum(duplicate), 0), coalesce(sum(conflict), 0),"
                " coalesce(sum(quarantined), 0)"
                " from sources s left join batches b using (source)"
                " group by s.source, s.kind order by s.source"
            ).fetchall()
        return tuple(
            SourceAccount(
                source=row[0],
                kind=row[1],
                files_new=files.get(row[0], 0),
                rows_in=row[2],
                accepted=row[3],
                duplicate=row[4],
                conflict=row[5],
                quarantined=row[6],
                reasons=reasons.get(row[0], {}),
                days=tuple(days.get(row[0], ())),
            )
            for row in totals
        )

    def files(self, kind: str, since_sequence: int = 0) -> list[LakeFile]:
        """Lake files of a kind that batches after `since_sequence` wrote, by day and path."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path, rows, day, sha256, sequence from lake_files"
                " where kind = ? and sequence > ? and superseded_by is null order by day, path",
                (kind, since_sequence),
            ).fetchall()
        return [
            LakeFile(self._home.root / path, count, date.fromisoformat(day), sha256, sequence)
            for path, count, day, sha256, sequence in rows
        ]

    def files_between(self, kind: str, first: date, last: date) -> list[Path]:
        """Lake files of a kind whose day is from `first` to `last`, both included."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path from lake_files where kind = ? and day between ? and ?"
                " and superseded_by is null order by path",
                (kind, first.isoformat(), last.isoformat()),
            ).fetchall()
        return [self._home.root / path for (path,) in rows]

    def last_sequence(self) -> int:
        """Number of the last committed batch; 0 for none."""
        with self._reading() as found:
            row = None if found is None else found.execute("select max(sequence) from batches")
            return 0 if row is None else int(row.fetchone()[0] or 0)

    def touched_days(self, kind: str, since_sequence: int) -> list[date]:
        """UTC days of a kind that batches after `since_sequence` wrote to, in order."""
        return sorted({file.day for file in self.files(kind, since_sequence)})

    def days(self, kind: str) -> dict[date, int]:
        """Rows by UTC day of a kind, in the order of the days."""
        counted: dict[date, int] = {}
        for file in self.files(kind):
            counted[file.day] = counted.get(file.day, 0) + file.rows
        return counted

    def sources(self) -> list[tuple[str, str, datetime | None]]:
        """Name, kind and `complete_through` (UTC) of each source ever ingested, by name."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select source, kind, complete_through from sources order by source"
            ).fetchall()
        return [
            (source, kind, datetime.fromisoformat(text) if text else None)
            for source, kind, text in rows
        ]

    def claimed(self, source: str) -> set[str]:
        """Digests of the input files of a source that are in the ledger."""
        with self._reading() as found:
            if found is None:
                return set()
            rows = found.execute("select sha256 from claims where source = ?", (source,))
            return {sha256 for (sha256,) in rows}

    def claimed_files(self, source: str) -> set[tuple[str, int, int]]:
        """Path, bytes and time of change (ns) of the claimed input files of a source."""
        with self._reading() as found:
            if found is None:
                return set()
            rows = found.execute(
                "select path, bytes, changed_ns from claims where source = ?", (source,)
            )
            return set(rows.fetchall())

    def listed(self) -> set[str]:
        """Paths, relative to the home, of all lake and quarantine files."""
        with self._reading() as found:
            if found is None:
                return set()
            rows = found.execute(
                "select path from lake_files union select path from quarantine_files"
            )
            return {path for (path,) in rows}

    def generation(self) -> str:
        """Changes whenever rows were taken out of the lake: what was built from it is void then."""
        with self._reading() as found:
            row = found.execute("select id from generation").fetchone() if found else None
        return str(row[0]) if row else ""

    def remapped(self, sources: Iterable[Declared]) -> list[tuple[str, int]]:
        """Sources whose mapping differs from the one their rows came by, with their files."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select sources.source, sources.mapping, count(*) from sources"
                " join claims using (source) group by sources.source, sources.mapping"
            ).fetchall()
        before = {source: (mapping, files) for source, mapping, files in rows}
        return [
            (each.source, before[each.source][1])
            for each in sources
            if each.source in before and before[each.source][0] != each.mapping
        ]

    def forget(self, source: str, generation: str) -> None:
        """Take a source out whole: its claims, its rows, its accounts. The sweeper frees the disk.

        Args:
            source: The source.
            generation: A new id, never used before.
        """
        with self._writing() as found:
            for table in ("claims", "quarantine_files", "lake_files"):
                found.execute(f"delete from {table} where source = ?", (source,))
            found.execute(
                "delete from reasons where sequence in"
                " (select sequence from batches where source = ?)",
                (source,),
            )
            found.execute("delete from batches where source = ?", (source,))
            found.execute("delete from generation")
            found.execute("insert into generation values (?)", (generation,))

    def declare(self, sources: Iterable[Declared], generation: str) -> None:
        """Note what sources are.

        Args:
            sources: As their files declare them.
            generation: Id for a ledger that has none yet.

        Raises:
            WarehouseError: A source that holds rows changed its kind.
        """
        with self._writing() as found:
            if found.execute("select count(*) from generation").fetchone() == (0,):
                found.execute("insert into generation values (?)", (generation,))
            for each in sources:
                known = found.execute(
                    "select kind from batches where source = ? and kind <> ? limit 1",
                    (each.source, each.kind),
                ).fetchone()
                if known:
                    raise WarehouseError(
                        f"the source `{each.source}` was of kind {known[0]} and is now {each.kind}",
                        expected=f"kind: {known[0]}",
                        where=str(self._home.ledger),
                        fix="give the source another name.",
                        code="source_changed_kind",
                    )
                through = each.complete_through
                found.execute(
                    "insert into sources values (?, ?, ?, ?) on conflict (source) do update"
                    " set kind = excluded.kind, complete_through = excluded.complete_through,"
                    " mapping = excluded.mapping",
                    (
                        each.source,
                        each.kind,
                        through.isoformat() if through else None,
                        each.mapping,
                    ),
                )

    def commit(self, batch: Batch, committed_at: datetime) -> int:
        """Make a batch real: all of it or nothing.

        Returns:
            The batch's sequence number.

        Raises:
            WarehouseError: Its accounts do not balance, or a file of it was claimed before.
        """
        account = batch.account
        counts = (
            account.rows_in,
            account.accepted,
            account.duplicate,
            account.conflict,
            account.quarantined,
        )
        stored = sum(file.rows for file in batch.lake)
        refused = batch.quarantine.rows if batch.quarantine else 0
        if (
            not account.is_balanced
            or stored != account.accepted
            or refused != account.conflict + account.quarantined
        ):
            raise WarehouseError(
                f"the batch of `{account.source}` does not balance: {counts} rows in, accepted,"
                f" duplicate, conflict, quarantined; {stored} stored, {refused} refused",
                expected="every record once",
                where=str(self._home.ledger),
                fix="run again; if it stays, report it: no row was committed.",
                code="unbalanced_batch",
            )
        with self._writing() as found:
            cursor = found.execute(
                "insert into batches (batch_id, source, kind, committed_at, rows_in, accepted,"
                " duplicate, conflict, quarantined) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    batch.batch_id,
                    account.source,
                    account.kind,
                    committed_at.astimezone(UTC).isoformat(),
                    *counts,
                ),
            )
            sequence = int(cursor.lastrowid or 0)
            self._insert_files(found, batch, sequence)
        return sequence

    @staticmethod
    def _insert_files(found: sqlite3.Connection, batch: Batch, sequence: int) -> None:
        source, kind = batch.account.source, batch.account.kind
        found.executemany(
            "insert into claims values (?, ?, ?, ?, ?, ?)",
            [
                (source, sha256, str(path), size, changed_ns, sequence)
                for sha256, path, size, changed_ns in batch.claims
            ],
        )
        found.executemany(
            "insert into reasons values (?, ?, ?)",
            [(sequence, reason, rows) for reason, rows in sorted(batch.account.reasons.items())],
        )
        found.executemany(
            "insert into lake_files values (?, ?, ?, ?, ?, ?, ?, ?, null)",
            [
                (str(file.path), kind, source, str(file.day), file.rows, file.sha256, file.size,
                 sequence)
                for file in batch.lake
            ],
        )  # fmt: skip
        if batch.quarantine:
            file = batch.quarantine
            found.execute(
                "insert into quarantine_files values (?, ?, ?, ?, ?, ?)",
                (str(file.path), source, file.rows, file.sha256, file.size, sequence),
            )

    def reasons(self) -> Sequence[tuple[str, str, int]]:
        """Refused records by source and reason over the whole life."""
        with self._reading() as found:
            return [] if found is None else self._reasons(found)

    @staticmethod
    def _reasons(found: sqlite3.Connection) -> list[tuple[str, str, int]]:
        return found.execute(
            "select source, reason, sum(rows) from reasons join batches using (sequence)"
            " group by source, reason order by source, reason"
        ).fetchall()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if not self._home.ledger.is_file():
            yield None
            return
        with self._connected() as found:
            yield found if self._version(found) else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._home.root.mkdir(parents=True, exist_ok=True)
        with self._connected() as found:
            found.execute("pragma journal_mode = wal")
            found.execute("pragma synchronous = full")
            found.execute("pragma foreign_keys = on")
            found.execute("begin immediate")
            try:
                if not self._version(found):
                    for statement in _SCHEMA.split(";"):
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
        if version > SCHEMA_VERSION:
            raise WarehouseError(
                f"the ledger is of version {version}",
                expected=f"version {SCHEMA_VERSION}",
                where=str(self._home.ledger),
                fix="use the landed that wrote it, or a newer one.",
                code="ledger_version",
            )
        return version
