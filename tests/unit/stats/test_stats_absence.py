"""The chance of seeing nothing: of one arm, and of days on end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import absence_p_value, silence_p_value


def test_nothing_of_nothing_is_no_surprise() -> None:
    assert absence_p_value(0, 100, 100) == 1.0
    assert silence_p_value([0.0, 0.0], [3], [3]) == 1.0


def test_half_the_units_lack_ten_senders_about_once_in_two_to_the_tenth() -> None:
    assert absence_p_value(10, 100_000, 100_000) == pytest.approx(2.0**-10, rel=1e-3)


def test_absence_is_the_chance_of_the_hypergeometric_distribution() -> None:
    from scipy.stats import hypergeom

    assert absence_p_value(7, 30, 20) == pytest.approx(hypergeom(50, 7, 20).pmf(0))


def test_more_senders_than_units_are_refused() -> None:
    with pytest.raises(EstimationError, match="sent it"):
        absence_p_value(11, 10, 10)


def test_silence_of_steady_counts_nears_the_poisson_zero_with_the_days_before() -> None:
    few, many = [5.0] * 4, [5.0] * 4000

    assert silence_p_value([5.0, 2.0], many, many) == pytest.approx(math.exp(-7), rel=0.01)
    assert silence_p_value([5.0, 2.0], few, few) == pytest.approx((3.5 * 2.0) ** -2)


def test_silence_after_no_day_at_all_says_nothing() -> None:
    assert silence_p_value([50.0], [], []) == 1.0


def test_silence_is_less_surprising_where_days_spread_more() -> None:
    steady = silence_p_value([20.0, 20.0], [20, 19, 21, 20] * 7, [20.0] * 28)
    bursts = silence_p_value([20.0, 20.0], [60, 0, 1, 19] * 7, [20.0] * 28)

    assert steady < 1e-6
    assert bursts > 1e-3


def test_silence_is_no_rarer_than_drawn_days_say() -> None:
    rng = np.random.default_rng(20261128)
    draws = rng.negative_binomial(2.0, 2.0 / (2.0 + 3.0), size=(20_000, 30)).tolist()
    said = [silence_p_value([3.0, 3.0], row[:28], [3.0] * 28) for row in draws[:2_000]]
    seen = sum(row[28:] == [0, 0] for row in draws) / len(draws)  # standard error 0.001

    assert seen == pytest.approx((2.0 / 5.0) ** 4, abs=0.004)
    assert seen < float(np.mean(said)) < 2 * seen
