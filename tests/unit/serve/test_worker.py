"""A query that takes too long is stopped, whatever it does, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psutil
import pytest

from landed.errors import WarehouseError
from landed.serve.worker import Worker
from landed.settings import Settings

ENDLESS = "select count(*) from range(100000000000) as a(x) where hash(x) = 1"
#: `interrupt()` does not stop this one.
DEAF = "select length(repeat('a', 2000000000)) from range(1000)"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "small.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1::bigint as a, 'x' as b, null::date as c")
    return path


@pytest.fixture
def worker(database: Path) -> Iterator[Worker]:
    with Worker(Settings(query_timeout_seconds=30, memory_limit_mb=512)) as worker:
        worker.open(database)
        yield worker


def is_gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_rows_come_with_the_names_and_types_of_their_columns(worker: Worker) -> None:
    found = worker.ask("select * from t where a = ?", [1])

    assert found.columns == (("a", "BIGINT"), ("b", "VARCHAR"), ("c", "DATE"))
    assert found.rows == [(1, "x", None)]


def test_a_second_statement_is_answered_after_one_that_failed(worker: Worker) -> None:
    with pytest.raises(WarehouseError, match="nope"):
        worker.ask("select nope from t")

    assert worker.ask("select a from t").rows == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "create table u (a int)",
        "copy (select 1) to '/tmp/landed_worker_test'",
        "select * from read_text('/etc/hostname')",
        "set memory_limit = '100GB'",
        "install httpfs",
    ],
)
def test_the_database_is_read_only_and_sealed(worker: Worker, sql: str) -> None:
    with pytest.raises(WarehouseError):
        worker.ask(sql)


@pytest.mark.parametrize("sql", [ENDLESS, DEAF])
def test_a_query_past_its_time_limit_is_killed(database: Path, sql: str) -> None:
    started = time.monotonic()

    with Worker(Settings(query_timeout_seconds=1, memory_limit_mb=8192)) as worker:
        worker.open(database)
        with pytest.raises(WarehouseError, match=r"time limit of 1 seconds") as stopped:
            worker.ask(sql)
        pid = worker.pid

    assert stopped.value.code == "time_limit"
    assert "--time-limit 4" in stopped.value.faults[0].fix
    assert is_gone(pid)
    assert time.monotonic() - started < 10


def test_a_query_past_its_memory_limit_is_refused(database: Path) -> None:
    with Worker(Settings(query_timeout_seconds=60, memory_limit_mb=128)) as worker:
        worker.open(database)
        with pytest.raises(WarehouseError, match="limit of 128 MB") as refused:
            worker.ask("select count(*) from (select distinct x from range(50000000) as a(x))")

    assert refused.value.code == "memory_limit"
    assert "--memory-limit 256" in refused.value.faults[0].fix


def test_the_death_of_the_process_is_reported(worker: Worker) -> None:
    worker.ask("select 1")
    os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(WarehouseError, match="ended by signal 9") as died:
        worker.ask("select 1")

    assert died.value.code == "worker_died"


def test_a_worker_whose_user_was_killed_ends_by_itself(database: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from landed.serve.worker import Worker\n"
        "from landed.settings import Settings\n"
        "worker = Worker(Settings(query_timeout_seconds=300))\n"
        f"worker.open(Path({str(database)!r}))\n"
        "worker.ask('select 1')\n"
        "print(worker.pid, flush=True)\n"
        f"worker.ask({ENDLESS!r})\n"
    )
    user = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    pid = int(user.stdout.readline())
    assert psutil.pid_exists(pid)

    user.kill()
    user.wait()
    user.stdout.close()

    assert is_gone(pid)
