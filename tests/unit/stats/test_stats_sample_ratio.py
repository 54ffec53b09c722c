from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landed.errors import PlanError
from landed.stats import sample_ratio, staged_sample_ratio

EVEN = {"control": 0.5, "treatment": 0.5}


def test_sample_ratio_refuses_a_variant_missing_from_the_plan() -> None:
    with pytest.raises(PlanError, match="variants differ"):
        sample_ratio({"control": 5, "treatment": 5, "other": 1}, EVEN)


def test_sample_ratio_refuses_a_single_variant() -> None:
    with pytest.raises(PlanError, match="variants differ"):
        sample_ratio({"control": 5}, {"control": 1.0})


def test_sample_ratio_refuses_counts_of_nobody() -> None:
    with pytest.raises(PlanError, match="no unit was exposed"):
        sample_ratio({"control": 0, "treatment": 0}, EVEN)


def test_sample_ratio_refuses_a_share_of_zero() -> None:
    with pytest.raises(PlanError, match="share of `treatment` is 0"):
        sample_ratio({"control": 5, "treatment": 5}, {"treatment": 0.0, "control": 1.0})


def test_sample_ratio_refuses_shares_that_do_not_sum_to_one() -> None:
    with pytest.raises(PlanError, match=r"sum to 0\.9"):
        sample_ratio({"control": 5, "treatment": 5}, {"control": 0.5, "treatment": 0.4})


def test_sample_ratio_refuses_a_negative_count() -> None:
    with pytest.raises(PlanError, match="-1 units"):
        sample_ratio({"control": -1, "treatment": 5}, EVEN)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
@settings(max_examples=40, deadline=None)
def test_sample_ratio_does_not_depend_on_the_order_of_variants(a: int, b: int) -> None:
    there = sample_ratio({"control": a, "treatment": b}, EVEN)
    back = sample_ratio({"treatment": a, "control": b}, EVEN)

    assert back.p_value == pytest.approx(there.p_value, rel=1e-12)
    assert there.expected == {"control": (a + b) / 2, "treatment": (a + b) / 2}


def test_a_ramp_on_plan_passes_where_pooled_counts_would_not() -> None:
    ramp = [
        ({"control": 9_000, "treatment": 1_000}, {"control": 0.9, "treatment": 0.1}),
        ({"control": 5_000, "treatment": 5_000}, EVEN),
    ]

    staged = staged_sample_ratio(ramp)
    pooled = sample_ratio({"control": 14_000, "treatment": 6_000}, EVEN)

    assert staged.p_value == 1.0
    assert staged.degrees_of_freedom == 2
    assert staged.expected == {"control": 14_000, "treatment": 6_000}
    assert pooled.p_value < 1e-100


def test_a_ramp_leaves_out_a_stage_without_units() -> None:
    ramp = [({"control": 500, "treatment": 580}, EVEN), ({"control": 0, "treatment": 0}, EVEN)]

    found = staged_sample_ratio(ramp)

    assert found.degrees_of_freedom == 1
    assert found.p_value == sample_ratio({"control": 500, "treatment": 580}, EVEN).p_value
