"""Bias and coverage of the group-time average of a change that cohorts got at different times.

Three cohorts and as many clusters without the change, 24 periods, cluster levels of standard
deviation 1, AR(1) errors of 0.6 with innovations of 0.5, a trend that all share, and an effect
that grows by 0.05 a period from the change on: what two-way fixed effects get wrong. The rows of
the whole rule have no effect, and go through `staged_estimates` and `conclude`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.signal import lfilter

from landed.catalog import Catalog, Metric, Release, RoleOfMetric
from landed.catalog.release_designs import Cohorts
from landed.impact import conclude
from landed.impact.group_panel import GroupPanel
from landed.impact.staged import staged_estimates
from landed.stats import StaggeredEffect, staggered_effect

from .rows import Row

PERIODS = 24
STARTS = (6, 12, 18, None)
CLUSTERS = (20, 40, 100)
GROWTH = 0.05
CATALOG = Catalog(
    {"sales": Metric("sales", "Sales", "", "simple", "growth", "count", "increase_is_good")}, {}
)


def table(draws: int, seed: int) -> list[Row]:
    """The rows of staggered difference-in-differences.

    Args:
        draws: Panels in each cell. Count.
        seed: Of the generator; each cell has a stream of its own.
    """
    streams = iter(np.random.default_rng(seed).spawn(2 * len(CLUSTERS)))
    rows = [row for clusters in CLUSTERS for row in _cell(next(streams), draws, clusters)]
    return rows + [row for clusters in CLUSTERS for row in _rule(next(streams), draws, clusters)]


def panel(rng: np.random.Generator, cohorts: Sequence[int | None]) -> np.ndarray:
    """Outcomes of one panel; (n, 24)."""
    period = np.arange(PERIODS)
    innovations = rng.normal(0, 0.5, (len(cohorts), PERIODS))
    innovations[:, 0] /= math.sqrt(1 - 0.6**2)
    errors = lfilter([1.0], [1.0, -0.6], innovations, axis=1)
    return rng.normal(0, 1, (len(cohorts), 1)) + 0.1 * period + errors + effects(cohorts)


def effects(cohorts: Sequence[int | None]) -> np.ndarray:
    """The true effect in each cell; (n, 24)."""
    period = np.arange(PERIODS)
    since = np.array([[PERIODS if one is None else one] for one in cohorts])
    return GROWTH * np.maximum(0, period - since + 1)


def _cell(rng: np.random.Generator, draws: int, clusters: int) -> list[Row]:
    each = clusters // len(STARTS)
    cohorts = [start for start in STARTS for _ in range(each)]
    true = effects(cohorts)
    truth = float(true[true > 0].mean())
    found: list[StaggeredEffect] = []
    fixed: list[tuple[float, float]] = []
    design = _two_way_design(cohorts)
    for _ in range(draws):
        y = panel(rng, cohorts)
        one = staggered_effect(y, cohorts)
        assert isinstance(one, StaggeredEffect)
        found.append(one)
        fixed.append(_two_way(y, design))
    # what the influence function over n gives: variances without a degree of freedom taken off
    shrink = math.sqrt((each - 1) / each)
    covered = [one.ci_lower <= truth <= one.ci_upper for one in found]
    by_z = [abs(one.effect - truth) <= 1.96 * shrink * one.standard_error for one in found]
    by_two_way = [abs(value - truth) <= 1.96 * error for value, error in fixed]
    cell = f"{clusters} clusters"
    return [
        _bias(f"{cell}, t by Satterthwaite", [one.effect for one in found], truth, 0.1),
        Row("coverage", f"{cell}, t by Satterthwaite", draws, _mean(covered), 0.93, 0.97),
        Row("coverage", f"{cell}, z", draws, _mean(by_z), is_losing=True),
        _bias(f"{cell}, two-way fixed effects", [value for value, _ in fixed], truth, None),
        Row("coverage", f"{cell}, two-way fixed effects", draws, _mean(by_two_way), is_losing=True),
    ]


def _rule(rng: np.random.Generator, draws: int, clusters: int) -> list[Row]:
    """Verdicts on logarithms of totals without an effect, as a release by cohorts gets them."""
    each = clusters // len(STARTS)
    began = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
    groups = [f"group {index:03d}" for index in range(clusters)]
    starts = {
        group: began + timedelta(weeks=start - STARTS[0])
        for group, start in zip(groups, (one for one in STARTS for _ in range(each)), strict=True)
        if start is not None
    }
    cohorts = Cohorts("group", starts)
    due = began + timedelta(weeks=PERIODS - STARTS[0])
    release = Release(
        release="drawn",
        shipped_at=began,
        owner="growth",
        kind="staged",
        roles=(RoleOfMetric("sales", "success"),),
        treatments=("released",),
        cohorts=cohorts,
        exposure_ends_at=due,
    )
    found: Counter[str] = Counter()
    for _ in range(draws):
        values = 6 + 0.2 * panel(rng, [None] * clusters)
        weeks = {group: tuple(row) for group, row in zip(groups, values.tolist(), strict=True)}
        first_on = (began - timedelta(weeks=STARTS[0])).date()
        panels = {"sales": GroupPanel("sales", first_on, weeks, is_log=True)}
        made = staged_estimates(release, CATALOG, panels, cohorts, cutoff_at=due)
        found[conclude(release, made.estimates, cutoff_at=due, decides_at=due).decision] += 1
    cell = f"{clusters} clusters, the whole rule"
    designed = {"worked": 0.025, "harmed": 0.05, "not_estimable": 0.01}
    return [
        Row(f"false {name}", cell, draws, found[name] / draws, upper=1.3 * rate)
        for name, rate in designed.items()
    ]


def _bias(cell: str, values: Sequence[float], truth: float, most: float | None) -> Row:
    """In standard deviations of the estimates, which is what their standard error estimates."""
    bias = (_mean(values) - truth) / float(np.std(values, ddof=1))
    ends = (None, None) if most is None else (-most, most)
    error = 1 / math.sqrt(len(values))
    return Row("bias", cell, len(values), bias, *ends, is_losing=most is None, error=error)


def _two_way_design(cohorts: Sequence[int | None]) -> np.ndarray:
    """The treatment without cluster and period means; (n, 24)."""
    treated = (effects(cohorts) > 0).astype(np.float64)
    return treated - treated.mean(axis=0) - treated.mean(axis=1, keepdims=True) + treated.mean()


def _two_way(y: np.ndarray, design: np.ndarray) -> tuple[float, float]:
    """Effect and cluster-robust standard error of two-way fixed effects."""
    square = float((design * design).sum())
    value = float((design * y).sum()) / square
    rest = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean() - value * design
    scores = (design * rest).sum(axis=1)
    n = len(y)
    return value, math.sqrt(float(scores @ scores) * n / (n - 1)) / square


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
