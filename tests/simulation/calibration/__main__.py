"""Runs every table and writes docs/calibration.md: `make calibrate`.

Two processes at most; each cell has a seed of its own, so the figures do not depend on how many.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy

from . import (
    adjustment,
    adoption,
    clusters,
    comparison,
    coverage,
    discovery,
    events,
    everyone,
    gate,
    staggered,
    verdicts,
    volume,
)
from .document import Run, Section, document
from .rows import Row

SEED = 20261128
ROOT = Path(__file__).resolve().parents[3]
PROCESSES = 2
Cell = Callable[[int, np.random.SeedSequence], list[Row]]


@dataclass(frozen=True, slots=True)
class Job:
    """One cell of one table.

    Args:
        section: Place of its section.
        order: Place of its rows in the section.
        name: For the progress.
        cell: What draws it.
        draws: Releases, comparisons or panels. Count.
        seed: Of its generator: a stream of its own, or a number.
    """

    section: int
    order: int
    name: str
    cell: Callable[..., list[Row]]
    draws: int
    seed: np.random.SeedSequence | int


#: Title, what was drawn, module, and draws of each of its cells.
TABLES: tuple[tuple[str, str, object, Sequence[int]], ...] = (
    (
        "Verdicts under daily looks",
        "28 daily looks, 200 new units an arm a day, outcomes drawn unit by unit. Every look goes"
        " through `estimate_release`, the kept looks and `conclude`.",
        verdicts,
        (1_000, 5_000, 5_000, 10_000, 10_000, 5_000, 1_000, 5_000, 5_000, 5_000),
    ),
    (
        "Adjustment by the pre-period",
        "Gamma outcomes with standard deviation = mean, 28 looks at 200 units an arm a day.",
        adjustment,
        (5_000, 1_000),
    ),
    (
        "Coverage of skewed values",
        "95 % intervals of one look, the treatment 10 % above control. Delta method and refused"
        " cells are shown for comparison.",
        coverage,
        (10_000, 10_000),
    ),
    (
        "Releases to everyone",
        "180 days of log daily values before, 14 after; AR(1) noise with innovations of standard"
        " deviation 0.04, a weekday season, 0.05 % a day of trend.",
        everyone,
        (5_000,),
    ),
    (
        "Staggered changes",
        "Difference-in-differences by group and time, three cohorts and a never-treated one.",
        staggered,
        (2_000,),
    ),
    (
        "Checks of the comparison",
        "Whole releases of 28 daily looks and 11,200 units, judged by the gate's statistics with"
        " the thresholds of its suites: how often a clean one is ever refused, and a broken one"
        " found.",
        comparison,
        (100_000, 20_000, 20_000, 100_000, 10_000, 100_000, 10_000, 100_000, 1_000),
    ),
    (
        "Clusters",
        "Whole clusters of unequal sizes (coefficient of variation 0.71) are assigned, 200 units an"
        " arm a day for 28 days, nothing changed. By unit: the same draws, the clusters forgotten.",
        clusters,
        (1_000, 1_000, 5_000),
    ),
    (
        "Versions",
        "Units take a version themselves: who is active can, and who is keen does it first. 8,000"
        " units, gamma rates, Poisson counts a week, no effect unless the cell says so. Cohorts"
        " against all that had not taken it yet are shown for comparison.",
        adoption,
        (1_000,),
    ),
    (
        "Segments",
        "20 levels (4 segments of 5) × 5 metrics correlated 0.5, 5,600 units an arm.",
        discovery,
        (20_000, 20_000, 20_000),
    ),
    (
        "Volume of events",
        "Counts of one source by hour, five weeks before a release and its 28 days: a daily curve,"
        " quieter weekends, log-normal factors of days and gamma factors of hours on a Poisson"
        " count: 10 % and 15 % where calm, 30 % and 40 % where restless. A release counts if any"
        " hour or day of it is ever refused.",
        volume,
        (4_000, 1_000, 2_000),
    ),
    (
        "Events that stop",
        "Rows of six events beside 2,000 others a day, eight weeks before a release and its 28"
        " daily looks; a new version every other week, to which a fifth of those who are behind"
        " update each day. A release counts if any look ever calls one of the six stopped. Nothing"
        " is promised yet of events that a person sends many of at once.",
        events,
        (1_000, 1_000),
    ),
)


def jobs(share: float, only: Sequence[str]) -> Iterator[Job]:
    """Every cell, with its seed; a share of the draws, at least 20."""
    for place, (_, _, module, draws) in enumerate(TABLES):
        short = str(module.__name__).rpartition(".")[2]  # type: ignore[attr-defined]
        if only and short not in only:
            continue
        cells: Sequence[Cell] | None = getattr(module, "CELLS", None)
        if cells is None:
            table = module.table  # type: ignore[attr-defined]
            yield Job(place, 0, short, table, max(int(draws[0] * share), 20), SEED)
            continue
        seeds = np.random.SeedSequence(SEED).spawn(len(cells))
        for order, (cell, count, seed) in enumerate(zip(cells, draws, seeds, strict=True)):
            name = f"{short}.{cell.__name__}"
            yield Job(place, order, name, cell, max(int(count * share), 20), seed)


def timed(job: Job) -> tuple[Job, list[Row], float, int]:
    """A cell's rows, seconds, and the most memory its process had. Kilobytes."""
    began = time.monotonic()
    rows = job.cell(job.draws, job.seed)
    return (
        job, rows, time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tables; 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full draws")
    parser.add_argument("--only", action="append", default=[], help="a table; may repeat")
    parser.add_argument(
        "--gate", nargs="*", type=Path, default=[], help="files of runs drawn by its own command"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "calibration.md")
    chosen = parser.parse_args(arguments)
    began, peak = time.monotonic(), 0
    found: dict[tuple[int, int], list[Row]] = {}
    todo = list(jobs(chosen.share, chosen.only))
    of_gate = gate.section(chosen.gate)
    if not of_gate.rows:
        print("no faults and clean releases of the gate: `make calibrate-gate` draws them")
    print(f"{len(todo)} cells, seed {SEED}, {PROCESSES} processes", flush=True)
    with ProcessPoolExecutor(PROCESSES) as pool:
        running = [pool.submit(timed, job) for job in todo]
        for number, done in enumerate(as_completed(running), start=1):
            job, rows, seconds, kilobytes = done.result()
            found[job.section, job.order] = rows
            peak = max(peak, kilobytes)
            missed = [row for row in rows if not row.is_kept]
            print(
                f"{time.monotonic() - began:7.0f} s  {number}/{len(todo)}  {job.name}:"
                f" {job.draws:,} draws, {len(rows)} rows, {len(missed)} missed, {seconds:.0f} s",
                flush=True,
            )
            for row in rows:
                mark = "" if row.is_kept else "MISSED "
                print(f"           {mark}{row.claim}, {row.cell}: {row.found:.4f}", flush=True)
            # as far as it is: a run that is broken off leaves what it found, and says so
            left = [one.name for one in todo if (one.section, one.order) not in found]
            left += [] if of_gate.rows else ["gate"]
            run = Run(
                SEED,
                datetime.now(UTC),
                f"{platform.machine()}, {os.cpu_count()} cores, Python"
                f" {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}",
                time.monotonic() - began,
                peak,
                chosen.share,
                tuple(left),
            )
            sections = [*_sections(found), of_gate]
            chosen.out.write_text(document(sections, run), encoding="utf-8")
    missed = [row for one in sections for row in one.rows if not row.is_kept]
    print(f"{chosen.out}: {sum(len(one.rows) for one in sections)} rows, {len(missed)} missed")
    print(f"{run.seconds:.0f} s, peak memory of a process {peak / 1024:.0f} MB, {run.machine}")
    return 1 if missed else 0


def _sections(found: Mapping[tuple[int, int], list[Row]]) -> list[Section]:
    return [
        Section(title, text, [row for key in sorted(found) if key[0] == at for row in found[key]])
        for at, (title, text, _, _) in enumerate(TABLES)
    ]


if __name__ == "__main__":
    sys.exit(main())
