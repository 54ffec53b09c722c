"""A release to everyone: one verdict from the product's days, at the end of its window."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from landed.catalog import AllocationStage, Catalog, Release, RoleOfMetric
from landed.catalog.release_designs import Incident, PlaceboWindows
from landed.impact import conclude
from landed.impact.daily_series import DailySeries, series_of
from landed.impact.everyone import Everyone, everyone_estimates, touched_days

FIRST_ON = date(2026, 3, 1)
CHANGED_ON = FIRST_ON + timedelta(days=180)
SHIPPED = datetime(2026, 8, 28, tzinfo=UTC)  # that day's first instant
SEED = 20261130


def everyone(*roles: RoleOfMetric, **changes: Any) -> Release:
    facts: dict[str, Any] = {
        "release": "dark-mode",
        "shipped_at": SHIPPED,
        "owner": "design",
        "kind": "everyone",
        "roles": roles or (RoleOfMetric("visits", "success", 0.03, relative=True),),
        "treatments": ("released",),
    }
    return Release(**{**facts, **changes})


def days_of(
    effect: float, days: int = 194, metric: str = "visits", seed: int = SEED
) -> DailySeries:
    """About a thousand a day, 2 % noise, and so much more (log) from the change on."""
    logs = math.log(1000) + np.random.default_rng(seed).normal(0, 0.02, 200)[:days]
    logs[180:] += effect
    return DailySeries(metric, FIRST_ON, tuple(np.exp(logs).tolist()))


def judged(
    release: Release,
    catalog: Catalog,
    series: Mapping[str, DailySeries],
    *,
    whole_days_after: int = 14,
    excluded: Mapping[date, str] | None = None,
) -> tuple[Everyone, str]:
    through = SHIPPED + timedelta(days=whole_days_after)
    found = everyone_estimates(
        release, catalog, series, data_through=through, excluded=excluded or {}
    )
    verdict = conclude(
        release, found.estimates, cutoff_at=through, decides_at=release.decides_at([])
    )
    return found, verdict.decision


@pytest.fixture
def visits(metric: Callable[..., Any], catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(
        metric("visits", value="count", kind="simple"),
        metric("errors", value="count", kind="simple", direction="decrease_is_good"),
    )


@pytest.mark.parametrize(
    ("effect", "decision"), [(0.1, "worked"), (-0.1, "harmed"), (0.0, "no_effect")]
)
def test_the_verdict_follows_the_days(visits: Catalog, effect: float, decision: str) -> None:
    found, said = judged(everyone(), visits, {"visits": days_of(effect)})

    (estimate,) = found.estimates
    assert said == decision
    assert estimate.relative_ci_lower < math.expm1(effect) < estimate.relative_ci_upper
    assert estimate.absolute_effect == pytest.approx(
        estimate.relative_effect * estimate.mean_control, rel=1e-12
    )
    assert estimate.confidence_level == pytest.approx(0.9)
    assert (estimate.n_control, estimate.n_treatment) == (None, None)


def test_a_wide_interval_at_the_end_is_inconclusive_and_over(visits: Catalog) -> None:
    release = everyone(RoleOfMetric("visits", "success", 0.001, relative=True))

    found, said = judged(release, visits, {"visits": days_of(0.0)})

    assert said == "inconclusive"
    assert found.estimates[0].status == "estimated"


def test_nothing_is_shown_before_it_is_due(visits: Catalog) -> None:
    release = everyone()
    series = {"visits": days_of(0.5, days=193)}

    found = everyone_estimates(
        release, visits, series, data_through=SHIPPED + timedelta(days=13), excluded={}
    )
    verdict = conclude(
        release,
        found.estimates,
        cutoff_at=SHIPPED + timedelta(days=13),
        decides_at=release.decides_at([]),
    )

    assert (verdict.decision, verdict.next_action) == ("inconclusive", "continue")
    assert "1 day left" in verdict.reason
    assert found.estimates[0].absolute_effect is None
    assert found.placebos == ()


def test_days_after_the_window_change_nothing(visits: Catalog) -> None:
    then, _ = judged(everyone(), visits, {"visits": days_of(0.1)})

    later, _ = judged(everyone(), visits, {"visits": days_of(0.1, days=200)}, whole_days_after=20)

    assert later == then


def test_too_little_history_is_said_on_the_first_day(visits: Catalog) -> None:
    short = DailySeries("visits", CHANGED_ON - timedelta(days=139), (1000.0,) * 139)

    found, said = judged(everyone(), visits, {"visits": short}, whole_days_after=0)

    assert said == "not_estimable"
    assert found.estimates[0].reason == (
        "too little history: 7 placebo windows of 14 days, at least 8 are needed"
    )


def test_the_day_it_shipped_on_is_in_no_window(visits: Catalog) -> None:
    release = everyone(shipped_at=SHIPPED - timedelta(hours=15))
    odd = list(days_of(0.1).values)
    odd[179] = 1.0  # the day before its first whole day

    found, said = judged(release, visits, {"visits": DailySeries("visits", FIRST_ON, tuple(odd))})

    assert release.decides_at([]) == SHIPPED + timedelta(days=14)
    assert said == "worked"
    assert found.placebos[0].changed_on == CHANGED_ON
    assert found.placebos[0].windows[0][0] == CHANGED_ON - timedelta(days=15)


def test_success_is_divided_by_the_success_metrics_and_harm_by_all_that_show_it(
    visits: Catalog,
) -> None:
    release = everyone(
        RoleOfMetric("visits", "success"),
        RoleOfMetric("errors", "success"),
    )

    found, _ = judged(
        release, visits, {"visits": days_of(0.0), "errors": days_of(0.0, metric="errors")}
    )

    assert [one.confidence_level for one in found.estimates] == pytest.approx([0.95, 0.95])
    guarded = everyone(
        RoleOfMetric("visits", "success"),
        RoleOfMetric("errors", "guardrail", non_inferiority_margin=0.05, relative=True),
    )
    found, _ = judged(
        guarded, visits, {"visits": days_of(0.0), "errors": days_of(0.0, metric="errors")}
    )
    rates = [
        {test: ends["alpha"] for test, ends in one.intervals.items()} for one in found.estimates
    ]
    assert rates == [
        {"success": 0.05, "harm": 0.025, "equivalence": 0.05},
        {"non_inferiority": 0.05, "harm": 0.025},
    ]


@pytest.mark.parametrize(
    ("effect", "decision", "conclusion"),
    [(0.0, "worked", "non_inferior"), (0.2, "harmed", "worse"), (0.05, "inconclusive", None)],
)
def test_a_guardrail_is_held_against_its_margin(
    visits: Catalog, effect: float, decision: str, conclusion: str | None
) -> None:
    """More errors are worse; the margin is 5 % more of them."""
    release = everyone(
        RoleOfMetric("visits", "success"),
        RoleOfMetric("errors", "guardrail", non_inferiority_margin=0.05, relative=True),
    )
    noisy = np.random.default_rng(3).normal(0, 0.02 if effect != 0.05 else 0.2, 194)
    errors = np.exp(4 + noisy + effect * (np.arange(194) >= 180))
    series = {
        "visits": days_of(0.1),
        "errors": DailySeries("errors", FIRST_ON, tuple(errors.tolist())),
    }

    found, said = judged(release, visits, series)

    assert said == decision
    guardrail = found.estimates[1]
    assert guardrail.margin == pytest.approx(0.05 * guardrail.mean_control)
    if conclusion:
        assert guardrail.conclusion == conclusion


def test_a_total_needs_a_relative_margin(visits: Catalog) -> None:
    release = everyone(
        RoleOfMetric("visits", "success"),
        RoleOfMetric("errors", "guardrail", non_inferiority_margin=0.05),
    )
    total = DailySeries("errors", FIRST_ON, days_of(0.0).values, is_total=True)

    found, said = judged(release, visits, {"visits": days_of(0.1), "errors": total})

    assert said == "not_estimable"
    assert "`relative: true`" in str(found.estimates[1].reason)


def test_a_share_moves_on_the_logit_and_stays_a_share(
    metric: Callable[..., Any], catalog: Callable[..., Catalog]
) -> None:
    definitions = catalog(metric("uptime", value="share"))
    logits = 4.6 + np.random.default_rng(5).normal(0, 0.05, 194)  # about 99 %
    logits[180:] += 1.0
    shares = tuple((1 / (1 + np.exp(-logits))).tolist())
    release = everyone(RoleOfMetric("uptime", "success"))

    found, said = judged(release, definitions, {"uptime": DailySeries("uptime", FIRST_ON, shares)})

    (estimate,) = found.estimates
    assert said == "worked"
    assert found.placebos[0].scale == "logit"
    assert estimate.mean_control + estimate.ci_upper < 1
    assert estimate.absolute_effect == pytest.approx(
        1 / (1 + math.exp(-math.log(estimate.mean_control / (1 - estimate.mean_control)) - 1))
        - estimate.mean_control,
        abs=0.0005,
    )


def test_another_release_takes_its_windows_away(visits: Catalog) -> None:
    other = everyone(release="new-icons", shipped_at=SHIPPED - timedelta(days=100))
    ramp = everyone(
        release="sync",
        kind="staged",
        shipped_at=SHIPPED - timedelta(days=170),
        allocation=(AllocationStage(SHIPPED - timedelta(days=160), {"control": 1.0}),),
    )
    release = everyone(incidents=(Incident(date(2026, 6, 30), date(2026, 7, 1), "outage"),))
    known = Catalog(visits.metrics, {}, {one.release: one for one in (other, ramp, release)})

    touched = touched_days(release, known)
    found, said = judged(release, visits, {"visits": days_of(0.1)}, excluded=touched)

    assert touched == {
        date(2026, 5, 20): "new-icons was given out",
        date(2026, 5, 21): "new-icons was given out",
        date(2026, 3, 11): "sync was given out",
        date(2026, 3, 12): "sync was given out",
        date(2026, 3, 21): "sync was given out",
        date(2026, 3, 22): "sync was given out",
        date(2026, 6, 30): "incident: outage",
        date(2026, 7, 1): "incident: outage",
    }
    assert said == "not_estimable"
    assert found.estimates[0].reason == (
        "too little history: 3 placebo windows of 14 days, at least 8 are needed;"
        " 7 more hold a day that does not count"
    )


def test_another_release_in_its_own_windows_makes_it_not_estimable(visits: Catalog) -> None:
    excluded = {CHANGED_ON + timedelta(days=13): "new-icons was given out"}

    found, said = judged(everyone(), visits, {"visits": days_of(0.1)}, excluded=excluded)

    assert said == "not_estimable"
    assert found.estimates[0].reason == (
        f"{CHANGED_ON + timedelta(days=13)} lies in its windows: new-icons was given out"
    )


@pytest.mark.parametrize(("effect", "decision"), [(-0.1, "harmed"), (0.5, "inconclusive")])
def test_the_look_on_day_seven_tells_harm_alone(
    visits: Catalog, effect: float, decision: str
) -> None:
    release = everyone(windows=PlaceboWindows(harm_look_day=7))

    found, said = judged(release, visits, {"visits": days_of(effect, days=187)}, whole_days_after=7)

    assert said == decision
    assert (found.estimates[0].status == "estimated") == (decision == "harmed")
    if decision == "harmed":
        assert found.estimates[0].confidence_level == pytest.approx(0.98)
        assert found.placebos[0].days_after == 7


def test_harm_found_on_day_seven_stays(visits: Catalog) -> None:
    values = np.array(days_of(0.0).values)
    values[180:187] *= 0.9
    values[187:] *= 1.1
    series = {"visits": DailySeries("visits", FIRST_ON, tuple(values.tolist()))}

    plain = judged(everyone(), visits, series)[1]
    looked = judged(everyone(windows=PlaceboWindows(harm_look_day=7)), visits, series)[1]

    assert (plain, looked) == ("no_effect", "harmed")


def test_a_day_without_a_logarithm_is_named_as_such(visits: Catalog) -> None:
    values = [*days_of(0.0).values[:190], 0.0, *days_of(0.0).values[191:]]

    found, said = judged(
        everyone(), visits, {"visits": DailySeries("visits", FIRST_ON, tuple(values))}
    )

    assert said == "not_estimable"
    assert found.estimates[0].reason == "a day of its windows has no value, or 0 or less"


def test_a_series_begins_after_its_first_day_and_has_gaps_where_no_row_is() -> None:
    found = series_of(
        "visits",
        [(date(2026, 3, 1), 4.0), (date(2026, 3, 3), 6.0), (date(2026, 3, 5), 7.0)],
        until=date(2026, 3, 5),
    )

    assert found.first_on == date(2026, 3, 2)
    assert found.values == (None, 6.0, None)
