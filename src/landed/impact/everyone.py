"""A change that everybody got at once: its days against those before, and earlier such moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..catalog.release_designs import shipped_on
from ..catalog.releases import Release, RoleOfMetric
from ..stats import NotEstimable, PlaceboDifference
from ..stats.distributions import t_bound
from .alpha import tests_of
from .daily_series import DailySeries
from .estimate import Estimate
from .judge import crossed_at
from .limits import limit_of
from .one_look import Comparison, Ends, Rates, estimate_once, without_numbers
from .placebo_window import PlaceboData, PlaceboWindow

METHOD = "placebo"
SIDE = 0.05  # a side: 90 % intervals. At 2.5 % a true +10 % would be missed half as often again
#: With a look for harm on day 7: what it may err, and what is left for the last day.
EARLY_HARM, LATE_HARM = 0.01, 0.04


@dataclass(frozen=True, slots=True)
class Everyone:
    """What the daily numbers say of a release to everyone.

    Args:
        estimates: One a metric, in the release's order.
        placebos: Of each estimate that was made.
    """

    estimates: tuple[Estimate, ...]
    placebos: tuple[PlaceboData, ...]


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
    rates, early_harm = _rates(release, catalog)
    found = []
    for role in release.roles:
        metric = catalog.metric(role.metric)
        look = partial(
            PlaceboWindow,
            release,
            metric,
            series[metric.name],
            data_through=data_through,
            excluded=excluded,
        )
        found.append(_estimate(release, metric, role, look, (rates, early_harm)))
    return Everyone(
        tuple(estimate for estimate, _ in found),
        tuple(data for _, data in found if data is not None),
    )


def _rates(release: Release, catalog: Catalog) -> tuple[Rates, Rates]:
    """Error rates at the end, and on day 7.

    Success is divided by the success metrics, harm by all that could show it.
    """
    successes = max(1, len(release.with_role("success")))
    judged = release.with_role("success", "guardrail", "survival")
    harms = max(1, sum(catalog.metric(one.metric).direction != "neutral" for one in judged))
    late, early = (SIDE, 0.0) if release.windows.harm_look_day is None else (LATE_HARM, EARLY_HARM)
    at_end: Rates = {
        "success": SIDE / successes,
        "harm": late / harms,
        "equivalence": SIDE,
        "non_inferiority": SIDE,
    }
    return at_end, {"harm": early / harms}


def _estimate(
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    look: Callable[..., PlaceboWindow],
    rates: tuple[Rates, Rates],
) -> tuple[Estimate, PlaceboData | None]:
    window = look(days_after=release.windows.days_after)
    limit, is_relative = limit_of(role, metric)
    if window.days.is_total and not is_relative:
        limit = None  # a limit per unit says nothing of a total
    if role.role in ("guardrail", "survival") and limit is None:
        why = NotEstimable(
            "it is a total over the product, whose margin has to be a share of it:"
            " declare `relative: true`"
        )
        return without_numbers(release, metric, role, why, method=METHOD), None
    found, at = window.compare(), rates[0]
    earlier: tuple[tuple[str, ...], ...] = ()
    if release.windows.harm_look_day is not None:
        first = look(days_after=release.windows.harm_look_day)
        early = first.compare()
        if isinstance(early, PlaceboDifference) and _is_harm(role, metric, first, early, rates[1]):
            earlier = (("worse",),)
            if isinstance(found, NotEstimable) and found.resolves_with_more_units:
                found, window, at = early, first, rates[1]
    if isinstance(found, NotEstimable):
        waits = found.resolves_with_more_units
        return without_numbers(release, metric, role, found, method=METHOD, waits=waits), None
    estimate = estimate_once(
        release,
        metric,
        role,
        _comparison(window, found),
        at,
        limit=limit,
        earlier=earlier,
        reason="its look for harm on day 7 found some" if earlier else None,
    )
    return estimate, window.data(found)


def _is_harm(
    role: RoleOfMetric,
    metric: Metric,
    window: PlaceboWindow,
    found: PlaceboDifference,
    rates: Rates,
) -> bool:
    """Whether the look for harm alone found some."""
    if metric.direction == "neutral" or "harm" not in tests_of(role.role, metric.direction):
        return False
    ends = _ends(window, found, rates["harm"])
    return "worse" in crossed_at(role.role, metric.direction, {"harm": ends.absolute}, None)


def _comparison(window: PlaceboWindow, found: PlaceboDifference) -> Comparison:
    absolute, relative = window.moved(found.log_effect)
    lower, upper = _ends(window, found, SIDE).absolute
    half = t_bound(1 - 2 * SIDE, found.degrees_of_freedom)
    return Comparison(
        method=METHOD,
        mean_control=window.mean_before(),
        mean_treatment=window.mean_after(),
        absolute_effect=absolute,
        relative_effect=relative,
        standard_error=(upper - lower) / 2 / half,
        p_value=found.p_value,
        ends=partial(_ends, window, found),
    )


def _ends(window: PlaceboWindow, found: PlaceboDifference, side: float) -> Ends:
    bound = t_bound(1 - 2 * side, found.degrees_of_freedom)
    half = bound * found.standard_error
    lower = window.moved(found.log_effect - half)
    upper = window.moved(found.log_effect + half)
    return Ends(bound, (lower[0], upper[0]), (lower[1], upper[1]))
