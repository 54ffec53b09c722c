"""`make bench`: prints ratios to raw DuckDB, of one run on one machine."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from landed.project import core_root

from .measure import Cost, best


def main() -> None:
    """Run the demo once into a temporary home, then measure on its files."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds a case (default 3)")
    parser.add_argument("--home", type=Path, help="a home that holds a finished demo run")
    given = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("landed", "duckdb"))
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {packages}")
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder) / "home"
        if given.home is None:
            landed = str(Path(sys.executable).with_name("landed"))
            project = str(core_root() / "examples" / "demo")
            command = [landed, "demo", "--project", project, "--home", str(home)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        place = str(home)
        print(f"{'case':<44} {'CPU s':>7} {'wall s':>7} {'peak MB':>8} {'CPU ratio':>10}")
        limit = best("ingest_raw", place, rounds=given.rounds)
        show("ingest: DuckDB typed read_json to Parquet", limit, limit)
        show("ingest: landed", best("ingest_landed", place, rounds=given.rounds), limit)
        limit = best("scan", place, rounds=given.rounds)
        show("report: join exposures, group by unit", limit, limit)
        for count in ("1", "6"):
            found = best("moments", place, count, rounds=given.rounds)
            show(f"report: unit moments of {count} metric(s)", found, limit)


def show(name: str, cost: Cost, limit: Cost) -> None:
    """One line of the table; the ratio is cost over limit."""
    ratio = cost.cpu / limit.cpu
    print(f"{name:<44} {cost.cpu:>7.2f} {cost.wall:>7.2f} {cost.peak_mb:>8.0f} {ratio:>9.1f}x")


if __name__ == "__main__":
    main()
