"""What the lake's columns are filled from: fields of the files that the sources name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..documents import read_yaml
from ..errors import ContractError
from .lineage_sql import parse_statement
from .lineage_templates import UnreadError

#: Columns of the lake that no field fills: ingest gives them.
_GIVEN = {
    "source": "the source's name",
    "event_on": "day of occurred_at, UTC",
    "given_on": "day of given_at, UTC",
    "exposed_on": "day of exposed_at, UTC",
    "released_on": "day of released_at, UTC",
    "clock_status": "what ingest found out about the clock",
    "received_at": "when ingest got it, where the field is not there",
}
#: Kinds of sources by table of the lake.
_KINDS = {
    "lake.events": "events",
    "lake.touched_events": "events",
    "lake.feedback": "feedback",
    "lake.exposures": "exposures",
    "lake.release_events": "releases",
}
#: Formats whose records are read by field name where there is no select.
_PLAIN = ("csv", "jsonl", "json", "parquet")


@dataclass(frozen=True, order=True, slots=True)
class SourceField:
    """A field of a source's files: `events: user_id`.

    Args:
        said: How the lake's column is made of it; empty for as it is.
        file: The source's file.
    """

    name: str
    said: str
    file: str


class SourceMap:
    """Sources of a project by kind."""

    def __init__(self, folder: Path, releases: Path) -> None:
        self._releases = releases
        self._sources: list[tuple[Path, dict[str, Any]]] = []
        for path in sorted(folder.glob("*.y*ml")) if folder.is_dir() else ():
            try:
                data = read_yaml(path).data
            except ContractError:
                continue  # `landed check` tells of it
            if isinstance(data, dict):
                self._sources.append((path, data))

    def fields(self, table: str, column: str) -> list[SourceField]:
        """Fields that a column of a lake table is filled from, over all sources of its kind."""
        if table == "lake.releases":
            return [SourceField(f"release files: {column}", "", str(self._releases))]
        kind = _KINDS.get(table)
        found: list[SourceField] = []
        for path, data in self._sources:
            if kind is not None and data.get("kind") == kind:
                found += _fields(path, data, column)
        return sorted(set(found))


def _fields(path: Path, data: dict[str, Any], column: str) -> list[SourceField]:
    name, file = str(data.get("source", path.stem)), str(path)
    if column in ("event_id", "feedback_id", "exposure_id", "release_id"):
        said = str(data.get("event_id", column))
        if said == "content":
            return [SourceField(f"{name}: all fields", "digest of the record", file)]
        column = said
    if column in _GIVEN and column != "received_at":
        return [SourceField(f"{name}: –", _GIVEN[column], file)]
    select = data.get("select")
    if isinstance(select, str):
        return _selected(name, file, select, column)
    shape = data.get("format", "")
    said = "" if shape in _PLAIN else f"as the format {shape} maps it"
    return [SourceField(f"{name}: {column}", said, file)]


def _selected(name: str, file: str, select: str, column: str) -> list[SourceField]:
    """Fields of `raw` that a source's select makes a column of."""
    try:
        statement = parse_statement(select, lambda _: None)
        outputs = statement.outputs()
        if outputs is not None and column not in outputs:
            return [SourceField(f"{name}: –", f"the select gives no {column}", file)]
        fields, said = statement.sources(column)
    except UnreadError as error:
        return [SourceField(f"{name}: ?", f"its select cannot be followed: {error}", file)]
    how = said[0] if said else ""
    return [SourceField(f"{name}: {one.name}", how, file) for one in sorted(fields)] or [
        SourceField(f"{name}: –", how, file)
    ]
