"""Group-time effects: what they average, whom they compare with, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import NotEstimable, staggered_effect

SEED = 20261201
COHORTS = [3] * 6 + [5] * 10 + [None] * 8


def panel(cohorts=COHORTS, effect=0.0, periods=8, noise=0.3, seed=SEED):
    """Own level of each cluster, a common wave, and an effect that grows with each period."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 1, (len(cohorts), 1)) + np.sin(np.arange(periods))
    y = y + rng.normal(0, noise, y.shape)
    for row, start in zip(y, cohorts, strict=True):
        if start is not None:
            row[start:] += effect * np.arange(1, periods - start + 1)
    return y


def test_the_average_weighs_each_cohort_and_period_by_the_cohorts_size():
    y = panel(effect=1.0, noise=1e-9)

    found = staggered_effect(y, COHORTS)

    # cohort 3: 1 to 5 in five periods; cohort 5: 1 to 3 in three
    assert found.effect == pytest.approx((6 * 15 + 10 * 6) / (6 * 5 + 10 * 3), abs=1e-6)
    assert sum(cell.weight for cell in found.cells) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_the_contrast_is_the_weighted_sum_of_its_cells(comparison):
    found = staggered_effect(panel(effect=0.2), COHORTS, comparison=comparison)

    total = sum(cell.weight * cell.effect for cell in found.cells)
    assert found.effect == pytest.approx(total, abs=1e-12)


def test_two_groups_and_two_periods_are_welch_on_differences():
    cohorts = [1] * 12 + [None] * 14
    y = panel(cohorts, effect=0.5, periods=2)

    found = staggered_effect(y, cohorts)

    moved = y[:, 1] - y[:, 0]
    a, b = moved[:12], moved[12:]
    parts = (a.var(ddof=1) / 12, b.var(ddof=1) / 14)
    assert found.effect == pytest.approx(a.mean() - b.mean(), abs=1e-12)
    assert found.standard_error == pytest.approx(sum(parts) ** 0.5, rel=1e-12)
    assert found.degrees_of_freedom == pytest.approx(
        sum(parts) ** 2 / (parts[0] ** 2 / 11 + parts[1] ** 2 / 13), rel=1e-12
    )
    assert found.pre_trend is None


def test_clusters_that_wait_are_compared_with_until_they_get_it():
    found = {
        (cell.cohort, cell.period): cell.n_comparison
        for cell in staggered_effect(panel(), COHORTS).cells
    }

    assert (found[3, 4], found[3, 5]) == (10 + 8, 8)
    assert (5, 4) not in found  # the period it is compared from
    never = staggered_effect(panel(), COHORTS, comparison="never_treated")
    assert {cell.n_comparison for cell in never.cells} == {8}


def test_the_last_cohort_serves_as_comparison_where_all_get_it():
    cohorts = [2] * 10 + [5] * 10

    found = staggered_effect(panel(cohorts, effect=0.5, periods=8), cohorts)

    assert {(cell.cohort, cell.period) for cell in found.cells if cell.weight} == {
        (2, 2),
        (2, 3),
        (2, 4),
    }
    assert found.left_out == ((2, 5), (2, 6), (2, 7), (5, 5), (5, 6), (5, 7))


def test_levels_of_clusters_and_moves_that_all_share_change_nothing():
    y = panel(effect=0.3)
    found = staggered_effect(y, COHORTS)

    moved = staggered_effect(y + np.arange(len(y))[:, None] * 3 + np.arange(8) ** 2, COHORTS)

    assert moved.effect == pytest.approx(found.effect, abs=1e-10)
    assert moved.standard_error == pytest.approx(found.standard_error, rel=1e-9)


def test_a_trend_of_the_cohorts_own_is_seen_before_the_change_and_priced():
    y = panel(noise=0.05)
    y[:16] += 0.2 * np.arange(8)

    found = staggered_effect(y, COHORTS)

    assert found.pre_trend.slope == pytest.approx(0.2, abs=0.05)
    assert found.pre_trend.p_value < 0.001
    assert 0 < found.pre_trend.smallest_visible < 0.1
    # on average 2.5 periods after the last without it
    ahead = (6 * (1 + 2 + 3 + 4 + 5) + 10 * (1 + 2 + 3)) / (6 * 5 + 10 * 3)
    assert found.pre_trend.bias_of_smallest == pytest.approx(
        found.pre_trend.smallest_visible * ahead, rel=1e-12
    )


def test_a_period_in_whose_midst_it_came_is_in_no_comparison():
    y = panel(effect=0.3)
    odd = y.copy()
    for row, start in zip(odd, COHORTS, strict=True):
        if start is not None:
            row[start - 1] = 99.0

    found = staggered_effect(odd, COHORTS, anticipation=1)

    assert found.effect == pytest.approx(
        staggered_effect(y, COHORTS, anticipation=1).effect, abs=1e-12
    )
    periods = {cell.period for cell in found.cells if cell.cohort == 5}
    assert periods == {0, 1, 2, 5, 6, 7}
    # cohort 5 may hold some of it from period 4 on, so it is no comparison for cohort 3 then
    compared = {(cell.cohort, cell.period): cell.n_comparison for cell in found.cells}
    assert (compared[3, 3], compared[3, 4]) == (18, 8)


@pytest.mark.parametrize(
    ("cohorts", "reason"),
    [
        ([3] * 9 + [None] * 10, "too few clusters: 19 with a period before the change"),
        ([0] * 5 + [3] * 9 + [None] * 10, "too few clusters: 19 with a period before the change"),
        ([3] * 4 + [5] * 10 + [None] * 10, "too few clusters: 4 in the cohort of period 3"),
        ([3] * 20 + [None] * 4, "too few clusters without the change"),
        ([None] * 24, "no cluster got the change"),
    ],
)
def test_too_few_clusters_are_not_estimable(cohorts, reason):
    found = staggered_effect(panel(cohorts), cohorts)

    assert isinstance(found, NotEstimable)
    assert found.reason.startswith(reason)


def test_outcomes_that_all_move_alike_are_not_estimable():
    y = np.ones((24, 8)) + np.arange(8)

    assert staggered_effect(y, COHORTS).reason == "the outcomes of all clusters move alike"


@pytest.mark.parametrize(
    ("y", "cohorts", "says"),
    [
        (np.ones((3, 4)), [None], "shape"),
        (np.full((1, 4), np.nan), [None], "not finite"),
        (np.ones((1, 4)), [4], "begins in period 4"),
        (np.ones((1, 1)), [None], "shape"),
    ],
)
def test_a_wrong_call_is_refused(y, cohorts, says):
    with pytest.raises(EstimationError, match=says):
        staggered_effect(y, cohorts)


def test_a_cohort_is_compared_with_clusters_of_its_own_stratum_alone():
    cohorts = [3] * 8 + [None] * 8 + [5] * 8 + [None] * 8
    strata = [1] * 16 + [2] * 16
    y = panel(cohorts, effect=0.5, noise=1e-9)
    y[8:16] += np.arange(8) * 0.25  # what only the first cohort is compared with

    found = staggered_effect(y, cohorts, strata=strata)

    cells = {(cell.cohort, cell.period): cell.effect for cell in found.cells}
    assert cells[3, 4] == pytest.approx(1.0 - 0.5, abs=1e-6)
    assert cells[5, 5] == pytest.approx(0.5, abs=1e-6)
    assert {cell.n_comparison for cell in found.cells} == {8}


def test_a_cohort_counts_for_its_declared_size():
    y = panel(effect=1.0, noise=1e-9)

    found = staggered_effect(y, COHORTS, cohort_sizes={3: 100.0, 5: 300.0})

    assert found.effect == pytest.approx((100 * 15 + 300 * 6) / (100 * 5 + 300 * 3), abs=1e-6)
    assert {cell.n_treated for cell in found.cells} == {6, 10}
