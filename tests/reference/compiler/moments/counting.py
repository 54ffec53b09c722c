"""Moments counted a unit and a row at a time, by the words of DESIGN's table "Unit outcome"."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moments.drawn import CUTOFF_AT, DAY, MEASURES, SEGMENTS, VARIANTS, Drawn, Part, Row, Rows

TIMES = {"events": "occurred_at", "feedback": "given_at"}
KEPT_LEVELS = 49  # of more than 50
Key = tuple[str, str | None, str | None, int | None]


@dataclass(frozen=True)
class Unit:
    """What one unit adds to a metric: None where it is missing."""

    variant: str
    levels: tuple[str | None, ...]
    is_mature: bool
    y: float | None
    d: float | None
    x: float | None
    w: float | None


def units_of(rows: Rows, metric: Drawn) -> list[Unit]:
    """Every unit of the population with its values."""
    found = []
    for exposure in rows.exposures:
        if exposure["variant"] not in VARIANTS or exposure["is_bot"] or exposure["is_crossover"]:
            continue
        at = exposure["exposed_at"]
        end = CUTOFF_AT if metric.window is None else at + metric.window * DAY
        is_mature = at < CUTOFF_AT and end <= CUTOFF_AT
        y, d = _values(rows, metric, exposure["unit_id"], at, min(end, CUTOFF_AT))
        x, w = _values(rows, metric, exposure["unit_id"], at - 28 * DAY, at)
        plan = exposure["plan"]
        paying = None if plan is None else str(plan == "pro").lower()
        levels = (plan, exposure["country"], paying)
        found.append(Unit(exposure["variant"], levels, is_mature, y, d, x, w))
    return found


def _values(
    rows: Rows, metric: Drawn, unit: str, begin: datetime, end: datetime
) -> tuple[float | None, float | None]:
    top = _value(rows, metric.top, unit, begin, end)
    if metric.form == "unit_mean":
        values = top or []
        above = sum(values) / len(values) if values else None
    elif metric.bottom is metric.top:
        values = top or []
        return float(sum(values)), float(len(values))
    else:
        above = float(top)
    if metric.cap is not None and above is not None:
        above = min(above, metric.cap)
    if metric.form != "ratio" or metric.bottom is None:
        return above, None
    return above, float(_value(rows, metric.bottom, unit, begin, end))


def _value(rows: Rows, part: Part, unit: str, begin: datetime, end: datetime) -> Any:
    fact, agg, name = MEASURES[part.measure]
    mine = [
        row[name]
        for row in rows.facts[fact]
        if row["unit_id"] == unit
        and begin <= row[TIMES[fact]] < end
        and (part.filter is None or row[part.filter[1][0]] == part.filter[1][1])
        and row[name] is not None
    ]
    if agg == "average":
        return mine
    return {
        "count": lambda: len(mine),
        "sum": lambda: math.fsum(mine),
        "true": lambda: sum(one is True for one in mine),
        "distinct": lambda: len(set(mine)),
        "any": lambda: int(bool(mine)),
    }[agg]()


def level_of(unit: Unit, segment: int, kept: set[str] | None) -> tuple[str | None, bool]:
    """A unit's level, and whether it is one of those folded together."""
    level = unit.levels[segment]
    if level is None or kept is None or level in kept:
        return level, False
    return "other", True


def kept_levels(units: list[Unit], segment: int) -> set[str] | None:
    """The levels that stand for themselves where there are too many; None where all do."""
    counts = Counter(unit.levels[segment] for unit in units) - Counter({None: len(units)})
    if len(counts) <= KEPT_LEVELS + 1:
        return None
    ranked = sorted(counts, key=lambda level: (-counts[level], level))
    return set(ranked[:KEPT_LEVELS])


def groups(units: list[Unit]) -> dict[Key, list[Unit]]:
    """Units by variant, segment, level and number of levels in it; empty ones too."""
    found: dict[Key, list[Unit]] = {(v, None, None, None): [] for v in VARIANTS}
    for unit in units:
        found[unit.variant, None, None, None].append(unit)
    for index, segment in enumerate(SEGMENTS):
        kept = kept_levels(units, index)
        all_levels = {unit.levels[index] for unit in units}
        folded = len(all_levels - {None}) - KEPT_LEVELS if kept is not None else 0
        places = {level_of(unit, index, kept) for unit in units}
        for variant, (level, is_folded) in itertools.product(VARIANTS, places):
            key = (variant, segment, level, folded if is_folded else 1)
            found[key] = [
                unit
                for unit in units
                if unit.variant == variant and level_of(unit, index, kept) == (level, is_folded)
            ]
    return found


def sums(units: list[Unit], shifts: Row, *, is_ratio: bool) -> Row:
    """Every column of the moments, products about the given shifts."""
    mature = [unit for unit in units if unit.is_mature]
    entered = [unit for unit in mature if unit.y is not None]
    known = [unit for unit in entered if unit.x is not None]
    found: Row = {
        "n": len(entered),
        "n_missing": len(mature) - len(entered),
        "n_immature": len(units) - len(mature),
        "n_x": len(known),
        "nonzero": sum(unit.y != 0 for unit in entered),
        "nonzero_x": sum(unit.x != 0 for unit in known),
        "sum_y_with_x": math.fsum(unit.y for unit in known if unit.y is not None),
    }
    for letter in "ydxw":
        values = [getattr(unit, letter) for unit in entered]
        real = [value for value in values if value is not None]
        has = letter in "yx" or is_ratio
        found[f"sum_{letter}"] = math.fsum(real) if has else None
    second = ("yy", "dd", "yd", "xx", "ww", "xw", "xy", "xd", "wy", "wd")
    third = ("yyy", "yyd", "ydd", "ddd", "xxx", "xxw", "xww", "www")
    for letters in (*second, *third):
        has = is_ratio or not set(letters) & set("dw")
        found[f"sum_{letters}"] = None
        if has:
            among = known if set(letters) & set("xw") else entered
            found[f"sum_{letters}"] = math.fsum(
                math.prod(getattr(unit, one) - shifts[f"shift_{one}"] for one in letters)
                for unit in among
            )
    return found
