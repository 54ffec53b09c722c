"""One measured case: a fresh process, its CPU, wall time and peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What one case took. Seconds of CPU (user and system) and of wall time; megabytes."""

    cpu: float
    wall: float
    peak_mb: float


_HARNESS = """
import json, resource, sys, time
sys.path.insert(0, "")
from benchmarks import cases
prepared = getattr(cases, sys.argv[1])(*sys.argv[2:])
before = resource.getrusage(resource.RUSAGE_SELF)
started = time.perf_counter()
prepared()
wall = time.perf_counter() - started
after = resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"cpu": cpu, "wall": wall, "peak_mb": after.ru_maxrss / 1024}))
"""


def run(case: str, *arguments: str) -> Cost:
    """Run `benchmarks.cases.<case>(*arguments)()`; preparing it is not measured."""
    done = subprocess.run(
        [sys.executable, "-c", _HARNESS, case, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def best(case: str, *arguments: str, rounds: int) -> Cost:
    """The round with the least CPU: the one least disturbed by other work."""
    return min((run(case, *arguments) for _ in range(rounds)), key=lambda cost: cost.cpu)
