"""Properties that hold whatever the data, and every refusal, of the three differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from landed.errors import EstimationError
from landed.stats import (
    Difference,
    Moments,
    NotEstimable,
    RelativeEffect,
    fieller_relative_effect,
    ratio_of_sums,
    two_proportions,
    welch,
)

quick = settings(max_examples=60, deadline=None)
samples = st.tuples(st.integers(0, 2**32 - 1), st.integers(5, 80), st.integers(5, 80))
counts = st.tuples(st.integers(10, 4000), st.integers(10, 4000), st.floats(0, 1), st.floats(0, 1))


def arms(seed: int, n_control: int, n_treatment: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(10.0, 3.0, n_control), rng.normal(11.0, 5.0, n_treatment)


def ratio_arm(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    d = rng.integers(1, 9, n).astype(float)
    return d * rng.normal(2.0, 0.5, n), d


def proportions(drawn: tuple[int, int, float, float]) -> tuple[Moments, Moments]:
    n_c, n_t, share_c, share_t = drawn
    x_c = 5 + round(share_c * (n_c - 10))
    x_t = 5 + round(share_t * (n_t - 10))
    return Moments(n_c, x_c, x_c), Moments(n_t, x_t, x_t)


def estimated(found: Difference | NotEstimable) -> Difference:
    assert isinstance(found, Difference), found
    return found


@given(samples)
@quick
def test_welch_swapping_arms_flips_the_sign(drawn: tuple[int, int, int]) -> None:
    control, treatment = (Moments.of(y) for y in arms(*drawn))

    there, back = estimated(welch(control, treatment)), estimated(welch(treatment, control))

    assert back.absolute_effect == -there.absolute_effect
    assert back.ci_lower == pytest.approx(-there.ci_upper, rel=1e-12, abs=1e-12)
    assert back.p_value == pytest.approx(there.p_value, rel=1e-12)


@given(samples, st.floats(-50, 50))
@quick
def test_welch_adding_a_constant_moves_only_the_means(
    drawn: tuple[int, int, int], constant: float
) -> None:
    control, treatment = arms(*drawn)

    plain = estimated(welch(Moments.of(control), Moments.of(treatment)))
    moved = estimated(welch(Moments.of(control + constant), Moments.of(treatment + constant)))

    assert moved.mean_control == pytest.approx(plain.mean_control + constant)
    assert moved.absolute_effect == pytest.approx(plain.absolute_effect, abs=1e-9)
    assert moved.ci_lower == pytest.approx(plain.ci_lower, abs=1e-9)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-7, abs=1e-15)


@given(samples, st.floats(0.01, 1000))
@quick
def test_welch_scaling_scales_and_keeps_p_and_the_relative_effect(
    drawn: tuple[int, int, int], factor: float
) -> None:
    control, treatment = arms(*drawn)

    plain = estimated(welch(Moments.of(control), Moments.of(treatment)))
    scaled = estimated(welch(Moments.of(control * factor), Moments.of(treatment * factor)))

    assert scaled.absolute_effect == pytest.approx(plain.absolute_effect * factor, rel=1e-9)
    assert scaled.ci_upper == pytest.approx(plain.ci_upper * factor, rel=1e-7, abs=1e-9)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-7, abs=1e-15)
    assert isinstance(plain.relative, RelativeEffect)
    assert isinstance(scaled.relative, RelativeEffect)
    assert scaled.relative.relative_effect == pytest.approx(plain.relative.relative_effect)
    assert scaled.relative.ci_lower == pytest.approx(plain.relative.ci_lower, rel=1e-6, abs=1e-9)


@given(samples, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@quick
def test_welch_interval_excludes_zero_exactly_where_p_is_below_alpha(
    drawn: tuple[int, int, int], level: float
) -> None:
    control, treatment = (Moments.of(y) for y in arms(*drawn))

    found = estimated(welch(control, treatment, level))

    assume(abs(found.p_value - (1 - level)) > 1e-9)
    excludes = found.ci_lower > 0 or found.ci_upper < 0
    assert excludes == (found.p_value < 1 - level)


@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
@quick
def test_proportions_interval_excludes_zero_exactly_where_p_is_below_alpha(
    drawn: tuple[int, int, float, float], level: float
) -> None:
    control, treatment = proportions(drawn)

    found = estimated(two_proportions(control, treatment, level))

    assume(abs(found.p_value - (1 - level)) > 1e-9)
    excludes = found.ci_lower > 0 or found.ci_upper < 0
    assert excludes == (found.p_value < 1 - level)


@given(counts)
@quick
def test_proportions_swapping_arms_flips_the_sign(drawn: tuple[int, int, float, float]) -> None:
    control, treatment = proportions(drawn)

    there = estimated(two_proportions(control, treatment))
    back = estimated(two_proportions(treatment, control))

    assert back.absolute_effect == -there.absolute_effect
    assert back.ci_lower == pytest.approx(-there.ci_upper, abs=1e-12)
    assert back.ci_upper == pytest.approx(-there.ci_lower, abs=1e-12)
    assert back.p_value == pytest.approx(there.p_value, rel=1e-12)


@given(counts)
@quick
def test_proportions_counting_non_events_mirrors_the_interval(
    drawn: tuple[int, int, float, float],
) -> None:
    control, treatment = proportions(drawn)
    no_c = Moments(control.n, control.n - control.sum_y, control.n - control.sum_y)
    no_t = Moments(treatment.n, treatment.n - treatment.sum_y, treatment.n - treatment.sum_y)

    found = estimated(two_proportions(control, treatment))
    mirrored = estimated(two_proportions(no_c, no_t))

    assert mirrored.ci_lower == pytest.approx(-found.ci_upper, abs=1e-9)
    assert mirrored.p_value == pytest.approx(found.p_value, rel=1e-9)


@given(counts)
@quick
def test_proportions_interval_holds_the_estimate_and_stays_within_a_share(
    drawn: tuple[int, int, float, float],
) -> None:
    found = estimated(two_proportions(*proportions(drawn)))

    assert -1 <= found.ci_lower < found.absolute_effect < found.ci_upper <= 1


@given(samples)
@quick
def test_ratio_with_denominators_of_one_is_welch(drawn: tuple[int, int, int]) -> None:
    control, treatment = arms(*drawn)

    ratio = estimated(
        ratio_of_sums(
            Moments.of(control, np.ones_like(control)),
            Moments.of(treatment, np.ones_like(treatment)),
        )
    )
    mean = estimated(welch(Moments.of(control), Moments.of(treatment)))

    assert ratio.ci_lower == pytest.approx(mean.ci_lower, rel=1e-9)
    assert ratio.ci_upper == pytest.approx(mean.ci_upper, rel=1e-9)
    assert ratio.p_value == pytest.approx(mean.p_value, rel=1e-9, abs=1e-15)


@given(samples)
@quick
def test_ratio_swapping_arms_flips_the_sign(drawn: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(drawn[0])
    control = Moments.of(*ratio_arm(rng, 20 + drawn[1]))
    treatment = Moments.of(*ratio_arm(rng, 20 + drawn[2]))

    there = estimated(ratio_of_sums(control, treatment))
    back = estimated(ratio_of_sums(treatment, control))

    assert back.absolute_effect == -there.absolute_effect
    assert back.ci_lower == pytest.approx(-there.ci_upper, rel=1e-9, abs=1e-9)


def test_ratio_scaling_the_denominators_scales_the_ratio_only() -> None:
    rng = np.random.default_rng(11)
    y_c, d_c = ratio_arm(rng, 300)
    y_t, d_t = ratio_arm(rng, 300)

    plain = estimated(ratio_of_sums(Moments.of(y_c, d_c), Moments.of(y_t, d_t)))
    minutes = estimated(ratio_of_sums(Moments.of(y_c, d_c * 60), Moments.of(y_t, d_t * 60)))

    assert minutes.absolute_effect == pytest.approx(plain.absolute_effect / 60)
    assert minutes.ci_lower == pytest.approx(plain.ci_lower / 60)
    assert minutes.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize("statistic", [welch, two_proportions, ratio_of_sums])
def test_one_unit_is_not_estimable(statistic: object) -> None:
    one = Moments.of([1.0], [1.0]) if statistic is ratio_of_sums else Moments.of([1.0])

    found = statistic(one, one)  # type: ignore[operator]

    assert found == NotEstimable("control has 1 unit, at least 2 are needed", True)


def test_welch_without_variation_is_not_estimable() -> None:
    found = welch(Moments.of([5.1] * 40), Moments.of([5.1] * 50))

    assert found == NotEstimable("the outcome does not vary in either arm", True)


def test_welch_with_one_constant_arm_is_estimated() -> None:
    found = estimated(welch(Moments.of([0.0] * 40), Moments.of([0.0] * 35 + [1.0] * 5)))

    assert found.absolute_effect == 0.125
    assert isinstance(found.relative, NotEstimable)


@pytest.mark.parametrize("denominator", [1e-160, 1e-170, 1e-150])
def test_ratio_of_values_that_overflow_is_not_estimable(denominator: float) -> None:
    y, d = [1e10, 2e10, 1e10], [denominator, 1.1 * denominator, denominator]
    huge = Moments.of(y, d)

    found = ratio_of_sums(huge, huge)

    assert found == NotEstimable("the values are too large for double precision")


@pytest.mark.parametrize("level", [0.4, 1.0, float("nan")])
def test_a_confidence_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(EstimationError, match="confidence_level"):
        welch(Moments.of([1.0, 2.0]), Moments.of([1.0, 3.0]), level)


def test_proportions_with_four_events_are_not_estimable() -> None:
    found = two_proportions(Moments(100, 4, 4), Moments(100, 20, 20))

    assert found == NotEstimable("control has 4 events, at least 5 are needed", True)


def test_proportions_with_four_non_events_are_not_estimable() -> None:
    found = two_proportions(Moments(100, 20, 20), Moments(100, 96, 96))

    assert found == NotEstimable("treatment has 4 non-events, at least 5 are needed", True)


def test_proportions_with_five_of_each_are_estimated() -> None:
    assert isinstance(two_proportions(Moments(10, 5, 5), Moments(10, 5, 5)), Difference)


def test_proportions_refuse_outcomes_that_are_not_zero_or_one() -> None:
    with pytest.raises(EstimationError, match="outcomes that are 0 or 1"):
        two_proportions(Moments(100, 20, 40), Moments(100, 20, 20))


def test_ratio_without_denominators_is_refused() -> None:
    with pytest.raises(EstimationError, match="control has no denominators"):
        ratio_of_sums(Moments.of([1.0, 2.0]), Moments.of([1.0, 2.0]))


def test_ratio_with_a_zero_denominator_is_not_estimable() -> None:
    found = ratio_of_sums(Moments.of([0.0, 0.0], [0.0, 0.0]), Moments.of([1.0, 2.0], [1.0, 1.0]))

    assert found == NotEstimable("the denominator is zero for control (2 units)", True)


def test_ratio_with_a_denominator_close_to_zero_is_not_estimable() -> None:
    rare = Moments.of([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0])

    found = ratio_of_sums(rare, Moments.of([1.0, 2.0], [1.0, 1.0]))

    assert found == NotEstimable("the denominator of control cannot be told from zero", True)


def test_relative_effect_is_unbounded_where_control_cannot_be_told_from_zero() -> None:
    found = fieller_relative_effect((1.0, 2.0), (0.27, 0.04), 1.96)

    assert found == NotEstimable("the control mean cannot be told from zero", True)


def test_relative_effect_on_a_zero_control_is_not_estimable() -> None:
    found = fieller_relative_effect((0.0, 2.0), (0.0, 0.04), 1.96)

    assert found == NotEstimable("the control mean is zero")


def test_relative_effect_of_a_loss_is_positive_where_the_loss_shrinks() -> None:
    found = fieller_relative_effect((-10.0, -8.0), (0.01, 0.01), 1.96)

    assert isinstance(found, RelativeEffect)
    assert found.relative_effect == pytest.approx(0.2)
    assert 0 < found.ci_lower < 0.2 < found.ci_upper


@given(st.floats(1, 100), st.floats(-100, 100), st.floats(1e-4, 0.1), st.floats(1e-4, 10))
@quick
def test_relative_interval_ends_where_the_test_of_that_ratio_just_rejects(
    control: float, treatment: float, v_control: float, v_treatment: float
) -> None:
    found = fieller_relative_effect((control, treatment), (v_control, v_treatment), 1.96)

    assert isinstance(found, RelativeEffect)
    for end in (found.ci_lower, found.ci_upper):
        ratio = 1 + end
        z = (treatment - ratio * control) / math.sqrt(v_treatment + ratio**2 * v_control)
        assert abs(z) == pytest.approx(1.96, rel=1e-6)
