"""PostHog's batch export of events as Parquet: the columns of `posthog`, with `properties` as text.

Times have no zone and are UTC. A file is named for its codec (`.parquet.zst`) but is plain Parquet:
the codec lies within, and nothing has to be unpacked.

Source:
    PostHog, S3 destination for batch exports (events model; compression).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import parquet, posthog
from .columns import filled
from .records import InputFile, Records

__all__ = ["SELECTS", "read"]

SELECTS = posthog.SELECTS


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the rows of a file; a column that it lacks is null.

    Args:
        file: The file.
        delimiter: Not used: Parquet has none.
    """
    yield from filled(parquet.read(file, delimiter=delimiter), posthog.COLUMNS)
