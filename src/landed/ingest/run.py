"""Ingest: every source of a project, from its files to the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ..errors import Fault, SourceError
from ..project import Home, Project
from ..settings import Settings
from ..warehouse import run_lock
from .accounts import IngestResult, SourceAccount, merged
from .batch import BatchWriter
from .compaction import compact
from .formats.records import digest_of
from .lake import sweep
from .ledger import Ledger
from .ledger_rows import Declared
from .relations import read_relations
from .remote import Remembered, fetched
from .retention import retain
from .sources import FoundFile, Source, load_sources
from .stores import RemoteFile
from .tracking import TrackingPlan, load_tracking_plan
from .waiting import as_remote, chosen_sources, declared_of, files_and_places, remember

Progress = Callable[[str], None]

#: Memory of an engine that stages, sorts or merges, whatever the machine has: beyond it, it spills
#: to the disk. Megabytes. A part of a batch needs about half of it.
MOST_MEMORY_MB = 768
#: Faults of one source's files after which the rest are left to the next run: the store is down.
_MOST_FAULTS = 20


def ingest(
    project: Project,
    home: Home,
    settings: Settings,
    *,
    only: Sequence[str] = (),
    again: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> IngestResult:
    """Bring what is new in every source into the lake.

    A file is known by the digest of its bytes: what the ledger holds is skipped, whatever its
    name. Each batch is committed as a whole; a run that is killed leaves whole batches, and the
    next run goes on from there. At the end days that are older than a source keeps them leave the
    lake, and days of many small files are merged.

    Args:
        project: Declares the sources and the tracking plan.
        home: Where lake, quarantine and ledger are.
        settings: Threads and memory.
        only: Names of sources; empty means all.
        again: Take the sources out of the lake and read their files anew.
        progress: Is told one line a batch.
        now: The clock that a row's time is held against; None reads it.

    Raises:
        ContractError: A source or tracking file is wrong; all faults at once.
        SourceError: A source has no file, one cannot be read, or a relation breaks its contract;
            all of them at once, before anything is ingested. Or a select does not fit its files.
            Or files could not be fetched; all of them at once, after the others were ingested.
        HomeBusyError: Another process writes here.
    """
    settings = replace(settings, memory_limit_mb=min(settings.memory_limit_mb, MOST_MEMORY_MB))
    declared_sources = load_sources(project)
    chosen = chosen_sources(declared_sources, only)
    sources = [one for one in chosen if not one.is_relation]
    relations = [one for one in chosen if one.is_relation]
    plan = load_tracking_plan(project.tracking)
    files = files_and_places(sources, relations, home, Ledger(home))
    clock = now or datetime.now(UTC)
    with run_lock(home):
        checked = read_relations(
            relations, home, settings, known=set(declared_sources), again=again, progress=progress
        )
        ledger = Ledger(home)
        declared = [declared_of(one) for one in sources]
        if again:
            _take_out(ledger, sources, files, home)
        else:
            _refuse_remapped(ledger, sources, declared)
        ledger.declare(declared, uuid.uuid4().hex)
        sweep(home)
        faults: list[Fault] = []
        accounts = [
            _ingest_source(
                one,
                files[one.source],
                plan=plan,
                home=home,
                settings=settings,
                now=clock,
                progress=progress,
                faults=faults,
            )
            for one in sources
        ]
        dropped = retain(home, sources, clock)
        compact(home, settings, clock, progress=progress)
        if faults:
            raise SourceError(faults)
        accounts = [
            replace(one, removed={"retention": dropped[one.source]})
            if one.source in dropped
            else one
            for one in accounts
        ]
        return IngestResult(tuple(accounts), ledger.last_sequence(), checked)


def _refuse_remapped(
    ledger: Ledger, sources: Sequence[Source], declared: Sequence[Declared]
) -> None:
    """Rows that came by an older select would stay beside those of the new one."""
    places = {one.source: str(one.defined_in) for one in sources}
    faults = [
        Fault(
            f"the mapping of `{name}` changed after {files:,} file(s) were ingested by the old one",
            "one mapping (format, select, event_id, timezone, delimiter) for all files of a source",
            places[name],
            f"run `landed ingest {name} --again` to read its files anew, or undo the change.",
            "source_remapped",
        )
        for name, files in ledger.remapped(declared)
    ]
    if faults:
        raise SourceError(faults)


def _take_out(
    ledger: Ledger,
    sources: Sequence[Source],
    files: Mapping[str, Sequence[FoundFile]],
    home: Home,
) -> None:
    """Forget sources, but none whose files are gone: their rows could not be had again."""
    faults: list[Fault] = []
    for one in sources:
        gone = ledger.claimed(one.source) - _digests(files[one.source], home)
        if gone:
            faults.append(
                Fault(
                    f"{len(gone):,} file(s) that `{one.source}` was ingested from are gone",
                    "every file that was ingested, under any name",
                    str(one.defined_in),
                    "put them back, or give the new mapping a source of its own.",
                    "source_files_gone",
                )
            )
    if faults:
        raise SourceError(faults)
    for one in sources:
        ledger.forget(one.source, uuid.uuid4().hex)


def _digests(files: Sequence[FoundFile], home: Home) -> set[str]:
    """Digests of files; a remote one that changed or was never fetched is fetched for it."""
    found = {digest_of(file.path) for file in files if not file.is_remote}
    remote = [as_remote(file) for file in files if file.is_remote]
    if not remote:
        return found
    faults: list[Fault] = []
    with Remembered(home, writable=True) as memory:
        kept = {file.url: memory.digest(file) for file in remote}
        found |= {sha256 for sha256 in kept.values() if sha256}
        for one in fetched([file for file in remote if not kept[file.url]], home):
            faults += one.faults
            if not one.faults:
                memory.keep(one.file, one.sha256)
                found.add(one.sha256)
    if faults:
        raise SourceError(faults)
    return found


def _ingest_source(
    source: Source,
    files: list[FoundFile],
    *,
    plan: TrackingPlan,
    home: Home,
    settings: Settings,
    now: datetime,
    progress: Progress | None,
    faults: list[Fault],
) -> SourceAccount:
    total = SourceAccount(source.source, source.kind)
    writer: BatchWriter | None = None
    new = 0
    try:
        for path, sha256, listed in _new_files(source, files, home, faults):
            if writer is None:  # most runs find nothing new in most sources
                writer = BatchWriter(source, plan, home, settings, now)
            writer.add(path, sha256, listed)
            new += 1
            if writer.is_full:
                total = merged(total, writer.commit())
                _tell(progress, source, new, len(files), total)
        if writer is not None and not writer.is_empty:
            total = merged(total, writer.commit())
            _tell(progress, source, new, len(files), total)
    finally:
        if writer is not None:
            writer.close()
    return replace(total, files_seen=len(files) - new)


def _tell(
    progress: Progress | None, source: Source, new: int, files: int, total: SourceAccount
) -> None:
    if progress:
        progress(f"{source.source}: {new:,} new of {files:,} files, {total.rows_in:,} records")


def _new_files(
    source: Source, files: Sequence[FoundFile], home: Home, faults: list[Fault]
) -> Iterator[tuple[Path, str, FoundFile | None]]:
    """Files whose bytes the ledger has not claimed: path, digest, and how a store lists it."""
    ledger = Ledger(home)
    known = ledger.claimed(source.source)
    seen = ledger.claimed_files(source.source)
    copies: list[tuple[RemoteFile, str]] = []
    with Remembered(home) as memory:
        for file in files:
            if file.is_remote or file.key in seen or memory.digest(as_remote(file)) in known:
                continue
            sha256 = digest_of(file.path)
            if sha256 in known:
                copies.append((as_remote(file), sha256))
                continue
            known.add(sha256)
            yield file.path, sha256, None
    remember(home, copies)
    remote = [as_remote(file) for file in files if file.is_remote]
    if not remote:
        return
    failed = 0
    with Remembered(home, writable=True) as memory:
        new = [file for file in remote if memory.digest(file) not in known]
        for one in fetched(new, home):
            if one.path is None:
                where = str(source.defined_in)
                faults += [replace(fault, where=fault.where or where) for fault in one.faults]
                failed += 1
                if failed >= _MOST_FAULTS:
                    return
                continue
            if one.sha256 not in known:
                known.add(one.sha256)
                yield one.path, one.sha256, FoundFile(one.file.url, one.file.size, one.file.version)
            memory.keep(one.file, one.sha256)
