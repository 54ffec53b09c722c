"""Snowplow's events table (`atomic.events`): CSV or TSV with a header, or Parquet.

Which of the three it is shows in the file: Parquet by its first bytes, TSV by a tab in the header.
Columns that a table lacks read as null, for tables differ by loader and age. Entities and
self-describing events have columns of their own (`contexts_…`, `unstruct_event_…`), as many as the
team has schemas; they are gathered here. Redshift has them in tables of their own: join them first.

Source:
    Snowplow, Snowplow atomic event properties; How schema definitions translate to the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from ...warehouse import Engine
from . import csv, parquet
from .columns import filled
from .jsonl import blocks
from .records import InputFile, Records
from .snowplow_fields import ADDED, ATOMIC, SELECTS
from .sql import as_json

__all__ = ["SELECTS", "read"]

_PARQUET = b"PAR1"


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the rows of a file, with the atomic columns and what the others hold.

    Args:
        file: The file.
        delimiter: The character between CSV fields, where the header holds no tab.
    """
    with file.path.open("rb") as opened:
        is_parquet = opened.read(len(_PARQUET)) == _PARQUET
    if is_parquet:
        parts = parquet.read(file)
    else:
        header = next((block.data.partition(b"\n")[0] for block in blocks(file)), b"")
        parts = csv.read(file, delimiter="\t" if b"\t" in header else delimiter)
    for part in filled(parts, ATOMIC):
        yield gathered(part)


def gathered(part: Records) -> Records:
    """Records with the columns of entities and of self-describing events in one each."""
    if part.columns is None:
        return part
    columns = part.columns
    names = {name.casefold(): name for name in columns.column_names}
    entities = [name for folded, name in names.items() if folded.startswith("contexts_")]
    described = [name for folded, name in names.items() if folded.startswith("unstruct_event_")]
    with Engine.open(None) as engine:
        engine.register("fields", columns)
        added = engine.arrow(
            f"select {_described(described)} as self_described, {_entities(entities)} as entities"
            " from fields"
        )
        engine.unregister("fields")
    # a file may have columns of these names by chance
    columns = columns.drop_columns([names[name] for name in ADDED if name in names])
    for name in ADDED:
        columns = columns.append_column(name, added.column(name).cast(pa.string()))
    return replace(part, columns=columns)


def _described(names: Sequence[str]) -> str:
    """The data of the event's schema: an event has one, and some loaders put it into an array."""
    if not names:
        return "cast(null as varchar)"
    texts = [
        f"case when starts_with({_quoted(name)}, '[')"
        f" then json_extract_string({as_json(_quoted(name))}, '/0') else {_quoted(name)} end"
        for name in names
    ]
    return f"coalesce({', '.join(texts)}, null)"


def _entities(names: Sequence[str]) -> str:
    """An object of the columns that are set; one that is no JSON spoils it, and it is refused."""
    members = ", ".join(
        f"'\"{name.casefold()}\":' || {_quoted(name)}"
        for name in names
        if name.replace("_", "").isalnum()
    )
    return f"'{{' || concat_ws(',', null, {members or 'null'}) || '}}'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
