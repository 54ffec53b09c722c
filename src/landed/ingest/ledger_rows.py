"""What is written to the ledger: sources as declared, and batches with their files."""

from __future__ import annotations

from dataclasses import dataclass
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
        claims: Digest, path, bytes and time of change (ns) of each input file.
        lake: Files of accepted rows.
        quarantine: The file of refused records; None where none was refused.
    """

    batch_id: str
    account: SourceAccount
    claims: tuple[tuple[str, Path, int, int], ...]
    lake: tuple[StoredFile, ...]
    quarantine: StoredFile | None


@dataclass(frozen=True, slots=True)
class Declared:
    """What the ledger keeps of a source file.

    Args:
        source: Its name.
        kind: events, feedback or exposures.
        complete_through: All rows before this instant are in the files. UTC; None for open ones.
        mapping: Digest of how its records become rows.
    """

    source: str
    kind: str
    complete_through: datetime | None
    mapping: str
