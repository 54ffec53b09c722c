"""Opens what was published: a snapshot by id, or the current one. Reading never locks a writer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from ..documents import digest
from ..errors import PlanError, WarehouseError
from ..project import Home
from ..settings import Settings

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..warehouse import Engine

SNAPSHOT_SCHEMA = "landed.snapshot/1"
POINTER = "current"
LATEST = "latest.json"
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published state.

    Args:
        id: 16 hexadecimal digits, from the digest of its inputs.
        path: Its folder.
        manifest: Digests, sizes, inputs, parent, verdicts.
        catalog: Definitions as they stood, with the compiled daily query of each metric.
    """

    id: str
    path: Path
    manifest: Mapping[str, Any]
    catalog: Mapping[str, Any]

    @property
    def duckdb(self) -> Path:
        """The database file; read-only."""
        return self.path / "landed.duckdb"

    @property
    def overview(self) -> Path:
        """The page over all releases."""
        return self.path.parent.parent / "reports" / "index.html"


def pointer_id(home: Home) -> str | None:
    """What the pointer names, whether or not it is whole; None where it names nothing."""
    try:
        found = orjson.loads((home.snapshots / POINTER).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None  # a run replaces the pointer whole; a broken one names nothing
    return str(found["id"]) if isinstance(found, dict) and "id" in found else None


def current(home: Home) -> Snapshot | None:
    """The snapshot readers see now; None before the first one.

    Raises:
        WarehouseError: The pointer or what it names is damaged.
    """
    if not (home.snapshots / POINTER).exists():
        return None
    named = pointer_id(home)
    if named is None:
        raise WarehouseError(
            "the pointer to the current snapshot names none",
            expected='{"id": …}',
            where=str(home.snapshots / POINTER),
            fix="run `landed run --full`; it publishes again.",
            code="snapshot_damaged",
        )
    return read_snapshot(home, named)


def read_snapshot(home: Home, snapshot: str) -> Snapshot:
    """A snapshot by id.

    Raises:
        WarehouseError: There is none, or its files are not those of its manifest.
    """
    if not _ID.fullmatch(snapshot):
        raise WarehouseError(
            f"{snapshot[:40]!r} is no snapshot id", expected="16 hexadecimal digits"
        )
    folder = home.snapshots / snapshot
    try:
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        catalog = orjson.loads((folder / "catalog.json").read_bytes())
        bytes_now = (folder / "landed.duckdb").stat().st_size
        bytes_then = manifest["files"]["landed.duckdb"]["bytes"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise WarehouseError(
            f"no whole snapshot {snapshot}: {error}",
            where=str(folder),
            fix="choose one of " + (", ".join(list_ids(home)) or "none; run `landed run` first"),
            code="snapshot_missing",
        ) from error
    if bytes_now != bytes_then:
        raise WarehouseError(
            f"snapshot {snapshot} has a database of {bytes_now} bytes",
            expected=f"{bytes_then}, as its manifest says",
            where=str(folder),
            fix="remove the folder and run `landed run`; it publishes again.",
            code="snapshot_damaged",
        )
    return Snapshot(snapshot, folder, manifest, catalog)


def list_ids(home: Home) -> list[str]:
    """Ids of all snapshots on disk, sorted."""
    if not home.snapshots.is_dir():
        return []
    return sorted(path.name for path in home.snapshots.iterdir() if _ID.fullmatch(path.name))


def require_published(home: Home, published: Snapshot | None) -> Snapshot:
    """The snapshot, if there is one.

    Raises:
        WarehouseError: Nothing was published yet.
    """
    if published is None:
        raise WarehouseError(
            "nothing was published yet",
            where=str(home.snapshots),
            fix="run `landed run` first.",
            code="nothing_published",
        )
    return published


def require_definitions(published: Snapshot, catalog: Catalog) -> None:
    """A snapshot answers with the definitions it was made with, not an open editor's.

    Raises:
        PlanError: They changed since.
    """
    made_with = published.manifest["inputs"]
    now = {"catalog": catalog.digest, "releases": releases_digest(catalog)}
    changed = [name for name, value in now.items() if made_with.get(name) != value]
    if changed:
        raise PlanError(
            f"the {' and '.join(changed)} changed since snapshot {published.id}",
            expected="the definitions it was made with",
            where=str(published.path),
            fix="run `landed run`, then ask again.",
            code="definitions_changed",
        )


def releases_digest(catalog: Catalog) -> str:
    """Digest of all release files."""
    return digest({name: release.digest for name, release in catalog.releases.items()})


def open_snapshot(
    home: Home, snapshot: str | None = None, *, settings: Settings | None = None
) -> Engine:
    """Open a snapshot's database read-only and locked down; the caller closes it.

    The order matters: limits first, then files are closed to SQL, then the settings are locked.

    Args:
        home: The state.
        snapshot: Id; None takes the current one.
        settings: Threads and memory.

    Raises:
        WarehouseError: Nothing was published yet, or the snapshot is missing or damaged.
    """
    from ..warehouse import Engine

    published = current(home) if snapshot is None else read_snapshot(home, snapshot)
    found = require_published(home, published)
    engine = Engine.open(found.duckdb, read_only=True, settings=settings)
    try:
        engine.seal()
    except WarehouseError:
        engine.close()
        raise
    return engine


def latest_pointer(home: Home, release: str) -> Mapping[str, Any] | None:
    """What `latest.json` of a release says: snapshot, as_of, decision, last_good."""
    path = home.reports / release / LATEST
    try:
        found: Mapping[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except orjson.JSONDecodeError as error:
        raise WarehouseError(
            f"the pointer to the latest report is damaged: {error}",
            where=str(path),
            fix="remove it and run `landed run --full`.",
            code="report_damaged",
        ) from error
    if not isinstance(found, dict) or "snapshot" not in found:
        raise WarehouseError(
            "the pointer to the latest report names none",
            where=str(path),
            fix="remove it and run `landed run --full`.",
            code="report_damaged",
        )
    return found


def stale_since(home: Home, release: str, snapshot: str) -> str | None:
    """Instant (UTC, ISO 8601) of the data on which a report was withdrawn; None if it was not.

    Every earlier one is while the latest word on its release is that the gate blocked it. That
    word stands in two places, in the release's pointer and in the current snapshot; one is enough.
    """
    pointer = latest_pointer(home, release) or {}
    if pointer.get("decision") == "blocked" and pointer["snapshot"] != snapshot:
        return str(pointer["as_of"])
    try:
        shown = current(home)
    except WarehouseError:  # damaged: the pointer alone can tell
        return None
    if shown is None or shown.id == snapshot:
        return None
    if shown.manifest.get("releases", {}).get(release) != "blocked":
        return None
    try:
        notice = orjson.loads((home.reports / release / f"{shown.id}.json").read_bytes())
        return str(notice["as_of"])
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
        return str(shown.manifest["created_at"])
