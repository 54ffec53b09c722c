"""The gate's cost: every check of every release over one full scan of the events, in one run.

`python -m benchmarks.gate` makes a demo of ten million events (once; it is kept), judges its
releases and says which check takes how long. Great Expectations' import is not in it: a process
pays that once. Nor are the models that only the gate reads: a build pays for those, once for all
days and then for the days that files touch. What they cost is printed beside it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from landed.catalog import load_catalog
from landed.gate import ModelTest, load_suites
from landed.gate import checks as built_in
from landed.gate.judging import judge_of_process
from landed.impact.calendar import release_calendar
from landed.ingest import Ledger
from landed.project import Home, core_root
from landed.report import assess
from landed.settings import Settings
from landed.warehouse import Engine
from pipelines.resources import BUILD_STATE, Workspace

from .ingest_print import head

DEMO = core_root() / "examples" / "demo"
#: The gate may cost that many full scans, and a second.
MOST_SCANS, MORE_SECONDS = 1.5, 1.0
#: Models that nothing but the gate reads.
MODELS = ("int_event_hours", "int_property_days", "int_telemetry_days")
_EVENTS = '"build"."main"."fct_events"'


def main(argv: list[str] | None = None) -> int:
    """Judge every release a few times; 1 if one costs more than the gate's share."""
    given = _arguments(argv)
    head(7)
    home = _home(given.home, given.events)
    workspace = Workspace(project_dir=str(DEMO), home_dir=str(home.root))
    with Engine.open(home.build, read_only=True, settings=Settings()) as engine:
        rows = engine.one("select count(*) from main.fct_events")
        scans = [_scan(engine) for _ in range(given.rounds + 1)][1:]  # the first reads the disk
        scan = statistics.median(scans)
        limit = MOST_SCANS * scan + MORE_SECONDS
        print(
            f"\n{rows[0] if rows else 0:,} events; one full scan {scan:.2f} s; limit {limit:.2f} s"
        )
        judge_of_process()  # the import
        is_met = True
        for name, cost, by_check in _judged(workspace, engine, given.rounds):
            is_met &= cost <= limit
            print(f"\n{name}: {cost:.2f} s, {cost / scan:.2f} scans")
            for check_id, seconds in sorted(by_check.items(), key=lambda one: -one[1])[:12]:
                print(f"  {check_id:<28} {seconds:>7.3f} s")
        print("\nmodels that only the gate reads, as information (all days, the last day)")
        for name, spent in _models(home, engine, given.rounds):
            told = ", ".join(f"{one:.3f} s = {one / scan:.2f} scans" for one in spent)
            print(f"  {name:<28} {told}")
    word = "met" if is_met else "MISSED"
    print(f"\nwhole gate <= {MOST_SCANS:g} scans + {MORE_SECONDS:g} s: {word}")
    return 0 if is_met else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.gate", description=__doc__)
    add = parser.add_argument
    add("--home", type=Path, help="a home that holds a finished demo run")
    add("--events", type=int, default=10_000_000, help="events of the demo made (10000000)")
    add("--rounds", type=int, default=3, help="rounds (3)")
    return parser.parse_args(argv)


def _home(given: Path | None, events: int) -> Home:
    if given is not None:
        return Home(given)
    made = Path(tempfile.gettempdir()) / f"landed-bench-gate-{events}"
    if not (made / "truth.json").is_file():
        landed = str(Path(sys.executable).with_name("landed"))
        command = [landed, "demo", "--project", str(DEMO), "--home", str(made)]
        subprocess.run([*command, "--events", str(events)], check=True, stdout=subprocess.DEVNULL)
    return Home(made)


def _scan(engine: Engine) -> float:
    """Seconds to read every column of every event."""
    columns = [str(row[0]) for row in engine.rows("describe main.fct_events")]
    every = ", ".join(f'count("{name}"), max("{name}")' for name in columns)
    return _spent(engine, f"select {every} from main.fct_events")


def _models(home: Home, engine: Engine, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """(model, median seconds of all days and of the last one); the rows are made and not kept."""
    last_on = (engine.one("select max(event_on) from main.fct_events") or (None,))[0]
    of_last_day = f"(select * from {_EVENTS} where event_on = date '{last_on}')"
    for name in MODELS:
        found = sorted((home.root / "dbt" / "target" / "compiled").rglob(f"{name}.sql"))
        if not found:
            raise SystemExit(f"{home.root} has no compiled {name}: run `landed run` there")
        whole = found[0].read_text(encoding="utf-8")
        seconds = []
        for sql in (whole, whole.replace(_EVENTS, of_last_day)):
            # a hash of whole rows: a count alone would leave out every column
            query = f"select count(*), bit_xor(hash(made)) from ({sql}) as made"
            seconds.append(statistics.median(_spent(engine, query) for _ in range(rounds)))
        yield name, seconds


def _spent(engine: Engine, query: str) -> float:
    started = time.perf_counter()
    engine.rows(query)
    return time.perf_counter() - started


def _judged(
    workspace: Workspace, engine: Engine, rounds: int
) -> Iterator[tuple[str, float, Mapping[str, float]]]:
    """(release, median seconds of its whole gate, median seconds by check)."""
    catalog = load_catalog(workspace.project)
    state = workspace.recall(BUILD_STATE)
    through = datetime.fromisoformat(state["data_through"])
    tests = [ModelTest(**{**one, "feeds": frozenset(one["feeds"])}) for one in state["tests"]]
    accounts = Ledger(workspace.home).accounts_total()
    suites = load_suites(workspace.project)
    for name, release in catalog.releases.items():
        whole: list[float] = []
        each: dict[str, list[float]] = defaultdict(list)
        for _ in range(rounds):
            with _timed() as spent:
                assess.assess_release(
                    engine,
                    catalog,
                    release,
                    release_calendar(release, catalog, through),
                    suites=suites,
                    accounts=accounts,
                    model_tests=tests,
                    now=workspace.today,
                    snapshot="0" * 16,
                    provenance={},
                )
            whole.append(spent.pop("judge_data") + spent.pop("judge_results", 0.0))
            for check_id, seconds in spent.items():
                each[check_id].append(seconds)
        medians = {check_id: statistics.median(found) for check_id, found in each.items()}
        yield name, statistics.median(whole), medians


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Note what the gate's steps and checks take; a shared pass is on whoever asks first."""
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            started = time.perf_counter()
            try:
                return work(*args, **more)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - started

        return run

    checks = dict(built_in.CHECKS)
    steps = {name: getattr(assess, name) for name in ("judge_data", "judge_results")}
    judge = judge_of_process()
    answers = type(judge).answers
    try:
        for check_id, check in checks.items():
            built_in.CHECKS[check_id] = replace(check, find=timed(check_id, check.find))  # type: ignore[index]
        for name, step in steps.items():
            setattr(assess, name, timed(name, step))
        type(judge).answers = timed("(Great Expectations)", answers)  # type: ignore[method-assign]
        yield spent
    finally:
        built_in.CHECKS.update(checks)  # type: ignore[attr-defined]
        for name, step in steps.items():
            setattr(assess, name, step)
        type(judge).answers = answers  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())
