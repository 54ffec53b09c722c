"""Ingest: every source of a project, from its files to the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ..errors import Fault, SourceError
from ..project import Home, Project
from ..settings import Settings
from ..warehouse import run_lock
from .accounts import IngestResult, SourceAccount, merged
from .batch import BatchWriter
from .formats.records import digest_of
from .lake import sweep
from .ledger import Ledger
from .ledger_rows import Declared
from .sources import Source, load_sources, matched_files
from .staging import Stage
from .tracking import TrackingPlan, load_tracking_plan

Progress = Callable[[str], None]


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
    next run goes on from there.

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
        SourceError: A source has no file, or one cannot be read; all of them at once, before
            anything is ingested. Or its select does not fit its files.
        HomeBusyError: Another process writes here.
    """
    sources = _chosen(load_sources(project), only)
    plan = load_tracking_plan(project.tracking)
    files = matched_files(sources, home)
    clock = now or datetime.now(UTC)
    with run_lock(home):
        ledger = Ledger(home)
        declared = [
            Declared(one.source, one.kind, one.complete_through, one.mapping) for one in sources
        ]
        if again:
            _take_out(ledger, sources, files)
        else:
            _refuse_remapped(ledger, sources, declared)
        ledger.declare(declared, uuid.uuid4().hex)
        sweep(home)
        accounts = [
            _ingest_source(
                one,
                files[one.source],
                plan=plan,
                home=home,
                settings=settings,
                now=clock,
                progress=progress,
            )
            for one in sources
        ]
        return IngestResult(tuple(accounts), ledger.last_sequence())


def pending(project: Project, home: Home) -> list[Path]:
    """Files of all sources that the ledger has not claimed, by source and name.

    A file with the path, length and time of change of a claimed one is taken for it; only the
    others are digested, so that asking every few seconds costs little.

    Raises:
        ContractError: A source file is wrong; all faults at once.
        SourceError: A source has no file, or one cannot be read; all of them at once.
    """
    sources = _chosen(load_sources(project), ())
    files = matched_files(sources, home)
    ledger = Ledger(home)
    waiting: list[Path] = []
    for source in sources:
        known = ledger.claimed(source.source)
        seen = ledger.claimed_files(source.source)
        for path in files[source.source]:
            state = path.stat()
            if (str(path), state.st_size, state.st_mtime_ns) in seen:
                continue
            sha256 = digest_of(path)
            if sha256 not in known:
                known.add(sha256)
                waiting.append(path)
    return waiting


def unmatched(project: Project, home: Home) -> list[tuple[str, str]]:
    """Sources in the landing folder for which no file has arrived: name and pattern."""
    sources = _chosen(load_sources(project), ())
    files = matched_files(sources, home)
    return [(one.source, one.pattern(home)) for one in sources if not files[one.source]]


def _chosen(sources: dict[str, Source], only: Sequence[str]) -> list[Source]:
    unknown = sorted(set(only) - set(sources))
    if unknown:
        raise SourceError(
            f"no source is called {', '.join(unknown)}",
            expected=", ".join(sorted(sources)) or "a file in sources/",
            fix="check the name, or add the source.",
            code="source_unknown",
        )
    return [sources[name] for name in sorted(sources) if not only or name in only]


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
    ledger: Ledger, sources: Sequence[Source], files: Mapping[str, Sequence[Path]]
) -> None:
    """Forget sources, but none whose files are gone: their rows could not be had again."""
    faults: list[Fault] = []
    for one in sources:
        gone = ledger.claimed(one.source) - {digest_of(path) for path in files[one.source]}
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


def _ingest_source(
    source: Source,
    files: list[Path],
    *,
    plan: TrackingPlan,
    home: Home,
    settings: Settings,
    now: datetime,
    progress: Progress | None,
) -> SourceAccount:
    known = Ledger(home).claimed(source.source)
    fresh: list[tuple[Path, str]] = []
    for path in files:
        sha256 = digest_of(path)
        if sha256 not in known:
            known.add(sha256)
            fresh.append((path, sha256))
    total = SourceAccount(source.source, source.kind, files_seen=len(files) - len(fresh))
    if not fresh:
        return total
    # two engines work in turns: the sealed one parses, the other holds and writes the batch
    half = replace(settings, memory_limit_mb=max(settings.memory_limit_mb // 2, 128))
    stage = Stage(source, plan, now, half)
    writer = BatchWriter(source, stage, home, half, now)
    try:
        for done, (path, sha256) in enumerate(fresh, start=1):
            writer.add(path, sha256)
            if writer.is_full or done == len(fresh):
                total = merged(total, writer.commit())
                if progress:
                    progress(
                        f"{source.source}: {done} of {len(fresh)} files, {total.rows_in} records"
                    )
    finally:
        writer.close()
        stage.close()
    return total
