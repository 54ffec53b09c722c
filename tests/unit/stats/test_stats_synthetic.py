"""The synthetic control of one region: its weights, its placebos, its refusals."""

from __future__ import annotations

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import NotEstimable, synthetic_control

SEED = 20261202


def world(effect=0.0, regions=24, periods=40, changed_at=30, seed=SEED):
    """Regions on three common waves; the treated one is a mixture of the first two."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(0, 1, (3, periods)).cumsum(axis=1)
    loads = rng.dirichlet(np.ones(3), regions)
    donors = loads @ waves + rng.normal(0, 0.2, (regions, periods))
    treated = np.array([0.5, 0.3, 0.2]) @ waves + rng.normal(0, 0.2, periods)
    treated[changed_at:] += effect
    return treated, {f"region {i}": row.tolist() for i, row in enumerate(donors)}


def test_the_weights_are_shares_and_fit_better_than_any_single_region():
    treated, donors = world()

    found = synthetic_control(treated, donors, 30)

    assert sum(found.weights.values()) == pytest.approx(1, abs=1e-3)
    assert min(found.weights.values()) > 0
    single = min(
        float(np.sqrt(np.mean((treated[:30] - np.array(y)[:30]) ** 2))) for y in donors.values()
    )
    assert found.error_before < single


def test_a_large_effect_is_the_widest_gap_of_all():
    treated, donors = world(effect=5.0)

    found = synthetic_control(treated, donors, 30)

    assert found.p_value == pytest.approx(1 / 25)
    lower, upper = found.interval(0.95)
    assert 0 < lower < 5 < upper
    assert found.interval(0.96) == (lower, upper)
    assert found.interval(0.97).reason == (
        "too few regions without the change: 24, and 33 are needed for an interval of 97 %"
    )


def test_without_an_effect_the_p_value_is_uniform_over_the_regions():
    """300 worlds of 19 donors, seed 20261202: p <= 0.05 in 5 %, three standard errors."""
    hits = drawn = 0
    for draw in range(300):
        treated, donors = world(regions=19, periods=24, changed_at=18, seed=SEED + draw)
        # exchangeable: the region is drawn as the donors are
        names = list(donors)
        found = synthetic_control(
            donors[names[0]], {n: donors[n] for n in names[1:]} | {"treated": treated.tolist()}, 18
        )
        if isinstance(found, NotEstimable):
            continue
        hits += found.p_value <= 0.05
        ends = found.interval(0.95)
        if not isinstance(ends, NotEstimable):
            assert (found.p_value <= 0.05) == (not ends[0] <= 0 <= ends[1])
            drawn += 1
    assert drawn > 250
    assert hits / 300 <= 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_around_its_mean_a_region_of_another_size_can_be_fitted():
    treated, donors = world(effect=1.0)
    large = treated + 50

    plain = synthetic_control(large, donors, 30)
    around = synthetic_control(large, donors, 30, around_mean=True)

    assert isinstance(plain, NotEstimable)
    assert plain.reason.startswith("the fit before the change fails")
    same = synthetic_control(treated, donors, 30, around_mean=True)
    assert around.effect == pytest.approx(same.effect, abs=1e-6)


def test_the_names_of_the_regions_decide_nothing():
    treated, donors = world(effect=1.0)

    turned = synthetic_control(treated, dict(reversed(donors.items())), 30)

    found = synthetic_control(treated, donors, 30)
    assert turned.effect == pytest.approx(found.effect, abs=1e-6)
    assert turned.p_value == found.p_value


def test_too_few_regions_or_periods_are_not_estimable():
    treated, donors = world(regions=18)
    assert synthetic_control(treated, donors, 30).reason == (
        "too few regions without the change: 18, at least 19 are needed"
    )
    treated, donors = world()
    assert synthetic_control(treated, donors, 9).reason.startswith("too little history: 9 periods")


def test_a_gap_that_is_no_single_effect_is_not_estimable():
    treated, donors = world()
    treated[30:] += 40 * (-1.0) ** np.arange(10)

    found = synthetic_control(treated, donors, 30).interval(0.95)

    assert isinstance(found, NotEstimable)
    assert "varies too much" in found.reason


@pytest.mark.parametrize(
    ("treated", "at", "says"),
    [
        ([1.0] * 39, 30, "different numbers of periods"),
        ([float("inf")] * 40, 30, "not finite"),
        ([1.0] * 40, 0, "changed_at is 0"),
        ([1.0] * 40, 40, "changed_at is 40"),
    ],
)
def test_a_wrong_call_is_refused(treated, at, says):
    with pytest.raises(EstimationError, match=says):
        synthetic_control(treated, world()[1], at)
