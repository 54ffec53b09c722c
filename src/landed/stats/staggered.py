"""Group-time average effects of a change that clusters got at different times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import EstimationError
from .distributions import check_confidence_level, t_bound, t_p_value
from .results import NotEstimable

LEAST_CLUSTERS = 20
LEAST_IN_GROUP = 5
#: Power at which the smallest visible trend is stated.
POWER = 0.8

Comparison = Literal["never_treated", "not_yet_treated"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupTime:
    """Effect on one cohort in one period, against clusters without the change until then.

    Args:
        cohort: Period in which the cohort got the change.
        period: Period of the effect; before `cohort - 1` it is a placebo.
        effect: Change of the cohort since its last period without, less that of the comparison.
        n_treated: Clusters of the cohort. Count.
        n_comparison: Clusters they are compared with. Count.
        weight: In the average effect. Share; 0 before the change.
    """

    cohort: int
    period: int
    effect: float
    n_treated: int
    n_comparison: int
    weight: float


@dataclass(frozen=True, slots=True)
class PreTrend:
    """The cohorts' own trend against the comparison before the change, and what could be seen.

    Args:
        slope: Difference of trends, per period.
        standard_error: Of `slope`.
        p_value: Two-sided, against equal trends. 0 to 1.
        smallest_visible: Slope that would have been seen with 80 % power at 5 %, two-sided.
        bias_of_smallest: What a trend of that size, going on, would add to the average effect.
    """

    slope: float
    standard_error: float
    p_value: float
    smallest_visible: float
    bias_of_smallest: float


@dataclass(frozen=True, slots=True)
class StaggeredEffect:
    """The average effect on those who got a change, and what it is made of.

    Args:
        effect: Weighted mean of the group-time effects from the change on. The outcome's unit.
        standard_error: Of `effect`, over clusters.
        ci_lower: Lower end of its interval.
        ci_upper: Upper end.
        p_value: Two-sided, against no effect. 0 to 1.
        bound: Critical value of the interval, in standard errors.
        degrees_of_freedom: Of the t, by Satterthwaite.
        confidence_level: Share.
        mean_treated: Mean outcome of the same cells, with the change. The outcome's unit.
        cells: Effects by cohort and period, placebos included.
        left_out: (cohort, period) from the change on without enough clusters to compare with.
        pre_trend: None where no cohort has two periods before the one it is compared from.
        n_clusters: That entered. Count.
    """

    effect: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    bound: float
    degrees_of_freedom: float
    confidence_level: float
    mean_treated: float
    cells: tuple[GroupTime, ...]
    left_out: tuple[tuple[int, int], ...]
    pre_trend: PreTrend | None
    n_clusters: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cohort in a period, the period it is compared from, and who had no change by then."""

    group: int
    period: int
    base: int
    without: npt.NDArray[np.bool_]

    @property
    def n_without(self) -> int:
        return int(self.without.sum())


@dataclass(frozen=True, slots=True)
class _Contrast:
    """A weighted sum of outcomes by cluster: its value, error and degrees of freedom."""

    value: float
    standard_error: float
    degrees_of_freedom: float


def staggered_effect(
    outcomes: Sequence[Sequence[float]] | Floats,
    cohorts: Sequence[int | None],
    *,
    comparison: Comparison = "not_yet_treated",
    strata: Sequence[int] | None = None,
    cohort_sizes: Mapping[int, float] | None = None,
    anticipation: int = 0,
    most_periods: int | None = None,
    confidence_level: float = 0.95,
) -> StaggeredEffect | NotEstimable:
    """Estimate the average effect of a change that cohorts of clusters got at different times.

    Each cohort's change since its last period without is compared with that of clusters that had
    not got it by then: never, or not yet. The effects of all cohorts and periods from the change
    on are averaged with the cohorts' sizes as weights, which no outcome moves.

    Args:
        outcomes: Outcome of each cluster in each period; (n, t), no value missing.
        cohorts: Period, 0 to t - 1, in which each cluster got the change; None: never; (n,).
            Clusters without a period before it tell nothing and are left out.
        comparison: Clusters without the change until the end of the data, or until the period.
        strata: Of each cluster; a cohort is compared with clusters of its own stratum alone, and
            lies in one; (n,). None: all are compared with all.
        cohort_sizes: What each cohort counts for in the average, as its units; None: its clusters.
        anticipation: Periods before it that may hold some of it, as one in whose midst it came;
            they are no part of any comparison. Count.
        most_periods: Periods from the change on that are judged; None: all. Count.
        confidence_level: Of the two-sided interval. Share.

    Returns:
        The effect; NotEstimable with fewer than LEAST_CLUSTERS clusters, LEAST_IN_GROUP of them in
        a cohort or among those compared with.

    Raises:
        EstimationError: The shapes disagree, or an outcome is not finite.

    Assumes:
        Parallel trends: without the change the cohorts would have moved as those compared with.
        Clusters are independent, the change is not anticipated and does not reach others. One
        look, at the declared end.

    Source:
        Callaway and Sant'Anna (2021), Difference-in-Differences with multiple time periods,
        Journal of Econometrics 225, eq. 2.8 to 2.10 and section 3.1, without covariates; degrees
        of freedom by Satterthwaite (1946), An approximate distribution of estimates of variance
        components, Biometrics Bulletin 2; on pre-trends Roth (2022), AER: Insights 4.

    Examples:
        >>> steps = [(7 * i) % 5 / 10 for i in range(24)]
        >>> cohorts = [2] * 8 + [3] * 8 + [None] * 8
        >>> y = [
        ...     [a + 0.1 * t * a + (1.0 if g is not None and t >= g else 0.0) for t in range(4)]
        ...     for a, g in zip(steps, cohorts, strict=True)
        ... ]
        >>> found = staggered_effect(y, cohorts)
        >>> round(found.effect, 2), [(c.cohort, c.period) for c in found.cells if c.weight]
        (1.0, [(2, 2), (2, 3), (3, 3)])
    """
    check_confidence_level(confidence_level)
    y, periods = _checked(outcomes, cohorts, anticipation)
    first = np.array([math.inf if one is None else float(one) for one in cohorts])
    keep = first > anticipation
    y, first = y[keep], first[keep]
    stratum = np.zeros(len(y), int) if strata is None else np.asarray(strata, int)[keep]
    kinds = np.unique(np.column_stack([stratum, first]), axis=0, return_inverse=True)[1].ravel()
    groups = sorted({int(one) for one in first if math.isfinite(one)})
    refused = _too_few(first, groups)
    if refused is not None:
        return refused
    sizes = {group: float((first == group).sum()) for group in groups}
    if cohort_sizes is not None:
        sizes = {group: cohort_sizes[group] for group in groups}
    cells: list[_Cell] = []
    left_out: list[tuple[int, int]] = []
    for group in groups:
        base = group - 1 - anticipation
        own = stratum == stratum[first == group][0]
        for period in range(periods):
            if base <= period < group or period >= group + (most_periods or periods):
                continue
            without = np.isinf(first)
            if comparison == "not_yet_treated":
                without = (first - anticipation > max(period, base)) & (first != group)
            without &= own
            if int(without.sum()) >= LEAST_IN_GROUP:
                cells.append(_Cell(group, period, base, without))
            elif period >= group:
                left_out.append((group, period))
    after = [cell for cell in cells if cell.period >= cell.group]
    if not after:
        return NotEstimable(
            f"too few clusters without the change: at least {LEAST_IN_GROUP} are needed beside"
            " a cohort"
        )
    total = sum(sizes[cell.group] for cell in after)
    weights = [sizes[one.group] / total if one.period >= one.group else 0.0 for one in cells]
    found = _contrast(y, first, kinds, cells, weights)
    if found.standard_error <= 1e-13 * float(np.abs(y).max()):  # what rounding leaves of nothing
        return NotEstimable("the outcomes of all clusters move alike", True)
    bound = t_bound(confidence_level, found.degrees_of_freedom)
    effects = [_cell_effect(y, first, cell) for cell in cells]
    return StaggeredEffect(
        effect=found.value,
        standard_error=found.standard_error,
        ci_lower=found.value - bound * found.standard_error,
        ci_upper=found.value + bound * found.standard_error,
        p_value=t_p_value(found.value / found.standard_error, found.degrees_of_freedom),
        bound=bound,
        degrees_of_freedom=found.degrees_of_freedom,
        confidence_level=confidence_level,
        mean_treated=sum(
            weight * float(y[first == cell.group, cell.period].mean())
            for cell, weight in zip(cells, weights, strict=True)
            if weight
        ),
        cells=tuple(
            GroupTime(
                cell.group,
                cell.period,
                effect,
                int((first == cell.group).sum()),
                cell.n_without,
                weight,
            )
            for cell, effect, weight in zip(cells, effects, weights, strict=True)
        ),
        left_out=tuple(left_out),
        pre_trend=_pre_trend(y, first, kinds, cells, sizes),
        n_clusters=len(y),
    )


def _checked(
    outcomes: Sequence[Sequence[float]] | Floats,
    cohorts: Sequence[int | None],
    anticipation: int,
) -> tuple[Floats, int]:
    y = np.asarray(outcomes, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] < 2 or len(y) != len(cohorts):
        raise EstimationError(
            f"outcomes have the shape {y.shape}, for {len(cohorts)} cohorts",
            expected="one row a cluster and a column for each of two periods or more",
        )
    if not np.isfinite(y).all():
        raise EstimationError("an outcome is not finite", expected="a number in every period")
    wrong = [one for one in cohorts if one is not None and not 0 <= one < y.shape[1]]
    if wrong:
        raise EstimationError(
            f"a cohort begins in period {wrong[0]}",
            expected=f"0 to {y.shape[1] - 1}, or None for never",
        )
    if anticipation < 0:
        raise EstimationError(f"anticipation is {anticipation}", expected="0 or more")
    return y, y.shape[1]


def _too_few(first: Floats, groups: Sequence[int]) -> NotEstimable | None:
    if len(first) < LEAST_CLUSTERS:
        return NotEstimable(
            f"too few clusters: {len(first)} with a period before the change,"
            f" at least {LEAST_CLUSTERS} are needed"
        )
    if not groups:
        return NotEstimable("no cluster got the change")
    for group in groups:
        size = int((first == group).sum())
        if size < LEAST_IN_GROUP:
            return NotEstimable(
                f"too few clusters: {size} in the cohort of period {group},"
                f" at least {LEAST_IN_GROUP} are needed"
            )
    return None


def _contrast(
    y: Floats,
    first: Floats,
    kinds: npt.NDArray[np.intp],
    cells: Sequence[_Cell],
    weights: Sequence[float],
) -> _Contrast:
    """Sum of weighted group-time effects, as one weighted sum of each cluster's outcomes.

    All clusters of one kind (cohort and stratum) carry the same coefficients, so the sum is one of
    independent means, whose variances are known each on their own degrees of freedom.
    """
    members = {int(kind): kinds == kind for kind in np.unique(kinds)}
    coefficients = {kind: np.zeros(y.shape[1]) for kind in members}
    for cell, weight in zip(cells, weights, strict=True):
        if not weight:
            continue
        for kind, those in members.items():
            share = weight if first[those][0] == cell.group else 0.0
            if cell.without[those].any():
                share = -weight * int(those.sum()) / cell.n_without
            coefficients[kind][cell.period] += share
            coefficients[kind][cell.base] -= share
    value = variance = spread = 0.0
    for kind, those in members.items():
        of = y[those] @ coefficients[kind]
        value += float(of.mean())
        if coefficients[kind].any():
            own = float(of.var(ddof=1)) / len(of) if len(of) > 1 else math.inf
            variance += own
            spread += own * own / (len(of) - 1) if len(of) > 1 else math.inf
    if not (math.isfinite(variance) and spread > 0):
        return _Contrast(value, 0.0, 1.0)
    return _Contrast(value, math.sqrt(variance), variance * variance / spread)


def _cell_effect(y: Floats, first: Floats, cell: _Cell) -> float:
    moved = y[:, cell.period] - y[:, cell.base]
    return float(moved[first == cell.group].mean() - moved[cell.without].mean())


def _pre_trend(
    y: Floats,
    first: Floats,
    kinds: npt.NDArray[np.intp],
    cells: Sequence[_Cell],
    sizes: Mapping[int, float],
) -> PreTrend | None:
    """Slope of the placebo effects through the last period without, averaged by cohort size."""
    before = [cell for cell in cells if cell.period < cell.base]
    squares: dict[int, float] = {}
    for cell in before:
        squares[cell.group] = squares.get(cell.group, 0.0) + (cell.period - cell.base) ** 2
    if not squares:
        return None
    total = sum(sizes[group] for group in squares)
    weights = [
        sizes[cell.group] / total * (cell.period - cell.base) / squares[cell.group]
        for cell in before
    ]
    found = _contrast(y, first, kinds, before, weights)
    if not found.standard_error > 0:
        return None
    degrees = found.degrees_of_freedom
    factor = t_bound(0.95, degrees) + t_bound(2 * POWER - 1, degrees)
    visible = factor * found.standard_error
    after = [cell for cell in cells if cell.period >= cell.group]
    treated = sum(sizes[cell.group] for cell in after)
    ahead = sum(sizes[cell.group] * (cell.period - cell.base) for cell in after) / treated
    return PreTrend(
        slope=found.value,
        standard_error=found.standard_error,
        p_value=t_p_value(found.value / found.standard_error, degrees),
        smallest_visible=visible,
        bias_of_smallest=visible * ahead,
    )
