"""What the ingest benchmark prints: the machine, and each ratio beside what is asked of it."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from .ingest_cases import THREADS


def head(seed: int) -> None:
    """Machine, versions, load and seed: two lines."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("landed", "duckdb", "pyarrow"))
    print(
        f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}),"
        f" {memory:.0f} GiB, {platform.system()} {platform.release()}\n"
        f"Python {platform.python_version()}, {packages}; {THREADS} threads;"
        f" load average {load()}; seed {seed}"
    )


def load() -> str:
    """Load averages of 1, 5 and 15 minutes."""
    return ", ".join(f"{one:.1f}" for one in os.getloadavg())


def gate(
    what: str,
    ratios: list[float],
    least: float | None = None,
    aim: float | None = None,
    *,
    below: float | None = None,
) -> None:
    """One line: what was found, what was asked, whether it is met.

    Args:
        what: What was measured.
        ratios: Round by round; the median is held against the gate.
        least: The gate, where more is better.
        aim: What is hoped for beyond the gate.
        below: The gate, where less is better.
    """
    found = statistics.median(ratios)
    line = f"  {what:<56}{spread(ratios):>24}"
    bound = least if below is None else below
    if bound is None:
        print(line)
        return
    sign = ">=" if below is None else "<="
    aimed = f", aim {sign} {aim:g}" if aim is not None else ""
    is_met = found >= bound if below is None else found <= bound
    print(f"{line}  gate {sign} {bound:g}{aimed}: {'met' if is_met else 'MISSED'}")


def spread(ratios: list[float]) -> str:
    """`2.10 (2.05 to 2.31)`, with `~` where the rounds differ by more than a quarter."""
    middle = statistics.median(ratios)
    if len(ratios) == 1:
        return f"{middle:.2f} (one round)"
    noisy = "~" if max(ratios) - min(ratios) > 0.25 * middle else ""
    return f"{noisy}{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
