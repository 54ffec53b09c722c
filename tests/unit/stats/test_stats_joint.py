from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import JointSums

RAW = {"x": 0.0, "y": 0.0}


def summed(values: Mapping[str, Any], shifts: Mapping[str, float]) -> JointSums:
    """All products of up to three letters."""
    count = len(next(iter(values.values())))
    products = [
        "".join(letters)
        for size in (1, 2, 3)
        for letters in itertools.combinations_with_replacement(sorted(values), size)
    ]
    sums = {
        letters: math.fsum(np.prod([values[one] - shifts[one] for one in letters], axis=0))
        for letters in products
    }
    return JointSums(count, shifts, sums)


@pytest.fixture
def values() -> dict[str, Any]:
    draw = np.random.default_rng(1)
    x = draw.exponential(3.0, 200)
    return {"x": x, "y": 100 + 0.5 * x + draw.normal(0, 1, 200)}


def test_centred_sums_are_those_of_the_values(values: dict[str, Any]) -> None:
    found = summed(values, {"x": 2.0, "y": 99.0})

    x, y = values["x"] - values["x"].mean(), values["y"] - values["y"].mean()
    assert found.mean("y") == pytest.approx(values["y"].mean(), rel=1e-14)
    assert found.centred("yy") == pytest.approx((y * y).sum(), rel=1e-12)
    assert found.centred("yx") == pytest.approx((x * y).sum(), rel=1e-12)
    assert found.centred("xxx") == pytest.approx((x**3).sum(), rel=1e-12)


def test_other_shifts_say_the_same(values: dict[str, Any]) -> None:
    moved = summed(values, {"x": 2.0, "y": 99.0}).about({"x": 3.5, "y": 101.0})

    again = summed(values, {"x": 3.5, "y": 101.0})
    assert dict(moved.sums) == pytest.approx(dict(again.sums), rel=1e-11)


def test_any_split_of_the_units_merges_to_the_same(values: dict[str, Any]) -> None:
    shifts = [{"x": 2.0, "y": 99.0}, {"x": 5.0, "y": 100.5}, {"x": -1.0, "y": 102.0}]
    parts = [
        summed({one: column[slice_] for one, column in values.items()}, shift)
        for slice_, shift in zip((slice(0, 50), slice(50, 51), slice(51, 200)), shifts, strict=True)
    ]

    merged = parts[0] + parts[1] + parts[2]

    whole = summed(values, shifts[0])
    assert merged.n == 200
    for letters in ("xx", "xy", "yy", "xxx", "yyy"):
        assert merged.centred(letters) == pytest.approx(whole.centred(letters), rel=1e-12)


def test_sums_of_other_products_cannot_be_added() -> None:
    with pytest.raises(EstimationError, match="different products"):
        JointSums(1, RAW, {"x": 1.0}) + JointSums(1, RAW, {"x": 1.0, "xx": 1.0})


def test_a_product_needs_those_of_fewer_letters() -> None:
    with pytest.raises(EstimationError, match="sum of xy is there without that of y"):
        JointSums(1, RAW, {"x": 1.0, "xy": 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_sum_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(EstimationError, match="the sum of x is"):
        JointSums(1, RAW, {"x": value})
