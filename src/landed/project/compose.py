"""Writes the dbt project of a run: the core as a package, the project's own models over it.

Core and project are copied into `<home>/dbt`. A path to the originals would not do: dbt follows no
symlinked folder, and with an absolute model-path it would write a compiled model over its source.
The core stands where dbt looks for installed packages, so nothing has to be installed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ..documents import read_yaml
from ..errors import ContractError, Fault
from ..settings import Settings
from .layout import Home, Project, core_root

CORE = "landed_core"
_CORE_AT = PurePosixPath("packages") / CORE
_MARK = "composed.json"
_OURS = ("models", "metrics", "macros", "tests", str(_CORE_AT))  # subtrees where a stray file goes
_COPIED = {".sql", ".yml", ".yaml", ".md"}
_LAYERS = ("staging", "intermediate", "marts")
_RELATIONS = PurePosixPath("models/_landed_relations.yml")  # the relations as sources of dbt
_KEPT_APART = {"macros", "tests"}  # below models/, as in the core; dbt must not read them as models

Files = dict[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Composed:
    """What was composed.

    Args:
        path: The dbt project's folder.
        digest: SHA-256 of everything in it; it changes whenever dbt must parse again.
        models_digest: SHA-256 of what decides the rows of a model: SQL, its configuration and
            the engine.
        replaces_core: Whether the project puts a model of its own in the place of the core's.
    """

    path: Path
    digest: str
    models_digest: str
    replaces_core: bool = False


def compose(project: Project, home: Home, settings: Settings | None = None) -> Path:
    """Write `<home>/dbt` and return it. A file whose content is the same is left alone.

    Raises:
        ContractError: The project's models can't be composed with the core; all faults at once.
    """
    return compose_project(project, home, settings).path


def compose_project(project: Project, home: Home, settings: Settings | None = None) -> Composed:
    """Like `compose`, with the digests that tell whether anything changed."""
    settings = settings or Settings()
    files, replaces_core = _files(project, home, settings)
    digest = _digest(files)
    decisive = {path: raw for path, raw in files.items() if path.suffix == ".sql"}
    decisive |= {path: raw for path, raw in files.items() if path.name == "dbt_project.yml"}
    mark = home.dbt / _MARK
    if not (mark.is_file() and mark.read_text() == digest and _complete(home.dbt, files)):
        _write(home.dbt, files)
        mark.write_text(digest)
    # the models keep hashes, which another version of the engine may make otherwise
    decisive[PurePosixPath("duckdb")] = version("duckdb").encode()
    return Composed(home.dbt, digest, _digest(decisive), replaces_core)


def source_file(project: Project, package: str, path: str) -> Path:
    """The file a person edits, for a path inside the composed project or its core package."""
    if package == CORE:
        return core_root() / path
    first, *rest = PurePosixPath(path).parts
    return (
        project.root.joinpath("models", first, *rest)
        if first in _KEPT_APART
        else (project.root / path)
    )


def _files(project: Project, home: Home, settings: Settings) -> tuple[Files, bool]:
    if project.name == CORE:
        raise ContractError(
            f"the project is named {CORE}",
            expected="another name: that one is the core's",
            where=str(project.root / "landed.toml"),
            fix="rename the project.",
        )
    core, faults = core_root(), list[Fault]()
    own = {
        _place(path): raw
        for folder in ("models", "metrics")
        for path, raw in _read(project.root, folder, faults)
    }
    relations = _relations(project)
    if relations and _RELATIONS in own:
        where = str(project.root / _RELATIONS)
        faults.append(Fault("the file has a name of landed's own", "", where, "rename it."))
    shared = dict(_read(core, "models", faults)) | dict(_read(core, "metrics", faults))
    if faults:
        raise ContractError(faults)
    replaced = _replaced(project.root, own)
    for path in [path for path in shared if path.suffix in (".yml", ".yaml")]:
        left = _without(core / path, replaced)
        if left is None:
            del shared[path]
        elif left:
            shared[path] = _yaml(left)
    files = dict(own)
    if relations:
        files[_RELATIONS] = _yaml(_as_sources(relations))
    files[_CORE_AT / "dbt_project.yml"] = (core / "dbt_project.yml").read_bytes()
    files |= {_CORE_AT / path: raw for path, raw in shared.items()}
    off = _switched_off(shared, replaced["sql"])
    files[PurePosixPath("dbt_project.yml")] = _yaml(_dbt_project(project, off))
    files[PurePosixPath("profiles.yml")] = _yaml(_profile(home, settings))
    return files, bool(off)


def _relations(project: Project) -> list[dict[str, Any]]:
    """What the project's source files of `kind: relation` say; ingest checks their rules."""
    paths = (*project.sources.glob("*.yml"), *project.sources.glob("*.yaml"))
    found = [read_yaml(path).data for path in sorted(paths)]
    return [one for one in found if isinstance(one, dict) and one.get("kind") == "relation"]


def _as_sources(relations: list[dict[str, Any]]) -> dict[str, Any]:
    """`source('lake', '<relation>')`, with what is declared of its columns."""
    tables = []
    for one in relations:
        grain, columns = one.get("grain") or (), one.get("columns") or {}
        table = {
            "name": str(one.get("source")),
            "description": f"One row per {', '.join(map(str, grain))}, from {one.get('format')};"
            " it passed its contract.",
            "columns": [{"name": name, "data_type": str(kind)} for name, kind in columns.items()],
        }
        tables.append(table)
    return {"version": 2, "sources": [{"name": "lake", "schema": "lake", "tables": tables}]}


def _place(path: PurePosixPath) -> PurePosixPath:
    """Where a file of the project stands in the composed one."""
    apart = path.parts[0] == "models" and path.parts[1] in _KEPT_APART
    return PurePosixPath(*path.parts[1:]) if apart else path


def _read(root: Path, folder: str, faults: list[Fault]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file dbt would read below `root/folder`, by its path from `root`."""
    for found, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in [name for name in folders if (Path(found) / name).is_symlink()]:
            where = str(Path(found) / name)
            what = "a symlinked folder is not followed"
            faults.append(Fault(what, "", where, "put the files there.", "symlinked_folder"))
        for name in sorted(names):
            path = Path(found) / name
            if path.suffix == ".py":
                what = "a model in Python is not run"
                faults.append(Fault(what, "SQL", str(path), "write it in SQL.", "python_model"))
            elif path.suffix in _COPIED and not name.startswith("."):
                yield PurePosixPath(path.relative_to(root).as_posix()), path.read_bytes()


def _replaced(root: Path, own: Files) -> dict[str, set[str]]:
    """Names the project defines itself, by their key in YAML; under `sql` its models' files."""
    found: dict[str, set[str]] = {"metrics": set(), "semantic_models": set(), "models": set()}
    for folder in ("models", "metrics"):
        for path in sorted((root / folder).rglob("*.y*ml")):
            data = read_yaml(path).data
            for key, names in found.items():
                names.update(_name(entry) for entry in _entries(data, key))
    found["sql"] = {path.stem for path in own if path.suffix == ".sql"}
    return found


def _without(path: Path, replaced: Mapping[str, set[str]]) -> dict[str, Any] | None:
    """A core YAML file less what the project replaces: {} where that is nothing, None where all.

    A replaced model keeps the core's contract and tests unless the project describes it, since
    dbt takes one description a model. Its unit tests prove the core's SQL, and go.
    """
    data = read_yaml(path).data
    left = dict(data)
    for key in ("metrics", "semantic_models", "models"):
        if key in data:
            kept = [entry for entry in _entries(data, key) if _name(entry) not in replaced[key]]
            left[key] = kept
    if "unit_tests" in data:
        tests = _entries(data, "unit_tests")
        left["unit_tests"] = [one for one in tests if one.get("model") not in replaced["sql"]]
    left = {key: value for key, value in left.items() if value != []}
    if left == data:
        return {}
    return left if set(left) - {"version"} else None


def _entries(data: Any, key: str) -> list[dict[str, Any]]:
    entries = data.get(key) if isinstance(data, dict) else None
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name"))


def _switched_off(shared: Files, replaced: set[str]) -> dict[str, Any]:
    """`+enabled: false` for every core model that the project replaces, at dbt's path of it."""
    off: dict[str, Any] = {}
    for path in shared:
        if path.suffix == ".sql" and path.parts[1] in _LAYERS and path.stem in replaced:
            place = off
            for part in (*path.parts[2:-1], path.stem):  # dbt's path starts below a model-path
                place = place.setdefault(part, {})
            place["+enabled"] = False
    return off


def _dbt_project(project: Project, off: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": project.name,
        "version": "1.0.0",
        "config-version": 2,
        "profile": "landed",
        "model-paths": ["models", "metrics"],
        "macro-paths": ["macros"],
        "test-paths": ["tests"],
        "seed-paths": [],
        "snapshot-paths": [],
        "analysis-paths": [],
        "packages-install-path": "packages",
        "clean-targets": ["target", "logs"],
        "flags": {
            "send_anonymous_usage_stats": False,
            "use_colors": False,
            "version_check": False,
            "partial_parse": True,
        },
        "models": {project.name: {"+materialized": "table"}, **({CORE: off} if off else {})},
        "vars": {CORE: project.bots.variables() | project.telemetry.variables()},
        # dbt asks the core before itself how a table is made
        "dispatch": [{"macro_namespace": "dbt", "search_order": [project.name, CORE, "dbt"]}],
    }


def _profile(home: Home, settings: Settings) -> dict[str, Any]:
    build = {
        "type": "duckdb",
        "path": str(home.build),
        "schema": "main",
        "threads": settings.threads,
        "keep_open": True,  # from model to model; `database_released` ends it
        "settings": {"TimeZone": "UTC"},  # of each cursor
        # of the database: set once, since no directory may be named after a model spilled into it
        "config_options": {
            "threads": settings.threads,
            "memory_limit": f"{settings.memory_limit_mb}MB",
            "temp_directory": str(home.warehouse / "tmp"),
            # one checkpoint when it is closed: others would write the same blocks again
            "checkpoint_threshold": "1GB",
            # new rows stay as they were written; `build_database` says when room is made
            "max_vacuum_tasks": 0,
        },
    }
    return {"landed": {"target": "build", "outputs": {"build": build}}}


def _yaml(data: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


def _digest(files: Files) -> str:
    listed = {str(path): hashlib.sha256(raw).hexdigest() for path, raw in files.items()}
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _complete(root: Path, files: Files) -> bool:
    return all((root / path).is_file() for path in files)


def _write(root: Path, files: Files) -> None:
    for part in _OURS:
        for path in (root / part).rglob("*"):
            if path.is_file() and PurePosixPath(path.relative_to(root).as_posix()) not in files:
                path.unlink()
    for name, raw in files.items():
        target = root / name
        if not (target.is_file() and target.read_bytes() == raw):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
