"""False positives and coverage of the three differences, by simulation.

Each test states its seed and repetitions. A rate must lie within three standard errors of the
binomial around its nominal value: a right implementation passes 99.7 % of seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from landed.stats import Difference, Moments, RelativeEffect, ratio_of_sums, two_proportions, welch

REPETITIONS = 4000
Pair = tuple[Moments, Moments]


def means(rng: np.random.Generator, effect: float) -> Iterator[Pair]:
    """Skewed revenue, 300 units an arm: lognormal with mean 1.65 and skewness 6."""
    control = rng.lognormal(0.0, 1.0, (REPETITIONS, 300))
    treatment = rng.lognormal(0.0, 1.0, (REPETITIONS, 300)) + effect
    for y_c, y_t in zip(control, treatment, strict=True):
        yield quick_moments(y_c), quick_moments(y_t)


def proportions(rng: np.random.Generator, effect: float) -> Iterator[Pair]:
    """One in ten converts, 400 units in control and 800 in treatment."""
    control = rng.binomial(400, 0.1, REPETITIONS)
    treatment = rng.binomial(800, 0.1 + effect, REPETITIONS)
    for x_c, x_t in zip(control.tolist(), treatment.tolist(), strict=True):
        yield Moments(400, x_c, x_c), Moments(800, x_t, x_t)


def ratios(rng: np.random.Generator, effect: float) -> Iterator[Pair]:
    """Clicks by views, 300 units an arm; views vary, and units differ in how they click."""

    def arm(rate: float) -> tuple[np.ndarray, np.ndarray]:
        d = 1 + rng.poisson(4.0, (REPETITIONS, 300))
        return rng.binomial(d, rng.beta(rate * 10, (1 - rate) * 10, d.shape)), d

    for y_c, d_c, y_t, d_t in zip(*arm(0.2), *arm(0.2 + effect), strict=True):
        yield quick_moments(y_c, d_c), quick_moments(y_t, d_t)


def quick_moments(y: np.ndarray, d: np.ndarray | None = None) -> Moments:
    if d is None:
        return Moments(len(y), float(y.sum()), float(y @ y))
    return Moments(len(y), float(y.sum()), float(y @ y), float(d.sum()), float(d @ d), float(y @ d))


def all_estimated(pairs: Iterator[Pair], statistic: Callable[..., object]) -> list[Difference]:
    found = [statistic(control, treatment) for control, treatment in pairs]
    kept = [one for one in found if isinstance(one, Difference)]
    assert len(kept) == REPETITIONS
    return kept


def assert_rate(hits: int, nominal: float) -> None:
    band = 3 * math.sqrt(nominal * (1 - nominal) / REPETITIONS)
    assert abs(hits / REPETITIONS - nominal) <= band, hits / REPETITIONS


CASES = pytest.mark.parametrize(
    ("draw", "statistic", "effect"),
    [(means, welch, 0.3), (proportions, two_proportions, 0.03), (ratios, ratio_of_sums, 0.02)],
    ids=["mean", "proportion", "ratio"],
)


@CASES
def test_false_positives_are_five_in_a_hundred(
    draw: Callable[..., Iterator[Pair]], statistic: Callable[..., object], effect: float
) -> None:
    rng = np.random.default_rng(20261101)  # 4,000 repetitions: 4.0 to 6.0 %

    found = all_estimated(draw(rng, 0.0), statistic)

    assert_rate(sum(one.p_value < 0.05 for one in found), 0.05)


@CASES
def test_intervals_cover_the_truth_ninety_five_times_in_a_hundred(
    draw: Callable[..., Iterator[Pair]], statistic: Callable[..., object], effect: float
) -> None:
    rng = np.random.default_rng(20261102)  # 4,000 repetitions: 94.0 to 96.0 %

    found = all_estimated(draw(rng, effect), statistic)

    assert_rate(sum(one.ci_lower <= effect <= one.ci_upper for one in found), 0.95)


def test_relative_intervals_cover_where_control_is_noisy() -> None:
    # 4,000 repetitions; control's mean is only 5 standard errors from zero, where the delta
    # method's interval would miss the truth on one side
    rng = np.random.default_rng(20261103)
    control = rng.normal(1.0, 2.0, (REPETITIONS, 100))
    treatment = rng.normal(1.3, 2.0, (REPETITIONS, 100))

    covered = bounded = 0
    for y_c, y_t in zip(control, treatment, strict=True):
        found = welch(quick_moments(y_c), quick_moments(y_t))
        assert isinstance(found, Difference)
        if isinstance(found.relative, RelativeEffect):
            bounded += 1
            covered += found.relative.ci_lower <= 0.3 <= found.relative.ci_upper
        else:
            covered += 1  # unbounded: no interval is shown, so none is wrong

    assert bounded > 0.99 * REPETITIONS
    assert_rate(covered, 0.95)


def test_a_guardrail_at_its_margin_is_called_unharmed_no_more_often_than_planned() -> None:
    # 4,000 repetitions of a share that got worse by exactly its margin of 3 points: the lower
    # end clears the margin in 2.5 % of them
    rng = np.random.default_rng(20261104)

    found = all_estimated(proportions(rng, -0.03), two_proportions)

    assert_rate(sum(one.ci_lower > -0.03 for one in found), 0.025)
