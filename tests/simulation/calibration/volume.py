"""Volume: how often whole clean releases are held up, and how often a loss is found.

Counts of one source by hour, five weeks before a release and its 28 days, judged hour by hour and
day by day as the check does; a release counts as blocked if any of its days ever is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from landed.gate import load_suites
from landed.gate.hour_shift import shifted_days
from landed.gate.volumes import DAYS_BEFORE, departures

from .rows import Row

_FIRST = date(2026, 1, 26)
_DAYS = 28


@dataclass(frozen=True)
class Product:
    """How many events come, and how they vary."""

    a_day: float
    of_days: float = 0.10
    of_hours: float = 0.15
    is_office: bool = False
    a_week: float = 0.0
    clock_change: int | None = None

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Counts; (days, 24)."""
        days = DAYS_BEFORE + _DAYS
        hours = np.arange(24)
        curve = 0.15 + np.exp(-(((hours - 14) / 4.0) ** 2))
        if self.is_office:
            curve = np.where((hours >= 8) & (hours < 18), 1.0, 0.0)
        weekend = np.array([(_FIRST + timedelta(days=n)).weekday() >= 5 for n in range(days)])
        weight = np.where(weekend, 0.0 if self.is_office else 0.6, 1.0)
        mean = self.a_day * weight[:, None] * (curve / curve.sum())[None, :]
        mean = mean * (1 + self.a_week) ** (np.arange(days)[:, None] / 7)
        if self.clock_change is not None:
            after = slice(DAYS_BEFORE + self.clock_change, None)
            mean[after] = np.roll(mean[after], 1, axis=1)
        mean = mean * np.exp(rng.normal(-(self.of_days**2) / 2, self.of_days, (days, 1)))
        shape = 1 / self.of_hours**2
        return rng.poisson(mean * rng.gamma(shape, 1 / shape, mean.shape))


CLEAN = {
    "2,000 events a day, calm": Product(2_000),
    "200 a day, calm": Product(200),
    "2,000 a day, restless": Product(2_000, 0.3, 0.4),
    "20,000 a day, restless": Product(20_000, 0.3, 0.4),
    "2,000 a day, office hours only": Product(2_000, is_office=True),
    "2,000 a day, 10 % more each week": Product(2_000, a_week=0.1),
    "2,000 a day, 10 % fewer each week": Product(2_000, a_week=-0.1),
    "20,000 a day, office hours, clocks change": Product(20_000, is_office=True, clock_change=9),
}
#: The loss is of one day in the middle; the share of its events that is lost, and in which hours.
LOSSES = {
    "a day lost whole, 200 a day, calm": (Product(200), 1.0, slice(0, 24), 0.995),
    "a day lost whole, 2,000 a day, restless": (Product(2_000, 0.3, 0.4), 1.0, slice(0, 24), 0.995),
    "8 in 10 of a day, 2,000 a day, calm": (Product(2_000), 0.8, slice(0, 24), 0.995),
    "three hours of an afternoon lost, 2,000 a day, calm": (
        Product(2_000), 1.0, slice(13, 16), 0.995,
    ),
    "6 in 10 of a day, 2,000 a day, restless": (
        Product(2_000, 0.3, 0.4), 0.6, slice(0, 24), None,
    ),
}  # fmt: skip


def clean(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Whole clean releases that volume ever blocks; the budget is 0.05 %."""
    rng = np.random.default_rng(seed)
    return [
        Row("clean release blocked", name, draws, _share_blocked(one, rng, draws), upper=0.0005)
        for name, one in CLEAN.items()
    ]


def losses(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Losses of one day that volume blocks; what nothing was promised of is shown beside them."""
    rng = np.random.default_rng(seed)
    return [
        Row("loss found", name, draws, _share_blocked(one, rng, draws, (lost, hours)), lower=least,
            is_losing=least is None)
        for name, (one, lost, hours, least) in LOSSES.items()
    ]  # fmt: skip


def shifts(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Days dated six hours late that are found, and clean releases that seem to have such."""
    rng = np.random.default_rng(seed)
    late = [
        Row("dated 6 hours late, found", name, draws, _share_shifted(CLEAN[name], rng, draws, 6),
            lower=0.995)
        for name in ("2,000 events a day, calm", "2,000 a day, office hours only")
    ]  # fmt: skip
    clean_ones = [
        Row("clean release with hours moved", name, draws, _share_shifted(one, rng, draws, 0),
            upper=0.0005)
        for name, one in CLEAN.items()
    ]  # fmt: skip
    return [*late, *clean_ones]


def _share_shifted(product: Product, rng: np.random.Generator, draws: int, hours: int) -> float:
    rule = load_suites()["volume"].of_check("hour_shift")[0].parameters
    found = 0
    for _ in range(draws):
        rows = product.draw(rng).reshape(-1)
        if hours:
            since = (DAYS_BEFORE + 9) * 24
            rows[since + hours :] = rows[since:-hours].copy()
        counts, judged = _laid_out(rows.reshape(-1, 24))
        found += any(shifted_days(counts, _FIRST, judged, rule))
    return found / draws


def _share_blocked(
    product: Product,
    rng: np.random.Generator,
    draws: int,
    loss: tuple[float, slice] | None = None,
) -> float:
    found = 0
    for _ in range(draws):
        grid = product.draw(rng)
        if loss is not None:
            lost, hours = loss
            day = DAYS_BEFORE + 9  # a Wednesday
            grid[day, hours] = rng.binomial(grid[day, hours], 1 - lost)
        found += is_blocked(grid)
    return found / draws


def is_blocked(grid: np.ndarray) -> bool:
    """Whether the check would block a release of one source with these counts; (days, 24)."""
    rule = _rule()
    counts, judged = _laid_out(grid)
    return any(
        found.share < rule["min_share"]
        for found in departures(
            counts,
            _FIRST,
            judged,
            datetime.combine(judged[1], datetime.min.time()),
            min_expected=rule["min_expected"],
            usual=(rule["min_share"], rule["usual_ratio"]),
            alpha={24: rule["budget"] / (_DAYS * 2), 1: rule["budget"] / (_DAYS * 48)},
        )
    )


def _laid_out(grid: np.ndarray) -> tuple[dict[datetime, int], tuple[date, date]]:
    """Counts by hour, and the days that are judged."""
    start = datetime.combine(_FIRST, datetime.min.time())
    counts = {
        start + timedelta(hours=place): int(rows)
        for place, rows in enumerate(grid.reshape(-1))
        if rows
    }
    return counts, (
        _FIRST + timedelta(days=DAYS_BEFORE),
        _FIRST + timedelta(days=len(grid)),
    )


@functools.cache
def _rule() -> Mapping[str, float]:
    return load_suites()["volume"].of_check("volume")[0].parameters


CELLS = (clean, losses, shifts)
