"""Statistics of the gate: two arms by look, balance, moved traffic, differences that turn over."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from landed.errors import EstimationError
from landed.stats import (
    change_in_allocation,
    difference_path,
    joint_balance,
    replayed_splits,
    reversal,
)
from landed.stats.difference_looks import pooled_scores

MOVED = {"alpha": 0.0005, "planned_looks": 4, "least_units": 100, "least_difference": 0.02}


def arm(*days):
    """Sums of units that each have one whole, of which some have a part."""
    return [[n, part, n, part, n, part] for n, part in days]


def test_z_of_two_shares_is_that_of_the_pooled_proportions() -> None:
    _, z = pooled_scores(np.array(arm((400, 12))[0]), np.array(arm((500, 40))[0]))

    chi_squared = stats.chi2_contingency([[12, 388], [40, 460]], correction=False).statistic
    assert z**2 == pytest.approx(chi_squared, rel=1e-9)


def test_a_small_arm_that_lost_nothing_is_not_certain_of_it() -> None:
    found = difference_path(arm((9_900, 297)), arm((100, 0)), [1.0], alpha=0.0005, least_units=100)[
        0
    ]

    assert abs(found.z) < 2


def test_swapping_the_arms_flips_the_sign_alone() -> None:
    one = difference_path(arm((400, 12)), arm((500, 40)), [1.0], alpha=0.001, least_units=100)[0]
    other = difference_path(arm((500, 40)), arm((400, 12)), [1.0], alpha=0.001, least_units=100)[0]

    assert one.z == pytest.approx(-other.z)
    assert one.difference == pytest.approx(-other.difference)
    assert one.bound == pytest.approx(other.bound)


def test_an_arm_with_few_units_is_not_looked_at() -> None:
    few = difference_path(arm((99, 0)), arm((500, 400)), [1.0], alpha=0.001, least_units=100)[0]

    assert few.bound is None
    assert not few.is_crossed


def test_a_unit_with_many_wholes_is_one_cluster() -> None:
    heavy = [[1_000, 5_000, 11_000, 5_000**2, 999 + 10_001**2, 5_000 * 10_001]]
    light = [[1_000, 5_000, 11_000, 5_000 * 5, 11_000 * 11, 5_000 * 11]]
    even = [[1_000, 0, 11_000, 0, 11_000 * 11, 0]]

    by_one = difference_path(even, heavy, [1.0], alpha=0.001, least_units=100)[0]
    by_all = difference_path(even, light, [1.0], alpha=0.001, least_units=100)[0]

    assert by_one.difference == pytest.approx(by_all.difference)
    assert not by_one.is_crossed
    assert by_all.is_crossed


def test_sums_of_other_looks_are_refused() -> None:
    with pytest.raises(EstimationError, match="sums of shape"):
        difference_path(arm((1, 0)), arm((1, 0)), [0.5, 1.0], alpha=0.001, least_units=1)


def test_balance_of_one_covariate_is_the_two_sample_test_of_the_assignment() -> None:
    x = np.arange(20.0)
    is_treated = np.arange(20) % 3 == 0
    arms = [x[~is_treated], x[is_treated]]

    found = joint_balance(
        np.array([[13, 7]]),
        np.array([[[one.sum()] for one in arms]]),
        np.array([[[[(one**2).sum()]] for one in arms]]),
    )

    difference = arms[1].mean() - arms[0].mean()
    error = x.std(ddof=1) * np.sqrt(1 / len(arms[0]) + 1 / len(arms[1]))
    assert found.statistic == pytest.approx((difference / error) ** 2)
    assert found.differences[0] == pytest.approx(difference / x.std(ddof=1))


def test_a_covariate_that_repeats_another_adds_no_degree_of_freedom() -> None:
    x = np.random.default_rng(7).normal(size=(200, 1))
    both = np.hstack([x, 3 - 2 * x])
    arms = [both[:90], both[90:]]

    found = joint_balance(
        np.array([[90, 110]]),
        np.array([[one.sum(axis=0) for one in arms]]),
        np.array([[one.T @ one for one in arms]]),
    )

    assert found.degrees_of_freedom == 1


def test_strata_with_one_arm_say_nothing_of_balance() -> None:
    with pytest.raises(EstimationError, match="no stratum has units of both arms"):
        joint_balance(np.array([[5, 0]]), np.zeros((1, 2, 1)), np.zeros((1, 2, 1, 1)))


def test_a_constant_deviation_is_no_change_of_allocation() -> None:
    found = change_in_allocation([700] * 4, [500] * 4, [250] * 4, [1_000] * 4, **MOVED)

    assert found is None  # a wrong split all along is the sample ratio's to find


def test_a_change_smaller_than_matters_is_left_out() -> None:
    many = [100_000] * 4
    found = change_in_allocation([49_500, 49_500, 50_400, 50_400], [50_000] * 4, [25_000] * 4,
                                 many, **MOVED)  # fmt: skip

    assert found is None


def test_a_difference_that_turns_over_needs_both_sides() -> None:
    limits = {"least_z": 3.5, "least_difference": 0.1}
    none, all_ = [[100, 0]] * 2, [[100, 50]] * 2

    assert reversal(none + all_, all_ + none, **limits) is not None
    assert reversal(none + none, all_ + none, **limits) is None
    assert reversal(none + none, all_ + all_, **limits) is None


def test_a_replay_says_of_each_split_what_scipy_says_of_its_units() -> None:
    values, units = [0.0, 3.0, 50.0], [60, 30, 4]
    splits = np.random.default_rng(5).binomial(units, 0.2, (200, 3))
    p_values = [
        stats.ttest_ind(
            np.repeat(values, treated), np.repeat(values, units - treated), equal_var=False
        ).pvalue
        for treated in splits
    ]

    found = replayed_splits(
        values, units, treated_share=0.2, splits=200, level=0.05, rng=np.random.default_rng(5)
    )

    assert found.compared == 200
    assert found.differing == sum(p_value < 0.05 for p_value in p_values) > 20


def test_a_replay_of_units_that_are_alike_errs_as_often_as_it_says() -> None:
    found = replayed_splits(
        list(range(20)), [200] * 20, treated_share=0.1, splits=20_000, level=0.05,
        rng=np.random.default_rng(5),
    )  # fmt: skip

    assert found.differing / found.compared == pytest.approx(0.05, abs=0.005)


def test_a_replay_leaves_out_splits_that_cannot_be_compared() -> None:
    more = {"splits": 50, "level": 0.05, "rng": np.random.default_rng(5)}

    assert replayed_splits([3.0], [1_000], treated_share=0.5, **more).compared == 0
    assert replayed_splits([1.0, 2.0], [1, 1], treated_share=0.5, **more).compared == 0
    with pytest.raises(EstimationError, match="treated share of 1"):
        replayed_splits([1.0, 2.0], [9, 9], treated_share=1, **more)
