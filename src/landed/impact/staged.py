"""A change that groups got at declared times: cohorts against groups that had not got it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..catalog import Catalog
from ..catalog.release_designs import Cohorts
from ..catalog.releases import Release
from ..stats import NotEstimable, staggered_effect, synthetic_control
from .group_design import (
    DIFFERENCES,
    SYNTHETIC,
    Compared,
    DesignData,
    GroupEstimates,
    comparison_of,
    differing_trends,
    facts_of,
    group_estimates,
    scale_of,
    t_interval,
    week_of,
    words_of_trend,
)
from .group_panel import GroupPanel, first_whole_week, is_in_midst_of_a_week
from .judge import Interval


def staged_estimates(
    release: Release,
    catalog: Catalog,
    panels: Mapping[str, GroupPanel],
    cohorts: Cohorts,
    *,
    cutoff_at: datetime,
) -> GroupEstimates:
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
    is_single = len(cohorts.starts) == 1

    def compare(panel: GroupPanel) -> Compared:
        return (_synthetic if is_single else _differences)(panel, cohorts, release.time_zone)

    method = SYNTHETIC if is_single else DIFFERENCES
    return group_estimates(release, catalog, panels, compare, method=method, cutoff_at=cutoff_at)


def _differences(panel: GroupPanel, cohorts: Cohorts, time_zone: str) -> Compared:
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
    refused = differing_trends(found, panel)
    if refused is not None:
        return refused
    comparison = comparison_of(
        DIFFERENCES,
        panel.is_log,
        t_interval(found),
        mean=found.mean_treated,
        effect=found.effect,
        p_value=found.p_value,
    )
    assumptions = (
        "Parallel trends: without the change the cohorts would have moved as the groups that had"
        f" not got it by then. {found.n_clusters} groups were compared by week; units were not"
        " assigned at random.",
        "The change was not anticipated and did not reach other groups; groups are independent.",
        words_of_trend(found, panel),
    )
    facts = facts_of(found, panel)
    return comparison, DesignData(panel.metric, DIFFERENCES, scale_of(panel), assumptions, facts)


def _synthetic(panel: GroupPanel, cohorts: Cohorts, time_zone: str) -> Compared:
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
    comparison = comparison_of(
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
        "changed_on": week_of(panel, at),
        "weights": dict(found.weights),
        "gaps": list(found.gaps),
        "error_before": found.error_before,
        "ratio": found.ratio,
        "placebo_ratios": dict(found.placebo_ratios),
    }
    return comparison, DesignData(panel.metric, SYNTHETIC, scale_of(panel), assumptions, facts)
