"""Whether a raw record holds an id: as a value of its JSON, or as a field of its line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import LandedError
from ..project import Home
from .formats import InputFile, load_format, written_ids
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


def holds(
    raw: str,
    texts: Iterable[str],
    delimiter: str = ",",
    *,
    is_meant: Callable[[str], bool] = lambda _: False,
) -> bool:
    """Whether a record holds one of the texts as a whole value.

    JSON is read as JSON: a key or value at any depth, a number by its digits, of a key that stands
    twice every value. All else is read as fields between delimiters, of which one may be JSON. What
    can be read as neither holds a text that stands in it as a word, however it is escaped; it is
    better to lose the text of a broken record than to keep a person's.

    Args:
        raw: The record as it stands in its file.
        texts: What to look for.
        delimiter: The character between fields; a tab divides fields too.
        is_meant: Whether a value is meant that is no such text: of some, digests are known only.
    """
    wanted = frozenset(texts)

    def is_among(values: Iterable[str]) -> bool:
        return any(value in wanted or is_meant(value) for value in values)

    try:
        return is_among(_values(_parsed(raw)))
    except (ValueError, RecursionError):
        pass  # no JSON: look at it as fields
    for mark in {delimiter, "\t"}:
        try:
            # not by lines of the text: a quoted field may hold any kind of them
            rows = csv.reader(io.StringIO(raw, newline=""), delimiter=mark)
            fields = [text for row in rows for field in row for text in (field, field.strip())]
        except csv.Error:
            continue
        if is_among(_values(fields)):
            return True
    words = "|".join(re.escape(text) for one in sorted(wanted) for text in _written(one))
    return bool(wanted) and re.search(rf"(?<!\w)(?:{words})(?!\w)", raw) is not None


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
    reader, texts = load_format(source.format), sorted(written_ids(source.format, texts))
    # a backslash may hide any letter of JSON, a doubled quote one of CSV
    hints = ["\\", *texts, *(['""'] if any('"' in one for one in texts) else [])]
    for records in reader.read(InputFile(path, digest_of(path)), delimiter=source.delimiter):
        raw = records.table.column("raw")
        looks = pc.match_substring(raw, pattern=hints[0])
        for hint in hints[1:]:
            looks = pc.or_(looks, pc.match_substring(raw, pattern=hint))
        suspects: pa.ChunkedArray = raw.filter(looks)
        counted += sum(
            holds(text, texts, source.delimiter) for text in suspects.to_pylist() if text
        )
    return counted


def _written(text: str) -> set[str]:
    """A text as it stands in a file: plain, in quotes of CSV, in a string of JSON."""
    escaped = {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)}
    return {text, text.replace('"', '""'), *escaped}


def _parsed(text: str) -> Any:
    """JSON with its numbers as they are written, and objects as lists of all their pairs."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)


def _values(value: Any) -> Iterator[str]:
    """Every key and scalar of a JSON value as text; JSON within a text is read too."""
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str):
        yield value
        if value.lstrip()[:1] in ("{", "["):
            try:
                inner = _parsed(value)
            except (ValueError, RecursionError):
                return
            yield from _values(inner)
