from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests

from landed.errors import EstimationError
from landed.stats import (
    Difference,
    Interaction,
    Moments,
    NotEstimable,
    false_discovery_p_values,
    interaction,
    shrunken_effects,
    welch,
)


def estimated(control: object, treatment: object) -> Difference:
    found = welch(Moments.of(control), Moments.of(treatment))  # type: ignore[arg-type]
    assert isinstance(found, Difference)
    return found


def groups(seed: int) -> list[np.ndarray]:
    """Control and treatment of a group, then of the rest."""
    rng = np.random.default_rng(seed)
    sizes, means, spreads = (300, 280, 900, 950), (5.0, 6.0, 5.0, 5.2), (1.0, 3.0, 2.0, 2.5)
    return [rng.normal(mean, sd, n) for n, mean, sd in zip(sizes, means, spreads, strict=True)]


def test_the_difference_of_effects_is_the_coefficient_of_a_robust_regression() -> None:
    values = groups(1)

    found = interaction(estimated(*values[:2]), estimated(*values[2:]))

    n = [len(one) for one in values]
    in_group = np.repeat([1.0, 1.0, 0.0, 0.0], n)
    treated = np.repeat([0.0, 1.0, 0.0, 1.0], n)
    design = np.column_stack([np.ones(sum(n)), treated, in_group, treated * in_group])
    # HC2 divides by n - 1 in each cell, as sample variances do
    fit = sm.OLS(np.concatenate(values), design).fit(cov_type="HC2")
    assert isinstance(found, Interaction)
    assert found.difference == pytest.approx(fit.params[3], rel=1e-9)
    assert found.standard_error == pytest.approx(fit.bse[3], rel=1e-9)


def test_the_interval_excludes_zero_exactly_where_p_is_below_alpha() -> None:
    for seed in range(40):
        values = [one[:40] for one in groups(seed)]

        found = interaction(estimated(*values[:2]), estimated(*values[2:]))

        assert isinstance(found, Interaction)
        excludes = found.ci_lower > 0 or found.ci_upper < 0
        assert excludes == (found.p_value < 0.05)


def test_swapping_group_and_rest_flips_the_sign() -> None:
    values = groups(2)
    group, rest = estimated(*values[:2]), estimated(*values[2:])

    there, back = interaction(group, rest), interaction(rest, group)

    assert isinstance(there, Interaction)
    assert isinstance(back, Interaction)
    assert back.difference == -there.difference
    assert back.p_value == pytest.approx(there.p_value, rel=1e-12)


def test_groups_that_do_not_vary_are_not_estimable() -> None:
    values = groups(3)
    one = estimated(*values[:2])
    still = Difference(
        **{
            **{name: getattr(one, name) for name in one.__dataclass_fields__},
            "variances_of_mean": (0.0, 0.0),
        }
    )

    assert interaction(still, still) == NotEstimable("the outcome varies in neither group", True)


def test_effects_that_scatter_no_more_than_their_errors_become_one() -> None:
    assert shrunken_effects([1.0, 1.2, 0.8], [1.0, 1.0, 1.0]) == pytest.approx([1.0] * 3)


def test_the_less_is_known_of_a_group_the_further_it_is_pulled() -> None:
    found = shrunken_effects([10.0, -10.0, 10.0], [0.1, 0.1, 5.0], towards=0.0)

    assert 9.9 < found[0] < 10
    assert 0 < found[2] < found[0]


def test_shrunken_effects_are_nearer_to_the_truth_than_the_raw_ones() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(0.5, 0.3, (500, 20))
    seen = truth + rng.normal(0, 0.6, truth.shape)

    pulled = np.array([shrunken_effects(list(one), [0.6] * 20) for one in seen])

    assert ((pulled - truth) ** 2).mean() < 0.35 * ((seen - truth) ** 2).mean()
    # the largest of twenty overstates its effect; pulled it does not
    top = seen.argmax(axis=1)
    rows = np.arange(500)
    assert (seen[rows, top] - truth[rows, top]).mean() > 0.7
    assert abs((pulled[rows, top] - truth[rows, top]).mean()) < 0.1


def test_a_standard_error_of_zero_is_refused() -> None:
    with pytest.raises(EstimationError, match="a standard error is 0"):
        shrunken_effects([1.0, 2.0], [1.0, 0.0])


def test_effects_without_their_errors_are_refused() -> None:
    with pytest.raises(EstimationError, match="2 effects with 1"):
        shrunken_effects([1.0, 2.0], [1.0])


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    p = np.random.default_rng(5).beta(0.5, 3, 60)

    found = false_discovery_p_values(list(p))

    assert found == pytest.approx(multipletests(p, method="fdr_bh")[1], rel=1e-12)


def test_an_empty_family_has_no_p_values() -> None:
    assert false_discovery_p_values([]) == ()


def test_a_p_value_above_one_is_refused() -> None:
    with pytest.raises(EstimationError, match=r"a p-value is 1\.2"):
        false_discovery_p_values([0.5, 1.2])
