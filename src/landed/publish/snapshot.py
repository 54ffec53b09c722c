"""Publishes one state whole: built aside, closed, flushed, made read-only, then named.

Readers take the pointer `current`, which is replaced last and at once; whatever fails before
leaves the old state in place.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import getpid
from pathlib import Path
from typing import Any

import orjson

from .. import __version__
from ..catalog import Catalog
from ..compiler import MetricQuery, compile_query
from ..documents import canonical_json, digest
from ..errors import LandedError, WarehouseError
from ..project import Home, Project
from ..project.keys import secret_key
from ..report import Report
from ..settings import Settings
from ..warehouse import Engine
from .columns import EXPOSURES, Copy, copy_sql, plan_copies
from .durable import is_alive, sha256_of, sync, write_atomic
from .judged_again import settle, snapshot_id
from .readers import (
    POINTER,
    SNAPSHOT_SCHEMA,
    Snapshot,
    list_ids,
    pointer_id,
    read_snapshot,
)
from .reports import point_to, referenced_snapshots, write_reports
from .tables import TABLES, rows_of

KEEP = 10  # a fortnight of nightly runs less weekends; older ones go unless a report needs them
_ASIDE = ".tmp-"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one snapshot is built from."""

    home: Home
    catalog: Catalog
    reports: Sequence[Report]
    settings: Settings


def publish_snapshot(
    project: Project,
    home: Home,
    catalog: Catalog,
    reports: Sequence[Report],
    *,
    inputs: Mapping[str, str],
    settings: Settings,
    created_at: datetime,
    keep: int = KEEP,
) -> Snapshot:
    """Publish marts, definitions and reports, and make them what readers see.

    A snapshot of the same inputs that exists already is taken as it is, unless a gate says
    something else of a release now: then another takes its place. Call it under the home's lock,
    with no connection to the build database left open.

    Args:
        project: Its name stands over the overview.
        home: The state.
        catalog: Definitions the numbers were made with.
        reports: The latest report or notice of every release.
        inputs: Digest by name of everything the numbers come from.
        settings: Threads and memory.
        created_at: The instant of the run, UTC.
        keep: Newest snapshots that stay on disk. Count, >= 1.

    Raises:
        WarehouseError: The build database lacks something, or another publisher was faster.
        PlanError: A definition reads what may not be published.
    """
    home.snapshots.mkdir(parents=True, exist_ok=True)
    sweep(home)
    parent = pointer_id(home)
    inputs, reports = settle(home, reports, inputs)
    name = snapshot_id(inputs)
    settled = write_reports(home, reports)
    if not _is_whole(home, name):
        plan = _Plan(home, catalog, settled, settings)
        _build(plan, name, inputs, parent, created_at)
    published = read_snapshot(home, name)
    _point(home, published, parent)
    point_to(home, settled, project.name)
    prune(home, keep)
    return published


def sweep(home: Home) -> None:
    """Remove what publishers that are gone left half built."""
    for path in home.snapshots.glob(f"{_ASIDE}*"):
        pid = path.name.rpartition("-")[2]
        if not pid.isdecimal() or int(pid) == getpid() or not is_alive(int(pid)):
            _remove(path)


def prune(home: Home, keep: int) -> list[str]:
    """Remove all but the newest snapshots and those that a latest or last good report names."""
    needed = referenced_snapshots(home) | {pointer_id(home) or ""}
    by_age = sorted(
        list_ids(home),
        key=lambda name: (_created_at(home.snapshots / name), name),
        reverse=True,
    )
    gone = [name for name in by_age[max(1, keep) :] if name not in needed]
    for name in gone:
        _remove(home.snapshots / name)
    return gone


def _build(
    plan: _Plan,
    name: str,
    inputs: Mapping[str, str],
    parent: str | None,
    created_at: datetime,
) -> None:
    folder = plan.home.snapshots / f"{_ASIDE}{name}-{getpid()}"
    folder.mkdir()
    database = folder / "landed.duckdb"
    copies, counts = _fill(plan, database)
    _require_closed(database)
    catalog = folder / "catalog.json"
    write_atomic(catalog, canonical_json(_describe(plan, copies)) + b"\n")
    for path in (database, catalog):
        sync(path)
        path.chmod(0o444)
    manifest = {
        "schema": SNAPSHOT_SCHEMA,
        "id": name,
        "parent": parent,
        "created_at": created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "landed": __version__,
        "inputs": dict(inputs),
        "inputs_digest": digest(dict(inputs)),
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in (database, catalog)
        },
        "tables": counts,
        "releases": {report.release: report.decision for report in plan.reports},
    }
    write_atomic(folder / "manifest.json", canonical_json(manifest) + b"\n", 0o444)
    target = plan.home.snapshots / name
    if target.exists():  # not whole: cut by a full disk or by hand
        _remove(target)
    folder.rename(target)
    sync(plan.home.snapshots)


def _fill(plan: _Plan, database: Path) -> tuple[tuple[Copy, ...], Mapping[str, int]]:
    passed = sorted(report.release for report in plan.reports if not report.is_blocked)
    key = secret_key(plan.home).hex()
    with Engine.open(database, settings=plan.settings) as engine:
        engine.attach(plan.home.build, "build")
        built: dict[str, list[str]] = {}
        for model, column in engine.rows(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = 'build' and schema_name = 'main' "
            "order by table_name, column_index"
        ):
            built.setdefault(model, []).append(column)
        copies = plan_copies(plan.catalog, built)
        for copy in copies:
            # who met a blocked release stays private with its numbers
            condition = "list_contains($passed, release)" if copy.model == EXPOSURES else "true"
            params: dict[str, Any] = {"key": key} if copy.digested else {}
            if copy.model == EXPOSURES:
                params["passed"] = passed
            engine.execute(copy_sql(copy, "build", condition), params or None)
        rows = rows_of(plan.catalog, plan.reports)
        for table in TABLES:
            columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
            engine.execute(f'create table main."{table.name}" ({columns})')
            marks = ", ".join("?" * len(table.columns))
            for row in rows[table.name]:
                engine.execute(f'insert into main."{table.name}" values ({marks})', list(row))
        counts = {}
        for name in (*(copy.model for copy in copies), *(table.name for table in TABLES)):
            counted = engine.one(f'select count(*) from main."{name}"')
            counts[name] = int(counted[0]) if counted else 0
        engine.execute("detach build")
        engine.execute("checkpoint")
    return copies, counts


def _describe(plan: _Plan, copies: Sequence[Copy]) -> Mapping[str, Any]:
    """catalog.json: definitions as they stood, each with its compiled daily query."""
    metrics = []
    for name, metric in sorted(plan.catalog.metrics.items()):
        metrics.append(
            {
                "metric": name,
                "label": metric.label,
                "description": " ".join(metric.description.split()),
                "kind": metric.kind,
                "owner": metric.owner,
                "value": metric.value,
                "direction": metric.direction,
                "tier": metric.tier,
                "window_days": metric.window_days,
                "revision": metric.revision,
                "digest": metric.digest,
                "daily": daily_query(plan.catalog, name),
            }
        )
    return {
        "schema": "landed.catalog/1",
        "digest": plan.catalog.digest,
        "metrics": metrics,
        "models": {copy.model: sorted((*copy.plain, *copy.digested)) for copy in copies},
        "releases": sorted(plan.catalog.releases),
    }


def daily_query(catalog: Catalog, name: str) -> Mapping[str, Any]:
    """The compiled query of a metric by day, with the numerator and denominator of a ratio.

    Returns:
        `sql`, and `columns` of its answer in order; or `refused`, the reason why there is none.
    """
    metric = catalog.metrics[name]
    asked = [name]
    if metric.kind == "ratio":
        plain = [entry.metric for entry in metric.inputs if not entry.filters]
        asked = [*dict.fromkeys(plain), name] if len(plain) == len(metric.inputs) else [name]
    query = MetricQuery(metrics=tuple(asked), group_by=("metric_time",), grain="day")
    try:
        compiled = compile_query(catalog, query)
    except LandedError as error:
        return {"refused": error.faults[0].what}
    return {"sql": compiled.sql, "columns": [column.source for column in compiled.columns]}


def _is_whole(home: Home, name: str) -> bool:
    try:
        read_snapshot(home, name)
    except WarehouseError:
        return False
    return True


def _require_closed(database: Path) -> None:
    for suffix in (".wal", ".tmp"):
        leftover = database.with_name(database.name + suffix)
        if leftover.is_dir():
            _remove(leftover)
        elif leftover.exists():
            raise WarehouseError(
                f"{leftover.name} is left after the database was closed",
                expected="one whole file",
                where=str(database),
                fix="check the disk's free space, then run `landed run` again.",
                code="snapshot_unfinished",
            )


def _point(home: Home, published: Snapshot, parent: str | None) -> None:
    """Replace the pointer, if it still names the parent that this snapshot came after."""
    now = pointer_id(home)
    if now != parent:
        raise WarehouseError(
            f"the current snapshot is {now}",
            expected=f"{parent}, as when this run began to publish",
            where=str(home.snapshots / POINTER),
            fix="another run published meanwhile; run again.",
            code="snapshot_conflict",
        )
    if parent == published.id:
        return
    pointer = {
        "schema": SNAPSHOT_SCHEMA,
        "id": published.id,
        "parent": parent,
        "manifest_sha256": sha256_of(published.path / "manifest.json"),
    }
    write_atomic(home.snapshots / POINTER, canonical_json(pointer) + b"\n")


def _created_at(folder: Path) -> str:
    try:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return ""  # no snapshot without a manifest: the oldest of all
    return str(manifest["created_at"])


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
