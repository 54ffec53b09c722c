"""Requeue: refused records are fed again, after what refused them was corrected.

The text that the quarantine keeps is read by the source's format, as if it stood in a file; each
record keeps the file, line and offset that it came with. A record counts once: it leaves the
accounts and the quarantine of its batch in the transaction that commits the batch it goes into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from ..errors import SourceError, WarehouseError
from ..project import Home, Project
from ..settings import Settings
from ..warehouse import Engine, run_lock
from .accounts import SourceAccount
from .batch import BatchFile, BatchWriter
from .lake import sweep
from .ledger import Ledger
from .ledger_rows import Change, Declared, QuarantineFile
from .quarantine import require_refused, sound_path
from .quarantine_reasons import REASONS
from .rereading import groups, read_again
from .sources import Source, load_sources
from .storing import store
from .tracking import load_tracking_plan

#: Records that are read again together. Some 15 MB of text.
GROUP_ROWS = 20_000
#: Bytes that they may have together where they are long: they stand in memory some five times.
GROUP_BYTES = 32 * 1024 * 1024
#: Why a record stays where it is, by what is the matter with it.
STAYS = {
    "cut": "its text is not kept whole",
    "erased": "its text was erased",
    "dropped": "its file was dropped: the source keeps refused records for a time only",
    "alone": "read alone it is not one record",
}


@dataclass(frozen=True, slots=True)
class Requeued:
    """What came of refused records that were fed again.

    Args:
        account: Account of the batch they went into; of no rows where there is none.
        taken: Records that were fed again, by the reason they had. Counts.
        stay: Records that stay as they are, by reason and a key of STAYS. Counts.
        is_remapped: Whether the source's mapping changed since its rows were ingested, so that
            rows of two mappings now stand side by side.
    """

    account: SourceAccount
    taken: Mapping[str, int]
    stay: Mapping[tuple[str, str], int]
    is_remapped: bool

    def as_dict(self) -> dict[str, Any]:
        """The same facts for `--format json`."""
        return {
            "account": self.account.as_dict(),
            "taken": dict(self.taken),
            "stay": [
                {"reason": reason, "rows": rows, "why": STAYS[why]}
                for (reason, why), rows in sorted(self.stay.items())
            ],
            "is_remapped": self.is_remapped,
        }


@dataclass(slots=True)
class _Taken:
    """Records of one quarantine file that go into the new batch."""

    file: QuarantineFile
    numbers: list[int] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Feeder:
    """Hands records of quarantine files to a batch, and counts those that stay behind."""

    engine: Engine
    home: Home
    source: Source
    writer: BatchWriter
    taken: list[_Taken] = field(default_factory=list)
    stay: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def by_reason(self) -> dict[str, int]:
        """Records that were handed on, by the reason they had."""
        counted: dict[str, int] = {}
        for one in self.taken:
            for code, rows in one.reasons.items():
                counted[code] = counted.get(code, 0) + rows
        return dict(sorted(counted.items()))

    def feed(self, file: QuarantineFile, reason: str | None) -> int:
        """Hand on the records of one file, of one reason or of all but conflicts; how many."""
        path = str(sound_path(self.home, file)).replace("'", "''")
        taken = _Taken(file)
        numbers: dict[tuple[str, str], int] = {}
        for start, until in self._ranges(path):
            rows = self.engine.dicts(
                "select file_row_number, file, sha256, line, byte_offset, reason, raw, header"
                f" from read_parquet('{path}', file_row_number = true)"
                " where file_row_number >= $start and file_row_number < $until"
                " and case when $reason is null then reason <> 'conflict' else reason = $reason end"
                " order by file, sha256, header nulls first, file_row_number",
                {"start": start, "until": until, "reason": reason},
            )
            for group in groups([row for row in rows if self._is_fit(row)]):
                place = (group[0]["file"], group[0]["sha256"])
                if place not in numbers:
                    claim = BatchFile(place[1], place[0], is_claimed=False)
                    numbers[place] = self.writer.file(claim)
                self._hand_on(group, numbers[place], taken)
        if taken.numbers:
            self.taken.append(taken)
        return len(taken.numbers)

    def _ranges(self, path: str) -> Iterator[tuple[int, int]]:
        """First row and the one behind the last of the records that are read together."""
        found = self.engine.rows(
            f"select file_row_number // {GROUP_ROWS} as part, count(*), max(strlen(raw))"
            f" from read_parquet('{path}', file_row_number = true) group by part order by part"
        )
        for part, rows, longest in found:
            start, end = int(part) * GROUP_ROWS, int(part) * GROUP_ROWS + int(rows)
            step = max(1, GROUP_BYTES // max(int(longest or 0), 1))
            yield from ((at, min(at + step, end)) for at in range(start, end, step))

    def _hand_on(self, group: Sequence[dict[str, Any]], file_no: int, taken: _Taken) -> None:
        for records, rows in read_again(self.home, self.source, group):
            if records is None:
                for row in rows:
                    self._leave(row, "alone")
                continue
            self.writer.take(records, file_no)
            for row in rows:
                taken.numbers.append(row["file_row_number"])
                taken.reasons[row["reason"]] = taken.reasons.get(row["reason"], 0) + 1

    def _is_fit(self, row: Mapping[str, Any]) -> bool:
        """Whether the text of a record is there and whole; else it is counted as left behind."""
        is_whole = row["reason"] not in REASONS or REASONS[row["reason"]].is_whole
        if row["reason"] == "erased" or (is_whole and not row["raw"]):
            self._leave(row, "erased")
        elif not is_whole:  # of a file that breaks off at once there is no text either
            self._leave(row, "cut")
        else:
            return True
        return False

    def _leave(self, row: Mapping[str, Any], why: str) -> None:
        key = (row["reason"], why)
        self.stay[key] = self.stay.get(key, 0) + 1


def requeue(
    project: Project,
    home: Home,
    settings: Settings,
    source: str,
    *,
    reason: str | None = None,
    batch: str | None = None,
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> Requeued:
    """Feed refused records of a source again, each once, as one batch.

    Args:
        project: Declares the source, as it is now.
        home: Its lake, quarantine and ledger.
        settings: Threads and memory.
        source: Name of the source.
        reason: Only records refused for it; None takes all but conflicts.
        batch: Only records of the batch with this id, or the beginning of it.
        now: The clock that a row's time is held against; None reads it.
        progress: Is told one line a quarantine file.

    Raises:
        ContractError: A source or tracking file is wrong.
        SourceError: The source, the reason or the batch has nothing in the quarantine; or the
            select does not fit. Nothing was changed.
        WarehouseError: A quarantine file is missing, or was changed. Nothing was changed.
        HomeBusyError: Another process writes here.
    """
    sources = load_sources(project)
    plan = load_tracking_plan(project.tracking)
    clock = now or datetime.now(UTC)
    with run_lock(home):
        ledger = Ledger(home)
        require_refused({(one, code) for one, code, _ in ledger.reasons()}, source, reason)
        declared = _declared(sources, source, ledger)
        sweep(home)
        files = _files(ledger, source, batch)
        half = replace(settings, memory_limit_mb=max(settings.memory_limit_mb // 2, 128))
        writer = BatchWriter(declared, plan, home, half, clock)
        try:
            with Engine.open(None, settings=half) as engine:
                feeder = _Feeder(engine, home, declared, writer)
                feeder.stay.update(_dropped(ledger, source, files, reason))
                for file in files:
                    if file.dropped_at is not None:
                        continue
                    fed = feeder.feed(file, reason)
                    if progress:
                        progress(f"{source}: {fed} of {file.rows} records fed again")
                is_remapped = bool(ledger.remapped([_as_declared(declared)]))
                account = SourceAccount(declared.source, declared.kind)
                if feeder.taken:
                    change = _change(writer, feeder)
                    ledger.apply(change, clock)
                    account = change.batch.account if change.batch else account
        finally:
            writer.close()
        return Requeued(account, feeder.by_reason, feeder.stay, is_remapped and account.rows_in > 0)


def _declared(sources: Mapping[str, Source], name: str, ledger: Ledger) -> Source:
    """The source as it is declared now; its rows must be of the same kind still."""
    if name not in sources:
        raise SourceError(
            f"the source `{name}` is declared no more",
            expected=", ".join(sorted(sources)) or "a file in sources/",
            fix="put its file back: it says how the records are read.",
            code="source_unknown",
        )
    kinds = {source: kind for source, kind, _ in ledger.sources()}
    if kinds[name] != sources[name].kind:
        raise WarehouseError(
            f"the source `{name}` was of kind {kinds[name]} and is now {sources[name].kind}",
            expected=f"kind: {kinds[name]}",
            where=str(sources[name].defined_in),
            fix="give the source another name.",
            code="source_changed_kind",
        )
    return sources[name]


def _as_declared(source: Source) -> Declared:
    return Declared(source.source, source.kind, source.complete_through, source.mapping)


def _files(ledger: Ledger, source: str, batch: str | None) -> list[QuarantineFile]:
    """Quarantine files of a source, of one batch or of all; the dropped ones too."""
    ids = ledger.batch_ids()
    files = ledger.quarantine_files(source)
    chosen = [file for file in files if batch is None or ids[file.sequence].startswith(batch)]
    if batch is not None and not chosen:
        raise SourceError(
            f"no record of `{source}` was refused in a batch {batch}",
            expected=", ".join(sorted({ids[file.sequence] for file in files})) or "a kept record",
            fix="see `landed quarantine show SOURCE`.",
            code="batch_unknown",
        )
    return chosen


def _dropped(
    ledger: Ledger, source: str, files: Sequence[QuarantineFile], reason: str | None
) -> dict[tuple[str, str], int]:
    """Records that cannot be fed again because retention dropped them, as they would be."""
    numbers = {file.sequence for file in files if file.dropped_at is not None}
    found: dict[tuple[str, str], int] = {}
    for sequence, code, rows in ledger.reasons_dropped(source):
        is_asked = code != "conflict" if reason is None else code == reason
        if sequence in numbers and is_asked:
            found[code, "dropped"] = found.get((code, "dropped"), 0) + rows
    return found


def _change(writer: BatchWriter, feeder: _Feeder) -> Change:
    """The new batch, and what its records leave behind: one transaction."""
    prepared = writer.prepare()
    moved: dict[tuple[int, str], int] = {}
    for one in feeder.taken:
        for code, rows in one.reasons.items():
            key = (one.file.sequence, code)
            moved[key] = moved.get(key, 0) + rows
    since = min(one.file.arrived_at for one in feeder.taken)
    return Change(
        quarantine_out=tuple(one.file for one in feeder.taken),
        quarantine_in=tuple(_left(feeder.engine, feeder.home, feeder.taken)),
        moved=moved,
        batch=replace(prepared, arrived_at=since),
        mapping=feeder.source.mapping,
    )


def _left(engine: Engine, home: Home, taken: Sequence[_Taken]) -> Iterator[QuarantineFile]:
    """Quarantine files without what was taken; none where all of it was."""
    for one in taken:
        if len(one.numbers) == one.file.rows:
            continue
        path = str(home.root / one.file.path).replace("'", "''")
        engine.register("taken", pa.table({"number": pa.array(one.numbers, pa.int64())}))
        stored = store(
            engine,
            f"select * exclude (file_row_number)"
            f" from read_parquet('{path}', file_row_number = true)"
            " where file_row_number not in (select number from taken) order by file_row_number",
            home=home,
            folder=(home.root / one.file.path).parent,
            label="requeued.quarantine",
        )
        engine.unregister("taken")
        yield replace(
            one.file, path=stored.path, rows=stored.rows, sha256=stored.sha256, size=stored.size
        )
