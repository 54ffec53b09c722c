"""Whether a raw record holds an id: as a value of its JSON, or as a field of its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LandedError
from ..project import Home
from .formats import InputFile, load_format
from .formats.records import digest_of
from .sources import Source


@dataclass(frozen=True, slots=True)
class Holding:
    """What landing files still hold of somebody.

    Args:
        files: Source, path and number of records of each file that holds them.
        unread: What was not looked into, and why.
    """

    files: tuple[tuple[str, str, int], ...]
    unread: tuple[tuple[str, str], ...]


def holds(raw: str, texts: Iterable[str], delimiter: str = ",") -> bool:
    """Whether a record holds one of the texts as a whole value.

    JSON is read as JSON: a key or value at any depth, a number by its digits. All else is read as
    fields between delimiters. What can be read as neither holds a text that stands in it as a
    word; it is better to lose the text of a broken record than to keep a person's.

    Args:
        raw: The record as it stands in its file.
        texts: What to look for.
        delimiter: The character between fields; a tab divides fields too.
    """
    wanted = frozenset(texts)
    try:
        return not wanted.isdisjoint(_values(json.loads(raw, parse_float=str, parse_int=str)))
    except (ValueError, RecursionError):
        pass  # no JSON: look at it as fields
    for mark in {delimiter, "\t"}:
        try:
            fields = {
                field.strip() for row in csv.reader(raw.splitlines(), delimiter=mark)
                for field in row
            }  # fmt: skip
        except csv.Error:
            continue
        if not wanted.isdisjoint(fields):
            return True
    words = "|".join(re.escape(one) for one in sorted(wanted))
    return re.search(rf"(?<!\w)(?:{words})(?!\w)", raw) is not None


def landed_files(home: Home, sources: Iterable[Source], texts: Iterable[str]) -> Holding:
    """Files of sources that hold one of the texts. They are read and never changed.

    Args:
        home: Where the landing folder is.
        sources: Sources as declared now.
        texts: What to look for.
    """
    wanted = sorted(set(texts))
    files: list[tuple[str, str, int]] = []
    unread: list[tuple[str, str]] = []
    for source in sources:
        if source.is_relation:
            unread.append((source.source, "a relation: erase the person where the table is made"))
            continue
        if source.is_remote:
            unread.append((source.source, "files at a URL are not fetched for this"))
            continue
        try:
            found = [Path(file.name) for file in source.files(home)]
        except LandedError as error:
            unread.append((source.source, error.faults[0].what))
            continue
        for path in found:
            try:
                records = _count(path, source, wanted)
            except LandedError as error:
                unread.append((str(path), error.faults[0].what))
                continue
            if records:
                files.append((source.source, str(path), records))
    return Holding(tuple(files), tuple(unread))


def _count(path: Path, source: Source, texts: list[str]) -> int:
    counted = 0
    reader = load_format(source.format)
    for records in reader.read(InputFile(path, digest_of(path)), delimiter=source.delimiter):
        raw = records.table.column("raw")
        looks = pc.match_substring(raw, pattern="\\")
        for text in texts:
            looks = pc.or_(looks, pc.match_substring(raw, pattern=text))
        suspects: pa.ChunkedArray = raw.filter(looks)
        counted += sum(
            holds(text, texts, source.delimiter) for text in suspects.to_pylist() if text
        )
    return counted


def _values(value: Any) -> Iterator[str]:
    """Every key and scalar of a JSON value as text; JSON within a text is read too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str):
        yield value
        if value.lstrip()[:1] in ("{", "["):
            try:
                inner = json.loads(value, parse_float=str, parse_int=str)
            except (ValueError, RecursionError):
                return
            yield from _values(inner)
