"""What a source file of `kind: relation` may say. Files only: no table is read here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlglot

from ..errors import WarehouseError
from ..warehouse import Engine
from .envelope import ENVELOPES

FORMATS = ("parquet", "postgres", "duckdb")
DATABASES = ("postgres", "duckdb")
#: Keys of files that are taken into the lake; a table has none of it.
_OF_FILES = ("select", "event_id", "complete_through", "timezone", "delimiter", "personal",
             "retention", "tracking")  # fmt: skip
_OF_RELATIONS = ("grain", "columns", "table")
_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
#: Scalars: what a mart's column is. A nested value is a matter of a model.
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z][A-Za-z0-9_]*)*( ?\(\d{1,2}(, ?\d{1,2})?\))?")

Fault = Callable[[str, str, str, str], None]


def reserved_names() -> frozenset[str]:
    """Names that the schema `lake` uses itself."""
    kinds = {*ENVELOPES, *(envelope.view for envelope in ENVELOPES.values())}
    own = {"touched_days", "accounts", "removals", "quarantine_reasons", "sources"}
    return frozenset(kinds | own | {f"touched_{kind}" for kind in kinds})


def environment_name(path: str) -> str | None:
    """NAME of `env:NAME`; None for anything else."""
    found = _ENVIRONMENT.fullmatch(path)
    return found[1] if found else None


def check_keys(data: Mapping[str, Any], fault: Fault) -> None:
    """Keys of the other kinds, for every kind."""
    is_relation = data["kind"] == "relation"
    for key in _OF_FILES if is_relation else _OF_RELATIONS:
        if key in data:
            what = f"a {data['kind']} source has `{key}`"
            expected = "no such key: it is of sources that are ingested"
            expected = expected if is_relation else "no such key: it is of kind: relation"
            fault(what, expected, "remove it.", key)


def check_relation(data: Mapping[str, Any], fault: Fault) -> None:
    """Every rule of a relation; `fault` takes what, expected, fix and the key."""
    name, form, path = data["source"], data["format"], data["path"]
    if name in reserved_names():
        used = ", ".join(sorted(reserved_names()))
        fault(f"the relation is called {name}", f"no name of the lake's own: {used}",
              "rename the source and its file.", "source")  # fmt: skip
    if form not in FORMATS:
        fault(f"a relation's format is {form}", " or ".join(FORMATS),
              "take one of them, or ingest the files as another kind.", "format")  # fmt: skip
    if "grain" not in data:
        fault("a relation has no grain", "the columns of which there is one row each",
              "e.g. grain: [account_id].", "grain")  # fmt: skip
    if form in DATABASES and "table" not in data:
        fault(f"a relation of format {form} has no table", "the table, with its schema in front",
              "e.g. table: main.fct_orders.", "table")  # fmt: skip
    if form == "parquet" and "table" in data:
        fault("a relation of format parquet has a table", "path alone", "remove it.", "table")
    if "table" in data and table_parts(data["table"]) is None:
        fault(f"table is {data['table']}", "schema.table", 'quote odd names: main."a b".', "table")
    if form == "postgres":
        _check_server(path, fault)
    elif "://" in path:
        fault("a relation's path is a URL", "a path on this machine",
              "fetch it first; or ingest the files as another kind.", "path")  # fmt: skip
    elif form == "duckdb" and re.search(r"[*?\[]", path):
        fault(f"path is {path}, a glob", "one database file", "name the file.", "path")
    declared = [column.lower() for column in data.get("columns", {})]
    twice = sorted({column for column in declared if declared.count(column) > 1})
    if twice:
        fault(f"columns names {', '.join(twice)} twice", "each column once: case does not count",
              "remove one.", "columns")  # fmt: skip
    for column, kind in data.get("columns", {}).items():
        if not _is_type(kind):
            fault(f"the column {column} has the type {kind}",
                  "a scalar SQL type of DuckDB: varchar, bigint, double, decimal(18, 2), date …",
                  "correct it.", f"columns.{column}")  # fmt: skip


def table_parts(table: str) -> tuple[str, str] | None:
    """Schema and table of `schema.table`; None where it is something else."""
    try:
        found = sqlglot.exp.to_table(table, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, ValueError):
        return None
    if not found.db or found.catalog or not isinstance(found.this, sqlglot.exp.Identifier):
        return None
    return found.db, found.name


def _check_server(path: str, fault: Fault) -> None:
    expected = "env:NAME (a variable that holds the URL), or postgresql://user@host:5432/database"
    if path.startswith("env:"):
        if environment_name(path) is None:
            fault("path names no variable", expected, "e.g. env:WAREHOUSE_URL.", "path")
        return
    # never shown: whatever stands here may hold a password
    if not path.startswith(("postgresql://", "postgres://")):
        fault("path is no address of PostgreSQL", expected, "e.g. env:WAREHOUSE_URL.", "path")
        return
    try:
        parts = urlsplit(path)
        secret = parts.password is not None or any(
            "pass" in key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)
        )
    except ValueError:
        fault("path is no address of PostgreSQL", expected, "e.g. env:WAREHOUSE_URL.", "path")
        return
    if secret:
        fault(
            "path holds a password",
            "a password from PGPASSWORD, a pgpass file, or a URL in the environment (env:NAME)",
            "take it out, and change that password.",
            "path",
        )


def _is_type(kind: str) -> bool:
    if not _TYPE.fullmatch(kind):
        return False
    with Engine.open(None) as engine:
        try:
            engine.execute(f"select cast(null as {kind})")
        except WarehouseError:
            return False
    return True
