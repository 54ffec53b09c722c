from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats as scipy_stats

from landed.errors import EstimationError
from landed.stats import (
    Difference,
    Moments,
    NotEstimable,
    difference_of_clusters,
    interval_at,
    welch,
)

Units = tuple[np.ndarray, np.ndarray]


def estimated(found: object) -> Difference:
    assert isinstance(found, Difference), found
    return found


def teams(seed: int, count: int, shift: float = 0.0) -> Units:
    """Outcomes of users and the team of each; users of a team are alike."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(count), 3 + rng.poisson(8, count))
    return shift + rng.normal(0, 1, count)[codes] + rng.normal(5, 1, codes.size), codes


def by_cluster(units: Units) -> Moments:
    values, codes = units
    return Moments.of(np.bincount(codes, weights=values), np.bincount(codes).astype(float))


def test_the_estimate_is_the_formula_of_cluster_sums() -> None:
    arms = teams(1, 40), teams(2, 30, 0.5)

    found = estimated(difference_of_clusters(*(by_cluster(one) for one in arms)))

    variances = []
    for values, codes in arms:
        sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
        left = sums - values.mean() * counts
        variances.append((left**2).sum() / (len(sums) - 1) / len(sums) / counts.mean() ** 2)
    error = math.sqrt(sum(variances))
    reach = scipy_stats.t.ppf(0.975, 68)
    effect = arms[1][0].mean() - arms[0][0].mean()
    assert found.absolute_effect == pytest.approx(effect, rel=1e-12)
    assert found.standard_error == pytest.approx(error, rel=1e-12)
    assert found.ci_lower == pytest.approx(effect - reach * error, rel=1e-12)
    assert found.p_value == pytest.approx(2 * scipy_stats.t.sf(abs(effect / error), 68), rel=1e-9)
    assert (found.n_control, found.n_treatment, found.degrees_of_freedom) == (40, 30, 68)


def test_the_standard_error_is_near_that_of_a_cluster_robust_regression() -> None:
    arms = teams(3, 60), teams(4, 60, 0.5)

    found = estimated(difference_of_clusters(*(by_cluster(one) for one in arms)))

    values = np.concatenate([arms[0][0], arms[1][0]])
    groups = np.concatenate([arms[0][1], 1000 + arms[1][1]])
    treated = (groups >= 1000).astype(float)
    fit = sm.OLS(values, sm.add_constant(treated)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    assert found.absolute_effect == pytest.approx(fit.params[1], rel=1e-9)
    # its factor for few clusters is over both arms, ours one an arm
    assert found.standard_error == pytest.approx(fit.bse[1], rel=0.01)


def test_clusters_of_one_unit_each_have_welchs_standard_error() -> None:
    rng = np.random.default_rng(5)
    control, treatment = rng.normal(5, 1, 50), rng.normal(6, 2, 40)

    found = estimated(
        difference_of_clusters(Moments.of(control, np.ones(50)), Moments.of(treatment, np.ones(40)))
    )

    plain = estimated(welch(Moments.of(control), Moments.of(treatment)))
    assert found.standard_error == pytest.approx(plain.standard_error, rel=1e-12)


def test_the_interval_of_a_look_keeps_the_degrees_of_freedom() -> None:
    found = estimated(difference_of_clusters(by_cluster(teams(1, 25)), by_cluster(teams(2, 25))))

    lower, upper = interval_at(found, 2.5)

    # the t with 48 degrees of freedom whose tail is that of z = 2.5
    reach = scipy_stats.t.isf(scipy_stats.norm.sf(2.5), 48)
    assert (upper - lower) / 2 == pytest.approx(reach * found.standard_error, rel=1e-9)


def test_nineteen_clusters_are_too_few() -> None:
    found = difference_of_clusters(by_cluster(teams(1, 40)), by_cluster(teams(2, 19)))

    assert found == NotEstimable("treatment has 19 clusters, at least 20 are needed", True)


def test_clusters_that_do_not_vary_are_not_estimable() -> None:
    still = Moments.of([2.0] * 20, [1.0] * 20)

    found = difference_of_clusters(still, still)

    assert found == NotEstimable("the outcome does not vary in either arm", True)


def test_moments_without_counts_are_refused() -> None:
    plain = Moments.of([float(one) for one in range(20)])

    with pytest.raises(EstimationError, match="control has no denominators"):
        difference_of_clusters(plain, plain)


def test_teams_that_were_assigned_whole_are_covered_in_95_of_a_hundred() -> None:
    rng = np.random.default_rng(20261130)  # 2,000 repetitions: 93.5 to 96.5 %
    hits = 0
    for _ in range(2000):
        pair = [by_cluster(teams(int(rng.integers(2**62)), 20, shift)) for shift in (0.0, 0.3)]
        found = estimated(difference_of_clusters(pair[0], pair[1]))
        hits += found.ci_lower <= 0.3 <= found.ci_upper

    assert abs(hits / 2000 - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / 2000), hits


@pytest.mark.parametrize(("count", "of_the_largest"), [(50, 50.0), (200, 90.0), (20, 20.0)])
def test_clusters_of_which_one_holds_most_units_are_refused(
    count: int, of_the_largest: float
) -> None:
    # its own mean is all but that of the arm: it is held against itself, and the error looks small
    sizes = np.array([of_the_largest, *[1.0] * (count - 1)])
    rng = np.random.default_rng(5)
    huge = Moments.of(sizes * rng.normal(1, 1, count), sizes)
    even = Moments.of(rng.normal(1, 1, count), [1.0] * count)

    for arms, name in (((huge, even), "control"), ((even, huge), "treatment")):
        found = difference_of_clusters(*arms)
        assert isinstance(found, NotEstimable)
        assert found.resolves_with_more_units
        assert found.reason.startswith(
            f"a few clusters of {name} hold most of it: its {count} are worth "
        )


def test_twenty_clusters_of_ordinary_sizes_are_compared() -> None:
    sizes = np.array([1.0, 2.0, 3.0, 4.0, 6.0] * 4)  # worth 15.5 of one size
    rng = np.random.default_rng(6)
    arms = [Moments.of(sizes * rng.normal(1, 1, 20), sizes) for _ in range(2)]

    assert isinstance(difference_of_clusters(*arms), Difference)
