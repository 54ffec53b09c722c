"""How often a release to everyone is judged wrongly, by the product's own rule.

Daily logs are an AR(1) with innovations of standard deviation 0.04, a weekday season and a trend
of 0.05 % a day, on 180 days before the change and 14 after it. Each draw goes through
`everyone_estimates` and `conclude`, as a release does.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from landed.catalog import Catalog, Metric, Release, RoleOfMetric
from landed.catalog.release_designs import PlaceboWindows
from landed.impact import conclude
from landed.impact.daily_series import DailySeries
from landed.impact.everyone import everyone_estimates

from .rows import Row

BEFORE, AFTER = 180, 14
WEEKDAYS = (0.0, 0.02, 0.03, 0.02, 0.0, -0.12, -0.15)
CORRELATIONS = (0.0, 0.3, 0.6, 0.85)
CATALOG = Catalog(
    {"sales": Metric("sales", "Sales", "", "simple", "growth", "count", "increase_is_good")}, {}
)


def table(draws: int, seed: int) -> list[Row]:
    """The rows of a release to everyone.

    Args:
        draws: Releases in each cell. Count.
        seed: Of the generator; each cell has a stream of its own.
    """
    streams = iter(np.random.default_rng(seed).spawn(20))
    rows: list[Row] = []
    for correlation in CORRELATIONS:
        found = decisions(logs(next(streams), draws, correlation))
        rows += _both(found, f"AR(1) {correlation}", draws)
    for correlation in CORRELATIONS:
        found = decisions(logs(next(streams), draws, correlation, effect=math.log(1.1)))
        power = found["worked"] / draws
        cell = f"+10 %, AR(1) {correlation}"
        if correlation > 0.6:
            rows.append(Row("power", cell, draws, power, is_losing=True))
        else:
            rows.append(Row("power", cell, draws, power, lower=0.8))
    found = decisions(logs(next(streams), draws, 0.6), PlaceboWindows(harm_look_day=7))
    rows += _both(found, "AR(1) 0.6, a look for harm on day 7", draws)
    found = decisions(logs(next(streams), draws, 0.6, wave=0.1))
    rows += _both(found, "AR(1) 0.6, a yearly wave of 10 %", draws, is_losing=True)
    return rows


def city_rows(path: Path) -> list[Row]:
    """40 cities of one product without a launch: windows of 7 and 14 days, 14 origins each.

    Args:
        path: `geo_daily.csv` of the real data.
    """
    sales = read_cities(path)
    found: Counter[str] = Counter()
    for values in sales.values():
        for origin in range(70, len(values) - 6):
            found[decide(values, origin, PlaceboWindows(7, 14))] += 1
    draws = found.total()
    cell = "40 cities, windows of 7 and 14 days"
    return [
        Row(f"false {one}", cell, draws, found[one] / draws, upper=0.06)
        for one in ("worked", "harmed")
    ]


def logs(
    rng: np.random.Generator,
    draws: int,
    correlation: float,
    *,
    effect: float = 0.0,
    wave: float = 0.0,
) -> np.ndarray:
    """Daily logs of releases; (draws, 194).

    Args:
        rng: Where randomness comes from.
        correlation: Of a day's noise with the day before.
        effect: Log effect from the change on.
        wave: Height of a yearly wave, log; its phase is drawn for each release.
    """
    day = np.arange(BEFORE + AFTER)
    innovations = rng.normal(0, 0.04, (draws, len(day)))
    innovations[:, 0] /= math.sqrt(1 - correlation**2)  # the process is stationary from day 0 on
    noise = lfilter([1.0], [1.0, -correlation], innovations, axis=1)
    phase = rng.uniform(0, 2 * math.pi, (draws, 1))
    return (
        math.log(1000)
        + noise
        + np.resize(WEEKDAYS, len(day))
        + 0.0005 * day
        + wave * np.sin(2 * math.pi * day / 365 + phase)
        + effect * (day >= BEFORE)
    )


def decisions(drawn: np.ndarray, windows: PlaceboWindows | None = None) -> Counter[str]:
    """Verdicts of all draws, at the end of the window after the change."""
    values = np.exp(drawn).tolist()
    return Counter(decide(one, BEFORE, windows or PlaceboWindows()) for one in values)


def decide(values: Sequence[float], changed_at: int, windows: PlaceboWindows) -> str:
    """The product's verdict on one series.

    Args:
        values: Of each day. The metric's unit.
        changed_at: Position of the first day with the change.
        windows: Days after and before.
    """
    first_on = date(2026, 1, 1)
    shipped_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=changed_at)
    release = Release(
        release="drawn",
        shipped_at=shipped_at,
        owner="growth",
        kind="everyone",
        roles=(RoleOfMetric("sales", "success"),),
        treatments=("released",),
        windows=windows,
    )
    due = release.decides_at([])
    found = everyone_estimates(
        release,
        CATALOG,
        {"sales": DailySeries("sales", first_on, tuple(values))},
        data_through=due or shipped_at,
        excluded={},
    )
    return conclude(release, found.estimates, cutoff_at=due, decides_at=due).decision


def read_cities(path: Path) -> dict[str, list[float]]:
    """Sales of each city by day, in order."""
    sales: dict[str, list[float]] = {}
    with path.open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["location"], row["date"]))
    for row in rows:
        sales.setdefault(row["location"], []).append(float(row["Y"]))
    return sales


def _both(found: Counter[str], cell: str, draws: int, *, is_losing: bool = False) -> list[Row]:
    ends = (None, None) if is_losing else (0.03, 0.06)
    return [
        Row(f"false {one}", cell, draws, found[one] / draws, *ends, is_losing=is_losing)
        for one in ("worked", "harmed")
    ]
