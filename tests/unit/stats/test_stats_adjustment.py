from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import (
    Adjusted,
    Difference,
    JointSums,
    Moments,
    NotEstimable,
    RelativeEffect,
    adjusted_difference,
    interval_at,
    ratio_of_sums,
    relative_interval_at,
    welch,
)

Arm = dict[str, Any]


def adjusted(found: object) -> Adjusted:
    assert isinstance(found, Adjusted), found
    return found


def arm(seed: int, n: int, lift: float = 0.0) -> Arm:
    rng = np.random.default_rng(seed)
    x = rng.gamma(2, 3, n)
    d = 1.0 + rng.poisson(3, n)
    w = 1.0 + rng.poisson(3, n)
    return {"x": x, "w": w, "d": d, "y": lift + 5 + 0.7 * x + d + rng.normal(0, 1, n)}


def of(values: Arm, letters: str) -> JointSums:
    return JointSums.of({one: values[one] for one in letters})


def test_a_covariate_that_explains_half_halves_the_variance() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (2, 40_000))
    y = x + rng.normal(0, 1, (2, 40_000))

    found = adjusted(adjusted_difference(*(JointSums.of({"x": x[i], "y": y[i]}) for i in (0, 1))))

    assert found.variance_reduction_share == pytest.approx(0.5, abs=0.02)


def test_means_stay_raw_while_the_effect_is_adjusted() -> None:
    control, treatment = arm(2, 300), arm(3, 300, 0.5)

    found = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy"))).difference

    theta = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy"))).coefficients["x"]
    gap = treatment["x"].mean() - control["x"].mean()
    assert found.mean_control == pytest.approx(control["y"].mean(), rel=1e-12)
    assert found.mean_treatment == pytest.approx(treatment["y"].mean(), rel=1e-12)
    assert found.absolute_effect == pytest.approx(
        treatment["y"].mean() - control["y"].mean() - theta * gap, rel=1e-12
    )


def test_the_relative_effect_is_that_of_the_adjusted_means() -> None:
    found = adjusted(
        adjusted_difference(of(arm(2, 300), "xy"), of(arm(3, 300, 0.5), "xy"))
    ).difference

    assert found.adjusted_means is not None
    control, treatment = found.adjusted_means
    assert isinstance(found.relative, RelativeEffect)
    assert found.relative.relative_effect == pytest.approx((treatment - control) / control)
    at_look = relative_interval_at(found, 2.155)
    assert isinstance(at_look, RelativeEffect)
    assert at_look.relative_effect == pytest.approx(found.relative.relative_effect, rel=1e-12)
    assert at_look.ci_lower < found.relative.ci_lower
    assert interval_at(found, 2.155)[0] < found.ci_lower


def test_a_useless_covariate_reduces_the_variance_by_less_than_a_hundredth() -> None:
    rng = np.random.default_rng(4)
    shares = [
        adjusted(
            adjusted_difference(
                *(
                    JointSums.of({"x": rng.normal(0, 1, 400), "y": rng.normal(0, 1, 400)})
                    for _ in range(2)
                )
            )
        ).variance_reduction_share
        for _ in range(200)
    ]

    assert np.mean(shares) < 0.001
    assert np.quantile(shares, 0.95) < 0.01


def test_swapping_arms_flips_the_sign() -> None:
    control, treatment = of(arm(5, 90), "xy"), of(arm(6, 70, 1.0), "xy")

    there = adjusted(adjusted_difference(control, treatment))
    back = adjusted(adjusted_difference(treatment, control))

    assert back.difference.absolute_effect == pytest.approx(-there.difference.absolute_effect)
    assert back.difference.ci_upper == pytest.approx(-there.difference.ci_lower)
    assert back.variance_reduction_share == pytest.approx(there.variance_reduction_share)


def test_another_scale_of_the_covariate_changes_nothing() -> None:
    control, treatment = arm(5, 90), arm(6, 70, 1.0)

    plain = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy")))
    for values in (control, treatment):
        values["x"] = 1e3 + values["x"] / 1000
    scaled = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy")))

    assert scaled.difference.ci_lower == pytest.approx(plain.difference.ci_lower, rel=1e-7)
    assert scaled.coefficients["x"] == pytest.approx(1000 * plain.coefficients["x"], rel=1e-7)


@pytest.mark.parametrize("letters", ["xy", "dwxy"])
def test_any_split_of_the_days_merges_to_the_same_estimate(letters: str) -> None:
    covariates = ["xw"] if "w" in letters else ["x"]
    control, treatment = arm(7, 500), arm(8, 400, 0.3)
    days = [slice(0, 3), slice(3, 110), slice(110, 111), slice(111, 500)]
    parts = [of({one: column[day] for one, column in control.items()}, letters) for day in days]

    merged = adjusted_difference(
        parts[2] + parts[0] + (parts[3] + parts[1]), of(treatment, letters), covariates
    )

    whole = adjusted(adjusted_difference(of(control, letters), of(treatment, letters), covariates))
    found = adjusted(merged)
    assert found.difference.absolute_effect == pytest.approx(
        whole.difference.absolute_effect, rel=1e-12
    )
    assert found.difference.standard_error == pytest.approx(
        whole.difference.standard_error, rel=1e-12
    )


def test_a_covariate_that_does_not_vary_leaves_welch() -> None:
    control, treatment = arm(9, 60), arm(10, 50, 1.0)
    for values in (control, treatment):
        values["x"] = np.full_like(values["x"], 3.1)

    found = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy")))

    plain = welch(Moments.of(control["y"]), Moments.of(treatment["y"]))
    assert isinstance(plain, Difference)
    assert (found.difference.method, found.variance_reduction_share) == ("welch", 0.0)
    assert found.difference.ci_lower == pytest.approx(plain.ci_lower, rel=1e-12)
    assert found.difference.p_value == pytest.approx(plain.p_value, rel=1e-9)
    assert found.coefficients == {}


def test_without_history_a_ratio_is_that_of_sums() -> None:
    control, treatment = arm(9, 60), arm(10, 50, 1.0)
    for values in (control, treatment):
        values["x"] = values["w"] = np.zeros_like(values["x"])

    found = adjusted(adjusted_difference(of(control, "dwxy"), of(treatment, "dwxy"), ["xw"]))

    plain = ratio_of_sums(*(Moments.of(one["y"], one["d"]) for one in (control, treatment)))
    assert isinstance(plain, Difference)
    assert found.difference.method == "ratio_of_sums"
    assert found.difference.ci_upper == pytest.approx(plain.ci_upper, rel=1e-12)


def test_a_covariate_that_another_explains_is_left_out() -> None:
    control, treatment = arm(11, 60), arm(12, 50, 1.0)
    for values in (control, treatment):
        values["z"] = values["x"] / 3 + 0.7  # but for the last digits

    both = adjusted(adjusted_difference(of(control, "xyz"), of(treatment, "xyz"), ["x", "z"]))

    alone = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy")))
    assert set(both.coefficients) == {"x"}
    assert both.difference == replace(alone.difference)


def test_each_coefficient_costs_a_degree_of_freedom() -> None:
    control, treatment = arm(13, 12), arm(14, 12)

    one = adjusted(adjusted_difference(of(control, "xy"), of(treatment, "xy"))).difference
    given = adjusted(
        adjusted_difference(of(control, "xy"), of(treatment, "xy"), coefficients={"x": 0.7})
    ).difference

    assert one.degrees_of_freedom is not None
    assert given.degrees_of_freedom is not None
    assert one.degrees_of_freedom < 21 + 1e-9
    assert given.degrees_of_freedom > 21


def test_an_outcome_that_covariates_explain_wholly_is_not_estimable() -> None:
    control, treatment = arm(15, 30), arm(16, 30)
    for values in (control, treatment):
        values["y"] = 2 * values["x"]

    found = adjusted_difference(of(control, "xy"), of(treatment, "xy"))

    assert isinstance(found, NotEstimable)
    assert "explain all of the outcome" in found.reason


def test_more_covariates_than_units_are_not_estimable() -> None:
    rng = np.random.default_rng(17)
    arms = [JointSums.of({one: rng.normal(0, 1, 3) for one in "abcexy"}) for _ in range(2)]

    found = adjusted_difference(*arms, ["a", "b", "c", "e", "x"])

    assert found == NotEstimable("6 units are too few for 4 covariates", True)


def test_one_unit_is_not_estimable() -> None:
    one = JointSums.of({"x": [1.0], "y": [2.0]})

    found = adjusted_difference(one, one)

    assert found == NotEstimable("control has 1 unit, at least 2 are needed", True)


def test_a_covariate_whose_sums_are_missing_is_refused() -> None:
    control = of(arm(18, 30), "xy")

    with pytest.raises(EstimationError, match="no sum of w"):
        adjusted_difference(control, control, ["w"])
