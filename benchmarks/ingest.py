"""The ingest benchmark: ratios in one run against DuckDB alone and against others doing less.

`python -m benchmarks.ingest` prints the table and the cost of the late window; `--help` lists the
long parts. CPU (user and system of the process and its children) is the figure to read: it moves
least with what else the machine does.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import ingest_history
from .ingest_cases import fingerprint
from .ingest_data import Shape, daily_files, one_file
from .ingest_measure import CaseFailed, Cost, Rounds, interleave, measure
from .ingest_print import gate, head, load, spread

#: Peer: its case, what its environment needs, and whether repeats are dropped in a second case.
PEERS: Mapping[str, tuple[str, str, bool | None]] = {
    "dlt": ("use_dlt", "'dlt[duckdb,filesystem,parquet]'", True),
    "pandas": ("use_pandas", "pandas pyarrow", None),
    "polars": ("use_polars", "polars", False),
}
LIMIT = "DuckDB typed read_json -> Parquet, .gz"
LIMIT_CHEAP = "the same, .gz, in the encoding landed writes"
LIMIT_PLAIN = "the same, from the plain file"
LIMIT_JOB = "the same, .gz, + one row an id, by day, sorted"
LANDED = "landed"
LANDED_PLAIN = "landed, from the plain file"
LANDED_PLAN = "landed, with a tracking plan of 12 events"
#: Where a case leaves its Parquet files.
LAKES = {"landed": "home/lake/events/*/*.parquet", "limit_job": "lake/*/*.parquet"}
#: Bytes of a line and of its share of a .gz file, both rounded up: for the question of room.
LINE_BYTES, PACKED_BYTES = 350, 60


def main(argv: list[str] | None = None) -> int:
    """Run the parts asked for; 1 if landed and DuckDB disagree on the rows."""
    given = _arguments(argv)
    parts = [part for part in PARTS if getattr(given, part)] or ["table", "window"]
    given.folder.mkdir(parents=True, exist_ok=True)
    head(given.seed)
    agrees = True
    with tempfile.TemporaryDirectory(prefix="landed-bench-", dir=given.folder) as scratch:
        for part in parts:
            print(f"\n== {part}")
            agrees &= PARTS[part](given, Path(scratch) / part)
    print(f"\nload average at the end: {load()}")
    return 0 if agrees else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.ingest", description=__doc__)
    add = parser.add_argument
    for part, text in (
        ("table", "against DuckDB and peers (part of the default)"),
        ("window", "cost of history in de-duplication (part of the default)"),
        ("stages", "where the CPU goes"),
        ("increment", "a day's increment of the whole run against its share"),
        ("memory", "peak memory on one file of 10 M events and on 50 M in daily files"),
    ):
        add(f"--{part}", action="store_true", help=text)
    add("--events", type=int, default=1_000_000, help="lines of the table's file (1000000)")
    add("--rounds", type=int, default=3, help="rounds a case; peers have one (3)")
    add("--seed", type=int, default=7)
    add("--peers", default=",".join(PEERS), help="some of dlt,pandas,polars, or none")
    add("--venvs", type=Path, help="folder of the peers' environments: venv-dlt, venv-polars")
    add("--folder", type=Path, default=Path(tempfile.gettempdir()) / "landed-bench-data",
        help="where generated files are kept for the next run")  # fmt: skip
    add("--small-day", type=int, default=20_000, help="events of a day of long histories (20000)")
    add("--day", type=int, default=200_000, help="events of a day elsewhere (200000)")
    add("--days", type=int, default=365, help="days of the longest history (365)")
    add("--histories", default="30,90", help="days of history of the increment (30,90)")
    add("--memory-events", default="10000000,50000000", help="one file, daily files")
    return parser.parse_args(argv)


def _room(folder: Path, needed: int) -> None:
    """Stop before the disk is full, not after."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        sys.exit(
            f"{folder} has {free / 2**30:.0f} GiB free, this part needs {needed / 2**30:.0f} GiB."
            " Fix: give another with --folder, or fewer events."
        )


def _table(given: argparse.Namespace, out: Path) -> bool:
    _room(given.folder, given.events * (LINE_BYTES + PACKED_BYTES) * 2)
    shape = Shape(given.events, seed=given.seed)
    packed = one_file(given.folder, shape, packed=True)
    plain = one_file(given.folder, shape, packed=False)
    sizes = [path.stat().st_size / 2**20 for path in (plain, packed)]
    print(
        f"{shape.events:,} lines over {shape.days} days, {shape.people:,} people, 1 % repeats;"
        f" {sizes[0]:.0f} MiB, {sizes[1]:.0f} MiB as .gz (level 6)"
    )
    seen: dict[str, tuple[int, int]] = {}
    cases = {
        LIMIT: _fresh(out, "ingest_cases", "limit", pattern=str(packed)),
        LANDED: _fresh(out, "ingest_cases", "landed", seen=seen, pattern=str(packed)),
        LIMIT_JOB: _fresh(out, "ingest_cases", "limit_job", seen=seen, pattern=str(packed)),
        LIMIT_CHEAP: _fresh(out, "ingest_cases", "limit", pattern=str(packed), own=True),
        LIMIT_PLAIN: _fresh(out, "ingest_cases", "limit", pattern=str(plain)),
        LANDED_PLAIN: _fresh(out, "ingest_cases", "landed", pattern=str(plain)),
        LANDED_PLAN: _fresh(out, "ingest_cases", "landed", pattern=str(packed), plan=True),
    }
    peers = [name for name in given.peers.split(",") if name not in ("", "none")]
    missing = _add_peers(cases, peers, given.venvs, out, packed)
    found = interleave(
        cases, given.rounds, once=[name for name in cases if name.split(",")[0] in peers]
    )
    limit = found[LIMIT]
    print(f"\n{'':<50}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'start s':>9}"
          f"{'CPU x limit':>24}{'wall x':>8}{'rows':>12}")  # fmt: skip
    for name, rounds in found.items():
        answer = rounds.measured[0].answer
        what = answer.get("version", name)
        print(
            f"{what!s:<50}{rounds.median('cpu'):>8.2f}{rounds.median('wall'):>8.2f}"
            f"{rounds.median('peak_mb'):>9.0f}{rounds.median('start_cpu'):>9.2f}"
            f"{spread(rounds.ratios(limit)):>24}"
            f"{statistics.median(rounds.ratios(limit, 'wall')):>8.2f}"
            f"{answer.get('accepted', answer.get('rows')):>12,}"
        )
    for name, why in missing.items():
        print(f"{name:<50} not measured: {why}")
    print()
    gate("full ingest, share of the limit's speed", found[LIMIT].ratios(found[LANDED]), 0.5, 0.7)
    for what, base in (
        ("against the limit in landed's encoding", LIMIT_CHEAP),
        ("against one row an id, by day, sorted", LIMIT_JOB),
        ("from the plain file, against that limit", LIMIT_PLAIN),
    ):
        ours = LANDED_PLAIN if base == LIMIT_PLAIN else LANDED
        gate(f"  the same {what}", found[base].ratios(found[ours]))
    for name, least, aim in (("dlt", 15, 25), ("pandas", 4, 6), ("polars", 1.2, 2)):
        if name in found:
            gate(f"{name}: its CPU over landed's", found[name].ratios(found[LANDED]), least, aim)
    agrees = seen["landed"] == seen["limit_job"]
    same = "the same rows" if agrees else "OTHER ROWS"
    print(f"  landed and DuckDB wrote {same}: {seen['landed'][0]:,} and {seen['limit_job'][0]:,}")
    return agrees


def _window(given: argparse.Namespace, out: Path) -> bool:
    lines = given.small_day * (given.days + 1) + given.day * (ingest_history.WINDOW_DAYS + 1)
    _room(given.folder, lines * PACKED_BYTES * 2)
    print(
        f"one more day: of {given.small_day:,} events on histories of such days,"
        f" of {given.day:,} on an empty and on a full window"
    )
    found = ingest_history.window(
        given.folder,
        out,
        rounds=given.rounds,
        small=given.small_day,
        large=given.day,
        longest=given.days,
        seed=given.seed,
    )
    print()
    short, long = (f"history {days}" for days in (min(30, given.days), given.days))
    gate(f"an ingest on {long} days over {short}", found[long].ratios(found[short]), below=1.1)
    few, many, full = (_repeats(found[f"{name}, watched"]) for name in (short, long, "window full"))
    gate("  of it finding repeats", [many[0] / few[0]], below=1.1)
    empty = found["window empty"].ratios(found["window full"])
    gate("the late window's share of the day's ingest", [1 - ratio for ratio in empty], below=0.1)
    gate("  finding repeats, those in the batch too", [full[0] / full[1]], below=0.1)
    return True


def _repeats(watched: Rounds) -> tuple[float, float]:
    """CPU seconds of finding repeats, and of the whole ingest."""
    (cost,) = watched.measured
    stages = {name: spent for name, spent, _ in cost.answer["stages"]}
    return stages["find repeats"], cost.answer["whole"]


def _stages(given: argparse.Namespace, out: Path) -> bool:
    path = one_file(given.folder, Shape(given.events, seed=given.seed), packed=True)
    for plan in (False, True):
        cost = _fresh(out, "ingest_stages", "stages", pattern=str(path), plan=plan)()
        answer = cost.answer
        print(f"{'with' if plan else 'without'} a tracking plan: {answer['whole']:.1f} CPU s")
        for what in ("stages", "sql"):
            print(f"  {'CPU s':>7} {'share':>6} {'calls':>6}  {what}")
            for name, seconds, calls in answer[what][:14]:
                print(f"  {seconds:>7.2f} {seconds / answer['whole']:>6.1%} {calls:>6}  {name}")
        if answer["missing"]:
            print(f"  not in this code: {', '.join(answer['missing'])}")
    return True


def _increment(given: argparse.Namespace, out: Path) -> bool:
    histories = [int(days) for days in given.histories.split(",")]
    _room(given.folder, given.day * sum(histories) * PACKED_BYTES * 12)
    print(f"days of {given.day:,} events: the whole run, in one process")
    found = ingest_history.increment(
        given.folder,
        out,
        rounds=given.rounds,
        a_day=given.day,
        histories=histories,
        seed=given.seed,
    )
    (first,) = _built(found["first start"])
    start = statistics.median(_built(found["start"]))
    print(
        "\nCPU s of ingest and build (staging to marts); judging and publishing read the marts and"
        f" are no part of it\nstart of Dagster and dbt, no data: {start:.1f},"
        f" on a new home {first:.1f}"
    )
    for days in histories:
        (whole,), ones = _built(found[f"all of {days}"]), _built(found[f"one more on {days}"])
        print(
            f"{days} days at once {whole:.1f}, of which without the start"
            f" {(whole - first) / days:.2f} a day; one more day {statistics.median(ones):.2f}"
            f" ({_stages_of(found[f'one more on {days}'])})"
        )
        share = [(one - start) / ((whole - first) / days) for one in ones]
        gate("  increment over its share, without the start", share, below=1.3, aim=1.1)
        gate("  the same, start counted in both", [one / (whole / days) for one in ones])
    if len(histories) > 1:
        short, long = (
            _built(found[f"one more on {days}"]) for days in (histories[0], histories[-1])
        )
        ratios = [(b - start) / (a - start) for a, b in zip(short, long, strict=True)]
        gate(f"increment on {histories[-1]} days over {histories[0]}", ratios, below=1.1)
    return True


def _built(rounds: Rounds) -> list[float]:
    """CPU seconds of ingest and build, round by round."""
    return [cost.answer["ingest"] + cost.answer["build"] for cost in rounds.measured]


def _stages_of(rounds: Rounds) -> str:
    """Median CPU seconds of every stage of a run."""
    costs = rounds.measured
    spent = {
        name: statistics.median(cost.answer[name] for cost in costs) for name in costs[0].answer
    }
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in spent.items())


def _memory(given: argparse.Namespace, out: Path) -> bool:
    single, daily = (int(count) for count in given.memory_events.split(","))
    _room(given.folder, single * (LINE_BYTES + PACKED_BYTES) + daily * PACKED_BYTES * 2)
    file = one_file(given.folder, Shape(single, seed=given.seed), packed=False)
    files = daily_files(given.folder, Shape(daily, seed=given.seed))
    every = f"{files[0].parent}/*.jsonl.gz"
    print(f"{'':<58}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}")
    for name, case, pattern in (
        (f"landed, one file of {file.stat().st_size / 1e9:.1f} GB", "landed", str(file)),
        ("  DuckDB typed read_json -> Parquet of it", "limit", str(file)),
        (f"landed, {daily:,} events in {len(files)} daily files", "landed", every),
        ("  DuckDB typed read_json -> Parquet of them", "limit", every),
    ):
        cost = _fresh(out, "ingest_cases", case, pattern=pattern)()
        print(f"{name:<58}{cost.cpu:>8.1f}{cost.wall:>8.1f}{cost.peak_mb:>9.0f}")
        if case == "landed":
            gate("  peak memory, GiB", [cost.peak_mb / 1024], below=2, aim=1)
    return True


def _fresh(
    out: Path,
    module: str,
    case: str,
    *,
    seen: dict[str, tuple[int, int]] | None = None,
    **given: Any,
) -> Callable[[], Cost]:
    """The case on an empty folder, which is removed after it.

    Args:
        out: The folder.
        module: Module of this folder.
        case: Its function.
        seen: Is given the fingerprint of the Parquet files that the first run leaves.
        given: The case's arguments.
    """

    def run() -> Cost:
        try:
            cost = measure(module, case, out=str(out), **given)
            if seen is not None and case not in seen:
                seen[case] = fingerprint(f"{out}/{LAKES[case]}")
            return cost
        finally:
            shutil.rmtree(out, ignore_errors=True)

    return run


def _add_peers(
    cases: dict[str, Callable[[], Cost]],
    peers: Sequence[str],
    venvs: Path | None,
    out: Path,
    packed: Path,
) -> dict[str, str]:
    """Add the cases of the peers that are installed; why the others are not, by name."""
    missing: dict[str, str] = {}
    for name in peers:
        case, packages, other = PEERS[name]
        python = _peer_python(name, venvs)
        if python is None:
            missing[name] = _how_to_install(name, packages, venvs)
            continue
        file = str(packed)
        cases[name] = _fresh(out, "ingest_peers", case, path=file, python=python)
        if other is not None:
            label = f"{name}, {'repeats dropped' if other else 'repeats kept'}"
            cases[label] = _fresh(out, "ingest_peers", case, path=file, python=python, unique=other)
    return missing


def _peer_python(name: str, venvs: Path | None) -> str | None:
    """The interpreter of a peer's environment; this one for pandas, which landed depends on."""
    own = venvs / f"venv-{name}" / "bin" / "python" if venvs else None
    if own is not None and own.is_file():
        return str(own)
    return sys.executable if name == "pandas" else None


def _how_to_install(name: str, packages: str, venvs: Path | None) -> str:
    folder = f"{venvs or 'FOLDER'}/venv-{name}"
    return (
        f"no {folder}; python -m venv {folder} && {folder}/bin/pip install {packages},"
        f" then --venvs {venvs or 'FOLDER'}"
    )


PARTS: Mapping[str, Callable[[argparse.Namespace, Path], bool]] = {
    "table": _table,
    "window": _window,
    "stages": _stages,
    "increment": _increment,
    "memory": _memory,
}

if __name__ == "__main__":
    try:
        sys.exit(main())
    except CaseFailed as failed:
        sys.exit(str(failed))
