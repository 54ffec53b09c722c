"""Rows of an answer as an Arrow table: types come from the engine, not from the values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_TYPES = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "HUGEINT": pa.decimal128(38, 0),  # sums of whole numbers; no integer of Arrow holds them all
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
    "INTERVAL": pa.duration("us"),
}


def table(columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """An Arrow table; a type that is not known here is left to the values."""
    arrays = [
        pa.array([row[index] for row in rows], type=_type(kind)) for index, kind in enumerate(types)
    ]
    return pa.Table.from_arrays(arrays, names=list(columns))


def with_floats(found: pa.Table) -> pa.Table:
    """The same table with decimals as floating point, which is what frames calculate in."""
    fields = [
        pa.field(field.name, pa.float64()) if pa.types.is_decimal(field.type) else field
        for field in found.schema
    ]
    return found.cast(pa.schema(fields))


def _type(kind: str) -> pa.DataType | None:
    decimal = _DECIMAL.fullmatch(kind)
    if decimal is not None:
        return pa.decimal128(int(decimal.group(1)), int(decimal.group(2)))
    return _TYPES.get(kind)
