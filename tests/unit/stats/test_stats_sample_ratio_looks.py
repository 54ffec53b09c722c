"""Sample ratio under daily looks: bounds, scores, e-values and how they go together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from landed.errors import PlanError
from landed.stats import sample_ratio_path
from landed.stats.sample_ratio_looks import (
    LARGEST_LOG_E_VALUE,
    ratio_bounds,
    ratio_log_e_values,
    ratio_scores,
)
from landed.stats.sequential import planned_looks

EVEN = {"control": 0.5, "treatment": 0.5}
LIMITS = {"alpha": 0.0008, "concentration": 100.0, "e_value_limit": 5000.0}


def days(*counts):
    return [[{"control": control, "treatment": treatment}] for control, treatment in counts]


def test_the_bounds_of_even_traffic_are_those_of_the_plan() -> None:
    weeks = [0.25, 0.5, 0.75, 1.0]

    path = sample_ratio_path(days(*[(100, 100)] * 4), [EVEN], weeks, **LIMITS)

    plan = planned_looks("obrien_fleming", 0.0008, weeks, two_sided=True)
    found = [look.bound for look in path.looks]
    assert found == pytest.approx([look.bound for look in plan], abs=1e-9)


def test_alpha_is_spent_by_time_though_units_come_late() -> None:
    bounds = ratio_bounds(np.array([1.0, 2.0, 100.0]), [0.5, 0.99, 1.0], 0.0008)

    assert bounds[1] < 3.6  # nearly all is spent at 99 % of the time, at 2 % of the units


def test_a_look_after_the_planned_end_spends_nothing() -> None:
    path = sample_ratio_path(
        days((100, 100), (100, 100), (100, 100)), [EVEN], [0.5, 1.0, 1.0], **LIMITS
    )

    assert path.looks[1].bound is not None
    assert path.looks[2].bound is None


def test_the_last_planned_look_spends_the_rest_though_nobody_came_that_day() -> None:
    path = sample_ratio_path(
        days((100, 100), (100, 100), (0, 0)), [EVEN], [0.3, 0.6, 1.0], **LIMITS
    )

    assert [look.bound is None for look in path.looks] == [False, True, False]
    assert path.looks[2].bound == pytest.approx(3.353, abs=2e-3)


def test_a_day_without_a_unit_is_no_look() -> None:
    path = sample_ratio_path(days((0, 0), (5, 6)), [EVEN], [0.5, 1.0], **LIMITS)

    assert path.looks[0].bound is None
    assert path.looks[0].excess == 0


def test_swapping_the_variants_leaves_the_excess_as_it_was() -> None:
    one = sample_ratio_path(days((400, 700)), [EVEN], [1.0], **LIMITS)
    other = sample_ratio_path(days((700, 400)), [EVEN], [1.0], **LIMITS)

    assert one.excess == pytest.approx(other.excess, rel=1e-12)
    assert (one.looks[0].variant, other.looks[0].variant) == ("treatment", "control")


def test_stages_are_held_against_their_own_shares() -> None:
    ramp = [{"control": 0.9, "treatment": 0.1}, EVEN]
    fits = [[{"control": 900, "treatment": 100}, {"control": 500, "treatment": 500}]]
    pooled = [[{"control": 780, "treatment": 220}, {"control": 620, "treatment": 380}]]

    assert sample_ratio_path(fits, ramp, [1.0], **LIMITS).excess < 0.01
    assert sample_ratio_path(pooled, ramp, [1.0], **LIMITS).crossed == 0


def test_a_score_has_the_tail_of_the_exact_binomial() -> None:
    z = ratio_scores(np.array([[485, 15]]), np.array([[0.99, 0.01]]))

    assert stats.norm.sf(z[1]) == pytest.approx(stats.binom.sf(14, 500, 0.01), rel=0.01)
    assert z[0] == pytest.approx(-z[1], rel=1e-9)


def test_a_score_over_stages_has_the_tail_of_the_sum() -> None:
    # 2,000 units at 5 % and 300 at 50 %: the exact distribution is the two binomials' convolution
    total = np.array([[1870, 130], [140, 160]])
    first, second = (stats.binom(2000, 0.05), stats.binom(300, 0.5))
    exact = sum(first.pmf(x) * second.sf(290 - x - 1) for x in range(291))

    z = ratio_scores(total, np.array([[0.95, 0.05], [0.5, 0.5]]))

    assert stats.norm.sf(z[1]) == pytest.approx(exact, rel=0.01)


def test_one_unit_in_a_rare_variant_does_not_refuse_a_ramps_first_day() -> None:
    rare = [{"control": 0.999, "treatment": 0.001}]

    path = sample_ratio_path(days((19, 1)), rare, [0.04], **LIMITS)

    assert path.excess < 1  # the normal approximation says z = 7


def test_an_e_value_is_the_ratio_of_the_likelihoods() -> None:
    total, shares = np.array([[3, 5]]), np.array([[0.25, 0.75]])

    found = ratio_log_e_values(total, shares, 8.0)

    marginal = stats.betabinom(8, 2.0, 6.0).logpmf(3)
    assert found == pytest.approx(marginal - stats.binom(8, 0.25).logpmf(3), rel=1e-9)


def test_an_e_value_is_one_on_average_where_the_plan_holds() -> None:
    units = np.arange(41)
    total = np.stack([units, 40 - units], axis=-1)[:, None, :]

    e_values = np.exp(ratio_log_e_values(total, np.array([[0.3, 0.7]]), 100.0))

    assert stats.binom(40, 0.3).pmf(units) @ e_values == pytest.approx(1.0, rel=1e-9)


def test_units_where_the_plan_gave_none_are_no_chance() -> None:
    closed = {"control": 1.0, "treatment": 0.0}

    path = sample_ratio_path(days((100, 1)), [closed], [0.1], **LIMITS)

    assert path.crossed == 0
    assert path.looks[0].log_e_value == LARGEST_LOG_E_VALUE
    assert math.isfinite(path.excess)


def test_the_e_value_refuses_when_no_look_is_planned() -> None:
    path = sample_ratio_path(days((300, 500)), [EVEN], [], **LIMITS)

    assert path.looks[0].bound is None
    assert path.crossed == 0


def test_nobody_exposed_cannot_be_judged() -> None:
    with pytest.raises(PlanError, match="no unit was exposed"):
        sample_ratio_path(days((0, 0)), [EVEN], [1.0], **LIMITS)


def test_a_variant_outside_the_plan_cannot_be_judged() -> None:
    with pytest.raises(PlanError, match="units of blue"):
        sample_ratio_path([[{"blue": 1}]], [EVEN], [1.0], **LIMITS)
