"""Which statistic two rows of moments take, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from landed.impact.compare import compare
from landed.stats import (
    Adjusted,
    Difference,
    JointSums,
    Moments,
    NotEstimable,
    adjusted_difference,
    two_proportions,
    welch,
)

Row = Callable[..., dict[str, Any]]


def units(seed: int, n: int = 400, lift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.gamma(3, 1, n)
    return {"x": x, "y": 1 + x + lift + rng.normal(0, 1, n)}


def active(seed: int, n: int, share: float = 0.4) -> dict[str, Any]:
    """0 or 1 after, and before."""
    rng = np.random.default_rng(seed)
    x = rng.random(n) < 0.4
    y = rng.random(n) < np.where(x, share * 1.5, share * 2 / 3)
    return {"x": x.astype(float), "y": y.astype(float)}


def estimated(found: object) -> Difference:
    assert isinstance(found, Difference), found
    return found


def test_a_mean_is_adjusted_by_its_value_before(row_of: Row) -> None:
    control, treatment = units(1), units(2, lift=0.2)

    method, found, reduction = compare("mean", row_of("mean", control), row_of("mean", treatment))

    values = adjusted_difference(JointSums.of(control), JointSums.of(treatment))
    assert isinstance(values, Adjusted)
    assert method == estimated(found).method == "adjusted_difference"
    assert estimated(found).ci_lower == pytest.approx(values.difference.ci_lower, rel=1e-9)
    assert estimated(found).mean_treatment == pytest.approx(treatment["y"].mean(), rel=1e-12)
    assert reduction == pytest.approx(values.variance_reduction_share)
    assert reduction > 0.6


def test_a_release_may_say_that_nothing_is_adjusted(row_of: Row) -> None:
    control, treatment = units(1), units(2, lift=0.2)

    method, found, reduction = compare(
        "mean", row_of("mean", control), row_of("mean", treatment), adjust=False
    )

    plain = welch(Moments.of(control["y"]), Moments.of(treatment["y"]))
    assert (method, reduction) == ("welch", 0.0)
    assert estimated(found).ci_lower == pytest.approx(estimated(plain).ci_lower, rel=1e-12)


def test_a_unit_without_a_value_before_counts_with_an_indicator(row_of: Row) -> None:
    control, treatment = units(3), units(4, lift=0.2)
    seen = [np.random.default_rng(seed).random(400) < 0.6 for seed in (5, 6)]
    for values, has_x in zip((control, treatment), seen, strict=True):
        values["y"] += 2.0 * has_x  # those with history are others
    rows = [
        row_of("unit_mean", values, has_x)
        for values, has_x in zip((control, treatment), seen, strict=True)
    ]

    _, found, _ = compare("unit_mean", *rows)

    filled = [
        {"y": values["y"], "x": np.where(has_x, values["x"], -7.0), "m": 1.0 - has_x}
        for values, has_x in zip((control, treatment), seen, strict=True)
    ]
    values = adjusted_difference(*(JointSums.of(one) for one in filled), ["x", "m"])
    assert isinstance(values, Adjusted)
    assert estimated(found).absolute_effect == pytest.approx(
        values.difference.absolute_effect, rel=1e-9
    )
    assert estimated(found).standard_error == pytest.approx(
        values.difference.standard_error, rel=1e-9
    )


def test_a_ratio_is_adjusted_by_its_ratio_before(row_of: Row) -> None:
    rng = np.random.default_rng(7)
    arms = []
    for n in (900, 800):
        taste = rng.beta(2, 3, n)
        w, d = 3 + rng.poisson(6, n), 3 + rng.poisson(6, n)
        x, y = rng.binomial(w, taste), rng.binomial(d, taste)
        arms.append({k: v.astype(float) for k, v in zip("ydxw", (y, d, x, w), strict=True)})

    method, found, reduction = compare("ratio", *(row_of("ratio", one) for one in arms))

    values = adjusted_difference(*(JointSums.of(one) for one in arms), ["xw"])
    assert isinstance(values, Adjusted)
    assert method == "adjusted_difference"
    assert estimated(found).ci_upper == pytest.approx(values.difference.ci_upper, rel=1e-9)
    assert reduction > 0.2


def test_a_proportion_is_adjusted_where_events_and_history_are_many(row_of: Row) -> None:
    control, treatment = active(8, 800), active(9, 800)

    method, found, reduction = compare(
        "proportion",
        row_of("proportion", control, shift=0.0),
        row_of("proportion", treatment, shift=0.0),
    )

    assert method == estimated(found).method == "adjusted_difference"
    assert 0.05 < reduction < 0.3


@pytest.mark.parametrize(
    ("sizes", "share"),
    [((800, 800), 0.05), ((7200, 800), 0.07)],
    ids=["few events expected", "arms too unequal for a rare event"],
)
def test_a_proportion_else_keeps_its_score_interval(
    sizes: tuple[int, int], share: float, row_of: Row
) -> None:
    control, treatment = active(10, sizes[0], share), active(11, sizes[1], share)

    method, found, reduction = compare(
        "proportion",
        row_of("proportion", control, shift=0.0),
        row_of("proportion", treatment, shift=0.0),
    )

    plain = two_proportions(*(Moments.of(values["y"]) for values in (control, treatment)))
    assert (method, reduction) == ("two_proportions", 0.0)
    assert estimated(found).ci_lower == pytest.approx(estimated(plain).ci_lower, abs=1e-12)


def test_without_history_nothing_is_adjusted_and_nothing_refused(row_of: Row) -> None:
    control, treatment = units(14, 1200), units(15, 1200)
    for values in (control, treatment):
        values["x"] = np.where(np.arange(1200) < 49, values["x"], 0.0)

    method, found, _ = compare("mean", row_of("mean", control), row_of("mean", treatment))

    assert method == "welch"
    assert isinstance(found, Difference)


def test_a_mean_whose_history_is_mostly_zero_is_refused_by_the_expected_count(row_of: Row) -> None:
    control, treatment = units(16, 1000), units(17, 1000)
    for values in (control, treatment):
        values["x"] = np.where(np.arange(1000) < 150, values["x"], 0.0)

    _, found, _ = compare("mean", row_of("mean", control), row_of("mean", treatment))

    assert found == NotEstimable(
        "about 150 units of control are expected to be other than 0 (15 % of 1000), at least 200 "
        "are needed",
        True,
    )


def test_skewed_values_are_refused_where_the_arms_are_unequal_and_not_where_they_are_equal(
    row_of: Row,
) -> None:
    control, treatment = units(18, 9000), units(19, 1000)
    rng = np.random.default_rng(20)
    for values in (control, treatment):
        values["x"] = rng.lognormal(0, 1.2, len(values["y"]))

    refused = compare("mean", row_of("mean", control), row_of("mean", treatment))[1]
    half = {one: column[:1000] for one, column in control.items()}
    equal = compare("mean", row_of("mean", half), row_of("mean", treatment))[1]

    assert isinstance(refused, NotEstimable)
    assert refused.reason.startswith("the values are too skewed for 9000 and 1000 units")
    assert refused.resolves_with_more_units
    assert isinstance(equal, Difference)


def test_the_outcomes_skewness_decides_nothing(row_of: Row) -> None:
    control, treatment = units(21, 9000), units(22, 1000)
    rng = np.random.default_rng(23)
    for values in (control, treatment):
        values["x"] = 5 + rng.normal(0, 1, len(values["y"]))
        values["y"] = rng.lognormal(0, 1.5, len(values["y"]))

    assert isinstance(
        compare("mean", row_of("mean", control), row_of("mean", treatment))[1], Difference
    )


def test_nobody_who_entered_is_not_estimable(row_of: Row) -> None:
    empty = {"form": "mean", "n": 0, "n_immature": 4}

    method, found, reduction = compare("mean", row_of("mean", units(24)), empty)

    reason = "no unit of treatment entered; 4 still wait for the end of their outcome window"
    assert (method, reduction) == ("welch", 0.0)
    assert found == NotEstimable(reason, True)


def test_a_form_without_a_statistic_is_not_estimable() -> None:
    assert isinstance(compare("median", None, None)[1], NotEstimable)


def test_missing_values_need_one_shift_for_both_variants(row_of: Row) -> None:
    control, treatment = units(25), units(26)
    has_x = np.arange(400) < 300

    found = compare(
        "unit_mean",
        row_of("unit_mean", control, has_x),
        row_of("unit_mean", treatment, has_x, shift=4.0),
    )[1]

    assert isinstance(found, NotEstimable)
    assert "shift_x is 3.0 and 4.0" in found.reason
