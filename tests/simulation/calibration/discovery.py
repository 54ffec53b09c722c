"""How often segments are claimed to differ that do not: 20 levels and 5 metrics correlated 0.5."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landed.catalog import RoleOfMetric
from landed.impact.segments import segment_effects

from .releases import A_DAY, ARMS, LOOKS, UNITS, Drawn, Kind, release_of
from .rows import Row

SEGMENTS = ("plan", "country", "platform", "language")
LEVELS = 5
METRICS = 5
CORRELATION = 0.5
#: Of the first level of the first segment, in standard deviations of a unit; the others have 0.
REAL = 0.15
_KIND = Kind("unit_mean", lambda z, rng, at: {}, 1.0)


def table(draws: int, seed: int) -> list[Row]:
    """All rows; each cell has a stream of its own.

    Args:
        draws: Releases in each cell; of the daily looks a twentieth, each has 28. Count.
        seed: Of the generator.
    """
    streams = np.random.SeedSequence(seed).spawn(len(CELLS))
    return [row for cell, stream in zip(CELLS, streams, strict=True) for row in cell(draws, stream)]


def nothing_real(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """No effect anywhere: any claim is false."""
    rng = np.random.default_rng(seed)
    wrong = sum(bool(_claims(rng, 0.0)) for _ in range(draws))
    cell = "nothing real, last look"
    return [Row("a segment claimed falsely", cell, draws, wrong / draws, upper=0.05)]


def one_real(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """One segment's first level has an effect, on all metrics: its other levels differ too."""
    rng = np.random.default_rng(seed)
    shares, found = [], 0
    for _ in range(draws):
        claimed = _claims(rng, REAL)
        false = sum(segment != SEGMENTS[0] for segment, _ in claimed)
        shares.append(false / len(claimed) if claimed else 0.0)
        found += (SEGMENTS[0], "0") in claimed
    cell = "one real segment of four, last look"
    error = float(np.std(shares)) / math.sqrt(draws)
    return [
        Row("share of false claims", cell, draws, float(np.mean(shares)), upper=0.05, error=error),
        Row("the real level is claimed", cell, draws, found / draws),
    ]


def daily(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """What claims at each of 28 daily looks would come to."""
    rng = np.random.default_rng(seed)
    few = max(draws // 20, 20)
    wrong = 0
    for _ in range(few):
        rows = _rows(rng, 0.0, by_look=True)
        # below 200 units an arm of a level nothing is shown: the first days cannot claim
        wrong += any(_claimed(one) for one in rows)
    cell = "nothing real, 28 unadjusted looks"
    return [Row("a segment claimed falsely", cell, few, wrong / few, is_losing=True)]


CELLS: tuple[Callable[[int, np.random.SeedSequence], list[Row]], ...] = (
    nothing_real,
    one_real,
    daily,
)


def _claims(rng: np.random.Generator, effect: float) -> list[tuple[str, str | None]]:
    """(segment, level) of each claim at the last look, once a metric."""
    (rows,) = _rows(rng, effect, by_look=False)
    return _claimed(rows)


def _claimed(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str | None]]:
    overall = [row for row in rows if row["segment"] is None]
    by_segment = [row for row in rows if row["segment"] is not None]
    found = segment_effects(RELEASE, CATALOG, by_segment, overall, is_final=True)
    return [(one.segment, one.level) for one in found if one.is_claimed]


def _rows(rng: np.random.Generator, effect: float, *, by_look: bool) -> list[list[dict[str, Any]]]:
    """Rows of moments at the last look, or at each."""
    ends = [A_DAY * look for look in range(1, LOOKS + 1)] if by_look else [UNITS]
    found: list[list[dict[str, Any]]] = [[] for _ in ends]
    for variant in ARMS:
        common = rng.standard_normal((1, UNITS))
        own = rng.standard_normal((METRICS, UNITS))
        y = math.sqrt(CORRELATION) * common + math.sqrt(1 - CORRELATION) * own
        levels = rng.integers(0, LEVELS, (len(SEGMENTS), UNITS))
        if effect and variant == ARMS[1]:
            y += effect * (levels[0] == 0)
        for place, n in enumerate(ends):
            found[place] += _of_arm(variant, y[:, :n], levels[:, :n])
    return found


def _of_arm(variant: str, y: np.ndarray, levels: np.ndarray) -> list[dict[str, Any]]:
    rows = []
    squares = y * y
    n = y.shape[1]
    for metric in range(METRICS):
        whole = (n, float(y[metric].sum()), float(squares[metric].sum()))
        rows.append(_row(metric, variant, None, None, *whole))
    for place, segment in enumerate(SEGMENTS):
        flags = levels[place] == np.arange(LEVELS)[:, None]
        counts = flags.sum(axis=1)
        sums, products = flags @ y.T, flags @ squares.T
        for level in range(LEVELS):
            for metric in range(METRICS):
                of_level = (
                    int(counts[level]), float(sums[level, metric]), float(products[level, metric])
                )  # fmt: skip
                rows.append(_row(metric, variant, segment, str(level), *of_level))
    return rows


def _row(  # noqa: PLR0917 - the place of a row, then its sums
    metric: int, variant: str, segment: str | None, level: str | None, n: int, y: float, yy: float
) -> dict[str, Any]:
    return {
        "metric": f"m{metric}", "variant": variant, "form": "unit_mean", "segment": segment,
        "level": level, "level_count": None if segment is None else 1, "n": n, "n_missing": 0,
        "n_immature": 0, "nonzero": n, "sum_y": y, "sum_yy": yy, "shift_y": 0.0,
    }  # fmt: skip


def _release() -> tuple[Any, Any]:
    metrics = [Drawn(RoleOfMetric(f"m{at}", "diagnostic"), _KIND) for at in range(METRICS)]
    release, catalog = release_of(metrics)
    return replace(release, segments=SEGMENTS), catalog


RELEASE, CATALOG = _release()
