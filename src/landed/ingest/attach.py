"""The lake as a schema of views in the build database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date
from pathlib import Path
from types import MappingProxyType

from ..errors import Fault, WarehouseError
from ..project import Home
from ..warehouse import Engine
from .envelope import ENVELOPES, Envelope
from .lake import missing_files
from .ledger import Ledger


def attach_lake(
    engine: Engine,
    home: Home,
    *,
    since_sequence: int,
    again: Mapping[str, Collection[date]] = MappingProxyType({}),
) -> None:
    """Show the lake in an open database as schema `lake`.

    Views `events`, `feedback`, `exposures`, `release_events` over exactly the files that the ledger
    lists; `touched_…` over all rows of the days whose rows changed after `since_sequence`; tables
    `touched_days`, `accounts`, `removals`, `quarantine_reasons`, `sources`. A kind without files is
    an empty view with its columns; a touched day whose rows were all removed has none.

    Args:
        engine: The build database, writable.
        home: Where the lake is.
        since_sequence: Last change that the caller has seen; 0 touches everything.
        again: Days by kind that count as touched although nothing changed in them.

    Raises:
        WarehouseError: A file that the ledger lists is missing; all of them at once.
    """
    ledger = Ledger(home)
    files = {kind: ledger.files(kind) for kind in ENVELOPES}
    lost = missing_files([file.path for found in files.values() for file in found])
    if lost:
        raise WarehouseError(
            Fault(
                f"{path} is missing",
                "every file that the ledger lists",
                str(home.ledger),
                "restore it, or ingest its source again into a new home.",
                "lake_file_missing",
            )
            for path in lost
        )
    engine.execute("create schema if not exists lake")
    engine.execute("create or replace table lake.touched_days (day date, kind varchar)")
    for kind, envelope in ENVELOPES.items():
        days = {*ledger.touched_days(kind, since_sequence), *again.get(kind, ())}
        _show(engine, envelope.view, envelope, [file.path for file in files[kind]])
        touched = [file.path for file in files[kind] if file.day in days]
        _show(engine, f"touched_{envelope.view}", envelope, touched)
        engine.execute(
            "insert into lake.touched_days select unnest($days::date[]), $kind",
            {"days": sorted(days), "kind": kind},
        )
    _write_accounts(engine, ledger)


def _show(engine: Engine, name: str, envelope: Envelope, files: Sequence[Path]) -> None:
    types = {
        column: "varchar" if kind == "json" else kind
        for column, kind in envelope.lake_columns.items()
    }
    if files:
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        columns = ", ".join(types)
        query = f"select {columns} from read_parquet([{listed}], hive_partitioning = false)"
    else:
        columns = ", ".join(f"cast(null as {kind}) as {column}" for column, kind in types.items())
        query = f"select {columns} where false"
    engine.execute(f"create or replace view lake.{name} as {query}")


def _write_accounts(engine: Engine, ledger: Ledger) -> None:
    engine.execute(
        "create or replace table lake.accounts (source varchar, kind varchar, rows_in bigint,"
        " accepted bigint, duplicate bigint, conflict bigint, quarantined bigint)"
    )
    for one in ledger.accounts_total():
        engine.execute(
            "insert into lake.accounts values (?, ?, ?, ?, ?, ?, ?)",
            [
                one.source,
                one.kind,
                one.rows_in,
                one.accepted,
                one.duplicate,
                one.conflict,
                one.quarantined,
            ],
        )
    engine.execute(
        "create or replace table lake.removals (source varchar, day date, why varchar, rows bigint)"
    )
    removed = list(zip(*ledger.removals(), strict=True)) or [()] * 4
    # one statement: a source may have lost thousands of days
    engine.execute(
        "insert into lake.removals select unnest(?::varchar[]), unnest(?::date[]),"
        " unnest(?::varchar[]), unnest(?::bigint[])",
        [list(column) for column in removed],
    )
    engine.execute(
        "create or replace table lake.quarantine_reasons"
        " (source varchar, reason varchar, rows bigint)"
    )
    for row in ledger.reasons():
        engine.execute("insert into lake.quarantine_reasons values (?, ?, ?)", list(row))
    engine.execute(
        "create or replace table lake.sources"
        " (source varchar, kind varchar, complete_through timestamp)"
    )
    for source, kind, through in ledger.sources():
        naive = through.astimezone(UTC).replace(tzinfo=None) if through else None
        engine.execute("insert into lake.sources values (?, ?, ?)", [source, kind, naive])
