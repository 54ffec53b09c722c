"""False positives, coverage and power of adjusted differences, and false discoveries by segment.

Each test states its seed and repetitions. A rate must lie within three standard errors of the
binomial around its nominal value: a right implementation passes 99.7 % of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from landed.stats import (
    Adjusted,
    Difference,
    Interaction,
    JointSums,
    Moments,
    adjusted_difference,
    false_discovery_p_values,
    interaction,
    refuse_skew,
    welch,
)

REPETITIONS = 2000
Arm = dict[str, np.ndarray]


def revenue(rng: np.random.Generator, n: int, lift: float) -> Arm:
    """Skewed values, a third of whose variance the pre-period explains."""
    taste = rng.gamma(2, 1, n)
    return {"x": taste * rng.gamma(3, 1, n), "y": taste * rng.gamma(3, 1, n) + lift}


def clicks(rng: np.random.Generator, n: int, lift: float) -> Arm:
    """Clicks y of views d, after; clicks x of views w, before; users differ in how they click."""
    taste = rng.beta(2, 6, n)
    w, d = 1 + rng.poisson(4, n), 1 + rng.poisson(4, n)
    return {
        "y": rng.binomial(d, taste) + lift * d,
        "d": d.astype(float),
        "x": rng.binomial(w, taste).astype(float),
        "w": w.astype(float),
    }


def active(rng: np.random.Generator, n: int, lift: float) -> Arm:
    """0 or 1: those who were active before are three times as likely after."""
    x = rng.random(n) < 0.3
    y = rng.random(n) < np.where(x, 0.3, 0.1) + lift
    return {"x": x.astype(float), "y": y.astype(float)}


def sums(arm: Arm) -> JointSums:
    """Like `JointSums.of`, by plain products: the values are small."""
    letters = sorted(arm)
    found = {one: float(arm[one].sum()) for one in letters}
    for at, a in enumerate(letters):
        for b in letters[at:]:
            found[a + b] = float(arm[a] @ arm[b])
    return JointSums(len(arm["y"]), dict.fromkeys(letters, 0.0), found)


@pytest.mark.parametrize(
    ("draw", "covariates", "lift"),
    [(revenue, ("x",), 0.4), (clicks, ("xw",), 0.02), (active, ("x",), 0.03)],
    ids=["mean", "ratio", "proportion"],
)
def test_adjusted_intervals_of_95_percent_cover_the_effect_and_are_shorter(
    draw: Callable[..., Arm], covariates: tuple[str, ...], lift: float
) -> None:
    rng = np.random.default_rng(20261131)  # 2,000 repetitions: 93.5 to 96.5 %
    hits, shares = 0, []
    for _ in range(REPETITIONS):
        found = adjusted_difference(
            sums(draw(rng, 300, 0.0)), sums(draw(rng, 300, lift)), covariates
        )
        assert isinstance(found, Adjusted)
        hits += found.difference.ci_lower <= lift <= found.difference.ci_upper
        shares.append(found.variance_reduction_share)

    assert abs(hits / REPETITIONS - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / REPETITIONS), hits
    assert np.mean(shares) > 0.03


def test_five_covariates_that_say_nothing_keep_the_promise_with_fifty_units_an_arm() -> None:
    rng = np.random.default_rng(20261132)
    hits = 0
    for _ in range(REPETITIONS):
        arms = [sums({one: rng.normal(0, 1, 50) for one in "abcxyz"}) for _ in range(2)]
        found = adjusted_difference(*arms, tuple("abcxz"))
        assert isinstance(found, Adjusted)
        hits += found.difference.p_value < 0.05

    # what the arms' imbalance in the covariates adds is of order k / n: 0.5 points are allowed
    assert abs(hits / REPETITIONS - 0.055) <= 3 * math.sqrt(0.05 * 0.95 / REPETITIONS), hits


def test_history_of_correlation_six_tenths_makes_fifty_six_in_a_hundred_seventy_five() -> None:
    rng = np.random.default_rng(20261133)
    plain, adjusted = 0, 0
    for _ in range(REPETITIONS):
        arms = []
        for lift in (0.0, 0.04):  # 4 % of a mean of 1, whose standard deviation is 1
            x = rng.normal(0, 1, 5600)
            arms.append({"x": x, "y": 1 + lift + 0.6 * x + 0.8 * rng.normal(0, 1, 5600)})
        raw = welch(*(Moments(5600, float(a["y"].sum()), float(a["y"] @ a["y"])) for a in arms))
        found = adjusted_difference(*(sums(arm) for arm in arms))
        assert isinstance(found, Adjusted)
        assert isinstance(raw, Difference)
        plain += raw.ci_lower > 0
        adjusted += found.difference.ci_lower > 0

    # exact: 56.3 and 75.4 %; 2,000 repetitions: 3 points
    assert plain / REPETITIONS == pytest.approx(0.563, abs=0.034)
    assert adjusted / REPETITIONS == pytest.approx(0.754, abs=0.03)


def test_what_the_skew_rule_lets_pass_is_covered_and_what_it_refuses_is_not() -> None:
    rng = np.random.default_rng(20261134)
    skewness_of_units = 8.2  # one in ten pays, logarithms of standard deviation 0.8

    def above(n_control: int, n_treatment: int) -> float:
        """How often the whole interval lies below 0 without an effect."""
        hits = 0
        for _ in range(REPETITIONS):
            arms = []
            for n in (n_control, n_treatment):
                values = np.where(rng.random(n) < 0.1, rng.lognormal(0, 0.8, n), 0.0)
                arms.append(Moments(n, float(values.sum()), float(values @ values)))
            found = welch(*arms)
            assert isinstance(found, Difference)
            hits += found.ci_upper < 0
        return hits / REPETITIONS

    assert refuse_skew(skewness_of_units, 0.1, 2500, 2500) is None
    assert above(2500, 2500) == pytest.approx(0.025, abs=0.0105)
    # nothing but the skewness of an unequal split, the expected count would do
    assert refuse_skew(skewness_of_units, 1.0, 9000, 1000) is not None
    assert above(9000, 1000) > 0.035


def test_false_discoveries_by_segment_are_five_in_a_hundred_at_one_look() -> None:
    rng = np.random.default_rng(20261135)  # 400 releases: 1.2 to 8.8 %
    releases, claimed = 400, 0
    for _ in range(releases):
        # 20 levels and 5 metrics correlated by 0.5; effects and errors of means of 400 units
        common = rng.normal(0, 1, 20)
        effects = 0.5**0.5 * common + 0.5**0.5 * rng.normal(0, 1, (5, 20))
        p_values = []
        for of_metric in effects:
            for at in range(20):
                rest = np.delete(of_metric, at)
                p_values.append(p_of(of_metric[at], float(rest.mean())))
        claimed += min(false_discovery_p_values(p_values)) <= 0.05

    assert abs(claimed / releases - 0.05) <= 3 * math.sqrt(0.05 * 0.95 / releases) + 0.005, claimed


def p_of(level: float, rest: float) -> float:
    """The test of a level of 400 units an arm against 19 others, effects in standard errors."""
    found = interaction(effect_of(level, 0.5, 400), effect_of(rest, 0.5 / 19, 7600))
    assert isinstance(found, Interaction)
    return found.p_value


def effect_of(effect: float, variance_of_mean: float, n: int) -> Difference:
    plain = welch(Moments.of([0.0, 1.0]), Moments.of([0.0, 1.0]))
    assert isinstance(plain, Difference)
    facts = {name: getattr(plain, name) for name in plain.__dataclass_fields__}
    return Difference(
        **{
            **facts,
            "absolute_effect": effect,
            "variances_of_mean": (variance_of_mean, variance_of_mean),
            "n_control": n,
            "n_treatment": n,
        }
    )
