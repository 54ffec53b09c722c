"""Geometry of the forest plot: relative effects with their intervals on one axis.

Only numbers and words leave this module; the template draws them, escaped like everything else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from . import units
from .words import ROLES, word

WIDTH = 760
_LEFT, _RIGHT, _TOP, _ROW = 250, 740, 30, 34
_GOOD = {"better", "non_inferior"}
_BAD = {"worse", "harmed"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One estimate on the plot. All coordinates in the units of the drawing's view box."""

    label: str
    text: str
    tone: str
    y: float
    x: float
    left: float
    right: float
    is_cut_left: bool
    is_cut_right: bool
    margin: float | None


@dataclass(frozen=True, slots=True)
class Forest:
    """A drawing: its marks, where zero stands, and the axis."""

    width: int
    height: int
    zero: float
    bottom: float
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    title: str


def tone(row: Mapping[str, Any]) -> str:
    """How a conclusion is coloured: good, bad or even. The word always stands beside it."""
    if row["conclusion"] in _GOOD:
        return "good"
    return "bad" if row["conclusion"] in _BAD else "even"


def draw(estimates: Sequence[Mapping[str, Any]]) -> Forest | None:
    """Lay out every estimate that has a relative interval; None where none has."""
    rows = [
        row
        for role in ROLES
        for row in estimates
        if row["role"] == role
        and row["relative_effect"] is not None
        and row["relative_ci_lower"] is not None
        and row["relative_ci_upper"] is not None
    ]
    if not rows:
        return None
    step, limit = _axis(rows)
    several = len({row["treatment"] for row in rows}) > 1

    def place(value: float) -> float:
        return round(_LEFT + (value + limit) / (2 * limit) * (_RIGHT - _LEFT), 2)

    marks = []
    for index, row in enumerate(rows):
        low, high = row["relative_ci_lower"], row["relative_ci_upper"]
        margin = _margin(row)
        name = f"{row['label']} ({row['treatment']})" if several else str(row["label"])
        marks.append(
            Mark(
                label=name if len(name) <= 34 else name[:33] + "…",
                text=f"{name}: {units.relative(row['relative_effect'])}, interval "
                f"{units.relative(low)} to {units.relative(high)}, {word(row['conclusion'])}",
                tone=tone(row),
                y=_TOP + index * _ROW + _ROW / 2,
                x=place(_within(row["relative_effect"], limit)),
                left=place(_within(low, limit)),
                right=place(_within(high, limit)),
                is_cut_left=low < -limit,
                is_cut_right=high > limit,
                margin=place(margin) if margin is not None and abs(margin) <= limit else None,
            )
        )
    bottom = _TOP + len(rows) * _ROW
    count = math.floor(limit / step + 1e-9)
    ticks = tuple(
        (place(index * step), _tick(index * step, step)) for index in range(-count, count + 1)
    )
    return Forest(
        width=WIDTH,
        height=bottom + 30,
        zero=place(0.0),
        bottom=bottom,
        marks=tuple(marks),
        ticks=ticks,
        title="Relative effect of each metric with its interval. "
        + "; ".join(mark.text for mark in marks),
    )


def _axis(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Step and end of a symmetric axis; one wild interval may not flatten all the others."""
    reach = [max(abs(row["relative_ci_lower"]), abs(row["relative_ci_upper"])) for row in rows]
    wanted = min(max(reach), 4 * median(reach)) or 0.01
    rough = wanted / 3
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(size * scale for size in (1, 2, 2.5, 5, 10) if size * scale >= rough * 0.999)
    return step, step * math.ceil(wanted / step - 1e-9)


def _margin(row: Mapping[str, Any]) -> float | None:
    """Where harm begins, as a share of the control mean, on the side that is bad."""
    if not row["margin"] or not row["mean_control"] or row["role"] not in ("guardrail", "survival"):
        return None
    size = float(row["margin"]) / abs(float(row["mean_control"]))
    return size if row["direction"] == "decrease_is_good" else -size


def _within(value: float, limit: float) -> float:
    return max(-limit, min(limit, float(value)))


def _tick(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step * 100) + 1e-9))
    if (step * 100 * 10**decimals) % 1 > 1e-6:
        decimals += 1
    text = f"{value * 100:+.{decimals}f}%"
    return "0%" if abs(value) < step / 2 else text
