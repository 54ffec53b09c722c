"""The query door: formats, limits, Python, and what is left behind when a query is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

import landed as package
from landed.errors import GateRefused, QueryRefused, WarehouseError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "examples" / "demo"
BY_PLAN = "SELECT plan, MEASURE(revenue) AS revenue FROM metrics GROUP BY plan"
GROWTH = (
    "WITH w AS (SELECT date_trunc('week', metric_time) AS week, MEASURE(revenue) AS v "
    "FROM metrics GROUP BY 1) SELECT week, v / lag(v) OVER (ORDER BY week) AS growth FROM w "
    "ORDER BY week"
)
#: Six joins of everything with everything, which no limit on rows stops.
ENDLESS = (
    "WITH d AS (SELECT date_trunc('hour', metric_time) AS h, 1 + 0 * MEASURE(events) AS k "
    "FROM metrics GROUP BY 1) SELECT count(*) FROM d "
    + " ".join(f"JOIN d AS d{n} ON d.k = d{n}.k" for n in range(1, 6))
    + " WHERE ln(d.k) + extract(hour FROM d1.h) + extract(hour FROM d2.h) <> "
    "extract(hour FROM d3.h) * extract(hour FROM d4.h) - extract(hour FROM d5.h)"
)


@pytest.fixture
def ask(landed: Callable[..., Any], demo_home: Path) -> Callable[..., Any]:
    return lambda *arguments: landed("query", *arguments, "--project", PROJECT, home=demo_home)


def test_all_formats_hold_the_same_rows(ask: Callable[..., Any], tmp_path: Path) -> None:
    rows = ask(BY_PLAN, "--format", "json").json()
    text = ask(BY_PLAN, "--format", "csv").out.splitlines()
    done = ask(BY_PLAN, "--format", "arrow", "--output", str(tmp_path / "found.arrows"))
    table = pa.ipc.open_stream((tmp_path / "found.arrows").read_bytes()).read_all()

    assert done.code == 0
    assert done.out == ""
    assert len(rows) >= 2
    assert table.to_pylist() == rows
    assert table.schema.types == [pa.string(), pa.float64()]
    assert text == ["plan,revenue", *(f"{row['plan']},{row['revenue']}" for row in rows)]


def test_details_say_what_ran_and_on_which_snapshot(ask: Callable[..., Any]) -> None:
    found = ask(GROWTH, "--format", "json", "--details").json()

    assert found["columns"] == ["week", "growth"]
    assert found["warnings"] == []
    assert found["sql"] + "\n" == ask(GROWTH, "--sql").out
    assert len(found["snapshot"]) == 16
    assert found["rows"][0]["growth"] is None
    assert found["rows"][1]["growth"] > 0


def test_python_gives_what_the_command_gives(ask: Callable[..., Any], demo_home: Path) -> None:
    answer = package.query(BY_PLAN, project=PROJECT, home=demo_home)

    assert answer.to_dicts() == ask(BY_PLAN, "--format", "json").json()
    assert list(answer) == answer.to_dicts()
    assert len(answer) == len(answer.rows)
    assert answer.to_arrow().to_pylist() == answer.to_dicts()
    assert list(answer.to_pandas().columns) == ["plan", "revenue"]
    assert answer.warnings == ()


def test_what_is_no_number_is_no_value(demo_home: Path) -> None:
    sql = (
        "SELECT ln(0 * MEASURE(revenue)) AS a, sqrt(0 - MEASURE(revenue)) AS b,"
        " MEASURE(revenue) + 1e999 AS c, MEASURE(events) AS d FROM metrics"
    )

    ((*none, events),) = package.query(sql, project=PROJECT, home=demo_home).rows

    assert none == [None, None, None]
    assert events > 0


def test_python_refuses_what_the_command_refuses(demo_home: Path) -> None:
    with pytest.raises(QueryRefused, match="did you mean `revenue`"):
        package.query("SELECT MEASURE(revenu) FROM metrics", project=PROJECT, home=demo_home)


def test_a_blocked_release_gives_no_number_inside_a_script_either(demo_home: Path) -> None:
    inner = "SELECT variant, MEASURE(activation_rate) AS a FROM metrics WHERE release = "

    with pytest.raises(GateRefused, match="blocked"):
        package.query(
            f"SELECT x.a FROM ({inner}'onboarding-checklist' GROUP BY 1) AS x "
            f"JOIN ({inner}'search-ranking' GROUP BY 1) AS y USING (variant)",
            project=PROJECT,
            home=demo_home,
        )


def test_a_query_past_its_time_limit_ends_with_a_fix(ask: Callable[..., Any]) -> None:
    done = ask(ENDLESS, "--time-limit", "1")

    assert done.code == 3
    assert done.out == ""
    assert "time limit of 1 seconds" in done.err
    assert "--time-limit 4" in done.err


def test_limits_hold_in_python_too(demo_home: Path) -> None:
    with pytest.raises(WarehouseError, match="time limit") as stopped:
        package.query(ENDLESS, project=PROJECT, home=demo_home, time_limit=0.5)

    assert stopped.value.code == "time_limit"


def test_an_interrupted_query_leaves_no_process(demo_home: Path) -> None:
    command = [str(Path(sys.executable).with_name("landed")), "query", ENDLESS]
    command += ["--project", str(PROJECT), "--home", str(demo_home)]
    asked = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    workers = []
    for _ in range(200):
        workers = psutil.Process(asked.pid).children(recursive=True)
        if any(one.cpu_times().user > 1 for one in workers):  # it computes by now
            break
        time.sleep(0.1)
    assert workers

    os.kill(asked.pid, signal.SIGINT)
    _, err = asked.communicate(timeout=20)

    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert asked.returncode == 3
    assert b"Traceback" not in err
    assert not alive
    assert gone


def test_another_dialect_is_only_shown(ask: Callable[..., Any]) -> None:
    assert "without --sql" in ask(BY_PLAN, "--dialect", "spark").err
    assert ask(BY_PLAN, "--dialect", "klingon", "--sql").code == 3


def test_importing_the_package_is_light() -> None:
    script = (
        "import sys, landed\n"
        "print(sorted({'duckdb', 'sqlglot', 'pyarrow', 'pandas', 'typer', 'numpy'}"
        " & set(sys.modules)))\n"
        "landed.query\n"
        "print(sorted({'duckdb', 'pyarrow', 'pandas', 'typer', 'numpy', 'scipy'}"
        " & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout.splitlines()[0]) == []
    assert json.loads(done.stdout.splitlines()[1]) == []
