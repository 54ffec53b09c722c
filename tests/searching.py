"""Looks for the numbers of a report in everything that a home holds, whatever form it has.

Text is searched as it is; what is packed or columnar is unpacked and searched cell by cell: SQLite,
DuckDB, Parquet, gzip, and deflated cells of Dagster's history.
"""

from __future__ import annotations

import gzip
import math
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from landed.report.units import decimals_for, interval

_KEYS = (
    "absolute_effect", "relative_effect", "ci_lower", "ci_upper", "p_value",
    "mean_control", "mean_treatment",
)  # fmt: skip
_LEAST_DIGITS = 6  # fewer could stand for something else


@dataclass(frozen=True)
class Numbers:
    """What nobody may see of a blocked release.

    Args:
        floats: Effects, bounds, means: no other number of the product has these digits.
        texts: The same as they are written out, and intervals as people read them.
    """

    floats: frozenset[float]
    texts: frozenset[str]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Numbers:
        """Those of a published report."""
        shown = [one for one in document["estimates"] if one["status"] == "estimated"]
        values = {one[key] for one in shown for key in _KEYS}
        floats = {one for one in values if isinstance(one, float) and _is_telling(one)}
        spans = {
            interval(one["ci_lower"], one["ci_upper"], one["value"], decimals_for(one))
            for one in shown
            if one["ci_lower"] != one["ci_upper"]
        }
        return cls(frozenset(floats), frozenset({repr(one)[:9] for one in floats} | spans))

    def in_text(self, text: str) -> set[str]:
        """Those that a text holds."""
        return {one for one in self.texts if one in text}

    def in_value(self, value: Any) -> set[str]:
        """Those that a cell holds, however deep."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, float | Decimal):
            return {repr(float(value))} if float(value) in self.floats else set()
        if isinstance(value, bytes | bytearray | memoryview):
            return self.in_bytes(bytes(value))
        if isinstance(value, Mapping):
            return self.in_values([*value.keys(), *value.values()])
        return self.in_values(value) if isinstance(value, list | tuple) else set()

    def in_values(self, values: Iterable[Any]) -> set[str]:
        """Those that any of some cells holds."""
        return {found for value in values for found in self.in_value(value)}

    def in_bytes(self, data: bytes) -> set[str]:
        """Those that bytes hold, as they are or inflated."""
        found = self.in_text(data.decode("utf-8", "replace"))
        if data[:2] == b"\x1f\x8b":
            found |= self.in_bytes(gzip.decompress(data))
        elif data[:1] == b"\x78":
            try:
                found |= self.in_text(zlib.decompress(data).decode("utf-8", "replace"))
            except zlib.error:  # it only begins like something deflated
                return found
        return found


@dataclass(frozen=True)
class Place:
    """A file that holds numbers.

    Args:
        path: Below the home.
        kind: sqlite, duckdb, parquet, or what its name ends with.
        numbers: Those it holds.
    """

    path: str
    kind: str
    numbers: frozenset[str]


def places(home: Path, numbers: Numbers) -> list[Place]:
    """Every file below a folder that holds one of the numbers."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            kind = kind_of(path)
            held = numbers.in_bytes(path.read_bytes())
            for row in rows_of(path, kind):
                held |= numbers.in_values(row)
            if held:
                found.append(Place(str(path.relative_to(home)), kind, frozenset(held)))
    return found


def kind_of(path: Path) -> str:
    """What a file is, by its first bytes, else by its name."""
    with path.open("rb") as handle:
        first = handle.read(16)
    if first.startswith(b"SQLite format 3"):
        return "sqlite"
    if first[8:12] == b"DUCK":
        return "duckdb"
    if first.startswith(b"PAR1"):
        return "parquet"
    return path.suffix.removeprefix(".") or path.name


def rows_of(path: Path, kind: str) -> Iterator[Iterable[Any]]:
    """Every row of a file that has rows, as cells; what it says of itself first."""
    if kind == "parquet":
        table = pq.read_table(path)
        yield [str(table.schema.metadata)]
        yield from (column.to_pylist() for column in table.columns)
    elif kind in ("sqlite", "duckdb"):
        with tempfile.TemporaryDirectory() as folder:
            yield from _rows_of_copy(path, kind, Path(folder))


def _rows_of_copy(path: Path, kind: str, folder: Path) -> Iterator[Iterable[Any]]:
    """A copy with its log beside it: opening one would fold the log in."""
    for file in path.parent.glob(f"{path.name}*"):
        shutil.copy(file, folder / file.name)
    copy = folder / path.name
    if kind == "sqlite":
        with sqlite3.connect(copy) as known:
            names = [name for (name,) in known.execute("select name from sqlite_master "
                     "where type = 'table'")]  # fmt: skip
            for name in names:
                yield from known.execute(f'select * from "{name}"')
        known.close()
        return
    copy.chmod(0o600)
    with duckdb.connect(copy) as database:
        tables = database.execute(
            "select schema_name, table_name from duckdb_tables() union all "
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall()
        for schema, name in tables:
            yield from database.execute(f'select * from "{schema}"."{name}"').fetchall()


def _is_telling(number: float) -> bool:
    digits = repr(abs(number)).partition("e")[0].replace(".", "").strip("0")
    return math.isfinite(number) and len(digits) >= _LEAST_DIGITS
