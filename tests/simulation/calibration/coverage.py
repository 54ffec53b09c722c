"""Coverage of the product's intervals of skewed values, absolute and relative.

Revenue: all pay a lognormal amount, or a share of the units does and the others have 0. The
treatment pays 10 % more. Cells that the skew rule refuses by what is known before are listed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from landed.catalog import RoleOfMetric
from landed.impact import estimate_release
from landed.stats import refuse_skew

from .releases import ARMS, Drawn, Kind, release_of
from .rows import Row

#: The true effect, a share of control's mean.
LIFT = 0.1
_CELLS_AT_ONCE = 5_000_000


@dataclass(frozen=True, slots=True)
class Revenue:
    """How a unit's revenue is drawn.

    Args:
        name: For the table.
        paying: Share of units that pay.
        sigma: Standard deviation of the logarithm of what they pay.
    """

    name: str
    paying: float
    sigma: float

    def moment(self, power: int) -> float:
        """Mean of the power of a unit's revenue."""
        return self.paying * math.exp(power**2 * self.sigma**2 / 2)

    @property
    def mean(self) -> float:
        """Of a unit."""
        return self.moment(1)

    @property
    def skewness(self) -> float:
        """Of a unit."""
        m1, m2, m3 = (self.moment(power) for power in (1, 2, 3))
        return (m3 - 3 * m1 * m2 + 2 * m1**3) / (m2 - m1**2) ** 1.5


PROCESSES = (
    Revenue("all pay, σ 1", 1.0, 1.0),
    Revenue("10 % pay, σ 0.8", 0.1, 0.8),
    Revenue("10 % pay, σ 1.2", 0.1, 1.2),
    Revenue("5 % pay, σ 1.5", 0.05, 1.5),
    Revenue("2 % pay, σ 1.5", 0.02, 1.5),
)
SIZES = (200, 1_000, 5_000, 20_000)
#: The larger arm by the smaller one, in the column that is shown failing.
UNEVEN = 9


def table(draws: int, seed: int) -> list[Row]:
    """All rows; each cell has a stream of its own.

    Args:
        draws: Comparisons in each cell. Count.
        seed: Of the generator.
    """
    streams = np.random.SeedSequence(seed).spawn(len(CELLS))
    return [row for cell, stream in zip(CELLS, streams, strict=True) for row in cell(draws, stream)]


def even(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """As many units in each arm."""
    cells = [(one, n) for one in PROCESSES for n in SIZES]
    rows: list[Row] = []
    for (one, n), stream in zip(cells, seed.spawn(len(cells)), strict=True):
        rows += _rows(one, n, n, draws, stream)
    return rows


def uneven(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """A tenth of the units in one arm: refused, and here is why."""
    cells = [(PROCESSES[1], 1_000), (PROCESSES[2], 2_000), (PROCESSES[3], 4_000)]
    rows: list[Row] = []
    for (one, n), stream in zip(cells, seed.spawn(len(cells)), strict=True):
        rows += _rows(one, UNEVEN * n, n, draws, stream)
    return rows


CELLS: tuple[Callable[[int, np.random.SeedSequence], list[Row]], ...] = (even, uneven)


def _rows(
    one: Revenue, n_control: int, n_treatment: int, draws: int, seed: np.random.SeedSequence
) -> list[Row]:
    refused = refuse_skew(one.skewness, one.paying, n_control, n_treatment)
    release, catalog = release_of([Drawn(RoleOfMetric("a", "success"), _KIND)])
    once = replace(release, looks="once")
    rng = np.random.default_rng(seed)
    truth = LIFT * one.mean
    hits = {"absolute": 0, "relative, Fieller": 0, "relative, delta method": 0}
    below = 0
    sizes = (n_control, n_treatment)
    sums = [_sums(rng, one, n, draws, lift) for n, lift in zip(sizes, (0.0, LIFT), strict=True)]
    for at in range(draws):
        rows = [
            _row(variant, n, float(y[at]), float(yy[at]))
            for variant, n, (y, yy) in zip(ARMS, sizes, sums, strict=True)
        ]
        (found,) = estimate_release(once, catalog, rows)
        lower, upper = found.ci_lower, found.ci_upper
        if lower is None or upper is None:
            continue  # without an interval nothing is covered
        hits["absolute"] += lower <= truth <= upper
        below += upper < truth
        ends = found.relative_ci_lower, found.relative_ci_upper
        hits["relative, Fieller"] += None in ends or ends[0] <= LIFT <= ends[1]
        hits["relative, delta method"] += _delta(rows, LIFT)
    split = "" if n_control == n_treatment else f" against {n_control:,}"
    cell = f"{one.name} (skewness {one.skewness:.3g}), {n_treatment:,}{split}"
    if refused:
        cell += "; refused: " + ("too skewed" if "skewed" in refused.reason else "too few pay")
    kept: dict[str, float] = {} if refused else {"lower": 0.94, "upper": 0.965}
    rows_ = [
        Row(
            f"coverage, {name}", cell, draws, hit / draws,
            **({} if name.endswith("delta method") else kept),
            is_losing=bool(refused) or name.endswith("delta method"),
        )
        for name, hit in hits.items()
    ]  # fmt: skip
    if n_control != n_treatment:
        claim = "interval wholly below the truth (2.5 % on a side)"
        rows_.append(Row(claim, cell, draws, below / draws, is_losing=True))
    return rows_


_KIND = Kind("unit_mean", lambda z, rng, at: {}, 1.0)


def _sums(
    rng: np.random.Generator, one: Revenue, n: int, draws: int, lift: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sum and sum of squares of n units; (draws,) each."""
    y, yy = np.zeros(draws), np.zeros(draws)
    at_once = max(int(_CELLS_AT_ONCE / (n * one.paying)), 1)
    for begin in range(0, draws, at_once):
        count = min(at_once, draws - begin)
        paying = rng.binomial(n, one.paying, count) if one.paying < 1 else np.full(count, n)
        paid = (1 + lift) * np.exp(one.sigma * rng.standard_normal(int(paying.sum())))
        whose = np.repeat(np.arange(count), paying)
        y[begin : begin + count] = np.bincount(whose, paid, count)
        yy[begin : begin + count] = np.bincount(whose, paid * paid, count)
    return y, yy


def _row(variant: str, n: int, y: float, yy: float) -> dict[str, object]:
    return {
        "metric": "a", "variant": variant, "form": "unit_mean", "n": n, "n_missing": 0,
        "n_immature": 0, "nonzero": n, "sum_y": y, "sum_yy": yy, "shift_y": 0.0,
    }  # fmt: skip


def _delta(rows: list[dict[str, object]], truth: float) -> bool:
    """Whether the delta method's interval of the relative effect holds the truth."""
    (n_c, y_c, yy_c), (n_t, y_t, yy_t) = (
        (int(row["n"]), float(row["sum_y"]), float(row["sum_yy"]))  # type: ignore[call-overload, arg-type]
        for row in rows
    )
    m_c, m_t = y_c / n_c, y_t / n_t
    if m_c == 0:  # nobody paid: it has no interval
        return False
    v_c = (yy_c / n_c - m_c**2) / (n_c - 1)
    v_t = (yy_t / n_t - m_t**2) / (n_t - 1)
    error = math.sqrt(v_t / m_c**2 + m_t**2 * v_c / m_c**4)
    return abs(m_t / m_c - 1 - truth) <= 1.959964 * error
