"""Estimates from groups by week: what the designs that are not randomised share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..catalog.releases import Release, RoleOfMetric
from ..stats import NotEstimable, StaggeredEffect
from ..stats.distributions import t_bound
from .alpha import share_alpha
from .estimate import Estimate
from .group_panel import GroupPanel
from .judge import Interval
from .limits import limit_of
from .one_look import Comparison, Ends, Rates, estimate_once, without_numbers

#: Trends that differ so visibly before the change are not parallel. One in a hundred releases with
#: parallel ones is refused for it; 0.05 would refuse one in twenty, and catch little more.
LEAST_PRE_TREND_P = 0.01
DIFFERENCES, SYNTHETIC = "difference_in_differences", "synthetic_control"


@dataclass(frozen=True, slots=True)
class DesignData:
    """What one comparison of groups rests on, for the reader to look at.

    Args:
        metric: The metric's name.
        method: difference_in_differences or synthetic_control.
        scale: log of a total, else the metric's own.
        assumptions: What has to be true, in sentences.
        facts: What the method looked at; its keys go by the method.
    """

    metric: str
    method: str
    scale: str
    assumptions: tuple[str, ...]
    facts: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """An entry of `designs` in a report."""
        return {
            "metric": self.metric,
            "method": self.method,
            "scale": self.scale,
            "assumptions": list(self.assumptions),
            "facts": dict(self.facts),
        }


#: A comparison with what it rests on, or why there is none.
Compared = tuple[Comparison, DesignData] | NotEstimable


@dataclass(frozen=True, slots=True)
class GroupEstimates:
    """What groups by week say of a release.

    Args:
        estimates: One a metric, in the release's order.
        designs: Of each estimate that was made.
    """

    estimates: tuple[Estimate, ...]
    designs: tuple[DesignData, ...]


def days_left(release: Release, cutoff_at: datetime) -> int:
    """Days until the declared end of exposure; 0 where it is over, or none is declared."""
    due = release.decides_at(())
    return max(math.ceil((due - cutoff_at) / timedelta(days=1)), 0) if due else 0


def group_estimates(
    release: Release,
    catalog: Catalog,
    panels: Mapping[str, GroupPanel],
    compare: Callable[[GroupPanel], Compared],
    *,
    method: str,
    cutoff_at: datetime,
) -> GroupEstimates:
    """Estimate every metric by one look, at the declared end; nothing is shown before it.

    Args:
        release: The release.
        catalog: Definitions of its metrics.
        panels: By metric. One that is missing is read at the end only.
        compare: What is found of a panel.
        method: Its name.
        cutoff_at: How far the data go, at most to the end of exposure. UTC.

    Raises:
        ContractError: The release names a metric the catalog does not have.
    """
    shares = share_alpha(replace(release, looks="once"), catalog)
    rates: Rates = {test: share.planned for test, share in shares.items()}
    left = days_left(release, cutoff_at)

    def estimated(role: RoleOfMetric) -> tuple[Estimate, DesignData | None]:
        metric = catalog.metric(role.metric)
        return _estimate(
            release, metric, role, panels.get(metric.name), compare, rates, method, left
        )

    found = [estimated(role) for role in release.roles]
    return GroupEstimates(
        tuple(estimate for estimate, _ in found),
        tuple(data for _, data in found if data is not None),
    )


def _estimate(  # noqa: PLR0917 - the metric, what is known of it, how it is compared
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    panel: GroupPanel | None,
    compare: Callable[[GroupPanel], Compared],
    rates: Rates,
    method: str,
    left: int,
) -> tuple[Estimate, DesignData | None]:
    def nothing(reason: str, *, waits: bool = False) -> tuple[Estimate, None]:
        why = NotEstimable(reason, waits)
        return without_numbers(release, metric, role, why, method=method, waits=waits), None

    limit, is_relative = limit_of(role, metric)
    if panel is not None and panel.is_log and not is_relative:
        limit = None  # a limit per unit says nothing of a total
    if role.role in ("guardrail", "survival") and limit is None:
        return nothing(
            "it is a total of a group, whose margin has to be a share of it:"
            " declare `relative: true`"
        )
    if panel is not None and panel.refused is not None:
        return nothing(panel.refused)
    if left > 0 or panel is None:
        unit = "day" if left == 1 else "days"
        return nothing(f"the declared end of exposure is {left} {unit} ahead", waits=True)
    made = compare(panel)
    if isinstance(made, NotEstimable):
        return nothing(made.reason)
    comparison, data = made
    estimate = estimate_once(release, metric, role, comparison, rates, limit=limit)
    return estimate, data if estimate.status == "estimated" else None


def differing_trends(found: StaggeredEffect, panel: GroupPanel) -> NotEstimable | None:
    """Why cohorts whose trends differed visibly before the change cannot be compared."""
    trend = found.pre_trend
    if trend is None or trend.p_value >= LEAST_PRE_TREND_P:
        return None
    return NotEstimable(
        f"the trends differed before the change already, by {trend.slope:.3g} a week"
        f"{_logarithms(panel)}, p = {trend.p_value:.2g}"
    )


def t_interval(found: StaggeredEffect) -> Callable[[float], tuple[float, Interval]]:
    """Its bound and interval at a one-sided error rate."""

    def interval(side: float) -> tuple[float, Interval]:
        bound = t_bound(1 - 2 * side, found.degrees_of_freedom)
        half = bound * found.standard_error
        return bound, (found.effect - half, found.effect + half)

    return interval


def facts_of(found: StaggeredEffect, panel: GroupPanel) -> dict[str, Any]:
    """Group-time effects and trends before, for the reader to look at."""
    trend = found.pre_trend
    return {
        "n_groups": found.n_clusters,
        "left_out": list(panel.left_out),
        "degrees_of_freedom": found.degrees_of_freedom,
        "cells": [
            {
                "cohort": week_of(panel, cell.cohort),
                "week": week_of(panel, cell.period),
                "effect": cell.effect,
                "n_treated": cell.n_treated,
                "n_comparison": cell.n_comparison,
                "weight": cell.weight,
            }
            for cell in found.cells
        ],
        "pre_trend": None
        if trend is None
        else {
            "slope": trend.slope,
            "standard_error": trend.standard_error,
            "p_value": trend.p_value,
            "smallest_visible": trend.smallest_visible,
            "bias_of_smallest": trend.bias_of_smallest,
        },
    }


def words_of_trend(found: StaggeredEffect, panel: GroupPanel) -> str:
    """What the weeks before the change say of the trends, and what they could not have shown."""
    trend = found.pre_trend
    if trend is None:
        return "There is no week before the change to hold the trends against."
    return (
        f"Before the change the trends differed by {trend.slope:.3g} a week"
        f" (p = {trend.p_value:.2g}). That is no proof: the smallest difference these weeks"
        f" would have shown is {trend.smallest_visible:.3g} a week, and one of that size, going"
        f" on, would add {trend.bias_of_smallest:.3g} to the effect{_logarithms(panel)}."
    )


def comparison_of(
    method: str,
    is_log: bool,
    interval: Callable[[float], tuple[float, Interval] | None],
    *,
    mean: float,
    effect: float,
    p_value: float,
    has_error: bool = True,
) -> Comparison:
    """In the metric's unit: of logarithms, about the geometric mean without the change.

    Of other values the relative effect takes the mean without the change as known.
    """
    without = math.exp(mean - effect) if is_log else mean - effect

    def moved(value: float) -> tuple[float, float | None]:
        if is_log:
            return math.expm1(value) * without, math.expm1(value)
        return value, value / abs(without) if without else None

    def ends(side: float) -> Ends | None:
        found = interval(side)
        if found is None:
            return None
        bound, (low, high) = found
        lower, upper = moved(low), moved(high)
        relative = None
        if lower[1] is not None and upper[1] is not None:
            relative = (lower[1], upper[1])
        return Ends(bound, (lower[0], upper[0]), relative)

    absolute, relative = moved(effect)
    at = ends(0.025)
    error = None
    if has_error and at is not None:
        error = (at.absolute[1] - at.absolute[0]) / 2 / at.bound
    return Comparison(
        method=method,
        mean_control=without,
        mean_treatment=math.exp(mean) if is_log else mean,
        absolute_effect=absolute,
        relative_effect=relative,
        standard_error=error,
        p_value=p_value,
        ends=ends,
    )


def week_of(panel: GroupPanel, index: int) -> str:
    """Monday of one of its weeks."""
    return (panel.first_on + timedelta(days=7 * index)).isoformat()


def scale_of(panel: GroupPanel) -> str:
    """log of a total, else the metric's own unit."""
    return "log" if panel.is_log else "unit"


def _logarithms(panel: GroupPanel) -> str:
    return " (logarithms)" if panel.is_log else ""
