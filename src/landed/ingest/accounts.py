"""What ingest answers: the row accounts of sources, and the files of the lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

#: Reasons of refused records that nothing is wrong with: a select leaves them out, or an erasure.
LEFT_OUT = ("not_selected", "erased")


@dataclass(frozen=True, slots=True)
class DayAccount:
    """Row accounts of the batches of one source that came on one day. Counts.

    Args:
        day: UTC day on which they were committed.
        rows_in: Records read, but for those that a select or an erasure leaves out.
        duplicate: Of them, those that repeat one.
        refused: Of them, those in quarantine.
        conflict: Of them, those with the id of another one and other content.
    """

    day: date
    rows_in: int
    duplicate: int
    refused: int
    conflict: int


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """Row accounts of one source. Counts; rows_in is the sum of the four that follow it.

    Args:
        source: Name of the source.
        kind: events, feedback or exposures.
        files_new: Files whose bytes were not in the ledger before.
        files_seen: Files that were skipped because their bytes were.
        rows_in: Physical records read.
        accepted: Records that are in the lake.
        duplicate: Records that repeat one with the same id and the same content.
        conflict: Records that repeat an id with other content; the first one is in the lake.
        quarantined: Records refused for another reason.
        reasons: Records by reason code; the sum is conflict + quarantined.
        removed: Accepted rows that left the lake since, by why: erase, retention.
        days: UTC days that got accepted rows, in order.
        arrivals: Accounts by the day that batches came on, in order.
    """

    source: str
    kind: str
    files_new: int = 0
    files_seen: int = 0
    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()
    arrivals: tuple[DayAccount, ...] = ()

    @property
    def left_out(self) -> int:
        """Refused records that nothing is wrong with: a select leaves them out, or an erasure."""
        return sum(self.reasons.get(reason, 0) for reason in LEFT_OUT)

    @property
    def is_balanced(self) -> bool:
        """Whether every record read is accounted for, each once."""
        counted = self.accepted + self.duplicate + self.conflict + self.quarantined
        refused = sum(self.reasons.values())
        return self.rows_in == counted and refused == self.conflict + self.quarantined

    def __str__(self) -> str:
        """`events: 5 rows in = 3 accepted + 1 duplicate + 0 conflict + 1 quarantined`."""
        removed = "".join(f"; {rows:,} removed by {why}" for why, rows in self.removed.items())
        return (
            f"{self.source}: {self.rows_in:,} rows in = {self.accepted:,} accepted"
            f" + {self.duplicate:,} duplicate + {self.conflict:,} conflict"
            f" + {self.quarantined:,} quarantined{removed}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--format json`."""
        return {
            "source": self.source,
            "kind": self.kind,
            "files_new": self.files_new,
            "files_seen": self.files_seen,
            "rows_in": self.rows_in,
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "conflict": self.conflict,
            "quarantined": self.quarantined,
            "reasons": dict(self.reasons),
            "removed": dict(self.removed),
            "days": [day.isoformat() for day in self.days],
        }


def merged(one: SourceAccount, other: SourceAccount) -> SourceAccount:
    """The sum of two accounts of one source."""
    return SourceAccount(
        source=one.source,
        kind=one.kind,
        files_new=one.files_new + other.files_new,
        files_seen=one.files_seen + other.files_seen,
        rows_in=one.rows_in + other.rows_in,
        accepted=one.accepted + other.accepted,
        duplicate=one.duplicate + other.duplicate,
        conflict=one.conflict + other.conflict,
        quarantined=one.quarantined + other.quarantined,
        reasons=_added(one.reasons, other.reasons),
        removed=_added(one.removed, other.removed),
        days=tuple(sorted({*one.days, *other.days})),
        arrivals=_arrived((*one.arrivals, *other.arrivals)),
    )


def _arrived(accounts: Iterable[DayAccount]) -> tuple[DayAccount, ...]:
    found: dict[date, DayAccount] = {}
    for one in accounts:
        known = found.get(one.day, DayAccount(one.day, 0, 0, 0, 0))
        found[one.day] = DayAccount(
            one.day,
            known.rows_in + one.rows_in,
            known.duplicate + one.duplicate,
            known.refused + one.refused,
            known.conflict + one.conflict,
        )
    return tuple(found[day] for day in sorted(found))


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    names = sorted({*one, *other})
    return {name: one.get(name, 0) + other.get(name, 0) for name in names}


@dataclass(frozen=True, slots=True)
class RelationAccount:
    """A relation that keeps its contract.

    Args:
        source: Name of the source.
        format: What holds it: parquet, postgres or duckdb.
        files: Files that it is read from. Count.
        rows: Its rows. Count.
        grain: Columns of which there is one row each.
        is_new: Whether it was read now; else it is as it was when it was read.
    """

    source: str
    format: str
    files: int
    rows: int
    grain: tuple[str, ...]
    is_new: bool

    @property
    def grain_text(self) -> str:
        """`account_id, day`."""
        return ", ".join(self.grain)

    def __str__(self) -> str:
        """`plans: relation checked, 5 rows, one per plan_id`."""
        return f"{self.source}: relation checked, {self.rows:,} rows, one per {self.grain_text}"

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--format json`."""
        return {
            "source": self.source,
            "format": self.format,
            "files": self.files,
            "rows": self.rows,
            "grain": list(self.grain),
            "is_new": self.is_new,
        }


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Accounts of one run, one a source, in the order of their names.

    Args:
        accounts: Account of each source that was looked at, also where nothing was new.
        sequence: Number of the last change of the lake's rows, a batch or a removal; 0 for none.
        relations: The relations, each of which keeps its contract.
    """

    accounts: tuple[SourceAccount, ...]
    sequence: int
    relations: tuple[RelationAccount, ...] = ()

    @property
    def accepted(self) -> int:
        """Rows that this run added to the lake. Count."""
        return sum(account.accepted for account in self.accounts)

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--format json`."""
        return {
            "sequence": self.sequence,
            "accounts": [account.as_dict() for account in self.accounts],
            "relations": [relation.as_dict() for relation in self.relations],
        }


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file the ledger lists.

    Args:
        path: The file, absolute.
        rows: Rows in it. Count.
        day: UTC day of all its rows.
        sha256: Digest of its bytes, hexadecimal.
        sequence: Number of the batch that wrote it.
    """

    path: Path
    rows: int
    day: date
    sha256: str
    sequence: int
