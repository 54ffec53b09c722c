"""The designed effects, measured from the columns with nothing but numpy."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from landed.demo import simulate
from landed.demo.columns import NEVER, Columns, Floats, Ints, Rows
from landed.demo.design import CHECKLIST, DARK_MODE, DAY_MS, ICONS, SEARCH, SYNC, Change
from landed.demo.voices import THEMES

SEEDS = (7, 1, 2, 3, 4)


@dataclass(frozen=True)
class Difference:
    """Treatment minus control, and its standard error."""

    effect: float
    error: float

    def errors_above(self, bound: float) -> float:
        return (self.effect - bound) / self.error


@functools.cache
def product(seed: int) -> Columns:
    return simulate(users=20_000, days=60, seed=seed)


def population(columns: Columns, change: Change) -> tuple[Ints, Ints, Ints]:
    """Users exposed as logged, when, and whether treated; crossovers and bots left out."""
    rows = columns.kinds["feature_flag.evaluation"]
    keys, variants = (
        rows.properties[name] for name in ("feature_flag.key", "feature_flag.result.variant")
    )
    mine = keys.codes == keys.labels.index(change.flag)
    order = np.argsort(rows.at[mine], kind="stable")
    user, at, code = (column[mine][order] for column in (rows.user, rows.at, variants.codes))
    users, first = np.unique(user, return_index=True)
    arms = np.bincount(user, weights=code, minlength=columns.users)[users]
    times = np.bincount(user, minlength=columns.users)[users]
    one_arm = (arms == 0) | (arms == times * code[first])
    bots = np.unique(columns.sessions.user[columns.sessions.is_bot & (columns.sessions.user >= 0)])
    kept = one_arm & ~np.isin(users, bots)
    return users[kept], at[first][kept], (code[first] > 0).astype(np.int64)[kept]


def per_user(
    columns: Columns, rows: Rows, change: Change, days: float, value: Floats | None = None
) -> Floats:
    """Sum of a value over each exposed user's outcome window."""
    users, exposed_at, _ = population(columns, change)
    since = np.full(columns.users, NEVER)
    since[users] = exposed_at
    inside = (rows.at >= since[rows.user]) & (rows.at < since[rows.user] + int(days * DAY_MS))
    weights = np.ones(len(rows)) if value is None else value
    sums = np.bincount(rows.user[inside], weights=weights[inside], minlength=columns.users)
    return sums[users]


def mean_difference(y: Floats, treated: Ints) -> Difference:
    arms = [y[treated == arm] for arm in (0, 1)]
    error = math.sqrt(sum(arm.var(ddof=1) / len(arm) for arm in arms))
    return Difference(float(arms[1].mean() - arms[0].mean()), error)


def ratio_difference(y: Floats, d: Floats, treated: Ints) -> Difference:
    """Ratio of sums with the delta method's standard error."""
    means, errors = [], []
    for arm in (0, 1):
        top, bottom = y[treated == arm], d[treated == arm]
        ratio = top.sum() / bottom.sum()
        means.append(ratio)
        errors.append((top - ratio * bottom).var(ddof=1) / len(top) / bottom.mean() ** 2)
    return Difference(means[1] - means[0], math.sqrt(sum(errors)))


def activation(columns: Columns, change: Change) -> Difference:
    done = per_user(columns, columns.kinds["onboarding_completed"], change, 7)
    return mean_difference(np.minimum(done, 1), population(columns, change)[2])


def refund_rate(columns: Columns, change: Change) -> Difference:
    refunds = per_user(columns, columns.kinds["refund_issued"], change, 14)
    payments = per_user(columns, columns.kinds["payment_succeeded"], change, 14)
    return ratio_difference(refunds, payments, population(columns, change)[2])


def error_rate(columns: Columns, change: Change) -> Difference:
    rows = columns.kinds["request_served"]
    failed = per_user(columns, rows, change, 14, (rows.properties["status"] >= 500).astype(float))
    served = per_user(columns, rows, change, 14)
    return ratio_difference(failed, served, population(columns, change)[2])


def latency(columns: Columns, change: Change) -> Difference:
    rows = columns.kinds["request_served"]
    total = per_user(columns, rows, change, 14, rows.properties["latency_ms"])
    served = per_user(columns, rows, change, 14)
    return ratio_difference(total, served, population(columns, change)[2])


def tasks(columns: Columns, change: Change) -> Difference:
    made = per_user(columns, columns.kinds["task_created"], change, 14)
    return mean_difference(made, population(columns, change)[2])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_checklist_works_by_five_standard_errors(seed: int) -> None:
    found = activation(product(seed), CHECKLIST)

    assert found.errors_above(0) >= 5
    gained, exposed = product(seed).effects[CHECKLIST.release]
    assert abs(found.errors_above(gained / exposed)) <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_instant_sync_is_faster_and_fails_beyond_its_margin(seed: int) -> None:
    faster, fails = latency(product(seed), SYNC), error_rate(product(seed), SYNC)

    assert faster.errors_above(0) <= -5
    assert fails.errors_above(0.01) >= 5
    assert abs(faster.errors_above(-25)) <= 4
    assert abs(fails.errors_above(0.025)) <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_new_icons_move_nothing_and_their_interval_is_narrow(seed: int) -> None:
    found = tasks(product(seed), ICONS)

    assert abs(found.errors_above(0)) <= 1.1  # drawn so; 1.96 would show an effect
    assert 0.15 / found.error >= 5 + 1.96


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("change", "measure", "margin"),
    [
        (CHECKLIST, refund_rate, 0.03),
        (CHECKLIST, error_rate, 0.01),
        (CHECKLIST, latency, 10.0),
        (SYNC, refund_rate, 0.03),
        (ICONS, error_rate, 0.01),
        (ICONS, latency, 10.0),
    ],
)
def test_unmoved_guardrails_lie_five_standard_errors_inside_their_margin(
    seed: int, change: Change, measure: Callable[[Columns, Change], Difference], margin: float
) -> None:
    found = measure(product(seed), change)

    assert margin / found.error >= 5
    assert found.effect + 1.96 * found.error < margin


@pytest.mark.parametrize("seed", SEEDS)
def test_only_search_ranking_loses_exposures(seed: int) -> None:
    lost = np.bincount(population(product(seed), SEARCH)[2])
    kept = [np.bincount(population(product(seed), c)[2]) for c in (CHECKLIST, SYNC, ICONS)]

    assert abs(lost[1] - lost[0]) / math.sqrt(lost.sum()) > 10
    assert max(abs(arms[1] - arms[0]) / math.sqrt(arms.sum()) for arms in kept) < 2.5
    assert min(arms.min() for arms in kept) > 9_500


@pytest.mark.parametrize("seed", SEEDS)
def test_feedback_answers_what_shipped(seed: int) -> None:
    columns = product(seed)
    feedback, sessions = columns.feedback, columns.sessions
    names = [theme.name for theme in THEMES]

    def texts(theme: str, change: Change, *, treated: bool) -> int:
        rows = feedback.session[feedback.theme == names.index(theme)]
        arm = columns.treated[change.release][sessions.user[rows]]
        return int((arm == treated).sum())

    def before_and_after(theme: str, change: Change) -> tuple[int, int]:
        at = feedback.at[feedback.theme == names.index(theme)]
        return int((at < change.shipped_ms).sum()), int((at >= change.shipped_ms).sum())

    assert len(feedback) >= 3_000
    assert texts("sync_errors", SYNC, treated=True) > 5 * texts("sync_errors", SYNC, treated=False)
    assert texts("setup_confusing", CHECKLIST, treated=False) > 1.5 * texts(
        "setup_confusing", CHECKLIST, treated=True
    )
    wanted, still_wanted = before_and_after("dark_mode_wanted", DARK_MODE)
    assert wanted > 5 * still_wanted
    assert before_and_after("dark_mode_liked", DARK_MODE)[0] == 0


def test_the_product_is_large_enough() -> None:
    kinds = product(7).kinds

    assert sum(map(len, kinds.values())) >= 500_000
    assert len(kinds) >= 12


def test_simulating_again_gives_the_same_columns() -> None:
    one, other = simulate(users=500, seed=9), simulate(users=500, seed=9)

    for name, rows in one.kinds.items():
        np.testing.assert_array_equal(rows.at, other.kinds[name].at)
    np.testing.assert_array_equal(one.feedback.wording, other.feedback.wording)


def test_everybody_is_exposed_to_every_experiment() -> None:
    exposed = [int((at < NEVER).sum()) for at in product(7).true_exposure.values()]

    assert exposed == [20_000] * 4
