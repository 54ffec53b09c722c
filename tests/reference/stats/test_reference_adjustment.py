"""Adjusted differences against tea-tasting and against least squares by statsmodels and numpy.

tea-tasting fits its coefficient over both arms at once, effect included, and takes no degree of
freedom for it. So it is given ours where the two coefficients are equal by construction (covariate
means equal, or no effect but the covariate's), and its coefficient is given to us elsewhere.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from tea_tasting import Mean, RatioOfMeans
from tea_tasting.aggr import Aggregates

from landed.stats import Adjusted, Difference, JointSums, adjusted_difference

Arm = dict[str, Any]
EXACT = 1e-9


def adjusted(found: object) -> Adjusted:
    assert isinstance(found, Adjusted), found
    return found


def aggregates(arm: Arm) -> Aggregates:
    """What tea-tasting would read from a table, of sample moments by numpy."""
    names = sorted(arm)
    return Aggregates(
        count_=len(arm["y"]),
        mean_={name: float(arm[name].mean()) for name in names},
        var_={name: float(arm[name].var(ddof=1)) for name in names},
        cov_={
            (a, b): float(np.cov(arm[a], arm[b], ddof=1)[0, 1])
            for a in names
            for b in names
            if a < b
        },
    )


def sessions(rng: np.random.Generator, n: int, lift: float) -> Arm:
    """Clicks y of views d, after; clicks x of views w, before."""
    taste = rng.beta(2, 5, n)
    w, d = 1 + rng.poisson(6, n), 1 + rng.poisson(8, n)
    return {
        "y": rng.binomial(d, np.clip(taste + lift, 0, 1)).astype(float),
        "d": d.astype(float),
        "x": rng.binomial(w, taste).astype(float),
        "w": w.astype(float),
    }


@pytest.fixture
def means() -> tuple[Arm, Arm]:
    """Covariates whose means differ between the arms, unequal sizes, unequal variances."""
    rng = np.random.default_rng(20)
    x_c, x_t = rng.gamma(2, 3, 900), rng.gamma(2, 3, 700)
    control = {"x": x_c, "y": 4 + 0.7 * x_c + rng.normal(0, 2, 900)}
    treatment = {"x": x_t, "y": 4.4 + 0.7 * x_t + rng.normal(0, 3, 700)}
    return control, treatment


def assert_as_tea_tasting(ours: Difference, theirs: Any, *, fitted: int, spare: int) -> None:
    freedom = math.sqrt(spare / (spare - fitted))
    scale = theirs.effect_size / theirs.statistic
    assert ours.adjusted_means == pytest.approx((theirs.control, theirs.treatment), rel=EXACT)
    assert ours.absolute_effect == pytest.approx(theirs.effect_size, rel=EXACT)
    assert ours.standard_error == pytest.approx(scale * freedom, rel=EXACT)
    assert ours.relative.relative_effect == pytest.approx(  # type: ignore[union-attr]
        theirs.rel_effect_size, rel=EXACT
    )
    half = theirs.effect_size - theirs.effect_size_ci_lower
    assert ours.absolute_effect - ours.ci_lower == pytest.approx(half * freedom, rel=2e-3)


def test_means_are_tea_tastings_where_the_covariates_means_are_equal() -> None:
    rng = np.random.default_rng(21)
    x = rng.normal(10, 3, 800)
    control = {"x": x, "y": 2 + 0.5 * x + rng.normal(0, 1, 800)}
    treatment = {"x": rng.permutation(x), "y": np.zeros(800)}
    treatment["y"] = 2.3 + 0.5 * treatment["x"] + rng.normal(0, 2, 800)

    ours = adjusted(adjusted_difference(JointSums.of(control), JointSums.of(treatment)))

    theirs = Mean("y", "x").analyze_aggregates(aggregates(control), aggregates(treatment))
    assert_as_tea_tasting(ours.difference, theirs, fitted=1, spare=1598)


def test_means_are_tea_tastings_at_its_coefficient(means: tuple[Arm, Arm]) -> None:
    control, treatment = means
    peer = Mean("y", "x")
    sums = aggregates(control), aggregates(treatment)
    total = sums[0] + sums[1]
    given = {"x": total.cov("y", "x") / total.var("x")}

    ours = adjusted_difference(JointSums.of(control), JointSums.of(treatment), coefficients=given)

    theirs = peer.analyze_aggregates(*sums)
    assert_as_tea_tasting(adjusted(ours).difference, theirs, fitted=0, spare=1598)


def test_ratios_are_tea_tastings_at_its_coefficient() -> None:
    rng = np.random.default_rng(22)
    control, treatment = sessions(rng, 900, 0.0), sessions(rng, 1100, 0.04)
    peer = RatioOfMeans("y", "d", "x", "w")
    sums = aggregates(control), aggregates(treatment)
    given = {"xw": peer._covariate_coef((sums[0] + sums[1]).with_zero_div())}

    ours = adjusted_difference(JointSums.of(control), JointSums.of(treatment), coefficients=given)

    theirs = peer.analyze_aggregates(*sums)
    assert_as_tea_tasting(adjusted(ours).difference, theirs, fitted=0, spare=1998)


def test_the_coefficient_of_ratios_is_tea_tastings_where_both_arms_have_the_same_ratios() -> None:
    rng = np.random.default_rng(23)
    control = sessions(rng, 600, 0.0)
    order = rng.permutation(600)
    # the same sums after and before, with other units meeting: another covariance
    treatment = {
        name: column[order] if name in "yd" else column for name, column in control.items()
    }
    sums = aggregates(control), aggregates(treatment)

    ours = adjusted(adjusted_difference(JointSums.of(control), JointSums.of(treatment), ["xw"]))

    theirs = RatioOfMeans("y", "d", "x", "w")._covariate_coef(sums[0] + sums[1])
    assert ours.coefficients["xw"] == pytest.approx(theirs, rel=2e-3)


def test_several_covariates_give_the_effect_of_least_squares() -> None:
    rng = np.random.default_rng(24)
    arms = []
    for n, lift in ((400, 0.0), (300, 0.5)):
        a, b, c = rng.normal(0, 1, n), rng.exponential(2, n), rng.integers(0, 2, n)
        y = 3 + lift + 0.8 * a - 0.3 * b + 0.4 * c + 0.2 * a * c + rng.normal(0, 1, n)
        arms.append({"a": a, "b": b, "c": c.astype(float), "y": y})

    found = adjusted(adjusted_difference(*(JointSums.of(arm) for arm in arms), ["a", "b", "c"]))

    both = {name: np.concatenate([arms[0][name], arms[1][name]]) for name in arms[0]}
    is_treated = np.repeat([0.0, 1.0], [400, 300])
    design = np.column_stack([np.ones(700), is_treated, both["a"], both["b"], both["c"]])
    fit = sm.OLS(both["y"], design).fit(cov_type="HC1")
    assert found.difference.absolute_effect == pytest.approx(fit.params[1], rel=EXACT)
    assert list(found.coefficients.values()) == pytest.approx(fit.params[2:], rel=EXACT)
    # statsmodels adds the spread of the coefficients times the arms' imbalance, of order 1/n
    assert found.difference.standard_error == pytest.approx(fit.bse[1], rel=0.01)


def test_the_variance_is_that_of_the_residuals_of_least_squares() -> None:
    rng = np.random.default_rng(25)
    arms = []
    for n in (150, 120):
        a, b = rng.normal(0, 1, n), rng.normal(0, 1, n)
        arms.append({"a": a, "b": b, "y": a + 2 * b + rng.normal(0, 1, n)})

    found = adjusted(adjusted_difference(*(JointSums.of(arm) for arm in arms), ["a", "b"]))

    is_treated = np.repeat([0.0, 1.0], [150, 120])
    both = {name: np.concatenate([arms[0][name], arms[1][name]]) for name in arms[0]}
    design = np.column_stack([np.ones(270), is_treated, both["a"], both["b"]])
    left = both["y"] - design @ np.linalg.lstsq(design, both["y"], rcond=None)[0]
    expected = [
        (left[:150] ** 2).sum() / 149 / 150 * 268 / 266,
        (left[150:] ** 2).sum() / 119 / 120 * 268 / 266,
    ]
    assert found.difference.variances_of_mean == pytest.approx(expected, rel=EXACT)
