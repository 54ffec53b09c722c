"""What the ledger answers. Reading needs no lock."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from .accounts import LEFT_OUT, DayAccount, LakeFile, SourceAccount
from .ledger_rows import Declared, ListedFile, QuarantineFile
from .ledger_store import LAST_NUMBER, LedgerStore

#: Rows of the batches by source and the day they were committed, without what was left out.
_ARRIVALS = """
select source, date(committed_at) as day, sum(rows_in - left_out), sum(duplicate),
    sum(quarantined - left_out), sum(conflict)
from (
    select batches.*, coalesce(
        (select sum(rows) from reasons where reasons.sequence = batches.sequence
            and reason in (?, ?)), 0) as left_out
    from batches
)
group by source, day
order by source, day
"""


class LedgerReader(LedgerStore):
    """The questions one may ask of the ledger of one home."""

    def accounts_total(self) -> tuple[SourceAccount, ...]:
        """Account of each source over its whole life, by name."""
        with self._reading() as found:
            if found is None:
                return ()
            days: dict[str, list[date]] = {}
            for source, day in found.execute(
                "select distinct source, day from lake_files order by source, day"
            ):
                days.setdefault(source, []).append(date.fromisoformat(day))
            reasons: dict[str, dict[str, int]] = {}
            for source, reason, rows in self._reasons(found):
                reasons.setdefault(source, {})[reason] = rows
            removed: dict[str, dict[str, int]] = {}
            for source, why, rows in found.execute(
                "select source, why, sum(rows) from removals group by source, why"
            ):
                removed.setdefault(source, {})[why] = rows
            arrivals: dict[str, list[DayAccount]] = {}
            for source, day, *counts in found.execute(_ARRIVALS, LEFT_OUT):
                one = DayAccount(date.fromisoformat(day), *counts)
                arrivals.setdefault(source, []).append(one)
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
                removed=removed.get(row[0], {}),
                days=tuple(days.get(row[0], ())),
                arrivals=tuple(arrivals.get(row[0], ())),
            )
            for row in totals
        )

    def files(self, kind: str, since_sequence: int = 0) -> list[LakeFile]:
        """Lake files of a kind with rows of batches after `since_sequence`, by day and path."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path, rows, day, sha256, sequence from lake_files"
                # the plus keeps SQLite from reading all days of a kind for the order's sake
                " where sequence > ? and +kind = ? order by day, path",
                (since_sequence, kind),
            ).fetchall()
        root = self._home.root
        return [
            LakeFile(root / path, count, date.fromisoformat(day), sha256, sequence)
            for path, count, day, sha256, sequence in rows
        ]

    def files_between(self, kind: str, first: date, last: date) -> list[Path]:
        """Lake files of a kind whose day is from `first` to `last`, both included."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path from lake_files where kind = ? and day between ? and ? order by path",
                (kind, first.isoformat(), last.isoformat()),
            ).fetchall()
        return [self._home.root / path for (path,) in rows]

    def files_on(
        self, kind: str, days: Collection[date], *, source: str | None = None
    ) -> list[Path]:
        """Lake files of a kind on exactly these UTC days, of one source or of all, by path."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path from lake_files where kind = :kind"
                " and day in (select value from json_each(:days))"
                " and (:source is null or source = :source) order by path",
                {
                    "kind": kind,
                    "days": json.dumps(sorted(day.isoformat() for day in days)),
                    "source": source,
                },
            ).fetchall()
        return [self._home.root / path for (path,) in rows]

    def listed_files(self, source: str | None = None) -> list[ListedFile]:
        """Every lake file as it is listed, by kind, source, day and path; of one source or all."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path, kind, source, day, rows, sha256, bytes, sequence from lake_files"
                " where :source is null or source = :source order by kind, source, day, path",
                {"source": source},
            ).fetchall()
        return [
            ListedFile(Path(row[0]), row[1], row[2], date.fromisoformat(row[3]), *row[4:])
            for row in rows
        ]

    def crowded(self, files: int, smaller_than: int) -> list[ListedFile]:
        """Small lake files of days with more than `files` of them from one source.

        Args:
            files: Most small files that a day of a source may have. Count.
            smaller_than: What is small. Bytes.
        """
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path, kind, source, day, f.rows, sha256, bytes, sequence from ("
                " select kind, source, day from lake_files group by kind, day, source"
                " having count(*) > :files) join lake_files f using (kind, source, day)"
                " where bytes < :smaller_than order by kind, source, day, sequence, path",
                {"files": files, "smaller_than": smaller_than},
            ).fetchall()
        beside = Counter(row[1:4] for row in rows)
        return [
            ListedFile(Path(row[0]), row[1], row[2], date.fromisoformat(row[3]), *row[4:])
            for row in rows
            if beside[row[1:4]] > files
        ]

    def quarantine_files(self, source: str | None = None) -> list[QuarantineFile]:
        """Every quarantine file as it is listed, the dropped ones too, in order of arrival."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select path, source, rows, sha256, bytes, sequence, arrived_at, dropped_at"
                " from quarantine_files where :source is null or source = :source"
                " order by source, arrived_at, sequence, path",
                {"source": source},
            ).fetchall()
        return [
            QuarantineFile(
                path=Path(row[0]),
                source=row[1],
                rows=row[2],
                sha256=row[3],
                size=row[4],
                sequence=row[5],
                arrived_at=datetime.fromisoformat(row[6]),
                dropped_at=datetime.fromisoformat(row[7]) if row[7] else None,
            )
            for row in rows
        ]

    def oldest(self, source: str) -> tuple[date | None, datetime | None]:
        """First UTC day in the lake, and when the oldest kept refused record came, of a source."""
        with self._reading() as found:
            if found is None:
                return None, None
            day, arrived_at = found.execute(
                "select (select min(day) from lake_files where source = :source),"
                " (select min(arrived_at) from quarantine_files"
                " where source = :source and dropped_at is null)",
                {"source": source},
            ).fetchone()
        return (
            date.fromisoformat(day) if day else None,
            datetime.fromisoformat(arrived_at) if arrived_at else None,
        )

    def batch_ids(self) -> dict[int, str]:
        """Id of each batch by its number."""
        with self._reading() as found:
            if found is None:
                return {}
            return dict(found.execute("select sequence, batch_id from batches").fetchall())

    def last_sequence(self) -> int:
        """Number of the last change of the lake's rows, a batch or a removal; 0 for none."""
        with self._reading() as found:
            if found is None:
                return 0
            row = found.execute(f"select seq {LAST_NUMBER}").fetchone()
        return int(row[0]) if row else 0

    def touched_days(self, kind: str, since_sequence: int) -> list[date]:
        """UTC days of a kind whose rows changed after `since_sequence`, in order.

        Batches wrote to them, or rows were removed from them: such a day may have no file left.
        """
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select day from lake_files where sequence > :since and +kind = :kind"
                " union select day from removals where sequence > :since and +kind = :kind"
                " order by day",
                {"since": since_sequence, "kind": kind},
            )
            return [date.fromisoformat(day) for (day,) in rows]

    def days(self, kind: str) -> dict[date, int]:
        """Rows by UTC day of a kind, in the order of the days."""
        with self._reading() as found:
            if found is None:
                return {}
            rows = found.execute(
                "select day, sum(rows) from lake_files where kind = ? group by day order by day",
                (kind,),
            )
            return {date.fromisoformat(day): count for day, count in rows}

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

    def declared(self) -> list[Declared]:
        """Each source ever ingested as it was declared last, by name."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select source, kind, complete_through, mapping from sources order by source"
            ).fetchall()
        return [
            Declared(source, kind, datetime.fromisoformat(text) if text else None, mapping)
            for source, kind, text, mapping in rows
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
        """Paths, relative to the home, of all lake and quarantine files that are there."""
        with self._reading() as found:
            if found is None:
                return set()
            rows = found.execute(
                "select path from lake_files"
                " union all select path from quarantine_files where dropped_at is null"
            )
            return {path for (path,) in rows}

    def generation(self) -> str:
        """Changes when all that was built from the lake is void, not only touched days.

        A person was erased, and what was built may hold the bytes; or a source was forgotten.
        """
        with self._reading() as found:
            row = found.execute("select id from generation").fetchone() if found else None
        return str(row[0]) if row else ""

    def hash_probe(self) -> str:
        """What the engine's hash of a fixed text was when the first row came; empty before."""
        with self._reading() as found:
            row = found.execute("select probe from hashing").fetchone() if found else None
        return str(row[0]) if row else ""

    def erased(self) -> frozenset[str]:
        """Keyed digests of the ids whose rows were erased and must not come back."""
        with self._reading() as found:
            if found is None:
                return frozenset()
            return frozenset(digest for (digest,) in found.execute("select digest from erased"))

    def removals(self) -> list[tuple[str, date, str, int]]:
        """Rows that left the lake: source, UTC day, why (erase or retention) and count."""
        with self._reading() as found:
            if found is None:
                return []
            rows = found.execute(
                "select source, day, why, rows from removals order by source, day, why"
            ).fetchall()
        return [(source, date.fromisoformat(day), why, count) for source, day, why, count in rows]

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

    def reasons(self) -> Sequence[tuple[str, str, int]]:
        """Refused records by source and reason over the whole life."""
        with self._reading() as found:
            return [] if found is None else self._reasons(found)

    def reasons_dropped(self, source: str) -> list[tuple[int, str, int]]:
        """Refused records whose file was dropped: number of their batch, reason and count."""
        with self._reading() as found:
            if found is None:
                return []
            return found.execute(
                "select sequence, reason, rows from reasons where sequence in (select sequence"
                " from quarantine_files where source = ? and dropped_at is not null)"
                " order by sequence, reason",
                (source,),
            ).fetchall()

    @staticmethod
    def _reasons(found: sqlite3.Connection) -> list[tuple[str, str, int]]:
        return found.execute(
            "select source, reason, sum(rows) from reasons join batches using (sequence)"
            " group by source, reason order by source, reason"
        ).fetchall()
