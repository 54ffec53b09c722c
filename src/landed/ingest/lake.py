"""Files of the lake and the quarantine: written aside, synced, renamed to what they contain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

from ..errors import Fault, WarehouseError
from ..project import Home
from ..warehouse import Engine
from .envelope import Envelope
from .formats.records import digest_of
from .ledger import Ledger
from .ledger_rows import StoredFile
from .storing import store, sync_folders


def write_lake(
    engine: Engine, home: Home, envelope: Envelope, source: str, batch_id: str
) -> tuple[StoredFile, ...]:
    """Write the rows of `staged`, one file a UTC day, sorted by unit and time."""
    time, day = envelope.time_column, envelope.day_column
    found = engine.rows(f"select distinct cast({time} as date) as day from staged order by day")
    days = [day for (day,) in found]
    added = {"source": "$source", "batch_id": "$batch", day: f"cast({time} as date)"}
    columns = ", ".join(
        f"cast({added.get(name, name)} as {_stored(kind)}) as {name}"
        for name, kind in envelope.lake_columns.items()
    )
    folder = home.lake / envelope.kind
    params = {"source": source, "batch": batch_id}
    written = []
    for one in days:
        query = (
            f"select {columns} from staged where {time} >= date '{one}'"
            f" and {time} < date '{one}' + interval 1 day order by {envelope.sort_key}"
        )
        place = folder / f"day={one}"
        label = f"{batch_id}.{one}"
        written.append(
            store(engine, query, params, home=home, folder=place, label=label, day=one, syncs=False)
        )
    sync_folders({folder, home.lake, home.root, *(folder / f"day={one}" for one in days)})
    return tuple(written)


def write_quarantine(
    engine: Engine,
    home: Home,
    source: str,
    batch_id: str,
    *,
    part: int,
    inputs: Sequence[tuple[int, str, str, str | None]],
) -> StoredFile | None:
    """Write every refused record of a batch's part, whole, with its position and reason.

    Args:
        engine: Holds the table `refused`.
        home: Where to write.
        source: Name of the source.
        batch_id: Also the file's name.
        part: Number of the part within the batch, from 1.
        inputs: Number, path, digest and header line (if any) of each input file.
    """
    if not engine.rows("select 1 from refused limit 1"):
        return None
    engine.execute(
        "create or replace temp table inputs"
        " (file_no integer, file varchar, sha256 varchar, header varchar)"
    )
    # one statement: a statement a row takes a millisecond a file
    engine.execute(
        "insert into inputs select unnest(?::integer[]), unnest(?::varchar[]),"
        " unnest(?::varchar[]), unnest(?::varchar[])",
        [list(column) for column in zip(*inputs, strict=True)],
    )
    query = """
        select cast($source as varchar) as source, cast($batch as varchar) as batch_id,
            inputs.file, inputs.sha256, refused.line, refused.byte_offset, refused.reason,
            refused.detail, refused.raw, inputs.header
        from refused join inputs using (file_no) order by row_no
    """
    folder = home.quarantine / source
    name = batch_id if part == 1 else f"{batch_id}-{part}"
    label = f"{name}.quarantine"
    params = {"source": source, "batch": batch_id}
    return store(engine, query, params, home=home, folder=folder, label=label, name=name)


def sweep(home: Home) -> list[Path]:
    """Remove what is no part of the state: temporary files, and Parquet files the ledger does not
    list, whether a killed run left them or a later one replaced them.

    Only under the home's lock, and only below the lake's and the quarantine's own folders.

    Returns:
        The Parquet files that were removed, in order.
    """
    if (home.lake / ".tmp").is_dir():
        shutil.rmtree(home.lake / ".tmp")
    listed = Ledger(home).listed()
    left = [
        path
        for folder in (*_below(home.lake, 2), *_below(home.quarantine, 1))
        for path in _parquet(folder)
        if path[len(str(home.root)) + 1 :] not in listed
    ]
    for path in left:
        Path(path).unlink()
    return sorted(map(Path, left))


def _below(folder: Path, depth: int) -> list[str]:
    """Folders so many levels below; hidden ones and links are none of ours."""
    found = [str(folder)] if folder.is_dir() else []
    for _ in range(depth):
        found = [
            entry.path
            for one in found
            for entry in os.scandir(one)
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]
    return found


def _parquet(folder: str) -> list[str]:
    return [entry.path for entry in os.scandir(folder) if entry.name.endswith(".parquet")]


def missing_files(paths: Sequence[Path]) -> list[Path]:
    """Those of the files that are not there."""
    return [path for path in paths if not path.is_file()]


def check_days(home: Home, kind: str, days: Collection[date]) -> dict[date, int]:
    """Read the lake's files of some days again, and hold them against the ledger.

    Args:
        home: Where the lake is.
        kind: Kind of the rows.
        days: UTC days.

    Returns:
        Rows by day, 0 for a day without a file.

    Raises:
        WarehouseError: A file is missing, or is not what was written; all of them at once.
    """
    ledger = Ledger(home)
    wanted = set(days)
    faults: list[Fault] = []
    rows = dict.fromkeys(sorted(wanted), 0)
    for file in ledger.files(kind):
        if file.day not in wanted:
            continue
        rows[file.day] += file.rows
        if not file.path.is_file():
            what, code = f"{file.path} is missing", "lake_file_missing"
        elif digest_of(file.path) != file.sha256:
            what, code = f"{file.path} is not what was written", "lake_file_changed"
        else:
            continue
        expected = "every file that the ledger lists, as it was written"
        fix = "restore it, or ingest its source again into a new home."
        faults.append(Fault(what, expected, str(home.ledger), fix, code))
    if faults:
        raise WarehouseError(faults)
    return rows


def _stored(kind: str) -> str:
    return "varchar" if kind == "json" else kind
