"""What adjusting by the pre-period (CUPED) gains, and that a useless covariate gains nothing.

Outcomes are skewed (gamma, standard deviation = mean): y = a + b and x = a + c share the part a.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from landed.catalog import RoleOfMetric

from .releases import (
    A_DAY,
    ARMS,
    CHUNK,
    LOOKS,
    UNITS,
    Drawn,
    Followed,
    Kind,
    Sums,
    release_of,
    row_of,
    sums_of,
    take_looks,
)
from .rows import Row

CORRELATION = 0.6
#: +4 % on a mean of 1 with standard deviation 1.
EFFECT = 0.04


def table(draws: int, seed: int) -> list[Row]:
    """All rows; each cell has a stream of its own.

    Args:
        draws: Releases in each cell. Count.
        seed: Of the generator.
    """
    streams = np.random.SeedSequence(seed).spawn(len(CELLS))
    return [row for cell, stream in zip(CELLS, streams, strict=True) for row in cell(draws, stream)]


def useful(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """A covariate with correlation 0.6, the same draws without it, and nothing changed."""
    with_it, still = seed.spawn(2)
    adjusted = list(_follow(draws, with_it, CORRELATION, EFFECT))
    plain = list(_follow(draws, with_it, CORRELATION, EFFECT, has_history=False))
    unchanged = list(_follow(draws, still, CORRELATION, 0.0))
    cell = "correlation 0.6, +4 % on sd = mean, 28 looks"
    reduction = np.mean([one.reductions["a"] for one in adjusted if one.look is None])
    return [
        Row("power with adjustment", cell, draws, _share(adjusted, "worked"), lower=0.7),
        Row("power without", cell, draws, _share(plain, "worked"), is_losing=True),
        Row(
            "reduction of variance reported",
            "correlation 0.6 (0.36 of it is there), undecided releases",
            sum(one.look is None for one in adjusted),
            float(reduction),
            lower=0.34,
            upper=0.38,
            error=0.002,
        ),
        Row(
            "false worked", "correlation 0.6, 28 looks", draws, _share(unchanged, "worked"),
            upper=0.05,
        ),
        Row(
            "false harmed", "correlation 0.6, 28 looks", draws, _share(unchanged, "harmed"),
            upper=0.06,
        ),
    ]  # fmt: skip


def useless(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """A covariate that says nothing of the outcome."""
    found = [one.reductions["a"] for one in _follow(draws, seed, 0.0, 0.0, to_the_end=True)]
    cell = "covariate independent of the outcome, 5,600 an arm"
    return [
        Row("mean reduction reported", cell, draws, float(np.mean(found)), upper=0.01, error=1e-4),
        Row(
            "reduction of 1 % and more reported", cell, draws,
            float(np.mean(np.array(found) >= 0.01)), upper=0.01,
        ),
    ]  # fmt: skip


CELLS: tuple[Callable[[int, np.random.SeedSequence], list[Row]], ...] = (useful, useless)


def _follow(
    draws: int,
    seed: np.random.SeedSequence,
    correlation: float,
    effect: float,
    *,
    has_history: bool = True,
    to_the_end: bool = False,
) -> Iterator[Followed]:
    role = RoleOfMetric("a", "success")
    kind = Kind("unit_mean", lambda z, rng, at: {}, 1.0)
    release, catalog = release_of([Drawn(role, kind)])
    rng = np.random.default_rng(seed)
    for begin in range(0, draws, CHUNK):
        count = min(CHUNK, draws - begin)
        arms = [_sums(rng, count, correlation, effect * arm) for arm in (0, 1)]
        for at in range(count):
            rows = [
                [
                    _row(variant, sums, at, look, has_history=has_history)
                    for variant, sums in zip(ARMS, arms, strict=True)
                ]
                for look in range(LOOKS)
            ]
            yield take_looks(release, catalog, rows, to_the_end=to_the_end)


def _sums(rng: np.random.Generator, draws: int, correlation: float, effect: float) -> Sums:
    shape = (draws, UNITS)
    shared = rng.gamma(correlation, size=shape) if correlation else 0.0
    y = shared + rng.gamma(1 - correlation, size=shape)
    x = shared + rng.gamma(1 - correlation, size=shape)
    sums = dict(sums_of({"y": y + effect, "x": x}))
    sums["sum_xxx"] = sums_of({"y": x * x * x})["sum_y"]
    return sums


def _row(variant: str, sums: Sums, at: int, look: int, *, has_history: bool) -> dict[str, object]:
    n = (look + 1) * A_DAY
    row = row_of("a", variant, "unit_mean", n, sums, at, look)
    if not has_history:
        return {**row, **dict.fromkeys(("sum_x", "sum_xx", "sum_xxx", "sum_xy"))}
    # gamma values are above 0
    return {
        **row, "shift_x": 0.0, "n_x": n, "nonzero_x": n, "nonzero": n, "sum_y_with_x": row["sum_y"],
    }  # fmt: skip


def _share(found: list[Followed], decision: str) -> float:
    return sum(one.decision == decision for one in found) / len(found)
