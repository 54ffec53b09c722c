"""The cases: each prepares outside the measurement and returns the work to be measured."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from landed.catalog import load_catalog
from landed.compiler import compile_unit_moments
from landed.ingest import ingest
from landed.project import Home, core_root, load_project
from landed.settings import Settings
from landed.warehouse import Engine

Work = Callable[[], None]
DEMO = core_root() / "examples" / "demo"
COLUMNS = (
    "{event_id: 'varchar', event_name: 'varchar', occurred_at: 'timestamp', "
    "received_at: 'timestamp', user_id: 'varchar', anonymous_id: 'varchar', "
    "session_id: 'varchar', app_version: 'varchar', properties: 'json'}"
)


def ingest_landed(home: str) -> Work:
    """gz JSONL → validated, typed, de-duplicated, accounted, daily sorted Parquet."""
    place = Home(Path(tempfile.mkdtemp(prefix="landed-bench-")))
    atexit.register(shutil.rmtree, place.root)
    place.landing.symlink_to(Home(Path(home)).landing.resolve())
    project = load_project(DEMO)
    settings = Settings.from_environment()
    return lambda: void(ingest(project, place, settings, only=["events"]))


def ingest_raw(home: str) -> Work:
    """The limit: DuckDB's typed reader straight to one Parquet file, nothing checked."""
    files = f"{home}/landing/events/*.jsonl.gz"
    folder = tempfile.mkdtemp(prefix="landed-bench-")
    atexit.register(shutil.rmtree, folder)
    target = f"{folder}/raw.parquet"
    engine = Engine.open(None, settings=Settings.from_environment())
    # the demo plants broken lines, on which the strict reader would stop
    sql = (
        f"copy (select * from read_json('{files}', format = 'newline_delimited', "
        f"columns = {COLUMNS}, ignore_errors = true)) to '{target}' "
        "(format parquet, compression zstd)"
    )
    return lambda: engine.execute(sql)


def moments(home: str, metrics: str) -> Work:
    """Unit moments of a release in one query, for so many of its metrics."""
    catalog = load_catalog(load_project(DEMO))
    release = catalog.releases["onboarding-checklist"]
    names = release.metrics[: int(metrics)]
    sql = compile_unit_moments(
        catalog, release, names, cutoff_at=datetime(2026, 10, 12, tzinfo=UTC)
    ).sql
    engine = _build(home)
    return lambda: void(engine.rows(sql))


def scan(home: str) -> Work:
    """The limit: exposures joined to all events, grouped by unit, three aggregates read."""
    engine = _build(home)
    sql = """
        select count(*), sum(events), sum(days), sum(length(last_name)) from (
            select e.unit_id, count(*) as events, count(distinct e.event_on) as days,
                max(e.event_name) as last_name
            from main.fct_events as e
            inner join main.fct_exposures as x
                on e.unit_id = x.unit_id and x.release = 'onboarding-checklist'
            where e.occurred_at >= x.exposed_at
            group by e.unit_id
        )
    """
    return lambda: void(engine.rows(sql))


def void(_: object) -> None:
    """Drop a result."""


def _build(home: str) -> Engine:
    engine = Engine.open(
        Home(Path(home)).build, read_only=True, settings=Settings.from_environment()
    )
    engine.rows("select count(*) from main.fct_events")  # pages in, as for both sides
    return engine
