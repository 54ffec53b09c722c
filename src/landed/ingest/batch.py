"""One batch: some files of one source, from their bytes to the ledger's commit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ..project import Home
from ..settings import Settings
from ..warehouse import Engine
from .accounts import SourceAccount
from .dedup import WINDOW, mark_repeats
from .formats import InputFile, load_format
from .lake import write_lake, write_quarantine
from .ledger import Ledger
from .ledger_rows import Batch
from .sources import Source
from .staging import Stage, positioned

#: Records after which a batch is closed at the end of a file. A day of a mid-sized product; at
#: some 700 bytes a record staged it bounds a batch of small files to about 150 MB.
BATCH_ROWS = 200_000
#: Records and bytes that are parsed and typed together: small files share the cost of a pass.
CHUNK_ROWS = 100_000
CHUNK_BYTES = 32 * 1024 * 1024

_REFUSED = (
    "row_no bigint, file_no integer, line bigint, byte_offset bigint, raw varchar,"
    " reason varchar, detail varchar"
)


@dataclass(slots=True)
class _Gathered:
    """Records of some files that are parsed together."""

    records: list[pa.Table] = field(default_factory=list)
    columns: list[pa.Table] = field(default_factory=list)
    names: tuple[str, ...] | None = None
    rows: int = 0
    size: int = 0


class BatchWriter:
    """Gathers files of one source and commits them as batches.

    Args:
        source: The source.
        stage: Its parser and judge.
        home: Where the lake and the ledger are.
        settings: Threads and memory.
        now: The ingest's clock.
    """

    def __init__(
        self, source: Source, stage: Stage, home: Home, settings: Settings, now: datetime
    ) -> None:
        self._source, self._stage, self._home, self._now = source, stage, home, now
        self._settings = settings
        self._ledger = Ledger(home)
        self._engine: Engine | None = None
        self._gathered = _Gathered()
        self._files: dict[int, tuple[str, Path]] = {}
        self._rows = 0
        self._format = load_format(source.format)

    @property
    def is_full(self) -> bool:
        """Whether the batch should be committed before another file."""
        return self._rows >= BATCH_ROWS

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self._files

    def add(self, path: Path, sha256: str) -> None:
        """Read one file into the batch.

        Raises:
            SourceError: It changed while it was read, or the select does not fit it.
        """
        number = len(self._files)
        self._files[number] = (sha256, path)
        file = InputFile(path, sha256)
        for found in self._format.read(file, delimiter=self._source.delimiter):
            gathered = self._gathered
            names = None if found.columns is None else tuple(found.columns.column_names)
            if gathered.rows and names != gathered.names:
                self._flush()
                gathered = self._gathered
            gathered.names = names
            gathered.records.append(positioned(found.table, number))
            if found.columns is not None:
                gathered.columns.append(found.columns)
            gathered.rows += found.table.num_rows
            gathered.size += found.table.nbytes
            self._rows += found.table.num_rows
            if gathered.rows >= CHUNK_ROWS or gathered.size >= CHUNK_BYTES:
                self._flush()

    def commit(self) -> SourceAccount:
        """Deduplicate, write and commit what was gathered; its account."""
        self._flush()
        engine, envelope, source = self._staging(), self._source.envelope, self._source.source
        time = envelope.time_column
        span = engine.one(f"select min({time})::date, max({time})::date from staged")
        history: list[Path] = []
        if span and span[0] is not None:
            history = self._ledger.files_between(envelope.kind, span[0] - WINDOW, span[1] + WINDOW)
        repeats = mark_repeats(engine, envelope, source, history)
        engine.execute(
            f"""
            insert into refused
            select row_no, file_no, line, byte_offset, raw, 'conflict', {envelope.id_column}
            from staged join repeats using (row_no) where outcome = 'conflict'
            """
        )
        digests = "\n".join(sha256 for sha256, _ in self._files.values())
        batch_id = hashlib.sha256(f"{source}\n{digests}".encode()).hexdigest()[:16]
        lake = write_lake(engine, self._home, envelope, source, batch_id)
        quarantine = write_quarantine(engine, self._home, source, batch_id, self._files)
        account = self._account(repeats)
        account = replace(account, days=tuple(file.day for file in lake if file.day))
        claims = tuple(
            (sha256, path, path.stat().st_size, path.stat().st_mtime_ns)
            for sha256, path in self._files.values()
        )
        self._ledger.commit(Batch(batch_id, account, claims, lake, quarantine), self._now)
        self.close()
        return account

    def close(self) -> None:
        """Drop what was gathered and not committed."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None
        self._gathered = _Gathered()
        self._files = {}
        self._rows = 0

    def _account(self, repeats: dict[str, int]) -> SourceAccount:
        engine = self._staging()
        counted = engine.rows(
            "select reason, count(*) from refused group by reason order by reason"
        )
        reasons = {str(reason): int(rows) for reason, rows in counted}
        staged = engine.one("select count(*) from staged")
        accepted = (int(staged[0]) if staged else 0) - repeats["duplicate"] - repeats["conflict"]
        return SourceAccount(
            source=self._source.source,
            kind=self._source.kind,
            files_new=len(self._files),
            rows_in=self._rows,
            accepted=accepted,
            duplicate=repeats["duplicate"],
            conflict=repeats["conflict"],
            quarantined=sum(reasons.values()) - repeats["conflict"],
            reasons=reasons,
        )

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, _Gathered()
        if not gathered.rows:
            return
        columns = pa.concat_tables(gathered.columns) if gathered.columns else None
        rows, refused = self._stage.run(pa.concat_tables(gathered.records), columns)
        engine = self._staging()
        for name, table in (("staged", rows), ("refused", refused)):
            if not table.num_rows:
                continue
            engine.register("arriving", table)
            before = self._rows - gathered.rows
            engine.execute(
                f"insert into {name} by name"
                f" select * replace (row_no + {before} as row_no) from arriving"
            )
            engine.unregister("arriving")

    def _staging(self) -> Engine:
        if self._engine is None:
            spill = self._home.lake / ".tmp" / "spill"
            self._engine = Engine.open(None, settings=self._settings, temporary=spill)
            columns = ", ".join(
                f"{name} {'varchar' if kind == 'json' else kind}"
                for name, kind in self._source.envelope.columns.items()
            )
            self._engine.execute(
                "create table staged (row_no bigint, file_no integer, line bigint,"
                f" byte_offset bigint, raw varchar, {columns}, event_hash ubigint)"
            )
            self._engine.execute(f"create table refused ({_REFUSED})")
        return self._engine
