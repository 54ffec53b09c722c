"""Tables that exist already: checked against their contract, shown as `lake.<source>`.

Parquet files are read where they are. A table of PostgreSQL or of a DuckDB file is copied to
Parquet below `<home>/relations` when it changed, so that no lock or write of its owner meets
a build. What was read, and in which state, stands in `work/relations.json` of the home.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..documents import digest
from ..errors import Fault, LandedError, SourceError, WarehouseError
from ..project import Home, Project
from ..settings import Settings
from ..warehouse import Engine
from .accounts import RelationAccount
from .contract import cast_columns, quoted, violations
from .formats.records import digest_of
from .matching import written
from .relation_rules import environment_name, reserved_names, table_parts
from .sources import Source, load_sources

Entry = dict[str, Any]
Progress = Callable[[str], None]

_FOUND = "found"  # the relation within the engine that checks it


def check_places(relations: Iterable[Source], home: Home) -> list[Fault]:
    """What is missing where the relations are said to be."""
    faults: list[Fault] = []
    for source in relations:
        name = environment_name(source.path)
        if source.format == "postgres":
            if name and not os.environ.get(name):
                faults.append(
                    _fault(source, f"the variable {name} is not set", "the URL of the database",
                           f"set {name}, password included or in a pgpass file.")
                )  # fmt: skip
        elif not _files(source, home):
            faults.append(
                _fault(source, f"there is no file: {source.pattern(home)}", "at least one file",
                       "correct `path`, or put the file there.", "source_missing")
            )  # fmt: skip
    return faults


def stale_relations(relations: Iterable[Source], home: Home) -> list[tuple[str, int, str]]:
    """Relations that are not as they were when they were read: name, rows then, state now.

    Raises:
        SourceError: A database cannot be asked; all of them at once.
    """
    kept = recorded(home)
    faults: list[Fault] = []
    found: list[tuple[str, int, str]] = []
    for source in relations:
        entry = kept.get(source.source, {})
        try:
            state = _state(source, home)
        except LandedError as error:
            faults += [_at(source, fault) for fault in error.faults]
            continue
        if (entry.get("declared"), entry.get("state")) != (_declared(source), state):
            found.append((f"relation {source.source}", int(entry.get("rows", 0)), state))
    if faults:
        raise SourceError(faults)
    return found


def read_relations(
    relations: Sequence[Source],
    home: Home,
    settings: Settings,
    *,
    known: set[str],
    again: bool = False,
    progress: Progress | None = None,
) -> tuple[RelationAccount, ...]:
    """Hold each relation against its contract, and copy those of a database.

    One that is as it was when it passed is not read again.

    Args:
        relations: Those to read.
        home: Where copies are kept. Its lock is held by the caller.
        settings: Threads and memory.
        known: Names of all sources of the project; what was kept of others is dropped.
        again: Read them all the same.
        progress: Is told one line a relation.

    Raises:
        SourceError: A relation breaks its contract, or cannot be read; all faults of all of them at
            once. What was read before stays.
    """
    kept = {name: entry for name, entry in recorded(home).items() if name in known}
    _sweep(home, kept)
    faults: list[Fault] = []
    accounts: list[RelationAccount] = []
    for source in relations:
        try:
            entry = kept.get(source.source)
            is_new = again or entry is None or not _is_current(source, entry, home)
            if entry is None or is_new:
                entry = _read(source, home, settings)
        except LandedError as error:
            faults += [_at(source, fault) for fault in error.faults]
            continue
        kept[source.source] = entry
        found = _account(source.source, entry, is_new)
        accounts.append(found)
        if progress:
            progress(str(found))
    if faults:
        raise SourceError(faults)
    _record(home, kept)
    return tuple(accounts)


def attach_relations(engine: Engine, project: Project, home: Home) -> None:
    """Show every relation of a project as the view `lake.<source>`, and no other.

    Args:
        engine: The build database, writable, with the schema `lake`.
        project: Declares the relations.
        home: Where they were read to.

    Raises:
        WarehouseError: One was not read as it is declared now, or its files changed since; all of
            them at once.
    """
    relations = [one for one in load_sources(project).values() if one.is_relation]
    kept = recorded(home)
    faults = [fault for one in relations for fault in _not_as_read(one, kept.get(one.source), home)]
    if faults:
        raise WarehouseError(faults)
    wanted = {one.source for one in relations}
    for (name,) in engine.rows(
        "select view_name from duckdb_views() where schema_name = 'lake' and not internal"
    ):
        if name not in wanted | reserved_names():
            engine.execute(f"drop view lake.{quoted(name)}")
    for source in relations:
        entry = kept[source.source]
        query = entry["query"].replace("$files", _listed(entry["files"]))
        engine.execute(f"create or replace view lake.{quoted(source.source)} as {query}")


def relation_accounts(home: Home) -> tuple[RelationAccount, ...]:
    """Every relation as it was when it passed its contract, by name."""
    return tuple(_account(name, entry, False) for name, entry in sorted(recorded(home).items()))


def recorded(home: Home) -> dict[str, Entry]:
    """What was read of each relation, by name."""
    path = home.work / "relations.json"
    if not path.is_file():
        return {}
    found: dict[str, Entry] = orjson.loads(path.read_bytes())
    return found


def relations_digest(home: Home) -> str:
    """Digest of all relations as they were read; empty without any."""
    found = {name: entry["digest"] for name, entry in recorded(home).items()}
    return digest(found) if found else ""


def _read(source: Source, home: Home, settings: Settings) -> Entry:
    state = _state(source, home)  # before the rows: what changes meanwhile is read again
    spill = home.lake / ".tmp" / "spill"
    with Engine.open(None, settings=settings, temporary=spill) as engine:
        if source.format == "parquet":
            files = _files(source, home)
            _show(engine, f"select * from read_parquet({_listed(files)}, union_by_name = true)")
            entry = _checked(engine, source, {})
            query = f"select {entry['columns']} from read_parquet($files, union_by_name = true)"
            _require(
                source, _state(source, home) == state, "its files changed while they were read"
            )
            return {**_entry(source, state, entry["rows"], files, query), "digest": state}
        target = home.lake / ".tmp" / f"{source.source}.{os.getpid()}.relation"
        target.parent.mkdir(parents=True, exist_ok=True)
        raw = target.with_suffix(".raw")
        try:
            if source.format == "duckdb":
                engine.attach(Path(source.pattern(home)), "origin")
                schema, table = table_parts(str(source.table)) or ("", "")
                _show(engine, f"select * from origin.{quoted(schema)}.{quoted(table)}")
                entry = _checked(engine, source, {})
            else:
                types, state = _copy_text(source, raw)
                _show(engine, f"select * from read_parquet({_listed([[str(raw), 0, 0]])})")
                entry = _checked(engine, source, types)
            order = ", ".join(quoted(name) for name in source.grain)
            engine.execute(
                f"copy (select {entry['columns']} from {_FOUND} order by {order})"
                f" to {_text(str(target))} (format parquet, compression zstd)"
            )
        finally:
            raw.unlink(missing_ok=True)
    sha256 = digest_of(target)
    final = home.relations / source.source / f"{sha256[:32]}.parquet"
    final.parent.mkdir(parents=True, exist_ok=True)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    target.replace(final)
    query = "select * from read_parquet($files)"
    found = _entry(source, state, entry["rows"], [_described(final)], query)
    return {**found, "digest": sha256}


def _copy_text(source: Source, raw: Path) -> tuple[dict[str, str], str]:
    """Stream a table of PostgreSQL into a Parquet file of texts: its types and its state."""
    from ..warehouse.postgres_tables import open_table

    schema, table = table_parts(str(source.table)) or ("", "")
    with open_table(_url(source), schema, table) as found:
        state = found.marker()
        fields = pa.schema([(name, pa.string()) for name in found.columns])
        with pq.ParquetWriter(raw, fields, compression="zstd") as writer:
            for batch in found.batches():
                writer.write_batch(batch)
        return found.columns, state


def _checked(engine: Engine, source: Source, types: Mapping[str, str]) -> Entry:
    """Rows and the list of typed columns of `found`; every violation at once.

    Args:
        engine: Holds the view `found`.
        source: Its contract.
        types: SQL type by column where `found` holds texts; what is declared goes before it.
    """
    has = {str(row[0]): str(row[1]) for row in engine.rows(f"describe select * from {_FOUND}")}
    declared = {name.lower(): kind for name, kind in {**types, **source.columns}.items()}
    faults = violations(
        engine, _FOUND, grain=source.grain, columns=source.columns, has=has, wanted=declared
    )
    if faults:
        raise SourceError(_fault(source, *fault) for fault in faults)
    counted = engine.one(f"select count(*) from {_FOUND}")
    return {"rows": int(counted[0]) if counted else 0, "columns": cast_columns(has, declared)}


def _show(engine: Engine, query: str) -> None:
    engine.execute(f"create or replace temp view {_FOUND} as {query}")


def _entry(
    source: Source, state: str, rows: int, files: Sequence[Sequence[Any]], query: str
) -> Entry:
    return {
        "format": source.format, "grain": list(source.grain),
        "declared": _declared(source), "state": state, "rows": rows, "files": list(files),
        "query": query,
    }  # fmt: skip


def _account(name: str, entry: Entry, is_new: bool) -> RelationAccount:
    grain = tuple(entry["grain"])
    return RelationAccount(name, entry["format"], len(entry["files"]), entry["rows"], grain, is_new)


def _declared(source: Source) -> str:
    """Digest of the contract; a relation that was read by another one is read again."""
    contract = [source.format, source.path, source.table, source.grain, dict(source.columns)]
    return digest(contract)


def _state(source: Source, home: Home) -> str:
    """Changes when the relation did."""
    if source.format == "postgres":
        from ..warehouse.postgres_tables import open_table

        schema, table = table_parts(str(source.table)) or ("", "")
        with open_table(_url(source), schema, table) as found:
            return found.marker()
    return digest(_files(source, home))


def _files(source: Source, home: Home) -> list[list[Any]]:
    """Path, bytes and time of change (ns) of the files that hold a relation."""
    path = Path(source.pattern(home))
    if source.format == "duckdb":  # what was not written back yet stands beside it
        return [
            _described(one)
            for one in (path, path.with_name(path.name + ".wal"))
            if path.is_file() and one.is_file()
        ]
    if path.is_dir():
        found = [_described(one) for one in sorted(path.rglob("*.parquet")) if one.is_file()]
    else:
        found = [[str(file.path), file.size, int(file.version)] for file in source.files(home)]
    odd = [name for name, _, _ in found if written(name) != name]
    if odd:  # the engine takes no such name
        what = f"the name of {written(odd[0])} is no UTF-8"
        raise SourceError(_fault(source, what, "a name in UTF-8", "rename the file."))
    return found


def _described(path: Path) -> list[Any]:
    state = path.stat()
    return [str(path), state.st_size, state.st_mtime_ns]


def _is_current(source: Source, entry: Entry, home: Home) -> bool:
    if entry["declared"] != _declared(source) or entry["state"] != _state(source, home):
        return False
    return all(Path(path).is_file() for path, _, _ in entry["files"])


def _not_as_read(source: Source, entry: Entry | None, home: Home) -> Iterable[Fault]:
    if entry is None or entry["declared"] != _declared(source):
        what = f"the relation `{source.source}` was not read as it is declared now"
        fix = f"run `landed ingest {source.source}`."
        yield Fault(what, "", str(source.defined_in), fix, "relation_not_read")
        return
    for path, size, changed_ns in entry["files"]:
        if not Path(path).is_file() or _described(Path(path)) != [path, size, changed_ns]:
            what = f"{path} changed since the relation `{source.source}` was checked"
            fix = f"run `landed ingest {source.source}`."
            yield Fault(what, "", str(source.defined_in), fix, "relation_changed")


def _record(home: Home, kept: Mapping[str, Entry]) -> None:
    path = home.work / "relations.json"
    if not kept and not path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    draft.replace(path)


def _sweep(home: Home, kept: Mapping[str, Entry]) -> None:
    """Remove copies that no relation names any more; the views of a build may name the last."""
    listed = {path for entry in kept.values() for path, _, _ in entry["files"]}
    for path in (home.relations).glob("*/*.parquet"):
        if str(path) not in listed:
            path.unlink()


def _url(source: Source) -> str:
    name = environment_name(source.path)
    return os.environ.get(name, "") if name else source.path


def _require(source: Source, holds: bool, what: str) -> None:
    if not holds:
        fix = "write files elsewhere and rename them into place; then run again."
        raise SourceError(_fault(source, what, "finished files", fix, "source_changed"))


def _fault(source: Source, what: str, expected: str, fix: str, code: str = "relation") -> Fault:
    return Fault(
        f"the relation `{source.source}`: {what}", expected, str(source.defined_in), fix, code
    )


def _at(source: Source, fault: Fault) -> Fault:
    if fault.where == str(source.defined_in):
        return fault
    return _fault(source, fault.what, fault.expected, fault.fix, fault.code)


def _listed(files: Iterable[Sequence[Any]]) -> str:
    """SQL of a list of these files and no others: a name may be a pattern."""
    return "[" + ", ".join(_text(glob.escape(str(path))) for path, _, _ in files) + "]"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
