import datetime as dt
import subprocess
import sys

import pyarrow as pa
import pytest

from landed.errors import WarehouseError
from landed.settings import Settings
from landed.warehouse import Engine


def test_a_file_keeps_its_rows(tmp_path):
    with Engine.open(tmp_path / "a" / "x.duckdb") as engine:
        engine.execute("create table t as select 1 as n, 'a' as name")

    with Engine.open(tmp_path / "a" / "x.duckdb", read_only=True) as engine:
        assert engine.rows("select * from t") == [(1, "a")]
        assert engine.dicts("select * from t where n = ?", [1]) == [{"n": 1, "name": "a"}]
        assert engine.one("select n from t where n = $n", {"n": 2}) is None
        assert engine.arrow("select n from t").to_pylist() == [{"n": 1}]
        assert list(engine.frame("select n from t")["n"]) == [1]


def test_settings_reach_the_engine():
    with Engine.open(None, settings=Settings(threads=1, memory_limit_mb=256)) as engine:
        found = engine.one("select current_setting('threads'), current_setting('memory_limit')")

    assert found == (1, "244.1 MiB")


def test_time_is_utc_whatever_the_machine_says():
    with Engine.open(None) as engine:
        found = engine.one("select timestamptz '2026-03-29 02:30:00+02' at time zone 'UTC'")

    assert found == (dt.datetime(2026, 3, 29, 0, 30),)  # noqa: DTZ001 - the engine's are naive UTC


def test_reading_refuses_writes(tmp_path):
    Engine.open(tmp_path / "x.duckdb").close()

    with (
        Engine.open(tmp_path / "x.duckdb", read_only=True) as engine,
        pytest.raises(WarehouseError, match="read-only"),
    ):
        engine.execute("create table t (n int)")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WarehouseError, match=r"absent\.duckdb"):
        Engine.open(tmp_path / "absent.duckdb", read_only=True)


def test_a_locked_file_names_who_holds_it(tmp_path):
    path = tmp_path / "x.duckdb"
    program = (
        "import sys; from pathlib import Path; from landed.warehouse import Engine\n"
        "engine = Engine.open(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(WarehouseError, match=rf"process {holder.pid}") as caught:
            Engine.open(path)
    finally:
        holder.communicate()

    assert caught.value.code == "database_locked"


def test_attach_shows_another_file(tmp_path):
    with Engine.open(tmp_path / "it's.duckdb") as engine:
        engine.execute("create table t as select 7 as n")

    with Engine.open(None) as engine:
        engine.attach(tmp_path / "it's.duckdb", "other")
        assert engine.rows("select n from other.t") == [(7,)]
        with pytest.raises(WarehouseError, match="no such database"):
            engine.attach(tmp_path / "absent.duckdb", "gone")


def test_a_sealed_engine_reads_and_writes_no_file(tmp_path):
    (tmp_path / "x.csv").write_text("a\n1\n")
    with Engine.open_sealed() as engine:
        engine.register("raw", pa.table({"n": [1, 2]}))

        assert engine.rows("select sum(n) from raw") == [(3,)]
        for sql in (
            f"select * from read_csv('{tmp_path}/x.csv')",
            f"copy raw to '{tmp_path}/out.csv'",
            f"attach '{tmp_path}/out.duckdb'",
            "set enable_external_access = true",
            "set disabled_filesystems = ''",
        ):
            with pytest.raises(WarehouseError):
                engine.execute(sql)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.csv"]


def test_statement_kinds_tell_every_statement():
    with Engine.open(None) as engine:
        assert engine.statement_kinds("select 1; copy t to 'x'") == ["SELECT", "COPY"]


def test_closing_leaves_rows_of_earlier_writers_in_the_blocks_they_were_written_in(tmp_path):
    path = tmp_path / "build.duckdb"
    day = "from range(130000)"
    for statement in (f"create table days as {day}", f"insert into days {day}"):
        with Engine.open(path) as engine:
            engine.execute(statement)

    with Engine.open(path) as engine:
        engine.execute("create table lists as select 1 as one")

    blocks = "select count(distinct row_group_id) from pragma_storage_info('days')"
    with Engine.open(path, read_only=True) as engine:
        assert engine.rows(blocks) == [(4,)]
