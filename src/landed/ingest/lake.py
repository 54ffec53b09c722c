"""Files of the lake and the quarantine: written aside, synced, renamed to what they contain."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from ..project import Home
from ..warehouse import Engine
from .envelope import Envelope
from .formats.records import digest_of
from .ledger import Ledger
from .ledger_rows import StoredFile

#: Rows of one row group: the engine's own, so that a day of a small product is one group.
ROW_GROUP = 122_880


def write_lake(
    engine: Engine, home: Home, envelope: Envelope, source: str, batch_id: str
) -> tuple[StoredFile, ...]:
    """Write the accepted rows of `staged`, one file a UTC day, sorted by unit and time."""
    names = ", ".join(envelope.columns)
    time, day = envelope.time_column, envelope.day_column
    unit = "coalesce(user_id, anonymous_id)" if envelope.has_unit else "user_id"
    engine.execute(
        f"""
        create or replace temp table sorted as
        select {names}, $source as source, $batch as batch_id, event_hash,
            cast({time} as date) as {day}
        from staged where row_no not in (select row_no from repeats)
        order by {day}, {unit}, {time}, {envelope.id_column}
        """,
        {"source": source, "batch": batch_id},
    )
    days = engine.rows(f"select {day}, count(*) from sorted group by {day} order by {day}")
    columns = ", ".join(
        f"cast({name} as {_stored(kind)}) as {name}" for name, kind in envelope.lake_columns.items()
    )
    folder = home.lake / envelope.kind
    written = []
    for one, rows in days:
        aside = home.lake / ".tmp" / f"{batch_id}.{one}.{os.getpid()}.parquet"
        query = f"select {columns} from sorted where {day} = date '{one}'"
        written.append(
            _store(engine, query, {}, aside, folder / f"day={one}", rows=rows, day=one, home=home)
        )
    _sync_folders({folder, home.lake, home.root, *(folder / f"day={one}" for one, _ in days)})
    return tuple(written)


def write_quarantine(
    engine: Engine, home: Home, source: str, batch_id: str, files: Mapping[int, tuple[str, Path]]
) -> StoredFile | None:
    """Write every refused record of a batch, whole, with its position and reason.

    Args:
        engine: Holds the table `refused`.
        home: Where to write.
        source: Name of the source.
        batch_id: Also the file's name.
        files: Digest and path of each input file, by its number.
    """
    counted = engine.one("select count(*) from refused")
    rows = int(counted[0]) if counted else 0
    if not rows:
        return None
    engine.execute("create or replace temp table inputs (file_no integer, file text, sha256 text)")
    for number, (sha256, path) in files.items():
        engine.execute("insert into inputs values (?, ?, ?)", [number, str(path), sha256])
    query = """
        select $source as source, $batch as batch_id, inputs.file, inputs.sha256, refused.line,
            refused.byte_offset, refused.reason, refused.detail, refused.raw
        from refused join inputs using (file_no) order by row_no
    """
    folder = home.quarantine / source
    aside = home.lake / ".tmp" / f"{batch_id}.quarantine.{os.getpid()}.parquet"
    params = {"source": source, "batch": batch_id}
    stored = _store(engine, query, params, aside, folder, rows=rows, name=batch_id, home=home)
    _sync_folders({folder, home.quarantine, home.root})
    return stored


def sweep(home: Home) -> list[Path]:
    """Remove what a killed run left: temporary files, and Parquet files the ledger does not list.

    Only under the home's lock, and only below the lake's and the quarantine's own folders.
    """
    listed = Ledger(home).listed()
    left = [path for path in (home.lake / ".tmp").glob("*") if path.is_file()]
    for pattern in ("lake/*/day=*/*.parquet", "quarantine/*/*.parquet"):
        found = home.root.glob(pattern)
        left += [path for path in found if str(path.relative_to(home.root)) not in listed]
    for path in left:
        path.unlink()
    return sorted(left)


def missing_files(paths: Sequence[Path]) -> list[Path]:
    """Those of the files that are not there."""
    return [path for path in paths if not path.is_file()]


def _stored(kind: str) -> str:
    return "varchar" if kind == "json" else kind


def _store(
    engine: Engine,
    query: str,
    params: Mapping[str, str],
    aside: Path,
    folder: Path,
    *,
    home: Home,
    rows: int,
    name: str | None = None,
    day: date | None = None,
) -> StoredFile:
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    quoted = str(aside).replace("'", "''")
    engine.execute(
        f"copy ({query}) to '{quoted}'"
        f" (format parquet, compression zstd, row_group_size {ROW_GROUP})",
        params or None,
    )
    _sync(aside)
    sha256, size = digest_of(aside), aside.stat().st_size
    final = folder / f"{name or sha256[:32]}.parquet"
    aside.replace(final)
    return StoredFile(final.relative_to(home.root), int(rows), sha256, size, day)


def _sync_folders(folders: set[Path]) -> None:
    for folder in sorted(folders):
        if folder.is_dir():
            _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
