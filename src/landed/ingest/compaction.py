"""Compaction: the many small files that small batches make of a day become one.

Only days with more small files than a reader should have to open are rewritten, so a day that no
batch touched stays as it is. A merged file carries the number of the last batch in it: who has
seen all its batches is not told of the day again, who has not is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from ..errors import WarehouseError
from ..project import Home
from ..settings import Settings
from ..warehouse import Engine
from .envelope import ENVELOPES, Envelope
from .ledger import Ledger
from .ledger_rows import Change, ListedFile
from .storing import listed_in, store

#: Small files that a day of a source may have. Opening one costs a reader about a millisecond:
#: with 8, a year of days opens in seconds; with 2, every second batch would rewrite its day.
MAX_FILES = 8
#: What is no longer small, and what a merged file grows to. Bytes; some 2 million events.
TARGET_BYTES = 64 * 1024 * 1024


def compact(
    home: Home,
    settings: Settings,
    now: datetime,
    *,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Merge the small files of every day that has too many; one transaction a merged file.

    The files that were merged stay on the disk until the next ingest sweeps them: a view of the
    build database may still name them.

    Args:
        home: Its lake; the lock is held by the caller.
        settings: Threads and memory.
        now: The ingest's clock.
        progress: Is told one line a merged file.

    Returns:
        Files that are no longer listed. Count.

    Raises:
        WarehouseError: A file is missing, or does not hold the rows that the ledger says.
    """
    ledger = Ledger(home)
    groups = list(_groups(ledger.crowded(MAX_FILES, TARGET_BYTES)))
    if not groups:
        return 0
    spill = home.lake / ".tmp" / "spill"
    with Engine.open(None, settings=settings, temporary=spill) as engine:
        for group in groups:
            one = _merge(engine, home, ENVELOPES[group[0].kind], group)
            ledger.apply(Change(lake_out=tuple(group), lake_in=(one,)), now)
            if progress:
                progress(f"{one.source}: {one.kind} of {one.day}, {len(group)} files are now one")
    return sum(map(len, groups))


def _groups(files: Sequence[ListedFile]) -> Iterator[list[ListedFile]]:
    """Files to merge into one: those of one kind, source and day, up to the target size."""
    for _, beside in itertools.groupby(files, key=lambda file: (file.kind, file.source, file.day)):
        group: list[ListedFile] = []
        size = 0
        for file in beside:
            group.append(file)
            size += file.size
            if size >= TARGET_BYTES:
                yield group
                group, size = [], 0
        if len(group) > 1:
            yield group


def _merge(
    engine: Engine, home: Home, envelope: Envelope, files: Sequence[ListedFile]
) -> ListedFile:
    """Write one file of all rows, in the order of a batch's own files."""
    paths = listed_in(home.root / file.path for file in files)
    first = files[0]
    stored = store(
        engine,
        f"select * from read_parquet({paths}, hive_partitioning = false, union_by_name = true)"
        f" order by {envelope.sort_key}, {envelope.id_column}, batch_id",
        home=home,
        folder=home.lake / envelope.kind / f"day={first.day}",
        label=f"merged.{first.day}",
        day=first.day,
    )
    expected = sum(file.rows for file in files)
    if stored.rows != expected:
        raise WarehouseError(
            f"{len(files)} files of `{first.source}` on {first.day} hold {stored.rows} rows",
            expected=f"{expected}, as the ledger says",
            where=str(home.lake / envelope.kind / f"day={first.day}"),
            fix="restore them from a backup, or ingest the source again into a new home.",
            code="lake_file_damaged",
        )
    last = max(file.sequence for file in files)
    return ListedFile(
        stored.path, first.kind, first.source, first.day, stored.rows, stored.sha256, stored.size,
        last,
    )  # fmt: skip
