"""One batch: some files of one source, from their bytes to the ledger's commit.

A batch is written in parts, so that memory stays bounded whatever the size of a file. The files of
a part do not exist for anybody until the commit lists those of all parts.
"""

from __future__ import annotations

import bisect
import hashlib
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..project import Home
from ..project.keys import secret_key
from ..settings import Settings
from ..warehouse import Engine
from .accounts import SourceAccount
from .dedup import WINDOW, mark_repeats
from .formats import InputFile, Records, load_format
from .formats.records import int64s
from .formats.stream import Unsound
from .lake import write_lake, write_quarantine
from .ledger import Ledger
from .ledger_rows import Batch, StoredFile
from .matching import written
from .sources import FoundFile, Source
from .staging import REFUSED, Stage, positioned
from .tracking import TrackingPlan

#: Records after which a batch is closed at the end of a file. A day of a mid-sized product; at
#: some 700 bytes a record staged it bounds a batch of small files to about 150 MB.
BATCH_ROWS = 200_000
#: Records and bytes of one part. A part stands in memory twice: as text and typed.
PART_ROWS = 500_000
PART_BYTES = 192 * 1024 * 1024
#: Records and bytes that are parsed and typed together: small files share the cost of a pass.
CHUNK_ROWS = 250_000  # two row groups of the engine: smaller ones are copied once more
CHUNK_BYTES = 96 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One input file of a batch.

    Args:
        sha256: Digest of its bytes, hexadecimal.
        name: Path or URL where it lies, or lay: it stands beside refused records.
        size: Its length. Bytes.
        changed_ns: Time of its last change. Nanoseconds since 1970.
        is_claimed: Whether the commit claims it; a record that is fed again claims nothing.
    """

    sha256: str
    name: str
    size: int = 0
    changed_ns: int = 0
    is_claimed: bool = True


@dataclass(slots=True)
class _Gathered:
    """Records of some files that are parsed together."""

    records: list[pa.Table] = field(default_factory=list)
    columns: list[pa.Table] = field(default_factory=list)
    names: tuple[str, ...] | None = None
    rows: int = 0
    size: int = 0


@dataclass(slots=True)
class _Part:
    """What of a part must stay at hand: the records, for those that turn out to be conflicts."""

    starts: list[int] = field(default_factory=list)
    records: list[pa.Table] = field(default_factory=list)
    rows: int = 0
    size: int = 0


class BatchWriter:
    """Gathers files of one source and commits them as batches.

    Args:
        source: The source.
        plan: The tracking plan its events are held against.
        home: Where the lake and the ledger are.
        settings: Threads and memory.
        now: The ingest's clock.
    """

    def __init__(
        self, source: Source, plan: TrackingPlan, home: Home, settings: Settings, now: datetime
    ) -> None:
        self._source, self._plan, self._home, self._now = source, plan, home, now
        self._settings = settings
        self._ledger = Ledger(home)
        self._format = load_format(source.format)
        self._engine: Engine | None = None
        self._stage: Stage | None = None
        self._hash_probe = ""
        self._unsound: set[str] = set()
        self._held_files: list[Path] = []
        self._begin()

    def _begin(self) -> None:
        self._gathered = _Gathered()
        self._part = _Part()
        self._files: dict[int, BatchFile] = {}
        self._headers: dict[int, str] = {}
        self._lake: list[StoredFile] = []
        self._quarantine: list[StoredFile] = []
        self._account = SourceAccount(self._source.source, self._source.kind)
        self._rows = 0
        self._parts = 0
        self._added: list[tuple[Path, str, FoundFile | None]] = []

    @property
    def is_full(self) -> bool:
        """Whether the batch should be committed before another file.

        Also once a part was written: its rows bear the id of the files known until then.
        """
        return self._rows >= BATCH_ROWS or self._parts > 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self._files

    def add(self, path: Path, sha256: str, listed: FoundFile | None = None) -> None:
        """Read one file into the batch.

        Args:
            path: The file.
            sha256: Digest of its bytes, hexadecimal.
            listed: How its store lists a file that was fetched to `path`.

        Raises:
            SourceError: It changed meanwhile, or the select cannot run on it.
        """
        if listed is not None:
            path = self._held(path, sha256)
        self._added.append((path, sha256, listed))
        try:
            self._read(path, sha256, listed)
        except Unsound:
            # what it gave so far may be wrong: begin anew, and look through it first this time
            self._unsound.add(sha256)
            added = self._added
            self._discard()
            self._added = added
            for one in added:
                self._read(*one)

    def _held(self, path: Path, sha256: str) -> Path:
        """A second name of a fetched file, whose own is gone before the batch is committed.

        Until then a file after it may turn out to be damaged, and all are read once more.
        """
        held = self._home.lake / ".tmp" / f"{sha256}.{os.getpid()}.held"
        held.unlink(missing_ok=True)
        held.hardlink_to(path)
        self._held_files.append(held)
        return held

    def _read(self, path: Path, sha256: str, listed: FoundFile | None) -> None:
        state = path.stat()
        claim = BatchFile(sha256, written(path), state.st_size, state.st_ctime_ns)
        if listed is not None:
            claim = replace(claim, name=listed.name, changed_ns=0)
        file_no = self.file(claim)
        file = InputFile(path, sha256, claim.name, is_tried=sha256 not in self._unsound)
        for found in self._format.read(file, delimiter=self._source.delimiter):
            self.take(found, file_no)

    def _discard(self) -> None:
        """Forget all of the batch. What was written of it is swept: no ledger lists it."""
        if self._engine is not None:
            self._engine.execute("delete from staged")
            self._engine.execute("delete from refused")
        self._begin()

    def file(self, file: BatchFile) -> int:
        """Take an input file into the batch; its number, for `take`."""
        self._files[len(self._files)] = file
        return len(self._files) - 1

    def take(self, records: Records, file_no: int) -> None:
        """Take records of a file into the batch.

        Raises:
            SourceError: The select cannot run on them.
        """
        names = tuple(records.columns.column_names) if records.columns is not None else None
        gathered = self._gathered
        if gathered.rows and gathered.names != names:
            self._flush()
            gathered = self._gathered
        header = getattr(records, "header", None)
        if header is not None:
            self._headers[file_no] = header
        gathered.names = names
        gathered.records.append(positioned(records.table, file_no))
        if records.columns is not None:
            gathered.columns.append(records.columns)
        gathered.rows += records.table.num_rows
        gathered.size += records.table.nbytes
        self._rows += records.table.num_rows
        if gathered.rows >= CHUNK_ROWS or gathered.size >= CHUNK_BYTES:
            self._flush()

    def prepare(self) -> Batch:
        """Write what was gathered; the batch, ready to commit."""
        self._flush()
        self._write_part()
        account = replace(
            self._account,
            files_new=sum(file.is_claimed for file in self._files.values()),
            rows_in=self._rows,
            days=tuple(sorted({file.day for file in self._lake if file.day})),
        )
        claims = tuple(
            (file.sha256, file.name, file.size, file.changed_ns)
            for file in self._files.values()
            if file.is_claimed
        )
        lake, quarantine = tuple(self._lake), tuple(self._quarantine)
        return Batch(
            self._batch_id(), account, claims, lake, quarantine, hash_probe=self._hash_probe
        )

    def commit(self) -> SourceAccount:
        """Deduplicate, write and commit what was gathered; its account."""
        batch = self.prepare()
        self._ledger.commit(batch, self._now)
        self._begin()
        self._release()
        return batch.account

    def close(self) -> None:
        """Drop what was gathered and not committed."""
        self._close_engine()
        self._begin()
        self._release()

    def _release(self) -> None:
        for held in self._held_files:
            held.unlink(missing_ok=True)
        self._held_files = []

    def _close_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = self._stage = None

    def _flush(self) -> None:
        """Parse, type and judge what was gathered."""
        gathered, self._gathered = self._gathered, _Gathered()
        if not gathered.rows:
            return
        stage, part = self._staging(), self._part
        records = pa.concat_tables(gathered.records)
        columns = pa.concat_tables(gathered.columns) if gathered.columns else None
        stage.run(records, columns, part.rows)
        part.starts.append(part.rows)
        part.records.append(records)
        part.rows += gathered.rows
        part.size += gathered.size
        if part.rows >= PART_ROWS or part.size >= PART_BYTES:
            self._write_part()

    def _write_part(self) -> None:
        """Deduplicate and write what was staged, unlisted until the commit."""
        if not self._part.rows or self._engine is None:
            return
        engine, envelope, source = self._engine, self._source.envelope, self._source.source
        repeats = mark_repeats(
            engine,
            envelope,
            source,
            self._history(engine),
            has_hashes=self._ledger.hash_probe() in ("", self._hash_probe),
        )
        if repeats["conflict"]:
            self._refuse_conflicts(engine)
        if any(repeats.values()):
            engine.execute("delete from staged where row_no in (select row_no from repeats)")
        self._parts += 1
        batch_id = self._batch_id()
        lake = write_lake(engine, self._home, envelope, source, batch_id)
        inputs = [
            (at, file.name, file.sha256, self._headers.get(at)) for at, file in self._files.items()
        ]
        quarantine = write_quarantine(
            engine, self._home, source, batch_id, part=self._parts, inputs=inputs
        )
        self._lake += lake
        self._quarantine += [quarantine] if quarantine else []
        self._count(engine, repeats)
        if self._part.rows >= BATCH_ROWS:
            self._close_engine()  # the engine gives memory back when it closes, not before
        else:
            engine.execute("delete from staged")
            engine.execute("delete from refused")
        self._part = _Part()

    def _history(self, engine: Engine) -> list[Path]:
        """Lake files that a row of the part could repeat a row of."""
        time = self._source.envelope.time_column
        found = engine.rows(f"select distinct {time}::date from staged")
        near = {day + timedelta(days=away) for (day,) in found for away in _WINDOW_DAYS}
        listed = self._ledger.files_on(self._source.kind, near, source=self._source.source)
        earlier = [self._home.root / file.path for file in self._lake if file.day in near]
        return [*listed, *earlier]

    def _refuse_conflicts(self, engine: Engine) -> None:
        """Put the records of conflicts, whole, into `refused`."""
        id_column, part = self._source.envelope.id_column, self._part
        rows = engine.rows(
            f"select row_no, {id_column} from staged join repeats using (row_no)"
            " where outcome = 'conflict' order by row_no"
        )
        found: list[pa.Table] = []
        at = 0
        for chunk, start in enumerate(part.starts):
            end = part.starts[chunk + 1] if chunk + 1 < len(part.starts) else part.rows
            until = bisect.bisect_left(rows, (end,))
            numbers = np.array([row for row, _ in rows[at:until]], dtype=np.int64)
            if len(numbers):
                taken = part.records[chunk].take(int64s(numbers - start))
                found.append(taken.append_column("row_no", int64s(numbers)))
            at = until
        records = pa.concat_tables(found)
        details = pa.array([str(given) for _, given in rows], pa.string())
        engine.register("arriving", records.append_column("detail", details))
        engine.execute(
            f"insert into refused select {', '.join(_AS_REFUSED)} from arriving",
        )
        engine.unregister("arriving")

    def _count(self, engine: Engine, repeats: dict[str, int]) -> None:
        """Add the part to the account."""
        counted = engine.rows("select reason, count(*) from refused group by reason")
        reasons = dict(self._account.reasons)
        for reason, rows in counted:
            reasons[str(reason)] = reasons.get(str(reason), 0) + int(rows)
        staged = engine.one("select count(*) from staged")
        accepted = int(staged[0]) if staged else 0
        refused = sum(int(rows) for _, rows in counted)
        self._account = replace(
            self._account,
            accepted=self._account.accepted + accepted,
            duplicate=self._account.duplicate + repeats["duplicate"],
            conflict=self._account.conflict + repeats["conflict"],
            quarantined=self._account.quarantined + refused - repeats["conflict"],
            reasons=dict(sorted(reasons.items())),
        )

    def _staging(self) -> Stage:
        if self._stage is None:
            lake = self._home.lake
            (lake / ".tmp").mkdir(parents=True, exist_ok=True)
            self._engine = Engine.open_sealed(
                settings=self._settings, folder=lake, temporary=lake / ".tmp" / "spill"
            )
            probe = self._engine.one("select hash('landed')::varchar")
            self._hash_probe = str(probe[0]) if probe else ""
            self._stage = Stage(
                self._source,
                self._plan,
                self._now,
                self._engine,
                key=secret_key(self._home) if self._needs_key else b"",
                erased=self._ledger.erased(),
            )
        return self._stage

    def _batch_id(self) -> str:
        """Named by its files; a batch of records fed again by what the ledger held before too."""
        parts = [self._source.source, *(file.sha256 for file in self._files.values())]
        if not all(file.is_claimed for file in self._files.values()):
            parts.append(str(self._ledger.last_sequence()))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def _needs_key(self) -> bool:
        return bool(self._source.personal) or bool(self._ledger.erased())


_WINDOW_DAYS = range(-WINDOW.days, WINDOW.days + 1)
_AS_REFUSED = [
    {"raw": "rtrim(raw, chr(13) || chr(10))", "reason": "'conflict'"}.get(name, name)
    for name in REFUSED
]
