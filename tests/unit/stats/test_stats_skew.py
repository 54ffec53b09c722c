from __future__ import annotations

import itertools

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import JointSums, NotEstimable, refuse_skew, skew_of_difference, skewness


def cubes(values: dict[str, np.ndarray]) -> JointSums:
    letters = sorted(values)
    sums = {
        "".join(product): float(np.prod([values[one] for one in product], axis=0).sum())
        for size in (1, 2, 3)
        for product in itertools.combinations_with_replacement(letters, size)
    }
    return JointSums(len(values[letters[0]]), dict.fromkeys(letters, 0.0), sums)


def test_skewness_is_that_of_the_values() -> None:
    x = np.random.default_rng(1).exponential(2.0, 500)

    found = skewness(cubes({"x": x}))

    centred = x - x.mean()
    assert found == pytest.approx((centred**3).mean() / (centred**2).mean() ** 1.5, rel=1e-10)


def test_skewness_of_a_ratio_is_that_of_its_linear_part() -> None:
    rng = np.random.default_rng(2)
    w = 1.0 + rng.poisson(3, 500)
    x = w * rng.exponential(2.0, 500)

    found = skewness(cubes({"x": x, "w": w}), "x", "w")

    left = x - x.sum() / w.sum() * w
    assert found == pytest.approx((left**3).mean() / (left**2).mean() ** 1.5, rel=1e-9)


def test_values_that_do_not_vary_have_no_skewness() -> None:
    assert skewness(cubes({"x": np.full(10, 2.0)})) == 0.0


def test_sums_without_third_powers_are_refused() -> None:
    with pytest.raises(EstimationError, match="no sum of xxx"):
        skewness(JointSums(3, {"x": 0.0}, {"x": 3.0, "xx": 3.0}))


def test_the_difference_is_as_skewed_as_its_third_cumulant_says() -> None:
    rng = np.random.default_rng(3)
    control = rng.exponential(1.0, (40_000, 90)).mean(axis=1)
    treatment = rng.exponential(1.0, (40_000, 10)).mean(axis=1)
    drawn = treatment - control

    found = skew_of_difference(2.0, 90, 10)

    centred = drawn - drawn.mean()
    assert found == pytest.approx((centred**3).mean() / (centred**2).mean() ** 1.5, abs=0.06)


def test_swapping_the_arms_changes_nothing() -> None:
    assert skew_of_difference(5.0, 100, 900) == skew_of_difference(-5.0, 900, 100)


def test_an_arm_without_units_is_refused() -> None:
    with pytest.raises(EstimationError, match="0 and 5"):
        skew_of_difference(1.0, 0, 5)


def test_the_rule_holds_exactly_at_its_limits() -> None:
    assert refuse_skew(0.0, 0.1, 2000, 2000) is None
    assert isinstance(refuse_skew(0.0, 0.1, 2000, 1999), NotEstimable)


def test_more_units_cure_what_an_unequal_split_refuses() -> None:
    few = refuse_skew(8.2, 1.0, 9_000, 1_000)

    assert isinstance(few, NotEstimable)
    assert few.resolves_with_more_units
    assert refuse_skew(8.2, 1.0, 180_000, 20_000) is None
