"""Snowplow's enriched events: TSV without a header, 131 fields in a fixed order.

An enriched event is one line: the pipeline replaces tabs and line breaks within a field, and a
quote is a character like any other, so that nothing is quoted or escaped. A line with another
number of fields is refused as `field_count`. Booleans are 1 and 0; times are UTC, without a zone.

`contexts`, `derived_contexts` and `unstruct_event` hold self-describing JSON. Entities are named
here as loaders name their columns: `iglu:com.acme/page/jsonschema/1-0-2` is
`contexts_com_acme_page_1`.

Source:
    Snowplow, Enriched stream TSV file format; How schema definitions translate to the warehouse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from . import jsonl
from .columns import filled
from .records import InputFile, Records
from .snowplow_fields import ADDED, ATOMIC, ENRICHED, SELECTS

__all__ = ["SELECTS", "read"]

_SCHEMA = re.compile(r"iglu:([^/]+)/([^/]+)/[^/]+/(\d+)-\d+-\d+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the lines of a file.

    Args:
        file: The file.
        delimiter: Not used: it is a tab.
    """
    names = (*ENRICHED, *ADDED)
    for part in jsonl.read(file, delimiter=delimiter):
        reasons: list[str | None] = part.table.column("reason").to_pylist()
        rows: list[list[str | None]] = []
        for index, raw in enumerate(part.table.column("raw").to_pylist()):
            fields = raw.rstrip("\r\n").split("\t")
            if reasons[index] is None and len(fields) != len(ENRICHED):
                reasons[index] = "field_count"
            if reasons[index] is None:
                row = [text or None for text in fields]
                rows.append([*row, *_nested(dict(zip(ENRICHED, row, strict=True)))])
            else:
                rows.append([None] * len(names))
        at = part.table.schema.get_field_index("reason")
        table = part.table.set_column(at, "reason", pa.array(reasons, pa.string()))
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        if rows:
            fields = pa.Table.from_arrays(columns, names=list(names))
            yield from filled([Records(table, fields)], ATOMIC)


def _nested(row: Mapping[str, str | None]) -> tuple[str | None, str | None]:
    """Data of the event's schema, and entities by name.

    What describes itself wrongly is marked, which makes the properties no JSON: the row is refused.
    """
    found: dict[str, list[Any]] = {}
    for text in (row["contexts"], row["derived_contexts"]):
        data = [] if text is None else _data(text)
        entities = data if isinstance(data, list) else [data]
        for one in entities:
            column = _column(one)
            if column is None:
                return None, f"?{text}"
            found.setdefault(column, []).append(one["data"])
    text = row["unstruct_event"]
    described = None
    if text is not None:
        inner = _data(text)
        is_described = isinstance(inner, dict) and isinstance(inner.get("data"), dict)
        described = _written(inner["data"]) if is_described else f"?{text}"
    return described, _written(found) if found else None


def _data(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value.get("data") if isinstance(value, dict) else None


def _column(entity: Any) -> str | None:
    if not isinstance(entity, dict) or "data" not in entity:
        return None
    match = _SCHEMA.fullmatch(str(entity.get("schema")))
    if match is None:
        return None
    vendor, name, model = match.groups()
    spelled = re.sub(r"[^a-z0-9]+", "_", f"{vendor}_{_HUMP.sub('_', name)}".lower())
    return f"contexts_{spelled}_{model}"


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
