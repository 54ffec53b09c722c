"""Retention: what is older than a source keeps it leaves the lake and the quarantine.

The accounts stay whole: dropped rows are noted as removed, dropped records still count with their
reasons. The claims stay too, so a file that was ingested once does not bring its rows back. What
was built from dropped days is brought up to date by day: the ledger tells of them as touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from ..project import Home
from .ledger import Ledger
from .ledger_rows import Change, ListedFile, QuarantineFile
from .sources import Source


def retain(home: Home, sources: Iterable[Source], now: datetime) -> Mapping[str, int]:
    """Drop whole UTC days of the lake and whole files of the quarantine that are too old.

    A day leaves the lake when it ended more than `lake_days` days ago; a refused record when it
    came more than `quarantine_days` days ago. The next ingest frees the disk. One transaction.

    Args:
        home: Its lake; the lock is held by the caller.
        sources: Sources as they are declared now.
        now: The ingest's clock.

    Returns:
        Rows that left the lake, by source; only sources that lost any. Counts.
    """
    ledger = Ledger(home)
    lake: list[ListedFile] = []
    dropped: list[QuarantineFile] = []
    today = now.astimezone(UTC).date()
    for source in sources:
        if source.lake_days is not None:
            first = today - timedelta(days=source.lake_days)
            lake += [file for file in ledger.listed_files(source.source) if file.day < first]
        if source.quarantine_days is not None:
            since = now - timedelta(days=source.quarantine_days)
            dropped += [
                file
                for file in ledger.quarantine_files(source.source)
                if file.dropped_at is None and file.arrived_at < since
            ]
    if not lake and not dropped:
        return {}
    removed: dict[tuple[str, date, str], int] = {}
    by_source: dict[str, int] = {}
    for file in lake:
        key = (file.source, file.day, "retention")
        removed[key] = removed.get(key, 0) + file.rows
        by_source[file.source] = by_source.get(file.source, 0) + file.rows
    ledger.apply(Change(lake_out=tuple(lake), dropped=tuple(dropped), removed=removed), now)
    return by_source
