"""Agreement with printed values and with scipy and statsmodels."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from landed.stats import (
    Difference,
    Moments,
    NotEstimable,
    fisher_exact,
    minimum_detectable_effect,
    ratio_of_sums,
    sample_ratio,
    two_proportions,
    units_needed,
    welch,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import statsmodels.api as sm
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import (
        confint_proportions_2indep,
        proportions_ztest,
    )
    from statsmodels.stats.proportion import (
        test_proportions_2indep as score_test,
    )
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

score_test.__test__ = False  # its name starts with test_; it is no test of ours


def estimated(found: Difference | NotEstimable) -> Difference:
    assert isinstance(found, Difference), found
    return found


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_welch_agrees_with_scipy_and_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    control, treatment = rng.lognormal(1.0, 1.0, 400 * seed), rng.lognormal(1.1, 0.8, 150)

    found = estimated(welch(Moments.of(control), Moments.of(treatment)))

    oracle = scipy_stats.ttest_ind(treatment, control, equal_var=False)
    interval = oracle.confidence_interval(0.95)
    other = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    lower, upper = other.tconfint_diff(alpha=0.05, usevar="unequal")
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert found.degrees_of_freedom == pytest.approx(oracle.df, rel=1e-9)
    assert found.ci_lower == pytest.approx(interval.low, rel=1e-9)
    assert found.ci_upper == pytest.approx(interval.high, rel=1e-9)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((lower, upper), rel=1e-9)


def test_score_interval_reproduces_newcombe_1998_table_ii() -> None:
    # Newcombe (1998), Statistics in Medicine 17, Table II, contrast (a) 56/70 - 48/80, Mee.
    found = estimated(two_proportions(Moments(80, 48, 48), Moments(70, 56, 56)))

    assert found.ci_lower == pytest.approx(0.0533, abs=5e-5)
    assert found.ci_upper == pytest.approx(0.3377, abs=5e-5)


@pytest.mark.parametrize(
    ("x_c", "n_c", "x_t", "n_t"),
    [(375, 1586, 439, 1645), (5, 40, 12, 30), (120, 11_000, 161, 1_200), (995, 1000, 990, 1000)],
)
def test_proportions_agree_with_statsmodels(x_c: int, n_c: int, x_t: int, n_t: int) -> None:
    found = estimated(two_proportions(Moments(n_c, x_c, x_c), Moments(n_t, x_t, x_t)))

    _, pooled_p = proportions_ztest([x_t, x_c], [n_t, n_c])
    score = score_test(x_t, n_t, x_c, n_c, method="score", correction=False)
    lower, upper = confint_proportions_2indep(
        x_t, n_t, x_c, n_c, method="score", compare="diff", correction=False
    )
    assert found.p_value == pytest.approx(pooled_p, rel=1e-9)
    assert found.p_value == pytest.approx(score.pvalue, rel=1e-6)
    # statsmodels 0.15 stops short of the restricted maximum (see the next test): 2 % of width
    width = found.ci_upper - found.ci_lower
    assert found.ci_lower == pytest.approx(lower, abs=0.02 * width)
    assert found.ci_upper == pytest.approx(upper, abs=0.02 * width)


@pytest.mark.parametrize(
    ("x_c", "n_c", "x_t", "n_t"),
    [(375, 1586, 439, 1645), (5, 40, 12, 30), (120, 11_000, 161, 1_200), (995, 1000, 990, 1000)],
)
def test_score_interval_ends_where_the_searched_likelihood_says(
    x_c: int, n_c: int, x_t: int, n_t: int
) -> None:
    found = estimated(two_proportions(Moments(n_c, x_c, x_c), Moments(n_t, x_t, x_t)))

    for end in (found.ci_lower, found.ci_upper):
        z = (found.absolute_effect - end) / searched_error(x_c, n_c, x_t, n_t, end)
        assert abs(z) == pytest.approx(1.959964, abs=1e-6)


def searched_error(x_c: int, n_c: int, x_t: int, n_t: int, difference: float) -> float:
    """Standard error at the likeliest shares that differ by `difference`, found by search."""

    def loss(p: float) -> float:
        q = p + difference
        control = x_c * math.log(p) + (n_c - x_c) * math.log(1 - p)
        return -control - x_t * math.log(q) - (n_t - x_t) * math.log(1 - q)

    bounds = (max(0.0, -difference) + 1e-12, min(1.0, 1 - difference) - 1e-12)
    p = float(
        optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-14}).x
    )
    q = p + difference
    return math.sqrt(p * (1 - p) / n_c + q * (1 - q) / n_t)


def test_ratio_variance_agrees_with_the_robust_regression_of_statsmodels() -> None:
    # The ratio of sums is the weighted mean of y/d with weights d; its delta variance is the
    # heteroscedasticity-robust one (HC1) of the weighted regression on the treatment.
    rng = np.random.default_rng(8)
    d = rng.integers(1, 12, 700).astype(float)
    treated = np.repeat([0.0, 1.0], 350)
    y = d * (0.3 + 0.02 * treated) + rng.normal(0, 1.0, 700) * np.sqrt(d) + 0.2 * (d - 6)

    found = estimated(ratio_of_sums(Moments.of(y[:350], d[:350]), Moments.of(y[350:], d[350:])))

    arms = [
        sm.WLS(y[half] / d[half], np.ones(350), weights=d[half]).fit(cov_type="HC1")
        for half in (slice(0, 350), slice(350, 700))
    ]
    variance = sum(float(arm.bse[0]) ** 2 for arm in arms)
    assert found.mean_control == pytest.approx(float(arms[0].params[0]), rel=1e-9)
    assert found.absolute_effect == pytest.approx(
        float(arms[1].params[0] - arms[0].params[0]), rel=1e-9
    )
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_sample_ratio_agrees_with_scipy() -> None:
    observed = {"control": 5012, "a": 4890, "b": 1010}
    shares = {"control": 0.45, "a": 0.45, "b": 0.1}

    found = sample_ratio(observed, shares)

    total = sum(observed.values())
    oracle = scipy_stats.chisquare(
        list(observed.values()), [total * share for share in shares.values()]
    )
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-9)
    assert found.statistic == pytest.approx(oracle.statistic, rel=1e-9)


def test_fisher_agrees_with_exact_fractions() -> None:
    # the sum of all tables no likelier than the observed one, in whole numbers
    events, n_c, n_t = 7, 1586, 1645
    ways = [math.comb(n_c, k) * math.comb(n_t, events - k) for k in range(events + 1)]
    exact = Fraction(sum(w for w in ways if w <= ways[7]), math.comb(n_c + n_t, events))

    assert fisher_exact(7, n_c, 0, n_t).p_value == pytest.approx(float(exact), rel=1e-9)


def test_power_agrees_with_statsmodels() -> None:
    per_arm = NormalIndPower().solve_power(
        effect_size=0.2, alpha=0.05, power=0.8, ratio=1, alternative="larger"
    )
    one_sided = units_needed(0.2, 1.0, confidence_level=0.9)
    two_sided = NormalIndPower().solve_power(effect_size=0.2, alpha=0.05, power=0.8)

    assert one_sided == math.ceil(2 * per_arm)
    # statsmodels also counts findings on the wrong side: 1e-6 of the power at 2.8 errors
    assert units_needed(0.2, 1.0) == pytest.approx(2 * two_sided, abs=1)


def test_minimum_detectable_effect_reproduces_the_sum_of_two_printed_quantiles() -> None:
    # 1.9600 and 0.8416, as any table of the normal prints them
    assert minimum_detectable_effect(1.0) == pytest.approx(1.9600 + 0.8416, abs=1e-4)
    assert minimum_detectable_effect(1.0, power=0.9) == pytest.approx(1.9600 + 1.2816, abs=1e-4)
