"""False positives and coverage of the difference of quantiles, by simulation.

A rate must lie within three standard errors of the binomial around its nominal value.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from landed.stats import Difference, NotEstimable, difference_of_quantiles, quantile_of_rows

REPETITIONS = 2000
Arm = tuple[np.ndarray, np.ndarray]


def latencies(rng: np.random.Generator, units: int, between: float, shift: float) -> Arm:
    """About five rows a unit; logarithms vary by `between` over units and by 0.5 within."""
    codes = np.repeat(np.arange(units), 1 + rng.poisson(4, units))
    logs = rng.normal(0, between, units)[codes] + rng.normal(0, 0.5, codes.size)
    return np.exp(5 + shift + logs), codes


def true_quantile(quantile: float, between: float, shift: float) -> float:
    # rows of a unit are as many whatever its level: a row's logarithm is normal
    return math.exp(5 + shift + special.ndtri(quantile) * math.hypot(between, 0.5))


def covered(rng: np.random.Generator, quantile: float, between: float, *, by_row: bool) -> float:
    truth = true_quantile(quantile, between, 0.1) - true_quantile(quantile, between, 0.0)
    hits = 0
    for _ in range(REPETITIONS):
        arms = [latencies(rng, 700, between, shift) for shift in (0.0, 0.1)]
        if by_row:
            arms = [(values, np.arange(values.size)) for values, _ in arms]
        known = [quantile_of_rows(*rows, quantile) for rows in arms]
        assert not isinstance(known[0], NotEstimable), known
        assert not isinstance(known[1], NotEstimable), known
        found = difference_of_quantiles(known[0], known[1])
        assert isinstance(found, Difference), found
        hits += found.ci_lower <= truth <= found.ci_upper
    return hits / REPETITIONS


@pytest.mark.parametrize(
    ("quantile", "between"),
    [(0.5, 0.0), (0.5, 1.0), (0.9, 0.7)],
    ids=["independent rows, median", "alike rows, median", "alike rows, p90"],
)
def test_an_interval_of_95_percent_covers_the_truth_in_95_of_a_hundred(
    quantile: float, between: float
) -> None:
    rng = np.random.default_rng(20261128)  # 2,000 repetitions: 93.5 to 96.5 %

    share = covered(rng, quantile, between, by_row=False)

    assert abs(share - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / REPETITIONS), share


def test_rows_taken_for_units_cover_far_too_little() -> None:
    rng = np.random.default_rng(20261129)

    assert covered(rng, 0.5, 1.0, by_row=True) < 0.75
