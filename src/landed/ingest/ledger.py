"""The ledger: what was ever read, what became of every record, and which files are the lake.

A Parquet file that it does not list does not exist. One SQLite transaction a batch: its commit is
the batch. Everything that is done to the lake later is one transaction too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime

from ..errors import WarehouseError
from .ledger_reading import LedgerReader
from .ledger_rows import Batch, Change, Declared
from .ledger_store import LAST_NUMBER, SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION", "Ledger"]


#: What has to agree for a source: rows stored, accepted, removed; records kept, refused, explained.
_COUNTED = (
    ("rows", "from lake_files where source = ?"),
    ("accepted", "from batches where source = ?"),
    ("rows", "from removals where source = ?"),
    ("rows", "from quarantine_files where source = ?"),
    ("conflict + quarantined", "from batches where source = ?"),
    ("rows", "from reasons join batches using (sequence) where source = ?"),
)


class Ledger(LedgerReader):
    """The ledger of one home. Reading needs no lock; whatever writes needs the home's."""

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

    def forget(self, source: str, generation: str) -> None:
        """Take a source out whole: its claims, its rows, its accounts. The sweeper frees the disk.

        Ids that were erased stay erased.

        Args:
            source: The source.
            generation: A new id, never used before.
        """
        with self._writing() as found:
            for table in ("claims", "quarantine_files", "lake_files", "removals"):
                found.execute(f"delete from {table} where source = ?", (source,))
            found.execute(
                "delete from reasons where sequence in"
                " (select sequence from batches where source = ?)",
                (source,),
            )
            found.execute("delete from batches where source = ?", (source,))
            self._renew(found, generation)

    def commit(self, batch: Batch, committed_at: datetime) -> int:
        """Make a batch real: all of it or nothing.

        Returns:
            The batch's sequence number.

        Raises:
            WarehouseError: Its accounts do not balance, or a file of it was claimed before.
        """
        with self._writing() as found:
            return self._insert_batch(found, batch, committed_at)

    def apply(self, change: Change, changed_at: datetime) -> None:
        """Change which files are listed, with all that belongs to it: the whole change or nothing.

        Args:
            change: What leaves, what comes, and what is noted of it.
            changed_at: The clock.

        Raises:
            WarehouseError: A file of it is not listed, or a source would not balance afterwards.
        """
        at = changed_at.astimezone(UTC).isoformat()
        with self._writing() as found:
            for table, files in (
                ("lake_files", change.lake_out),
                ("quarantine_files", change.quarantine_out),
            ):
                for file in files:
                    gone = found.execute(f"delete from {table} where path = ?", (str(file.path),))
                    self._require_one(gone, str(file.path))
            for one in change.lake_in:
                found.execute(
                    "insert into lake_files values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (str(one.path), one.kind, one.source, one.day.isoformat(), one.rows,
                     one.sha256, one.size, one.sequence),
                )  # fmt: skip
            for each in change.quarantine_in:
                found.execute(
                    "insert into quarantine_files values (?, ?, ?, ?, ?, ?, ?, null)",
                    (str(each.path), each.source, each.rows, each.sha256, each.size, each.sequence,
                     each.arrived_at.astimezone(UTC).isoformat()),
                )  # fmt: skip
            for each in change.dropped:
                done = found.execute(
                    "update quarantine_files set dropped_at = ? where path = ?"
                    " and dropped_at is null",
                    (at, str(each.path)),
                )
                self._require_one(done, str(each.path))
            self._note_removals(found, change)
            for (sequence, reason), rows in change.moved.items():
                self._move(found, sequence, reason, rows)
            if change.batch is not None:
                self._insert_batch(found, change.batch, changed_at)
                if change.mapping is not None:
                    found.execute(
                        "update sources set mapping = ? where source = ?",
                        (change.mapping, change.batch.account.source),
                    )
            found.executemany(
                "insert into erased values (?, ?) on conflict do nothing",
                [(digest, at) for digest in sorted(change.erased)],
            )
            if change.generation is not None:
                self._renew(found, change.generation)
            self._require_balance(found, change)

    def _note_removals(self, found: sqlite3.Connection, change: Change) -> None:
        """Count what leaves, by day, under a number of its own: its days are touched."""
        if not change.removed:
            return
        number = found.execute(f"select seq + 1 {LAST_NUMBER}").fetchone()
        self._require_one(
            found.execute("update sqlite_sequence set seq = seq + 1 where name = 'batches'"),
            "a batch of what is removed",
        )
        for (source, day, why), rows in change.removed.items():
            done = found.execute(
                "insert into removals"
                " select source, kind, :day, :why, :rows, :number from sources"
                " where source = :source"
                " on conflict do update"
                " set rows = rows + excluded.rows, sequence = excluded.sequence",
                {"source": source, "day": day.isoformat(), "why": why, "rows": rows,
                 "number": number[0]},
            )  # fmt: skip
            self._require_one(done, f"the source {source}")

    def _insert_batch(self, found: sqlite3.Connection, batch: Batch, committed_at: datetime) -> int:
        account = batch.account
        counts = (
            account.rows_in,
            account.accepted,
            account.duplicate,
            account.conflict,
            account.quarantined,
        )
        stored = sum(file.rows for file in batch.lake)
        refused = sum(file.rows for file in batch.quarantine)
        if (
            not account.is_balanced
            or stored != account.accepted
            or refused != account.conflict + account.quarantined
        ):
            raise self._unbalanced(
                f"the batch of `{account.source}` does not balance: {counts} rows in, accepted,"
                f" duplicate, conflict, quarantined; {stored} stored, {refused} refused"
            )
        at = committed_at.astimezone(UTC).isoformat()
        cursor = found.execute(
            "insert into batches (batch_id, source, kind, committed_at, rows_in, accepted,"
            " duplicate, conflict, quarantined) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (batch.batch_id, account.source, account.kind, at, *counts),
        )
        sequence = int(cursor.lastrowid or 0)
        if batch.hash_probe and found.execute("select count(*) from hashing").fetchone() == (0,):
            found.execute("insert into hashing values (?)", (batch.hash_probe,))
        self._insert_files(found, batch, sequence, at)
        return sequence

    @staticmethod
    def _insert_files(
        found: sqlite3.Connection, batch: Batch, sequence: int, committed_at: str
    ) -> None:
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
            "insert into lake_files values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (str(file.path), kind, source, str(file.day), file.rows, file.sha256, file.size,
                 sequence)
                for file in batch.lake
            ],
        )  # fmt: skip
        arrived = batch.arrived_at.astimezone(UTC).isoformat() if batch.arrived_at else committed_at
        found.executemany(
            "insert into quarantine_files values (?, ?, ?, ?, ?, ?, ?, null)",
            [
                (str(file.path), source, file.rows, file.sha256, file.size, sequence, arrived)
                for file in batch.quarantine
            ],
        )

    def _move(self, found: sqlite3.Connection, sequence: int, reason: str, rows: int) -> None:
        """Take refused records out of the accounts of their batch; the next batch counts them."""
        outcome = "conflict" if reason == "conflict" else "quarantined"
        done = found.execute(
            f"update batches set rows_in = rows_in - :rows, {outcome} = {outcome} - :rows"
            " where sequence = :sequence",
            {"rows": rows, "sequence": sequence},
        )
        self._require_one(done, f"batch {sequence}")
        whole = found.execute(
            "delete from reasons where sequence = ? and reason = ? and rows = ?",
            (sequence, reason, rows),
        )
        if not whole.rowcount:
            part = found.execute(
                "update reasons set rows = rows - ? where sequence = ? and reason = ?",
                (rows, sequence, reason),
            )
            self._require_one(part, f"reason {reason} of batch {sequence}")

    @staticmethod
    def _renew(found: sqlite3.Connection, generation: str) -> None:
        found.execute("delete from generation")
        found.execute("insert into generation values (?)", (generation,))

    def _require_one(self, cursor: sqlite3.Cursor, what: str) -> None:
        if cursor.rowcount != 1:
            raise WarehouseError(
                f"{what} is not in the ledger",
                expected="the ledger as it was when the change was prepared",
                where=str(self._home.ledger),
                fix="run the command again.",
                code="ledger_changed",
            )

    def _require_balance(self, found: sqlite3.Connection, change: Change) -> None:
        """Every source that a change touched has each record once, on disk as in its accounts."""
        touched = {file.source for file in (*change.lake_out, *change.lake_in)}
        touched |= {file.source for file in (*change.quarantine_out, *change.quarantine_in)}
        touched |= {source for source, _, _ in change.removed}
        if change.batch is not None:
            touched.add(change.batch.account.source)
        for source in sorted(touched):
            stored, accepted, removed, kept, refused, reasons = (
                found.execute(f"select coalesce(sum({what}), 0) {where}", (source,)).fetchone()[0]
                for what, where in _COUNTED
            )
            if stored != accepted - removed or kept != refused or reasons != refused:
                raise self._unbalanced(
                    f"`{source}` would not balance: {stored} rows in the lake of {accepted}"
                    f" accepted - {removed} removed; {kept} refused records kept and {reasons}"
                    f" with a reason, of {refused}"
                )

    def _unbalanced(self, what: str) -> WarehouseError:
        return WarehouseError(
            what,
            expected="every record once",
            where=str(self._home.ledger),
            fix="run again; if it stays, report it: nothing was committed.",
            code="unbalanced_batch",
        )
