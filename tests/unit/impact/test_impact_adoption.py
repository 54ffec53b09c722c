"""A version is judged twice, against all others of the week and against later takers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landed.catalog import Catalog, Metric, Release, RoleOfMetric
from landed.impact import conclude
from landed.impact.adoption import judge_adoption
from landed.impact.group_design import GroupEstimates
from landed.impact.group_panel import GroupPanel
from landed.impact.trials import Trial, planned_trials, weeks_of_trials

MONDAY = date(2026, 3, 2)
FIRST = MONDAY - timedelta(weeks=8)
DUE = datetime(2026, 4, 13, tzinfo=UTC)
TRIALS = (Trial(MONDAY, 500, 900, 400), Trial(MONDAY + timedelta(weeks=1), 250, 700, 300))
CATALOG = Catalog(
    {"sales": Metric("sales", "Sales", "", "simple", "growth", "usd", "increase_is_good")}, {}
)
VERSION = Release(
    release="drawn",
    shipped_at=datetime(2026, 3, 2, tzinfo=UTC),
    owner="growth",
    kind="version",
    roles=(RoleOfMetric("sales", "success", 0.05, relative=True),),
    treatments=("released",),
    exposure_ends_at=DUE,
)


def panel(effect: float, seed: int = 1, trend: float = 0.0) -> GroupPanel:
    """Logarithms of 20 groups a side and week: eight weeks before, five after."""
    rng = np.random.default_rng(seed)
    values = {}
    for place in (0, 1):
        for side in ("took", "others"):
            for part in range(20):
                weeks = 5 + rng.normal(0, 0.05, 12)
                if side == "took":
                    weeks[8 + place + 1 :] += effect
                    weeks += trend * np.arange(12)
                values[f"{place} {side} {part:02d}"] = tuple(weeks.tolist())
    return GroupPanel("sales", FIRST, values, is_log=True)


def judged(all_others: GroupPanel, later: GroupPanel) -> GroupEstimates:
    return judge_adoption(
        VERSION, CATALOG, TRIALS, {"sales": all_others}, {"sales": later}, cutoff_at=DUE
    )


def decision(found: GroupEstimates) -> str:
    return conclude(VERSION, found.estimates, cutoff_at=DUE, decides_at=DUE).decision


@pytest.mark.parametrize(
    ("against_all", "against_later", "decided"),
    [
        (0.3, 0.2, "worked"),
        (0.3, 0.0, "inconclusive"),
        (0.0, 0.3, "inconclusive"),
        (-0.2, -0.3, "harmed"),
        (0.0, -0.3, "inconclusive"),
        (0.3, -0.3, "inconclusive"),
        (0.0, 0.0, "no_effect"),
    ],
)
def test_a_verdict_has_to_hold_in_both_comparisons(
    against_all: float, against_later: float, decided: str
) -> None:
    found = judged(panel(against_all), panel(against_later, seed=2))

    assert decision(found) == decided


@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_the_interval_covers_both_effects(against_all: float, against_later: float) -> None:
    first, second = panel(against_all), panel(against_later, seed=2)

    (estimate,), ((alone,), (other,)) = (
        judged(first, second).estimates,
        (judged(first, first).estimates, judged(second, second).estimates),
    )

    assert estimate.relative_effect == pytest.approx(alone.relative_effect)
    lower = min(alone.relative_ci_lower, other.relative_ci_lower)
    upper = max(alone.relative_ci_upper, other.relative_ci_upper)
    assert (estimate.relative_ci_lower, estimate.relative_ci_upper) == pytest.approx((lower, upper))


def test_effects_that_point_apart_have_no_small_p_value() -> None:
    (apart,) = judged(panel(0.3), panel(-0.3, seed=2)).estimates
    (alike,) = judged(panel(0.3), panel(0.2, seed=2)).estimates

    assert apart.p_value == 1.0
    assert alike.p_value is not None
    assert alike.p_value < 0.001


def test_a_week_of_few_units_weighs_less() -> None:
    (design,) = judged(panel(0.3), panel(0.2, seed=2)).designs

    weights = {cell["cohort"]: cell["weight"] for cell in design.facts["cells"] if cell["weight"]}
    assert weights["2026-03-09"] == pytest.approx(2 * weights["2026-03-16"])


@pytest.mark.parametrize("where", ["all", "later"])
def test_trends_that_differed_before_are_refused_in_either_comparison(where: str) -> None:
    bent, straight = panel(0.3, trend=0.05), panel(0.3, seed=2)

    found = judged(bent, straight) if where == "all" else judged(straight, bent)

    assert decision(found) == "not_estimable"
    assert "the trends differed before the change" in str(found.estimates[0].reason)


def test_a_week_is_watched_if_both_weeks_after_it_are_over() -> None:
    until = MONDAY + timedelta(weeks=4)

    found = planned_trials(VERSION, until)

    assert found == (MONDAY, MONDAY + timedelta(weeks=1))
    assert planned_trials(VERSION, MONDAY + timedelta(weeks=2)) == ()
    assert weeks_of_trials(found).until == until
