"""Saved queries as files: answered from the published snapshot, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..catalog import Catalog
from ..catalog.names import did_you_mean, show
from ..catalog.saved import SavedQuery
from ..compiler import Compiled, Relations, compile_query
from ..compiler.saved import saved_query
from ..documents import digest
from ..errors import ContractError, PlanError
from ..project import Home
from ..settings import Settings
from ..warehouse import Engine
from .durable import write_atomic
from .readers import current, open_snapshot, require_definitions


@dataclass(frozen=True, slots=True)
class Export:
    """A saved query that was written.

    Args:
        path: The Parquet file.
        rows: Rows in it. Count.
        columns: Their names, in order.
        sql: The statement that ran.
        snapshot: The snapshot it was answered from.
        digest: Of what is asked and of the definitions it is asked by.
        refused: Why nothing was written and an earlier file was removed; empty where it was.
    """

    name: str
    path: Path
    rows: int
    columns: tuple[str, ...]
    sql: str
    snapshot: str
    digest: str
    refused: str = ""


def saved_named(catalog: Catalog, name: str) -> SavedQuery:
    """The saved query of that name.

    Raises:
        ContractError: There is none; with the nearest name.
    """
    found = catalog.saved_queries.get(name)
    if found is None:
        raise ContractError(
            f"unknown saved query {show(name)}",
            fix=did_you_mean(name, catalog.saved_queries),
            code="unknown_saved_query",
        )
    return found


def export_saved(home: Home, catalog: Catalog, name: str, settings: Settings) -> Export:
    """Answer a saved query from the current snapshot and write `exports/<name>.parquet`.

    The file says of itself, in its metadata, which snapshot and which definitions it is of. Where
    the query is about a release whose gate has not passed nothing is written, and a file from when
    it had is removed: it would show numbers that no door gives.

    Raises:
        ContractError: There is no such query.
        PlanError: The definitions changed since the snapshot was made.
        WarehouseError: Nothing was published yet.
    """
    saved = saved_named(catalog, name)
    compiled = compile_query(catalog, saved_query(saved), relations=Relations())
    published = current(home)
    with open_snapshot(home, settings=settings) as engine:
        if published is None:
            raise PlanError("the snapshot is gone", fix="run `landed run` again.")
        require_definitions(published, catalog)
        refused = _refused(engine, compiled)
        table = None if refused else engine.arrow(compiled.sql)
    of = digest(
        {
            "query": saved.digest,
            "metrics": {one: catalog.metric(one).digest for one in saved.metrics},
        }
    )
    facts = {"saved_query": name, "snapshot": published.id, "digest": of}
    path = home.exports / f"{name}.parquet"
    if table is not None:
        write_atomic(path, _parquet(table, facts))
    else:
        path.unlink(missing_ok=True)
    rows = table.num_rows if table is not None else 0
    names = tuple(column.name for column in compiled.columns)
    return Export(name, path, rows, names, compiled.sql, published.id, of, refused)


def _parquet(table: pa.Table, facts: Mapping[str, Any]) -> bytes:
    """A table as Parquet, with facts about it in the file's own metadata."""
    kept = {f"landed.{name}": str(value) for name, value in facts.items()}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **kept}), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _refused(engine: Engine, compiled: Compiled) -> str:
    """Why no file may hold the answer: numbers of a release whose gate has not passed."""
    if compiled.release is None:
        return ""
    sql = "select gate from main.releases where release = ?"
    found = engine.one(sql, [compiled.release])
    if found is not None and found[0] == "pass":
        return ""
    return f"the release {compiled.release} has no passed gate in this snapshot"
