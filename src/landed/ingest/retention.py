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


def is_overdue(home: Home, sources: Iterable[Source], now: datetime) -> bool:
    """Whether an ingest would drop something, even where no new file waits for it.

    Args:
        home: Its ledger.
        sources: Sources as they are declared now.
        now: The clock.
    """
    ledger = Ledger(home)
    for source in sources:
        if source.lake_days is None and source.quarantine_days is None:
            continue
        day, arrived_at = ledger.oldest(source.source)
        first, since = _limits(source, now)
        if (day and first and day < first) or (arrived_at and since and arrived_at < since):
            return True
    return False


def _limits(source: Source, now: datetime) -> tuple[date | None, datetime | None]:
    """First UTC day that the lake keeps, and since when refused records are; None for ever."""
    lake, quarantine = source.lake_days, source.quarantine_days
    first = None if lake is None else now.astimezone(UTC).date() - timedelta(days=lake)
    return first, None if quarantine is None else now - timedelta(days=quarantine)


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
    for source in sources:
        first, since = _limits(source, now)
        if first is not None:
            lake += [file for file in ledger.listed_files(source.source) if file.day < first]
        if since is not None:
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
