"""The tables as a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .rows import Row

_HEAD = """\
# Calibration

How often landed's verdicts are right and wrong, by simulation of releases whose truth is known.
`make calibrate` draws them and writes this page; `make test` repeats the rows on fewer draws and
holds each against its target ± 3 Monte Carlo standard errors. The methods stand in
[verdicts](reference/verdicts.md), the code in `tests/simulation/calibration`.

The product's own functions decide: units are drawn one by one, summed to
[rows of moments](reference/moments.md), estimated, looked at and concluded as in a run. Left out
are files, reports and, but for the last table, the gate. The bounds of looks are worked out once
for releases with the same units at the same looks.

*Target* is what is promised; an empty one promises nothing and is there for comparison. *±* is one
Monte Carlo standard error. **missed** is a promise that these draws did not keep. *losing* marks
what does badly: another method, or a case that landed refuses or warns of.
"""

#: Units of what is no share, by claim.
_UNITS = {"bias": "se", "day it is found on": "days"}


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its title and what was drawn."""

    title: str
    text: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Run:
    """How the figures were made.

    Args:
        seed: Of all generators.
        ended_at: UTC.
        machine: Processor, cores, versions.
        seconds: Wall time.
        peak_kilobytes: Most memory that one process had.
        share: Of the full draws.
        left: Cells that are not drawn yet.
    """

    seed: int
    ended_at: datetime
    machine: str
    seconds: float
    peak_kilobytes: int
    share: float
    left: tuple[str, ...] = ()


def document(sections: Sequence[Section], run: Run) -> str:
    """The page."""
    part = "" if run.share == 1 else f", {run.share:.3g} of the full draws"
    lines = [
        _HEAD,
        f"Seed {run.seed}{part}; {run.ended_at:%Y-%m-%d}, {run.machine}; {run.seconds / 60:.0f}"
        f" minutes, {run.peak_kilobytes / 1024:.0f} MB at most in a process.",
    ]
    if run.left:
        lines.append(f"\nNot drawn in this run: {', '.join(run.left)}.")
    for one in sections:
        if one.rows:
            lines += lines_of(one)
    return "\n".join(lines).rstrip() + "\n"


def lines_of(section: Section) -> list[str]:
    """A table below its title."""
    return [
        "",
        f"## {section.title}",
        "",
        section.text,
        "",
        "| what | where | draws | target | found | ± | |",
        "|---|---|--:|--:|--:|--:|---|",
        *(_line(row) for row in section.rows),
    ]


def _line(row: Row) -> str:
    unit = _UNITS.get(row.claim, "%")
    error = row.error
    if error is None:
        error = math.sqrt(max(row.found * (1 - row.found), 0.0) / row.draws)
    mark = "" if row.is_kept else "**missed**"
    mark = "losing" if row.is_losing else mark
    cells = [
        row.claim, row.cell, f"{row.draws:,}", _target(row, unit=unit),
        _shown(row.found, unit=unit), _shown(error, unit=unit), mark,
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _target(row: Row, *, unit: str) -> str:
    if row.lower is not None and row.upper is not None:
        low, high = (_shown(one, unit=unit).removesuffix(f" {unit}")
                     for one in (row.lower, row.upper))  # fmt: skip
        return f"{low} to {high} {unit}"
    if row.lower is not None:
        return f"≥ {_shown(row.lower, unit=unit)}"
    return "" if row.upper is None else f"≤ {_shown(row.upper, unit=unit)}"


def _shown(number: float, *, unit: str) -> str:
    if unit == "%":
        return f"{number * 100:.2f} %"
    return f"{number:.{3 if unit == 'se' else 2}f} {unit}"
