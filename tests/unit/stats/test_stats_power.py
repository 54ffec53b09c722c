from __future__ import annotations

import pytest

from landed.errors import EstimationError
from landed.stats import fisher_exact, minimum_detectable_effect, size_factor, units_needed


def test_four_times_the_units_halve_the_detectable_effect() -> None:
    assert size_factor(1.0, minimum_detectable_effect(1.0) / 2) == pytest.approx(4.0)


def test_size_factor_is_one_at_the_detectable_effect() -> None:
    assert size_factor(0.3, -minimum_detectable_effect(0.3)) == pytest.approx(1.0)


def test_an_uneven_split_needs_more_units() -> None:
    assert units_needed(0.1, 1.0, treatment_share=0.5) == 3140
    assert units_needed(0.1, 1.0, treatment_share=0.1) == 8721


@pytest.mark.parametrize("error", [0.0, -1.0, float("nan"), float("inf")])
def test_a_standard_error_that_is_none_is_refused(error: float) -> None:
    with pytest.raises(EstimationError, match="standard_error"):
        minimum_detectable_effect(error)


def test_an_effect_of_zero_is_refused() -> None:
    with pytest.raises(EstimationError, match=r"effect is 0\.0"):
        size_factor(1.0, 0.0)


def test_an_effect_below_all_size_is_refused() -> None:
    with pytest.raises(EstimationError, match="too small"):
        size_factor(1.0, 1e-300)


@pytest.mark.parametrize("power", [0.4, 1.0])
def test_a_power_outside_its_range_is_refused(power: float) -> None:
    with pytest.raises(EstimationError, match="power"):
        minimum_detectable_effect(1.0, power=power)


def test_a_treatment_without_units_is_refused() -> None:
    with pytest.raises(EstimationError, match="treatment_share"):
        units_needed(0.1, 1.0, treatment_share=0.0)


def test_fisher_refuses_more_events_than_units() -> None:
    with pytest.raises(EstimationError, match="control has 6 events of 5 units"):
        fisher_exact(6, 5, 0, 5)


def test_fisher_of_no_event_at_all_is_one() -> None:
    assert fisher_exact(0, 50, 0, 60).p_value == 1.0
