"""Bounds of repeated looks against published tables, integration and random paths."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from landed.errors import EstimationError
from landed.stats.confidence_sequence import sequence_bound
from landed.stats.sequential import (
    LARGEST_BOUND,
    Look,
    crossing_probabilities,
    next_bound,
    planned_looks,
    spend,
)

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]
DAYS = [day / 28 for day in range(1, 29)]
SEED = 20261128


@pytest.mark.parametrize(
    ("spending", "bounds"),
    [
        # Lan-DeMets bounds of five equal looks at one-sided 0.025, as the programs LanDeMets
        # (Reboussin, DeMets, Kim and Lan 2000, Controlled Clinical Trials 21) and gsDesign print
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_bounds_of_five_looks_are_the_published_ones(spending, bounds):
    looks = planned_looks(spending, 0.025, FIFTHS)

    assert [look.bound for look in looks] == pytest.approx(bounds, abs=2e-4)


@pytest.mark.parametrize(("alpha", "final"), [(0.025, 2.139), (0.024, 2.155), (0.045, 1.901)])
def test_twenty_eight_daily_looks_end_at_their_bound_and_spend_all(alpha, final):
    looks = planned_looks("obrien_fleming", alpha, DAYS)

    assert looks[-1].bound == pytest.approx(final, abs=1e-3)
    assert looks[-1].spent == pytest.approx(alpha, abs=1e-9)
    assert sum(crossing_probabilities(looks)) == pytest.approx(alpha, abs=1e-6)
    assert looks[0].bound == LARGEST_BOUND


def test_one_look_is_the_fixed_test():
    (look,) = planned_looks("pocock", 0.025, [400.0])

    assert look.bound == pytest.approx(1.959964, abs=1e-6)
    assert sum(crossing_probabilities([look], drift=3.384)) == pytest.approx(0.92279, abs=1e-4)


def test_random_paths_cross_as_often_as_the_integral_says():
    """200,000 paths, seed 20261128, looks at uneven information, with and without an effect."""
    information = [30.0, 41.0, 80.0, 160.0, 170.0, 300.0]
    looks = planned_looks(
        "pocock", 0.05, information, fractions=[0.1, 0.3, 0.5, 0.7, 0.8, 1.0], two_sided=True
    )
    rng = np.random.default_rng(SEED)
    steps = np.sqrt(np.diff([0.0, *information]))
    for drift in (0.0, 2.5):
        effect = drift / math.sqrt(information[-1])
        score = np.cumsum(rng.normal(size=(200_000, len(steps))) * steps, axis=1)
        z = (score + effect * np.array(information)) / np.sqrt(information)
        crossed = np.abs(z) >= [look.bound for look in looks]
        first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), -1)
        for at, expected in enumerate(crossing_probabilities(looks, drift, two_sided=True)):
            error = math.sqrt(expected * (1 - expected) / len(z))
            assert abs((first == at).mean() - expected) < 4 * error


def test_a_look_that_was_skipped_spends_nothing_and_the_last_one_spends_the_rest():
    taken = [next_bound((), 0.3, spend("obrien_fleming", 0.024, 0.3))]
    last = next_bound(taken, 0.7, spend("obrien_fleming", 0.024, 1.0))

    assert last.spent == pytest.approx(0.024)
    assert sum(crossing_probabilities([*taken, last])) == pytest.approx(0.024, abs=1e-6)
    assert last.bound < planned_looks("obrien_fleming", 0.024, DAYS)[-1].bound


def test_bounds_of_earlier_looks_count_as_they_were_taken():
    strict = next_bound((), 100.0, 0.001)
    loose = Look(100.0, strict.bound - 0.5, 0.001)

    assert next_bound([loose], 200.0, 0.025).bound < next_bound([strict], 200.0, 0.025).bound


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: spend("pocock", 0.5, 0.2), "alpha is 0.5"),
        (lambda: spend("pocock", 0.025, -0.1), "the fraction is -0.1"),
        (lambda: spend("pocock", 0.025, math.nan), "the fraction is nan"),
        (lambda: next_bound((), 0.0, 0.01), "the information is 0.0"),
        (lambda: next_bound([Look(10.0, 3.0, 0.01)], 10.0, 0.02), "the information is 10.0"),
        (lambda: next_bound([Look(10.0, 3.0, 0.01)], 11.0, 0.005), "spent is 0.005"),
        (lambda: sequence_bound(0.6, 1.0, 1.0), "alpha is 0.6"),
        (lambda: sequence_bound(0.01, 0.0, 1.0), "information is 0.0"),
    ],
)
def test_what_no_plan_can_be_is_refused(call, says):
    with pytest.raises(EstimationError, match=says):
        call()


@pytest.mark.parametrize(("alpha", "bound"), [(0.001, 4.03), (0.0025, 3.78)])
def test_the_bound_past_the_horizon_is_the_papers_formula(alpha, bound):
    assert sequence_bound(alpha, 5_600, 5_600) == pytest.approx(bound, abs=5e-3)
    assert sequence_bound(alpha, 5_600, 5_600) < sequence_bound(alpha, 56_000, 5_600)


def test_paths_without_an_effect_hardly_ever_pass_the_sequence():
    """20,000 paths of 2,000 unit steps, seed 20261128: at most 5 % may ever pass at alpha 0.05."""
    rng = np.random.default_rng(SEED)
    n = np.arange(1, 2_001)
    bounds = np.array([sequence_bound(0.05, float(one), 500.0) for one in n])
    passed = 0
    for _ in range(20):
        z = np.cumsum(rng.normal(size=(1_000, n.size)), axis=1) / np.sqrt(n)
        passed += int((z >= bounds).any(axis=1).sum())
    assert 0.01 < passed / 20_000 < 0.05


@pytest.mark.parametrize("information", [1000.01, 1001.0, 1010.0, 1100.0])
def test_a_look_that_brings_little_is_integrated_as_well(information: float) -> None:
    # a day with few new units after a day with many: the increment is far narrower than the score
    taken = (Look(1000.0, 2.5, 0.01), Look(information, 2.3, 0.02))

    found = crossing_probabilities(taken)[1]

    correlation = math.sqrt(1000.0 / information)
    both = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([2.5, 2.3])
    assert found == pytest.approx(stats.norm.cdf(2.5) - both, abs=1e-7)


def test_traffic_that_dries_up_spends_all_and_no_more() -> None:
    information = list(itertools.accumulate([1000.0] + [10.0] * 27))

    plan = planned_looks(
        "obrien_fleming", 0.024, information, fractions=[day / 28 for day in range(1, 29)]
    )

    assert sum(crossing_probabilities(plan)) == pytest.approx(0.024, abs=1e-9)
