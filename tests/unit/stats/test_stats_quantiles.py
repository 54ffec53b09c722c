from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import (
    Difference,
    NotEstimable,
    RelativeEffect,
    difference_of_quantiles,
    quantile_of_rows,
)

Arm = tuple[np.ndarray, np.ndarray]


def compared(control: Arm, treatment: Arm, quantile: float, **how: Any) -> object:
    """The difference, or the first arm's reason."""
    arms = [quantile_of_rows(*rows, quantile, **how) for rows in (control, treatment)]
    for arm in arms:
        if isinstance(arm, NotEstimable):
            return arm
    return difference_of_quantiles(*arms)  # type: ignore[arg-type]


def estimated(found: object) -> Difference:
    assert isinstance(found, Difference), found
    return found


def alone(seed: int, n: int, shift: float = 0.0) -> Arm:
    """One row a unit."""
    return np.random.default_rng(seed).lognormal(3, 1, n) + shift, np.arange(n)


def requests(seed: int, units: int, between: float = 1.0) -> Arm:
    """Rows whose level is the unit's, more or less."""
    rng = np.random.default_rng(seed)
    rows = 1 + rng.poisson(6, units)
    codes = np.repeat(np.arange(units), rows)
    return np.exp(4 + rng.normal(0, between, units)[codes] + rng.normal(0, 0.5, codes.size)), codes


def test_quantiles_are_those_of_numpy() -> None:
    control, treatment = alone(1, 3000), alone(2, 2500)

    found = estimated(compared(control, treatment, 0.9))

    assert found.mean_control == np.quantile(control[0], 0.9)
    assert found.mean_treatment == np.quantile(treatment[0], 0.9)
    assert found.absolute_effect == found.mean_treatment - found.mean_control
    assert (found.n_control, found.n_treatment) == (3000, 2500)


def test_a_discrete_quantile_is_one_of_the_values() -> None:
    control, treatment = alone(1, 3001), alone(2, 2500)

    found = estimated(compared(control, treatment, 0.9, is_discrete=True))

    assert found.mean_control in control[0]
    assert found.mean_control == np.sort(control[0])[math.ceil(0.9 * 3001) - 1]


def test_rows_of_one_unit_each_have_the_order_statistics_of_the_binomial() -> None:
    control, treatment = alone(3, 4000), alone(4, 4000)

    found = estimated(compared(control, treatment, 0.5))

    # Conover (1999), Practical Nonparametric Statistics, section 3.2: n q -+ z root(n q (1-q))
    reach = 1.959964 * math.sqrt(4000 * 0.25)
    lower, upper = math.floor(2000 - reach), math.floor(2000 + reach) + 1
    for (values, _), variance in zip((control, treatment), found.variances_of_mean, strict=True):
        ordered = np.sort(values)
        width = ordered[upper - 1] - ordered[lower - 1]
        # the share's error is estimated with n - 1, a rank more or less
        assert math.sqrt(variance) == pytest.approx(width / 2 / 1.959964, rel=0.03)


def test_the_standard_error_of_normal_values_is_the_known_one() -> None:
    rng = np.random.default_rng(5)
    arms = [(rng.normal(0, 1, 400_000), np.arange(400_000)) for _ in range(2)]

    found = estimated(compared(arms[0], arms[1], 0.5))

    # asymptotic variance of a median: pi / 2 / n
    assert found.standard_error == pytest.approx(math.sqrt(2 * math.pi / 2 / 400_000), rel=0.03)


def test_likeness_of_a_units_rows_widens_the_interval() -> None:
    control, treatment = requests(6, 1500), requests(7, 1500)

    by_unit = estimated(compared(control, treatment, 0.5))
    naive = [(values, np.arange(values.size)) for values, _ in (control, treatment)]
    by_row = estimated(compared(naive[0], naive[1], 0.5))

    assert by_unit.absolute_effect == by_row.absolute_effect
    assert by_unit.standard_error > 2 * by_row.standard_error


def test_the_error_of_a_sketch_adds_to_either_arms_error() -> None:
    control, treatment = requests(6, 900), requests(7, 900)

    exact = estimated(compared(control, treatment, 0.5))
    sketched = estimated(compared(control, treatment, 0.5, relative_error=0.01))

    off = 1e-4 * (exact.mean_control**2 + exact.mean_treatment**2)
    assert sketched.standard_error**2 == pytest.approx(exact.standard_error**2 + off, rel=1e-12)


def test_units_may_be_names_in_any_order() -> None:
    values, codes = requests(8, 400)
    other = requests(9, 400)
    order = np.random.default_rng(10).permutation(values.size)
    names = np.array([f"u{code}" for code in codes])[order]

    assert compared((values[order], names), other, 0.5) == compared((values, codes), other, 0.5)


def test_the_relative_effect_is_a_share_of_controls_quantile() -> None:
    control, treatment = requests(6, 900), requests(7, 900)

    found = estimated(compared(control, treatment, 0.5))

    assert isinstance(found.relative, RelativeEffect)
    assert found.relative.relative_effect == pytest.approx(
        found.absolute_effect / found.mean_control
    )


def test_a_far_quantile_needs_fifty_rows_beyond_it() -> None:
    few = compared(alone(11, 900), alone(12, 4000), 0.95)

    assert isinstance(few, NotEstimable)
    assert few.reason.startswith("45 rows above the quantile")
    assert few.resolves_with_more_units
    assert isinstance(compared(alone(11, 1000), alone(12, 4000), 0.95), Difference)


def test_rows_that_repeat_one_another_count_once() -> None:
    values = np.repeat(np.random.default_rng(13).normal(0, 1, 90), 40)
    units = np.repeat(np.arange(90), 40)

    found = compared((values, units), (values, units), 0.5)

    assert isinstance(found, NotEstimable)
    assert "3600 rows of 90 units are worth" in found.reason


def test_values_that_are_all_one_are_not_estimable() -> None:
    still = (np.full(5000, 200.0), np.arange(5000))

    found = compared(still, still, 0.5, relative_error=0.01)

    assert found == NotEstimable("the values of control around the quantile are all 200")


def test_one_unit_with_many_rows_is_not_estimable() -> None:
    one = (np.arange(1000.0), np.zeros(1000))

    found = compared(one, alone(14, 1000), 0.5)

    assert found == NotEstimable("1 unit with a value, at least 2 are needed", True)


def test_no_rows_are_not_estimable() -> None:
    found = compared(alone(14, 1000), ([], []), 0.5)

    assert found == NotEstimable("0 units with a value, at least 2 are needed", True)


@pytest.mark.parametrize("quantile", [0.0, 1.0, math.nan])
def test_a_quantile_outside_its_range_is_refused(quantile: float) -> None:
    with pytest.raises(EstimationError, match="the quantile is"):
        compared(alone(1, 10), alone(1, 10), quantile)


def test_a_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(EstimationError, match="a value is not finite"):
        compared(([1.0, math.inf], [0, 1]), alone(1, 10), 0.5)


def test_values_without_units_are_refused() -> None:
    with pytest.raises(EstimationError, match="2 values of 1 units"):
        compared(([1.0, 2.0], [0]), alone(1, 10), 0.5)
