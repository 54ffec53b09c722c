from __future__ import annotations

import numpy as np
import pytest

from landed.errors import EstimationError
from landed.stats import (
    JointSums,
    correlated_paths,
    crossing_probabilities,
    detectable_drift,
    explained_share,
    planned_looks,
)

DAILY = [float(day) for day in range(1, 29)]


def test_one_look_detects_what_a_fixed_test_does() -> None:
    # 1.959964 + 0.841621, the normal quantiles of 2.5 % and 80 %
    assert detectable_drift(planned_looks("pocock", 0.025, [1.0])) == pytest.approx(
        2.801585, abs=1e-4
    )


def test_the_detected_drift_has_the_power_that_was_asked_for() -> None:
    plan = planned_looks("obrien_fleming", 0.024, DAILY)

    drift = detectable_drift(plan, 0.908)

    assert sum(crossing_probabilities(plan, drift)) == pytest.approx(0.908, abs=1e-4)
    assert drift == pytest.approx(3.384, abs=0.01)  # 90.8 % for +20 % on 10 %, 5,600 an arm


def test_fewer_looks_of_a_plan_detect_larger_effects_only() -> None:
    plan = planned_looks("obrien_fleming", 0.024, DAILY)

    assert detectable_drift(plan[:7]) > detectable_drift(plan[:14]) > detectable_drift(plan)


@pytest.mark.parametrize("power", [0.0, 1.0, float("nan")])
def test_a_power_that_is_none_is_refused(power: float) -> None:
    with pytest.raises(EstimationError, match="power"):
        detectable_drift(planned_looks("pocock", 0.025, [1.0]), power)


def test_no_look_detects_nothing() -> None:
    with pytest.raises(EstimationError, match="no look"):
        detectable_drift(())


def test_paths_cross_planned_bounds_as_often_as_integration_says() -> None:
    # seed 5, 20,000 draws: the share within three standard errors of 2.4 %
    plan = planned_looks("obrien_fleming", 0.024, DAILY)
    fractions = [day / 28 for day in DAILY]
    rng = np.random.default_rng(5)

    z = correlated_paths(rng, fractions, 2, 0.3, 20_000)

    bounds = np.array([look.bound for look in plan])
    crossed = (z > bounds).any(axis=2).mean(axis=0)
    assert crossed == pytest.approx([0.024, 0.024], abs=3 * (0.024 * 0.976 / 20_000) ** 0.5)


@pytest.mark.parametrize(
    ("fractions", "correlation", "metrics", "said"),
    [
        ([0.5, 0.5], 0.3, 2, "fractions"),
        ([], 0.3, 2, "fractions"),
        ([0.5, 1.0], 1.0, 2, "correlation"),
        ([0.5, 1.0], 0.3, 0, "0 metrics"),
    ],
)
def test_paths_that_cannot_be_drawn_are_refused(
    fractions: list[float], correlation: float, metrics: int, said: str
) -> None:
    with pytest.raises(EstimationError, match=said):
        correlated_paths(np.random.default_rng(1), fractions, metrics, correlation, 10)


def sums(**values: np.ndarray) -> JointSums:
    """Sums of two letters at most."""
    letters = sorted(values)
    found = {one: float(values[one].sum()) for one in letters}
    for index, one in enumerate(letters):
        for other in letters[index:]:
            found[one + other] = float(values[one] @ values[other])
    return JointSums(len(values[letters[0]]), dict.fromkeys(letters, 0.0), found)


def test_the_past_explains_the_squared_correlation() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(5.0, 2.0, 400)
    y = x + rng.normal(0.0, 3.0, 400)

    found = explained_share(sums(x=x, y=y), sums(y=y))

    assert found == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


def test_units_without_a_past_have_nothing_explained() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 200))
    y = y + x
    others = rng.normal(y.mean(), y.std(), 200)

    whole = explained_share(sums(x=x, y=y), sums(y=y))
    diluted = explained_share(sums(x=x, y=y), sums(y=np.concatenate([y, others])))

    assert 0 < diluted < whole


def test_of_a_ratio_its_linear_form_is_explained() -> None:
    rng = np.random.default_rng(6)
    w, d = 1.0 + rng.poisson(3.0, (2, 500))
    x, y = rng.binomial(w.astype(int), 0.4), rng.binomial(d.astype(int), 0.3)
    x, y = x.astype(float), y + 0.5 * x

    found = explained_share(sums(x=x, w=w, y=y, d=d), sums(y=y, d=d))

    now, before = y - y.sum() / d.sum() * d, x - x.sum() / w.sum() * w
    assert found == pytest.approx(np.corrcoef(now, before)[0, 1] ** 2)


def test_a_past_that_does_not_vary_explains_nothing() -> None:
    y = np.array([1.0, 2.0, 4.0])

    assert explained_share(sums(x=np.zeros(3), y=y), sums(y=y)) == 0.0
