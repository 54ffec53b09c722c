"""The quarantine as people look at it: what was refused, why, and the records themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import SourceError, WarehouseError
from ..project import Home
from ..warehouse import Engine
from .formats.records import digest_of
from .ledger import Ledger
from .ledger_rows import QuarantineFile
from .quarantine_reasons import REASONS, Reason
from .storing import listed_in

#: Files that one statement reads: their names stand in its text.
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused records of one source and reason.

    Args:
        source: The source.
        reason: The code.
        rows: Records over the whole life. Count.
        kept: Those whose file is still there. Count.
        files: Input files they came from, of those that are kept. Count.
        first_seen: When the first of those that are kept came. UTC; None where none is kept.
        last_seen: When the last of them came. UTC; likewise.
    """

    source: str
    reason: str
    rows: int
    kept: int = 0
    files: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """One refused record.

    Args:
        source: Its source.
        batch_id: The batch it was refused in.
        file: The input file.
        line: Where it starts in the file, from 1.
        byte_offset: Of its first byte in the inflated file; None where the format has none.
        reason: The code.
        detail: What of it, e.g. a column.
        raw: Its text; empty where it was erased.
        arrived_at: When it came first. UTC.
    """

    source: str
    batch_id: str
    file: str
    line: int
    byte_offset: int | None
    reason: str
    detail: str
    raw: str
    arrived_at: datetime


def list_refused(home: Home) -> list[Refused]:
    """Refused records by source and reason, over the whole life of the home.

    Raises:
        WarehouseError: A quarantine file is missing or damaged.
    """
    ledger = Ledger(home)
    kept: dict[tuple[str, str], list[tuple[int, set[str], datetime]]] = {}
    files = [file for file in ledger.quarantine_files() if file.dropped_at is None]
    arrived = {str(home.root / file.path): file.arrived_at for file in files}
    with Engine.open(None) as engine:
        for some in _some(_there(home, files)):
            for source, reason, rows, inputs, path in _counted(engine, home, files, some):
                found = (int(rows), set(inputs), arrived[str(path)])
                kept.setdefault((str(source), str(reason)), []).append(found)
    listed = []
    for source, reason, rows in ledger.reasons():
        parts = kept.get((source, reason), [])
        times = [at for _, _, at in parts]
        listed.append(
            Refused(
                source=source,
                reason=reason,
                rows=rows,
                kept=sum(count for count, _, _ in parts),
                files=len(set().union(*(files for _, files, _ in parts))),
                first_seen=min(times, default=None),
                last_seen=max(times, default=None),
            )
        )
    return listed


def _counted(
    engine: Engine, home: Home, files: Sequence[QuarantineFile], paths: Sequence[Path]
) -> list[tuple[Any, ...]]:
    """Source, reason, records, input files and path of what some files hold."""
    try:
        return engine.rows(
            "select source, reason, count(*), list(distinct file), filename"
            f" from read_parquet({listed_in(paths)}, filename = true, union_by_name = true)"
            " group by source, reason, filename"
        )
    except WarehouseError:
        for file in files:
            sound_path(home, file)  # the engine does not always say which one it is
        raise


def show_refused(
    home: Home, source: str, *, reason: str | None = None, limit: int = 20
) -> list[RefusedRecord]:
    """Refused records of a source, in order of arrival, file and line.

    Args:
        home: Its quarantine.
        source: The source.
        reason: Only these; None takes all.
        limit: Most records. Count.

    Raises:
        SourceError: The source or the reason is not in the quarantine.
        WarehouseError: A quarantine file is missing, or was changed.
    """
    known = {(one, code) for one, code, _ in Ledger(home).reasons()}
    require_refused(known, source, reason)
    ids = Ledger(home).batch_ids()
    found: list[RefusedRecord] = []
    with Engine.open(None) as engine:
        for file in Ledger(home).quarantine_files(source):
            if file.dropped_at is not None:
                continue
            for row in engine.dicts(
                "select file, line, byte_offset, reason, detail, raw"
                f" from read_parquet({listed_in([sound_path(home, file)])})"
                " where $reason is null or reason = $reason order by file, line limit $limit",
                {"reason": reason, "limit": limit - len(found)},
            ):
                batch_id = ids[file.sequence]
                record = RefusedRecord(source, batch_id, **_plain(row), arrived_at=file.arrived_at)
                found.append(record)
            if len(found) >= limit:
                break
    return found


def sound_path(home: Home, file: QuarantineFile) -> Path:
    """Where a quarantine file is, which holds the bytes that the ledger lists.

    Raises:
        WarehouseError: It is missing, or was changed.
    """
    (path,) = _there(home, [file])
    if digest_of(path) != file.sha256:
        raise WarehouseError(
            f"the quarantine file {path} was changed",
            expected="the bytes that were written with its batch",
            where=str(home.ledger),
            fix=f"restore it from a backup, or run `landed ingest {file.source} --again` to read"
            " the files of the source anew.",
            code="quarantine_file_damaged",
        )
    return path


def explain(code: str) -> Reason:
    """What a reason means, what usually causes it, and what to do.

    Raises:
        SourceError: There is no such reason; names those there are.
    """
    if code not in REASONS:
        raise SourceError(
            f"no reason is called {code}",
            expected=", ".join(sorted(REASONS)),
            fix="check the code, see `landed quarantine list`.",
            code="reason_unknown",
        )
    return REASONS[code]


def require_refused(known: set[tuple[str, str]], source: str, reason: str | None) -> None:
    """Refuse a source or a reason of which nothing was ever refused.

    Args:
        known: Source and reason of everything in the quarantine.
        source: The source that is asked for.
        reason: The reason, if any.

    Raises:
        SourceError: Says what there is.
    """
    reasons = sorted(code for one, code in known if one == source)
    if not reasons:
        raise SourceError(
            f"nothing of `{source}` is in the quarantine",
            expected=", ".join(sorted({one for one, _ in known})) or "a refused record",
            fix="see `landed quarantine list`.",
            code="source_unknown",
        )
    if reason is not None and reason not in reasons:
        raise SourceError(
            f"nothing of `{source}` was refused as {reason}",
            expected=", ".join(reasons),
            fix="see `landed quarantine list`.",
            code="reason_unknown",
        )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "detail": row["detail"] or "", "raw": row["raw"] or ""}


def _there(home: Home, files: Sequence[QuarantineFile]) -> list[Path]:
    """Paths of the files that were not dropped."""
    paths = [home.root / file.path for file in files if file.dropped_at is None]
    lost = [path for path in paths if not path.is_file()]
    if lost:
        raise WarehouseError(
            f"{len(lost)} quarantine file(s) are missing, the first is {lost[0]}",
            expected="every file that the ledger lists",
            where=str(home.ledger),
            fix="restore them from a backup, or run `landed ingest SOURCE --again` to read the"
            " files of the source anew.",
            code="quarantine_file_missing",
        )
    return paths


def _some(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for first in range(0, len(paths), _AT_ONCE):
        yield paths[first : first + _AT_ONCE]
