"""The metrics benchmark: what a governed query costs over one written by hand, in one run.

Every kind against the best SQL we know for it, many metrics in one query, MetricFlow's own SQL on
the same rows, and the compiler's time. CPU is the figure to read.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from landed.project import core_root

from .ingest_measure import CaseFailed, Cost, Rounds, interleave, measure
from .ingest_print import gate, head
from .metrics_cases import agree
from .metrics_data import catalog_in, marts
from .metrics_peer import INSTALL, statements
from .metrics_questions import QUESTIONS

DEMO = core_root() / "examples" / "demo"
#: MetricFlow's metric for a question of ours, and whether it asks the same.
PEERS = {
    "cumulative, month to date": ("revenue_mtd", "day", True),
    "rolling distinct, 7 days": ("active_users_7d", "day", True),
    "conversion of a common step": ("converted_steps", "week", False),  # by days, not by instants
}
MANY = 50
EACH = 100  # rows a unit where MetricFlow answers too: a user of 90 days


def main(argv: list[str] | None = None) -> int:
    """Run the parts asked for; 1 if an answer by hand differs from the compiler's."""
    given = _arguments(argv)
    head(given.seed)
    with tempfile.TemporaryDirectory(prefix="landed-bench-") as folder:
        place = Path(folder)
        catalog_in(place / "project")
        done = [PARTS[part](given, place) for part in PARTS if part in given.parts.split(",")]
    return 0 if all(done) else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.metrics", description=__doc__)
    add = parser.add_argument
    add("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    add("--events", type=int, default=10_000_000, help="rows of the large mart (10000000)")
    add("--rounds", type=int, default=3, help="rounds a case; MetricFlow has one (3)")
    add("--seed", type=int, default=7)
    add("--limit", type=float, default=300, help="seconds a statement of MetricFlow may take (300)")
    add("--venvs", type=Path, help="folder that holds MetricFlow's environment, venv-metricflow")
    add("--home", type=Path, help="a home that holds a finished demo run, for `landed query`")
    add("--folder", type=Path, default=Path(tempfile.gettempdir()) / "landed-bench-data",
        help="where generated marts are kept for the next run")  # fmt: skip
    return parser.parse_args(argv)


def _kinds(given: argparse.Namespace, place: Path) -> bool:
    database = str(marts(given.folder, given.events))
    project = str(place / "project")
    print(f"\n{given.events:,} events: each kind over the same by hand")
    is_right = True
    for name in QUESTIONS:
        cases = {
            side: _case("metrics_cases", side, database=database, project=project, name=name)
            for side in ("ours", "by_hand")
        }
        found = interleave(cases, given.rounds, told=_nothing)
        one, other = (found[side].measured[0].answer["rows"] for side in ("ours", "by_hand"))
        gate(f"{name}: CPU", found["ours"].ratios(found["by_hand"]), below=1.3)
        _say(found["ours"], found["by_hand"])
        if not agree(one, other):
            print(f"    OTHER ROWS: {len(one)} and {len(other)}")
            is_right = False
    return is_right


def _fused(given: argparse.Namespace, place: Path) -> bool:
    database, project = str(marts(given.folder, given.events)), str(place / "project")
    is_right = True
    print(f"\n{MANY} metrics with conditions of their own in one query over one of them")
    for by in ((), ("unit__plan",)):
        given_all = {"database": database, "project": project, "by": list(by)}
        cases = {
            str(count): _case("metrics_cases", "fused", count=count, **given_all)
            for count in (1, MANY)
        }
        cases["by hand"] = _case("metrics_cases", "fused_by_hand", database=database, by=list(by))
        found = interleave(cases, given.rounds, told=_nothing)
        gate(f"by {' and '.join(('day', *by))}: CPU", found[str(MANY)].ratios(found["1"]), below=3)
        _say(found[str(MANY)], found["1"])
        gate("  over the same by hand: CPU", found[str(MANY)].ratios(found["by hand"]))
        _say(found[str(MANY)], found["by hand"])
        one, other = (found[side].measured[0].answer["rows"] for side in (str(MANY), "by hand"))
        if not agree(_zeros(one), _zeros(other)):
            print(f"    OTHER ROWS: {len(one)} and {len(other)}")
            is_right = False
    return is_right


def _zeros(rows: list[list[Any]]) -> list[list[Any]]:
    """Counts of nothing as NULL, as sums by hand have them."""
    return [[None if value == 0 else value for value in row] for row in rows]


def _metricflow(given: argparse.Namespace, place: Path) -> bool:
    venv = (given.venvs or Path("VENVS")) / "venv-metricflow"
    python = venv / "bin" / "python"
    print(f"\nMetricFlow's own SQL over ours: {given.events:,} rows, {EACH} a unit")
    if given.venvs is None or not python.is_file():
        print(f"  not measured: python -m venv {venv} && {venv}/bin/pip install {INSTALL}")
        return True
    database = marts(given.folder, given.events, EACH)
    questions: list[Mapping[str, Any]] = [
        {"metrics": [metric], "group_by": [f"metric_time__{grain}"]}
        for metric, grain, _ in PEERS.values()
    ]
    versions, found = statements(str(python), place / "metricflow", questions, database.stem)
    print("  " + ", ".join(f"{name} {one}" for name, one in versions.items()))
    is_right = True
    for (name, (_, _, is_same)), sql in zip(PEERS.items(), found, strict=True):
        project, where = str(place / "project"), str(database)
        ours = measure("metrics_cases", "ours", database=where, project=project, name=name)
        theirs = measure("metrics_cases", "stated", database=where, sql=sql, limit=given.limit)
        stopped = theirs.answer["rows"] is None
        what = f"{name}: CPU" + (f", broken off after {given.limit:g} s, at least" * stopped)
        gate(what, [theirs.cpu / ours.cpu], 10)
        _say(Rounds([theirs]), Rounds([ours]))
        if stopped:
            continue
        seen = {row[0] for row in ours.answer["rows"]}  # its days go on behind the last event
        rows = [row for row in theirs.answer["rows"] if row[0] in seen]
        equal = agree(ours.answer["rows"], rows)
        print("    the same rows" if equal else "    other rows"
              + ("" if is_same else ": it compares days, we compare instants"))  # fmt: skip
        is_right &= equal or not is_same
    return is_right


def _compile(given: argparse.Namespace, place: Path) -> bool:
    print("\ncompiling: at most five metrics by three dimensions, as one statement")
    for label, project in (("all kinds", place / "project"), ("the demo's", DEMO)):
        where = str(project)
        runs = [
            measure("metrics_cases", "warm", project=where, seed=given.seed, count=200)
            for _ in range(given.rounds)
        ]
        for what in ("cpu", "wall"):
            late = [1000 * statistics.quantiles(run.answer[what], n=20)[-1] for run in runs]
            below = 15 if what == "cpu" else None  # wall is the machine's other work too
            gate(f"{label}: warm, p95 of 200, {what} ms", late, below=below)
        colds = [
            measure("metrics_cases", "cold", project=where, seed=given.seed)
            for _ in range(given.rounds)
        ]
        gate(f"{label}: first one in a process, wall ms",
             [1000 * one.answer["first"] for one in colds], below=150)  # fmt: skip
        gate(f"{label}: reading the catalog before, wall ms",
             [1000 * one.answer["load"] for one in colds])  # fmt: skip
    return True


def _shell(given: argparse.Namespace, place: Path) -> bool:
    landed = str(Path(sys.executable).with_name("landed"))
    home = given.home or place / "home"
    if given.home is None:
        command = [landed, "demo", "--project", str(DEMO), "--home", str(home)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    print("\n`landed query` on the demo's snapshot, from the shell")
    sql = "SELECT MEASURE(active_users), date_trunc('week', metric_time) FROM metrics GROUP BY 2"
    runs = [
        measure("metrics_cases", "shell", project=str(DEMO), home=str(home), sql=sql)
        for _ in range(given.rounds)
    ]
    gate("landed query: wall s", [run.wall for run in runs], below=1.5)
    gate("landed query: CPU s", [run.cpu for run in runs])
    return True


def _case(module: str, case: str, **given: Any) -> Callable[[], Cost]:
    return lambda: measure(module, case, **given)


def _say(one: Rounds, other: Rounds) -> None:
    """Medians behind a ratio."""
    print(
        f"    CPU s {one.median('cpu'):.2f} and {other.median('cpu'):.2f}; wall s"
        f" {one.median('wall'):.2f} and {other.median('wall'):.2f}; peak MB"
        f" {one.median('peak_mb'):.0f} and {other.median('peak_mb'):.0f}"
    )


def _nothing(_: str) -> None:
    """Rounds are not told one by one: there are forty cases."""


PARTS: Mapping[str, Callable[[argparse.Namespace, Path], bool]] = {
    "compile": _compile,
    "shell": _shell,
    "kinds": _kinds,
    "fused": _fused,
    "metricflow": _metricflow,
}

if __name__ == "__main__":
    try:
        sys.exit(main())
    except CaseFailed as failed:
        sys.exit(str(failed))
