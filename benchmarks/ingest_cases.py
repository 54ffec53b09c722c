"""The cases of the ingest benchmark: DuckDB alone, and landed. Each runs in its own process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from landed.ingest import ingest
from landed.ingest.storing import ENCODING
from landed.project import Home, Project
from landed.settings import Settings

Work = Callable[[], Mapping[str, Any]]
#: Threads of every engine, ours and DuckDB's alone.
THREADS = 2
COLUMNS = (
    "{event_id: 'varchar', event_name: 'varchar', occurred_at: 'timestamp',"
    " received_at: 'timestamp', user_id: 'varchar', anonymous_id: 'varchar',"
    " session_id: 'varchar', app_version: 'varchar', properties: 'json'}"
)
#: What the properties of the generated events are, for the case with a tracking plan.
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "page": {"type": "string", "minLength": 1},
    "country": {"type": "string", "minLength": 2},
    "platform": {"enum": ["web", "ios", "android"]},
    "usd": {"type": "number", "minimum": 0},
    "ms": {"type": "number", "minimum": 0},
    "plan": {"enum": ["free", "team"]},
    "variant": {"enum": ["control", "ranked"]},
    "n": {"type": "integer", "minimum": 1},
}
ACTIONS = (
    "page_view", "screen_view", "search", "item_viewed", "item_added", "item_removed",
    "checkout_started", "order_completed", "message_sent", "file_uploaded", "setting_changed",
)  # fmt: skip


def write_project(root: Path, pattern: str, *, plan: bool = False) -> Project:
    """A project of one source that reads the generated events, and nothing it does not need.

    Args:
        root: Its folder.
        pattern: The source's path.
        plan: Whether every event has a schema in `tracking/`.
    """
    (root / "sources").mkdir(parents=True, exist_ok=True)
    (root / "landed.toml").write_text('[project]\nname = "bench"\n', encoding="utf-8")
    source = f"source: app\nkind: events\nformat: jsonl\npath: {pattern}\n"
    (root / "sources" / "app.yml").write_text(source, encoding="utf-8")
    folder = root / "tracking"
    folder.mkdir(exist_ok=True)
    for name in ("session_started", *ACTIONS) if plan else ():
        also = ("plan", "variant") if name == "session_started" else ("usd", "ms")
        keys = ("page", "country", "platform", *also, "n")
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "description": "Generated.",
            "type": "object",
            "required": list(keys),
            "properties": {key: {**PROPERTIES[key], "description": key} for key in keys},
        }
        (folder / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    return Project(root, "bench")


def settings(memory_limit_mb: int = 4096) -> Settings:
    """What every case of landed runs with: the defaults, on so many threads."""
    return Settings(threads=THREADS, memory_limit_mb=memory_limit_mb)


def landed(*, out: str, pattern: str, plan: bool = False, memory_limit_mb: int = 4096) -> Work:
    """The whole ingest into an empty home: accounts and ledger included.

    Args:
        out: Folder of project and home.
        pattern: Absolute path or glob of the files.
        plan: Whether a tracking plan is held against the events.
        memory_limit_mb: Of the engines. Megabytes.
    """
    project = write_project(Path(out) / "project", pattern, plan=plan)
    home = Home(Path(out) / "home")
    return lambda: accounts(project, home, memory_limit_mb)


def landed_again(*, project: str, home: str, saved: str) -> Work:
    """One more ingest into a copy of a home that has history.

    Args:
        project: Its project's folder.
        home: Where the copy goes; what is there is removed.
        saved: The home with its history. Its lake is linked, its ledger copied.
    """
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(saved, home, copy_function=linked, symlinks=True)
    return lambda: accounts(Project(Path(project), "bench"), Home(Path(home)))


def accounts(project: Project, home: Home, memory_limit_mb: int = 4096) -> dict[str, int]:
    """Ingest; rows by outcome."""
    (found,) = ingest(project, home, settings(memory_limit_mb)).accounts
    return {
        "rows_in": found.rows_in,
        "accepted": found.accepted,
        "duplicate": found.duplicate,
        "conflict": found.conflict,
        "quarantined": found.quarantined,
    }


def limit(*, out: str, pattern: str, own: bool = False) -> Work:
    """DuckDB's typed reader straight to one Parquet file: nothing checked, nothing sorted.

    Args:
        out: Folder of the file.
        pattern: Absolute path or glob of the files.
        own: Whether it is written in the encoding that landed chose, not in DuckDB's own zstd.
    """
    folder = Path(out)
    folder.mkdir(parents=True)
    target = folder / "limit.parquet"
    encoding = ENCODING if own else "compression zstd"
    sql = f"copy ({_reading(pattern)}) to '{target}' (format parquet, {encoding})"
    return lambda: _copied(sql, str(target))


def limit_job(*, out: str, pattern: str) -> Work:
    """The same with the shape landed gives it: one row an id, one folder a day, sorted by unit."""
    folder = Path(out)
    folder.mkdir(parents=True)
    target = folder / "lake"
    sql = f"""
        copy (
            select *, cast(occurred_at as date) as event_on
            from (select distinct on (event_id) * from ({_reading(pattern)}))
            order by event_on, coalesce(user_id, anonymous_id), occurred_at
        ) to '{target}' (format parquet, compression zstd, partition_by (event_on))
    """
    return lambda: _copied(sql, f"{target}/*/*.parquet")


def fingerprint(pattern: str) -> tuple[int, int]:
    """Rows, and a digest over them in any order: what two ways must agree on.

    Without `received_at`: which of two deliveries is kept is the way's own choice.
    """
    with duckdb.connect(config={"threads": THREADS}) as engine:
        row = engine.execute(
            """
            select count(*), bit_xor(hash(event_id, event_name, occurred_at, user_id,
                anonymous_id, session_id, app_version, properties::varchar))
            from read_parquet(?, hive_partitioning = false)
            """,
            [pattern],
        ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def linked(source: str, target: str) -> None:
    """Parquet files never change once written; everything else does."""
    if source.endswith(".parquet"):
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)


def _reading(pattern: str) -> str:
    return (
        f"select * from read_json('{pattern}', format = 'newline_delimited', columns = {COLUMNS})"
    )


def _copied(sql: str, target: str) -> dict[str, int]:
    with duckdb.connect(config={"threads": THREADS}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        written = engine.execute(sql).fetchone()
    return {"accepted": int(written[0]) if written else 0}
