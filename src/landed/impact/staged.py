"""A change that groups got at declared times: cohorts against groups that had not got it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..catalog.release_designs import Cohorts
from ..catalog.releases import Release, RoleOfMetric
from ..stats import (
    NotEstimable,
    staggered_effect,
    synthetic_control,
)
from ..stats.distributions import t_bound
from .alpha import share_alpha
from .estimate import Estimate
from .group_panel import GroupPanel, first_whole_week, is_in_midst_of_a_week
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


@dataclass(frozen=True, slots=True)
class Staged:
    """What groups say of a release that went out by cohort.

    Args:
        estimates: One a metric, in the release's order.
        designs: Of each estimate that was made.
    """

    estimates: tuple[Estimate, ...]
    designs: tuple[DesignData, ...]


def staged_estimates(
    release: Release,
    catalog: Catalog,
    panels: Mapping[str, GroupPanel],
    cohorts: Cohorts,
    *,
    cutoff_at: datetime,
) -> Staged:
    """Estimate every metric of a release that groups got at declared times.

    Several cohorts are judged by group-time effects, a single group by its synthetic control.
    One look, at the declared end of exposure; nothing is shown before it.

    Args:
        release: Of kind `staged`, with cohorts.
        catalog: Definitions of its metrics.
        panels: By metric, as `read_group_panels` returns them.
        cohorts: The release's.
        cutoff_at: How far the data go, at most to the end of exposure. UTC.

    Raises:
        ContractError: The release names a metric the catalog does not have.
    """
    shares = share_alpha(replace(release, looks="once"), catalog)
    rates: Rates = {test: share.planned for test, share in shares.items()}
    due = release.decides_at(())
    left = math.ceil((due - cutoff_at) / timedelta(days=1)) if due else 0
    found = []
    for role in release.roles:
        metric = catalog.metric(role.metric)
        found.append(_estimate(release, metric, role, (panels[metric.name], cohorts, left), rates))
    return Staged(
        tuple(estimate for estimate, _ in found),
        tuple(data for _, data in found if data is not None),
    )


def _estimate(
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    given: tuple[GroupPanel, Cohorts, int],
    rates: Rates,
) -> tuple[Estimate, DesignData | None]:
    panel, cohorts, left = given
    method = SYNTHETIC if len(cohorts.starts) == 1 else DIFFERENCES

    def nothing(reason: str, *, waits: bool = False) -> tuple[Estimate, None]:
        why = NotEstimable(reason, waits)
        return without_numbers(release, metric, role, why, method=method, waits=waits), None

    limit, is_relative = limit_of(role, metric)
    if panel.is_log and not is_relative:
        limit = None  # a limit per unit says nothing of a total
    if role.role in ("guardrail", "survival") and limit is None:
        return nothing(
            "it is a total of a group, whose margin has to be a share of it:"
            " declare `relative: true`"
        )
    if panel.refused is not None:
        return nothing(panel.refused)
    if left > 0:
        unit = "day" if left == 1 else "days"
        return nothing(f"the declared end of exposure is {left} {unit} ahead", waits=True)
    compare = _synthetic if method == SYNTHETIC else _differences
    made = compare(panel, cohorts, release.time_zone)
    if isinstance(made, NotEstimable):
        return nothing(made.reason)
    comparison, data = made
    estimate = estimate_once(release, metric, role, comparison, rates, limit=limit)
    return estimate, data if estimate.status == "estimated" else None


def _differences(
    panel: GroupPanel, cohorts: Cohorts, time_zone: str
) -> tuple[Comparison, DesignData] | NotEstimable:
    starts = {
        group: (first_whole_week(start, time_zone) - panel.first_on).days // 7
        for group, start in cohorts.starts.items()
    }
    unknown = sorted(set(starts) - set(panel.values))
    if unknown:
        return NotEstimable(f"no value in every week before the change of {', '.join(unknown)}")
    weeks = panel.weeks
    cohort_of = [
        at if (at := starts.get(group)) is not None and at < weeks else None
        for group in panel.values
    ]
    found = staggered_effect(
        list(panel.values.values()),
        cohort_of,
        anticipation=int(is_in_midst_of_a_week(cohorts, time_zone)),
    )
    if isinstance(found, NotEstimable):
        return found
    if found.pre_trend is not None and found.pre_trend.p_value < LEAST_PRE_TREND_P:
        return NotEstimable(
            f"the trends differed before the change already, by {found.pre_trend.slope:.3g} a week"
            f"{' (logarithms)' if panel.is_log else ''}, p = {found.pre_trend.p_value:.2g}"
        )
    degrees = found.degrees_of_freedom

    def interval(side: float) -> tuple[float, Interval]:
        bound = t_bound(1 - 2 * side, degrees)
        half = bound * found.standard_error
        return bound, (found.effect - half, found.effect + half)

    comparison = _comparison(
        DIFFERENCES,
        panel.is_log,
        interval,
        mean=found.mean_treated,
        effect=found.effect,
        p_value=found.p_value,
    )
    assumptions = [
        "Parallel trends: without the change the cohorts would have moved as the groups that had"
        f" not got it by then. {found.n_clusters} groups were compared by week; units were not"
        " assigned at random.",
        "The change was not anticipated and did not reach other groups; groups are independent.",
    ]
    facts: dict[str, Any] = {
        "n_groups": found.n_clusters,
        "left_out": list(panel.left_out),
        "degrees_of_freedom": degrees,
        "cells": [
            {
                "cohort": _week(panel, cell.cohort),
                "week": _week(panel, cell.period),
                "effect": cell.effect,
                "n_treated": cell.n_treated,
                "n_comparison": cell.n_comparison,
                "weight": cell.weight,
            }
            for cell in found.cells
        ],
        "pre_trend": None,
    }
    trend = found.pre_trend
    if trend is None:
        assumptions.append("There is no week before the change to hold the trends against.")
    else:
        facts["pre_trend"] = {
            "slope": trend.slope,
            "standard_error": trend.standard_error,
            "p_value": trend.p_value,
            "smallest_visible": trend.smallest_visible,
            "bias_of_smallest": trend.bias_of_smallest,
        }
        assumptions.append(
            f"Before the change the trends differed by {trend.slope:.3g} a week"
            f" (p = {trend.p_value:.2g}). That is no proof: the smallest difference these weeks"
            f" would have shown is {trend.smallest_visible:.3g} a week, and one of that size, going"
            f" on, would add {trend.bias_of_smallest:.3g} to the effect"
            f"{' (logarithms)' if panel.is_log else ''}."
        )
    return comparison, DesignData(
        panel.metric, DIFFERENCES, _scale(panel), tuple(assumptions), facts
    )


def _synthetic(
    panel: GroupPanel, cohorts: Cohorts, time_zone: str
) -> tuple[Comparison, DesignData] | NotEstimable:
    ((region, start),) = cohorts.starts.items()
    if region not in panel.values:
        return NotEstimable(f"no value in every week before the change of {region}")
    at = (first_whole_week(start, time_zone) - panel.first_on).days // 7
    if at >= panel.weeks:
        return NotEstimable("no whole week after the change")
    # a week in whose midst it came is of neither side
    cut = at - int(is_in_midst_of_a_week(cohorts, time_zone))
    values = {group: (*of[:cut], *of[at:]) for group, of in panel.values.items()}
    outcome = values.pop(region)
    found = synthetic_control(outcome, values, cut, around_mean=True)
    if isinstance(found, NotEstimable):
        return found

    def interval(side: float) -> tuple[float, Interval] | None:
        ends = found.interval(1 - 2 * side)
        if isinstance(ends, NotEstimable):
            return None
        return (ends[1] - ends[0]) / 2 / found.error_before, ends

    after = outcome[cut:]
    comparison = _comparison(
        SYNTHETIC,
        panel.is_log,
        interval,
        mean=sum(after) / len(after),
        effect=found.effect,
        p_value=found.p_value,
        has_error=False,
    )
    assumptions = (
        f"Without the change {region} would have kept to the same weighted mean of the other"
        f" {len(values)} regions, each around its own mean before it; the change did not reach"
        " them, and any of them could have got it.",
        f"Before the change it missed that mean by {found.error_before:.3g} a week"
        f"{' (logarithms)' if panel.is_log else ''}; the others, fitted likewise, by"
        f" {found.median_error_before:.3g} in the median.",
    )
    facts = {
        "region": region,
        "left_out": list(panel.left_out),
        "changed_on": _week(panel, at),
        "weights": dict(found.weights),
        "gaps": list(found.gaps),
        "error_before": found.error_before,
        "ratio": found.ratio,
        "placebo_ratios": dict(found.placebo_ratios),
    }
    return comparison, DesignData(panel.metric, SYNTHETIC, _scale(panel), assumptions, facts)


def _comparison(
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


def _week(panel: GroupPanel, index: int) -> str:
    return (panel.first_on + timedelta(days=7 * index)).isoformat()


def _scale(panel: GroupPanel) -> str:
    return "log" if panel.is_log else "unit"
