"""Columns that a vendor's select reads, where a file of columns may lack some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa

from .records import Records


def filled(parts: Iterable[Records], names: Iterable[str]) -> Iterator[Records]:
    """Give every part the named columns: what the file lacks is null, as it is in JSON records.

    Args:
        parts: Records with columns; those without are passed on.
        names: Columns that a select reads.
    """
    for part in parts:
        if part.columns is None:
            yield part
            continue
        columns = part.columns
        present = {name.casefold() for name in columns.column_names}
        for name in names:
            if name.casefold() not in present:
                columns = columns.append_column(name, pa.nulls(columns.num_rows, pa.string()))
        yield replace(part, columns=columns)
