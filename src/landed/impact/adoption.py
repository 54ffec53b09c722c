"""A version that units take themselves: those that did in a week beside those that could have.

Who takes it differs, so it is compared twice, and a verdict has to hold both ways. All others that
were active in the same week: they leave a little sooner, if who is keen takes it first. Those of
them that took it later: they are known to have stayed, and have it themselves soon, so against
them the version looks worse than it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.releases import Release
from ..stats import NotEstimable, StaggeredEffect, staggered_effect
from ..warehouse import Engine
from .group_design import (
    DIFFERENCES,
    Compared,
    DesignData,
    GroupEstimates,
    comparison_of,
    days_left,
    differing_trends,
    facts_of,
    group_estimates,
    scale_of,
    t_interval,
    words_of_trend,
)
from .group_panel import GroupPanel, last_monday, read_group_panels
from .judge import Interval
from .trials import (
    LEAST_UNITS,
    TOOK,
    WEEKS_AFTER,
    Trial,
    drawn_trials,
    grouped_by_trial,
    planned_trials,
    trial_and_side,
    weeks_of_trials,
)

Panels = Mapping[str, GroupPanel]


def adoption_estimates(
    engine: Engine, catalog: Catalog, release: Release, *, cutoff_at: datetime
) -> GroupEstimates:
    """Estimate every metric of a version by who took it when. One look, at the declared end.

    Args:
        engine: The database with the marts; may be read-only.
        catalog: Definitions of its metrics.
        release: Of kind `version`, with a horizon.
        cutoff_at: How far the data go, at most to the end of exposure. UTC.
    """
    if days_left(release, cutoff_at) > 0:
        return judge_adoption(release, catalog, (), {}, {}, cutoff_at=cutoff_at)
    weeks = planned_trials(release, last_monday(cutoff_at, release.time_zone))
    if not weeks:
        return _refused(
            release,
            catalog,
            f"exposure ended too early: {1 + WEEKS_AFTER} whole weeks are needed, from Monday of"
            " the week it shipped in on",
            cutoff_at,
        )
    with drawn_trials(engine, release, weeks, cutoff_at=cutoff_at) as trials:
        large = [place for place, one in enumerate(trials) if one.is_large]
        if not large:
            return _refused(release, catalog, _too_few(trials), cutoff_at)
        read: list[Panels] = []
        for later_only in (False, True):
            grouped = grouped_by_trial(engine, catalog, large, later_only=later_only)
            if grouped is None:
                reason = "no model has one row a unit, with the primary entity `unit`"
                return _refused(release, catalog, reason, cutoff_at)
            known, relations, by = grouped
            span = weeks_of_trials(weeks)
            read.append(read_group_panels(engine, known, release, by, span, relations=relations))
        return judge_adoption(release, catalog, trials, *read, cutoff_at=cutoff_at)


def judge_adoption(
    release: Release,
    catalog: Catalog,
    trials: Sequence[Trial],
    panels: Panels,
    panels_of_later: Panels,
    *,
    cutoff_at: datetime,
) -> GroupEstimates:
    """Conclude from groups of units by week.

    Args:
        release: Of kind `version`.
        catalog: Definitions of its metrics.
        trials: The weeks in which it could be taken; the names of groups begin with their place.
        panels: By metric: those that took it, and all others.
        panels_of_later: The same, of the others only those that took it later.
        cutoff_at: How far the data go, at most to the end of exposure. UTC.
    """

    def compare(panel: GroupPanel) -> Compared:
        return _both(panel, panels_of_later[panel.metric], trials)

    return group_estimates(
        release, catalog, panels, compare, method=DIFFERENCES, cutoff_at=cutoff_at
    )


def _both(panel: GroupPanel, of_later: GroupPanel, trials: Sequence[Trial]) -> Compared:
    if of_later.refused is not None:
        return NotEstimable(of_later.refused)
    found = []
    for one in (panel, of_later):
        effect = _effect(one, trials)
        if isinstance(effect, NotEstimable):
            return effect
        refused = differing_trends(effect, one)
        if refused is not None:
            return refused
        found.append(effect)
    others, later = found
    intervals = [t_interval(one) for one in found]

    def interval(side: float) -> tuple[float, Interval]:
        (bound, (low, high)), (_, (later_low, later_high)) = (of(side) for of in intervals)
        return bound, (min(low, later_low), max(high, later_high))

    comparison = comparison_of(
        DIFFERENCES,
        panel.is_log,
        interval,
        mean=others.mean_treated,
        effect=others.effect,
        # of two effects that point apart neither side holds in both
        p_value=max(one.p_value for one in found) if others.effect * later.effect > 0 else 1.0,
        has_error=False,
    )
    facts: dict[str, Any] = facts_of(others, panel)
    facts["trials"] = [
        {
            "week": one.week.isoformat(),
            "n_took": one.n_took,
            "n_others": one.n_others,
            "n_later": one.n_later,
            "is_left_out": not one.is_large,
        }
        for one in trials
    ]
    facts["against_later"] = {
        "effect": later.effect,
        "standard_error": later.standard_error,
        "degrees_of_freedom": later.degrees_of_freedom,
        "p_value": later.p_value,
    }
    log = " (logarithms)" if panel.is_log else ""
    assumptions = (
        "Nobody was assigned: units took the version themselves. Those that did in a week are"
        " compared with others that were active in the same week and did not, whatever these did"
        " later: without the version both would have moved alike.",
        f"The interval covers two comparisons: against all others {others.effect:.3g}{log}, and"
        f" against those of them that took it later {later.effect:.3g}{log}. The first favours the"
        " version if who takes it first is also the last to leave, the second disfavours it. What"
        " made units take it just when their use was about to change, neither can tell from it.",
        f"It is the effect of having taken it {WEEKS_AFTER} weeks earlier at most: others that took"
        " it meanwhile make it smaller. Units do not act on each other.",
        words_of_trend(others, panel),
    )
    return comparison, DesignData(panel.metric, DIFFERENCES, scale_of(panel), assumptions, facts)


def _effect(panel: GroupPanel, trials: Sequence[Trial]) -> StaggeredEffect | NotEstimable:
    """Of taking it: each week's units against the others of that week, since the week before."""
    cohorts: list[int | None] = []
    strata: list[int] = []
    starts = {
        place: (trial.week - panel.first_on).days // 7 + 1 for place, trial in enumerate(trials)
    }
    for group in panel.values:
        place, side = trial_and_side(group)
        cohorts.append(starts[place] if side == TOOK else None)
        strata.append(place)
    return staggered_effect(
        list(panel.values.values()),
        cohorts,
        strata=strata,
        cohort_sizes={starts[place]: float(trial.n_took) for place, trial in enumerate(trials)},
        anticipation=1,  # the week of taking it is of neither side
        most_periods=WEEKS_AFTER,
    )


def _refused(
    release: Release, catalog: Catalog, reason: str, cutoff_at: datetime
) -> GroupEstimates:
    on = release.shipped_at.date()
    panels = {name: GroupPanel(name, on, {}, refused=reason) for name in release.metrics}
    return judge_adoption(release, catalog, (), panels, {}, cutoff_at=cutoff_at)


def _too_few(trials: Sequence[Trial]) -> str:
    best = max(trials, key=lambda one: min(one.n_took, one.n_others, one.n_later))
    return (
        f"too few units: of those drawn for the week of {best.week} {best.n_took:,} took it,"
        f" {best.n_others:,} were active and did not, {best.n_later:,} of them took it later; at"
        f" least {LEAST_UNITS} of each are needed. Ship it by cohorts, or to everyone"
    )
