"""A change that everybody got at once: its days against those before, and earlier such moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..catalog.release_designs import shipped_on
from ..catalog.releases import Release, RoleOfMetric
from ..stats import NotEstimable, PlaceboDifference
from ..stats.distributions import t_bound
from .daily_series import DailySeries
from .estimate import Estimate
from .judge import Conclusion, Interval, good_is_positive, judge_interval
from .placebo_window import PlaceboData, PlaceboWindow

METHOD = "placebo"
SIDE = 0.05  # a side: 90 % intervals. At 2.5 % a true +10 % would be missed half as often again
#: With a look for harm on day 7: what it may err, and what is left for the last day.
EARLY_HARM, LATE_HARM = 0.01, 0.04

Move = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Everyone:
    """What the daily numbers say of a release to everyone.

    Args:
        estimates: One a metric, in the release's order.
        placebos: Of each estimate that was made.
    """

    estimates: tuple[Estimate, ...]
    placebos: tuple[PlaceboData, ...]


@dataclass(frozen=True, slots=True)
class _Rates:
    """One-sided error rates of one metric: of success, of harm on the last day and on day 7."""

    success: float
    harm: float
    early_harm: float


def touched_days(release: Release, catalog: Catalog) -> Mapping[date, str]:
    """Days on which something else than this release moved the product, with what it was.

    Another declared release touches the day it shipped, each day on which a stage of its ramp
    began, and the day after each. Incidents count for every release, whichever file declares them.
    """
    found: dict[date, str] = {}
    for other in catalog.releases.values():
        for incident in other.incidents:
            found.update(dict.fromkeys(incident.days(), f"incident: {incident.reason}"))
        if other.release == release.release:
            continue
        for start in {other.shipped_at, *(stage.starts_at for stage in other.allocation)}:
            day = shipped_on(start, release.time_zone)
            for one in (day, day + timedelta(days=1)):
                found.setdefault(one, f"{other.release} was given out")
    return found


def everyone_estimates(
    release: Release,
    catalog: Catalog,
    series: Mapping[str, DailySeries],
    *,
    data_through: datetime,
    excluded: Mapping[date, str],
) -> Everyone:
    """Estimate every metric of a release that everybody got at once.

    One verdict, when the window after the change is over; before that an estimate is there only
    where the declared look for harm on day 7 found some.

    Args:
        release: Of kind `everyone`.
        catalog: Definitions of its metrics.
        series: By metric, as `read_daily_series` returns them.
        data_through: Days that end after it are not whole; what lies behind the window after the
            change is not looked at. UTC.
        excluded: Days that something else touched, as `touched_days` returns them.

    Raises:
        ContractError: The release names a metric the catalog does not have.
    """
    rates = _rates(release, catalog)
    found = []
    for role in release.roles:
        metric = catalog.metric(role.metric)
        window = partial(
            PlaceboWindow,
            release,
            metric,
            series[metric.name],
            data_through=data_through,
            excluded=excluded,
        )
        found.append(_estimate(release, metric, role, window, rates))
    return Everyone(
        tuple(estimate for estimate, _ in found),
        tuple(data for _, data in found if data is not None),
    )


def _rates(release: Release, catalog: Catalog) -> _Rates:
    """Success divided by the success metrics, harm by all that could show it."""
    successes = max(1, len(release.with_role("success")))
    judged = release.with_role("success", "guardrail", "survival")
    harms = max(1, sum(catalog.metric(one.metric).direction != "neutral" for one in judged))
    if release.windows.harm_look_day is None:
        return _Rates(SIDE / successes, SIDE / harms, 0.0)
    return _Rates(SIDE / successes, LATE_HARM / harms, EARLY_HARM / harms)


def _estimate(
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    look: Callable[..., PlaceboWindow],
    rates: _Rates,
) -> tuple[Estimate, PlaceboData | None]:
    last = look(days_after=release.windows.days_after)
    holds_margin = role.role in ("guardrail", "survival")
    limit, is_relative = _limit(role, metric)
    if last.days.is_total and limit is not None and not is_relative:
        limit = None  # a limit per unit says nothing of a total
    known: dict[str, Any] = {
        "metric": metric.name,
        "label": metric.label,
        "value": metric.value,
        "direction": metric.direction,
        "role": role.role,
        "treatment": release.treatments[0],
        "window_days": None,
        "n_control": None,
        "n_treatment": None,
        "n_missing_control": None,
        "n_missing_treatment": None,
        "method": METHOD,
        "variance_reduction_share": 0.0,
        "definition": {"revision": metric.revision, "digest": metric.digest},
        "limit_is_relative": is_relative,
    }
    shown = rates.success if role.role == "success" else SIDE

    def nothing(why: NotEstimable, waits: bool) -> tuple[Estimate, None]:
        estimate = Estimate(
            **known,
            status="not_estimable",
            reason=why.reason,
            margin=limit if holds_margin and not is_relative else None,
            minimum_effect=None if holds_margin or is_relative else limit,
            mean_control=None,
            mean_treatment=None,
            absolute_effect=None,
            ci_lower=None,
            ci_upper=None,
            relative_effect=None,
            relative_ci_lower=None,
            relative_ci_upper=None,
            p_value=None,
            bound=None,
            confidence_level=1 - 2 * shown,
            conclusion="inconclusive" if waits else "not_estimable",
            resolves_with_more_units=waits,
        )
        return estimate, None

    if holds_margin and limit is None:
        return nothing(
            NotEstimable(
                "it is a total over the product, whose margin has to be a share of it:"
                " declare `relative: true`"
            ),
            waits=False,
        )
    found, window, level = last.compare(), last, rates.harm
    harmed_early = False
    if release.windows.harm_look_day is not None:
        first = look(days_after=release.windows.harm_look_day)
        early = first.compare()
        harmed_early = isinstance(early, PlaceboDifference) and _is_harm(
            early, metric, first.moved, rates.early_harm
        )
        if harmed_early and isinstance(found, NotEstimable) and found.resolves_with_more_units:
            found, window, shown = early, first, rates.early_harm
    if isinstance(found, NotEstimable):
        return nothing(found, found.resolves_with_more_units)
    lower, upper = (window.moved(end) for end in _interval(found, shown))
    effect = window.moved(found.log_effect)
    conclusion: Conclusion = "inferior" if holds_margin else "worse"
    if not harmed_early:
        is_harm = _is_harm(found, metric, window.moved, level)
        conclusion = _conclude(
            role,
            metric,
            found,
            window.moved,
            limit=(limit, is_relative),
            shown=shown,
            is_harm=is_harm,
        )
    base = window.mean_before()
    absolute_limit = limit * base if limit is not None and is_relative else limit
    estimate = Estimate(
        **known,
        status="estimated",
        reason="its look for harm on day 7 found some" if harmed_early else None,
        margin=absolute_limit if holds_margin else None,
        minimum_effect=None if holds_margin else absolute_limit,
        mean_control=base,
        mean_treatment=window.mean_after(),
        absolute_effect=effect[0],
        ci_lower=lower[0],
        ci_upper=upper[0],
        relative_effect=effect[1],
        relative_ci_lower=lower[1],
        relative_ci_upper=upper[1],
        p_value=found.p_value,
        bound=t_bound(1 - 2 * shown, found.degrees_of_freedom),
        confidence_level=1 - 2 * shown,
        conclusion=conclusion,
    )
    return estimate, window.data(found)


def _conclude(
    role: RoleOfMetric,
    metric: Metric,
    found: PlaceboDifference,
    moved: Move,
    *,
    limit: tuple[float | None, bool],
    shown: float,
    is_harm: bool,
) -> Conclusion:
    """The metric's state in the decision table; limits are held at 5 % a side, whatever it is."""
    size, is_relative = limit
    which = 1 if is_relative else 0
    lower, upper = (moved(end) for end in _interval(found, SIDE))
    against = (lower[which], upper[which])
    low, high = (moved(end)[0] for end in _interval(found, shown))
    said = judge_interval(role.role, metric.direction, (low, high), size, against)
    if role.role in ("guardrail", "survival"):
        if said == "non_inferior":
            return said
        return "inferior" if is_harm else "inconclusive"
    if is_harm:
        return "worse"
    return "inconclusive" if said == "worse" else said


def _is_harm(found: PlaceboDifference, metric: Metric, moved: Move, rate: float) -> bool:
    """Whether the metric got worse, by a test that errs at that one-sided rate."""
    if metric.direction == "neutral" or not rate:
        return False
    lower, upper = (moved(end)[0] for end in _interval(found, rate))
    return good_is_positive((lower, upper), metric.direction)[1] < 0


def _interval(found: PlaceboDifference, side: float) -> Interval:
    half = t_bound(1 - 2 * side, found.degrees_of_freedom) * found.standard_error
    return found.log_effect - half, found.log_effect + half


def _limit(role: RoleOfMetric, metric: Metric) -> tuple[float | None, bool]:
    """The limit that the role is held against, and whether it is a share of the base."""
    if role.role in ("guardrail", "survival"):
        declared, own = role.non_inferiority_margin, metric.non_inferiority_margin
    else:
        declared, own = role.minimum_effect_of_interest, metric.minimum_effect_of_interest
    return (own, False) if declared is None else (declared, role.relative)
