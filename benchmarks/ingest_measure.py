"""One case in a process of its own: CPU, wall time, peak memory, and what it answered."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Prepares outside the measurement, and gives the work to be measured.
Case = Callable[..., Callable[[], Mapping[str, Any]]]

_ROOT = Path(__file__).resolve().parents[1]
# peers run this in environments without landed: nothing but the standard library
_CHILD = """
import importlib, json, resource, sys, time
def spent():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
def peak_mb():
    with open("/proc/self/status") as status:
        own = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
sys.path.insert(0, sys.argv[1])
work = getattr(importlib.import_module(sys.argv[2]), sys.argv[3])(**json.loads(sys.argv[4]))
before, started = spent(), time.perf_counter()
answer = work()
wall, cpu = time.perf_counter() - started, spent() - before
print(json.dumps({"cpu": cpu, "wall": wall, "start_cpu": before, "peak_mb": peak_mb(),
                  "answer": dict(answer)}))
"""


class CaseFailed(Exception):
    """A case ended with an error; the text is its last lines."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one case took.

    Args:
        cpu: User and system time of the process and its children, without its start. Seconds.
        wall: Seconds.
        start_cpu: CPU before the work: interpreter, imports, preparation. Seconds.
        peak_mb: Most resident memory of the process, or of one of its children if that is more,
            start included. Megabytes (2^20).
        answer: What the case says of its work.
    """

    cpu: float
    wall: float
    start_cpu: float
    peak_mb: float
    answer: Mapping[str, Any] = field(default_factory=dict)


def measure(module: str, case: str, *, python: str = sys.executable, **given: Any) -> Cost:
    """Run `benchmarks.<module>.<case>(**given)()` in a fresh process.

    Args:
        module: Module of this folder.
        case: Its function.
        python: Interpreter; a peer has its own environment.
        given: JSON values.

    Raises:
        CaseFailed: It ended with an error.
    """
    command = [python, "-c", _CHILD, str(_ROOT), f"benchmarks.{module}", case, json.dumps(given)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise CaseFailed(f"{module}.{case} ended with {done.returncode}:\n{last}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


@dataclass(slots=True)
class Rounds:
    """The costs of one case, round by round; None where it had no turn."""

    costs: list[Cost | None] = field(default_factory=list)

    @property
    def measured(self) -> list[Cost]:
        """Rounds it had a turn in."""
        return [cost for cost in self.costs if cost is not None]

    def median(self, what: str) -> float:
        """Median of `cpu`, `wall`, `start_cpu` or `peak_mb`."""
        return float(statistics.median(getattr(cost, what) for cost in self.measured))

    def ratios(self, base: Rounds, what: str = "cpu") -> list[float]:
        """This over `base`, round by round: neighbours in time share the machine's mood."""
        pairs = zip(self.costs, base.costs, strict=False)
        return [getattr(a, what) / getattr(b, what) for a, b in pairs if a and b]


def interleave(
    cases: Mapping[str, Callable[[], Cost]],
    rounds: int,
    *,
    once: Sequence[str] = (),
    told: Callable[[str], None] = print,
) -> dict[str, Rounds]:
    """A B C A B C: every round runs each case once, so that load hits them alike.

    Args:
        cases: What to run, by name.
        rounds: Count.
        once: Names of those that have a turn in the first round only.
        told: Is told each cost as it comes.
    """
    found = {name: Rounds() for name in cases}
    for number in range(rounds):
        for name, run in cases.items():
            if number and name in once:
                found[name].costs.append(None)
                continue
            cost = run()
            found[name].costs.append(cost)
            told(
                f"  round {number + 1}  {name:<58} {cost.cpu:>8.2f} CPU s {cost.wall:>8.2f} wall s"
                f" {cost.peak_mb:>6.0f} MB"
            )
    return found
