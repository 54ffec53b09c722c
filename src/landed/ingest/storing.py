"""How a file of the lake or the quarantine comes to be: aside, synced, renamed, folder synced."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ..project import Home
from ..warehouse import Engine
from .formats.records import digest_of
from .ledger_rows import StoredFile

#: zstd's quickest level and the second version of Parquet's encodings: half the CPU of the
#: defaults, and files that are no larger (1M events: 38 MB for 44 MB).
ENCODING = (
    "compression zstd, compression_level 1, parquet_version v2,"
    " dictionary_size_limit 1000"  # ids repeat too little for one to pay
)
#: Rows of one row group: the engine's own, so that a day of a small product is one group.
ROW_GROUP = 122_880


def store(
    engine: Engine,
    query: str,
    params: Mapping[str, Any] | None = None,
    *,
    home: Home,
    folder: Path,
    label: str,
    name: str | None = None,
    day: date | None = None,
    syncs: bool = True,
) -> StoredFile:
    """Write what a query gives as one Parquet file below the home. No ledger lists it yet.

    Args:
        engine: Runs the query.
        query: A select.
        params: Its parameters.
        home: Where the file goes.
        folder: Folder of the file, below the home.
        label: Part of the temporary name, for people.
        name: Name of the file without its suffix; None for the digest of its bytes.
        day: UTC day of its rows, where they have one.
        syncs: Whether its name is made to last; else the caller does it for all its files.

    Returns:
        The file, with the rows that were counted while they were written.
    """
    aside = home.lake / ".tmp" / f"{label}.{os.getpid()}.parquet"
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    quoted = str(aside).replace("'", "''")
    written = engine.one(
        f"copy ({query}) to '{quoted}' (format parquet, {ENCODING}, row_group_size {ROW_GROUP})",
        params or None,
    )
    sync(aside)
    sha256, size = digest_of(aside), aside.stat().st_size
    final = folder / f"{name or sha256[:32]}.parquet"
    aside.replace(final)
    if syncs:
        sync_folders({folder, folder.parent, folder.parent.parent, home.root})
    rows = int(written[0]) if written else 0
    return StoredFile(final.relative_to(home.root), rows, sha256, size, day)


def sync_folders(folders: Iterable[Path]) -> None:
    """Make the names in these folders last; those that are not there are left out."""
    for folder in sorted(set(folders)):
        if folder.is_dir():
            sync(folder)


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, last."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def listed_in(paths: Iterable[Path]) -> str:
    """SQL of a list of files for `read_parquet`."""
    return "[" + ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths) + "]"
