from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landed.errors import EstimationError
from landed.stats import Moments

values = st.lists(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3)), min_size=2, max_size=60
)


@given(values, st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_moments_of_the_parts_add_up_to_those_of_the_whole(y: list[float], cut: int) -> None:
    whole = Moments.of(y)

    merged = Moments.of(y[:cut]) + Moments.of(y[cut:])

    assert merged.n == whole.n
    assert merged.sum_y == pytest.approx(whole.sum_y, rel=1e-12, abs=1e-12 * 1e6 * len(y))
    assert merged.sum_yy == pytest.approx(whole.sum_yy, rel=1e-12)


def test_moments_of_a_ratio_add_all_five_sums() -> None:
    left = Moments.of([1.0, 2.0], [3.0, 4.0])
    right = Moments.of([5.0], [6.0])

    merged = left + right

    assert merged == Moments(3, 8.0, 30.0, 13.0, 61.0, 41.0)


def test_variance_agrees_with_numpy() -> None:
    y = np.random.default_rng(5).normal(130.0, 40.0, 500)

    found = Moments.of(y)

    assert found.variance() == pytest.approx(float(np.var(y, ddof=1)), rel=1e-11)


def test_variance_is_zero_where_the_sums_have_no_digits_left() -> None:
    same = Moments.of([0.1] * 1000)
    far_away = Moments.of([1e9, 1e9 + 1, 1e9 + 2])

    assert same.variance() == 0.0
    assert far_away.variance() == 0.0


def test_moments_refuse_what_is_not_finite() -> None:
    with pytest.raises(EstimationError, match="sum_y is nan"):
        Moments(2, float("nan"), 1.0)
    with pytest.raises(EstimationError, match="sum_yy is inf"):
        Moments.of([1e200, 1.0])
    with pytest.raises(EstimationError, match="a value of y is not finite"):
        Moments.of([1.0, float("inf")])


def test_moments_refuse_squares_smaller_than_the_sum_allows() -> None:
    with pytest.raises(EstimationError, match="squares at least as large"):
        Moments(10, 100.0, 1.0)


def test_moments_refuse_a_negative_count() -> None:
    with pytest.raises(EstimationError, match="n is -1"):
        Moments(-1, 0.0, 0.0)


def test_moments_refuse_half_a_ratio() -> None:
    with pytest.raises(EstimationError, match="all three, or none"):
        Moments(2, 1.0, 1.0, 2.0)


def test_moments_with_and_without_denominators_do_not_add() -> None:
    with pytest.raises(EstimationError, match="same metric"):
        Moments.of([1.0, 2.0]) + Moments.of([1.0], [1.0])


def test_moments_refuse_a_denominator_too_few() -> None:
    with pytest.raises(EstimationError, match="2 values and d has 1"):
        Moments.of([1.0, 2.0], [1.0])
