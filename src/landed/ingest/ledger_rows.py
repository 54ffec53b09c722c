"""What is written to the ledger: sources as declared, batches and their files, changes of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from .accounts import SourceAccount


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file written for a batch.

    Args:
        path: Where it is, relative to the home.
        rows: Rows in it. Count.
        sha256: Digest of its bytes, hexadecimal.
        size: Its length. Bytes.
        day: UTC day of its rows; None for a quarantine file.
    """

    path: Path
    rows: int
    sha256: str
    size: int
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, ready to commit.

    Args:
        batch_id: Derived from the source and the digests of its files.
        account: Its row account.
        claims: Digest, path or URL, bytes and time of change (ns) of each input file.
        lake: Files of accepted rows; a day may have several.
        quarantine: Files of refused records; none where none was refused.
        arrived_at: When its refused records first came; None for the time of the commit. UTC.
        hash_probe: The engine's hash of a fixed text: whether `event_hash` can be compared.
    """

    batch_id: str
    account: SourceAccount
    claims: tuple[tuple[str, Path | str, int, int], ...]
    lake: tuple[StoredFile, ...]
    quarantine: tuple[StoredFile, ...] = ()
    arrived_at: datetime | None = None
    hash_probe: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the ledger keeps of a source file.

    Args:
        source: Its name.
        kind: Kind of its rows.
        complete_through: All rows before this instant are in the files. UTC; None for open ones.
        mapping: Digest of how its records become rows.
    """

    source: str
    kind: str
    complete_through: datetime | None
    mapping: str


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of the lake as the ledger lists it.

    Args:
        path: Where it is, relative to the home.
        kind: Kind of its rows.
        source: Source of its rows.
        day: UTC day of its rows.
        rows: Rows in it. Count.
        sha256: Digest of its bytes, hexadecimal.
        size: Its length. Bytes.
        sequence: Number of the last batch whose rows it holds.
    """

    path: Path
    kind: str
    source: str
    day: date
    rows: int
    sha256: str
    size: int
    sequence: int


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """One file of the quarantine as the ledger lists it.

    Args:
        path: Where it is, relative to the home.
        source: Source of its records.
        rows: Records in it. Count.
        sha256: Digest of its bytes, hexadecimal.
        size: Its length. Bytes.
        sequence: Number of the batch that they were refused in.
        arrived_at: When its records first came. UTC.
        dropped_at: When the file was dropped, whose rows still count. UTC; None while it is there.
    """

    path: Path
    source: str
    rows: int
    sha256: str
    size: int
    sequence: int
    arrived_at: datetime
    dropped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does to files that the ledger lists. Empty fields change nothing.

    Args:
        lake_out: Lake files that are no longer listed.
        lake_in: Lake files that are listed instead.
        quarantine_out: Quarantine files that are no longer listed.
        quarantine_in: Quarantine files that are listed instead.
        dropped: Quarantine files that are dropped; their records still count.
        removed: Rows that left the lake, by source, UTC day and why (erase or retention). Their
            days are touched.
        moved: Refused records that leave their batch for `batch`, by its number and the reason.
        batch: A batch that is committed together with the change.
        mapping: The mapping that `batch` was read by.
        erased: Keyed digests of ids whose rows must never come back.
        generation: A new id where what was built from the lake is void; else None.
    """

    lake_out: tuple[ListedFile, ...] = ()
    lake_in: tuple[ListedFile, ...] = ()
    quarantine_out: tuple[QuarantineFile, ...] = ()
    quarantine_in: tuple[QuarantineFile, ...] = ()
    dropped: tuple[QuarantineFile, ...] = ()
    removed: Mapping[tuple[str, date, str], int] = field(default_factory=dict)
    moved: Mapping[tuple[int, str], int] = field(default_factory=dict)
    batch: Batch | None = None
    mapping: str | None = None
    erased: frozenset[str] = frozenset()
    generation: str | None = None
