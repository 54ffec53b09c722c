"""How often the gate's checks of a comparison refuse a clean release, and find a broken one.

Every draw is a whole release: 28 daily looks, judged by the functions that the gate calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from landed.gate import load_suites
from landed.gate.checks.aa_replay import LEVEL
from landed.stats import (
    binomial_tail,
    change_in_allocation,
    joint_balance,
    replayed_splits,
    reversal,
    sample_ratio_path,
)
from landed.stats.difference_looks import pooled_scores
from landed.stats.sample_ratio_looks import ratio_bounds, ratio_log_e_values, ratio_scores

from .rows import Row

LOOKS = 28
UNITS = 11_200
ALPHA, CONCENTRATION, E_VALUE_LIMIT = 0.0008, 100.0, 5_000.0
_FRACTIONS = [(at + 1) / LOOKS for at in range(LOOKS)]
_BATCH = 2_000
_EVEN = ((0.5, 0.5),)
_Array = npt.NDArray[Any]

#: Name, units of each day as a share of the plan's, shares by stage, and the stage of each day.
SHAPES: tuple[tuple[str, Sequence[float], Sequence[Sequence[float]], Sequence[int]], ...] = (
    ("even traffic", [1.0] * LOOKS, _EVEN, [0] * LOOKS),
    ("half the traffic", [0.5] * LOOKS, _EVEN, [0] * LOOKS),
    ("double the traffic", [2.0] * LOOKS, _EVEN, [0] * LOOKS),
    ("declining traffic", [2 * 0.9**at for at in range(LOOKS)], _EVEN, [0] * LOOKS),
    ("a late burst", [0.2] * 24 + [5.8] * 4, _EVEN, [0] * LOOKS),
    (
        "a ramp of 1, 10 and 50 %",
        [1.0] * LOOKS,
        ((0.99, 0.01), (0.9, 0.1), (0.5, 0.5)),
        [0] * 3 + [1] * 7 + [2] * 18,
    ),
    ("three arms", [1.0] * LOOKS, ((0.4, 0.3, 0.3),), [0] * LOOKS),
)


def clean_paths(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Releases whose split is the planned one, of every shape of traffic."""
    rows = []
    for shape, stream in zip(SHAPES, seed.spawn(len(SHAPES)), strict=True):
        crossed = _first_crossings(shape, shape[2], draws, np.random.default_rng(stream))
        found = float((crossed < LOOKS).mean())
        rows.append(
            Row("sample ratio refuses a clean release", shape[0], draws, found, upper=0.001)
        )
    return rows


def wrong_splits(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Releases planned at 50/50 that give another split."""
    rng = np.random.default_rng(seed)
    rows = []
    for share, least in ((0.52, 0.78), (0.53, 0.99), (0.55, 0.999)):
        crossed = _first_crossings(SHAPES[0], ((share, 1 - share),), draws, rng)
        cell = f"{100 * share:.0f}/{100 - 100 * share:.0f} at {UNITS:,} units"
        found = float((crossed < LOOKS).mean())
        rows.append(Row("sample ratio finds a wrong split", cell, draws, found, lower=least))
    for share, day in ((0.55, 6.0), (0.60, 2.5)):
        days = _first_crossings(SHAPES[0], ((share, 1 - share),), draws, rng) + 1.0
        cell = f"{100 * share:.0f}/{100 - 100 * share:.0f}, {UNITS // LOOKS} units a day"
        error = float(days.std()) / math.sqrt(draws)
        rows.append(
            Row("day it is found on", cell, draws, float(days.mean()), upper=day, error=error)
        )
    n_c = np.round(UNITS * 0.52)
    fixed = stats.norm.isf(0.0005)
    ceiling = stats.norm.sf(fixed - abs(2 * n_c / UNITS - 1) * math.sqrt(UNITS))
    rows.append(Row("fixed test at 0.001, looked at once", "52/48", draws, float(ceiling)))
    return rows


def telemetry(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Units with heavy-tailed numbers of events, of which each loses a share of its own."""
    rng = np.random.default_rng(seed)
    clean, crossed = _losses(rng, draws, 0.02, 0.0, 0.001)
    broken, _ = _losses(rng, draws, 0.02, 0.04, 0.001)
    cell = "50 units an arm a day, 2 % lost"
    return [
        Row("telemetry loss refuses a clean release", cell, draws, clean, upper=0.001),
        Row("the same, were 2 points not asked for", cell, draws, crossed),
        Row("telemetry loss is found", "2 against 6 % lost", draws, broken, lower=0.99),
    ]


def logging(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Units with a label of which a share has no exposure."""
    rng = np.random.default_rng(seed)
    clean, crossed = _unlogged(rng, draws, 0.03, 0.0)
    broken, _ = _unlogged(rng, draws, 0.03, 0.03)
    uneven, _ = _unlogged(rng, draws, 0.03, 0.0, (380, 20))
    cell = "200 units an arm a day, 3 % unlogged"
    return [
        Row("exposure logging refuses a clean release", cell, draws, clean, upper=0.0005),
        Row("the same of 95/5", "380 and 20 units a day", draws, uneven, upper=0.0005),
        Row("the same, were 2 points not asked for", cell, draws, crossed),
        Row("unlogged exposures are found", "3 against 6 % unlogged", draws, broken, lower=0.99),
    ]


def early(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Units of which a share has an outcome within the hour before the exposure."""
    rng = np.random.default_rng(seed)
    clean, crossed = _unlogged(rng, draws, 0.05, 0.0)
    rare, _ = _unlogged(rng, draws, 0.002, 0.0)
    uneven, _ = _unlogged(rng, draws, 0.05, 0.0, (380, 20))
    broken, _ = _unlogged(rng, draws, 0.05, 0.035)
    claim = "outcome before exposure refuses a clean release"
    return [
        Row(claim, "200 units an arm a day, 5 % act before", draws, clean, upper=0.0005),
        Row("the same of a rare outcome", "0.2 % act before", draws, rare, upper=0.0005),
        Row("the same of 95/5", "380 and 20 units a day", draws, uneven, upper=0.0005),
        Row("the same, were 2 points not asked for", "5 % act before", draws, crossed),
        Row("exposures logged late are found", "5 against 8.5 % act before", draws, broken,
            lower=0.99),
    ]  # fmt: skip


def balance(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Six covariates, one of them heavy-tailed and one rare, at 1,000 units and at 11,200."""
    rng = np.random.default_rng(seed)
    clean = sum(_is_imbalanced(rng, 0.0) for _ in range(draws)) / draws
    found = sum(_is_imbalanced(rng, 0.15) for _ in range(draws)) / draws
    return [
        Row("balance refuses a clean release", "two looks", draws, clean, upper=0.001),
        Row("imbalance is found", "0.15 standard deviations", draws, found, lower=0.99),
    ]


def crossover(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Units that met both variants, 0.1 % innocently."""
    rng = np.random.default_rng(seed)
    rows = []
    for share, claim, limits in (
        (0.001, "crossover refuses a clean release", {"upper": 0.0005}),
        (0.015, "crossover is found", {"lower": 0.99}),
    ):
        crossed = rng.binomial(UNITS // LOOKS, share, (draws, LOOKS)).cumsum(axis=1)
        units = np.arange(1, LOOKS + 1) * (UNITS // LOOKS)
        by_chance = stats.binom.sf(crossed - 1, units, 0.001)
        is_refused = (by_chance < 0.0005 / 2 / LOOKS) & (crossed / units >= 0.01)
        cell = f"{100 * share:g} % of {UNITS:,} units"
        rows.append(Row(claim, cell, draws, float(is_refused.any(axis=1).mean()), **limits))
    return rows


def moved(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Traffic that moves after two weeks so that the whole fits, and labels that are exchanged."""
    rng = np.random.default_rng(seed)

    def rate(off: float) -> float:
        return sum(_is_moved(rng, off) for _ in range(draws)) / draws

    def swapped(is_swapped: bool) -> float:
        return sum(_is_swapped(rng, is_swapped) for _ in range(draws)) / draws

    return [
        Row(
            "change of allocation refuses a clean release", "28 looks", draws, rate(0.0), upper=5e-4
        ),
        Row("an allocation change is found", "46 then 54 %", draws, rate(0.04), lower=0.99),
        Row("swap refuses a clean release", "no difference", draws, swapped(False), upper=1e-4),
        Row("a swap is found", "30 against 3 % send it", draws, swapped(True), lower=0.99),
    ]


#: Units, share of the smaller arm, and shape of their gamma rates; 0 where machines make the most.
PASTS: tuple[tuple[str, int, float, float], ...] = (
    ("1,000 units, 50/50", 1_000, 0.5, 0.5),
    ("1,000 units, 90/10", 1_000, 0.1, 0.5),
    ("11,200 units, 50/50", 11_200, 0.5, 0.5),
    ("11,200 units, 50/50, one in twenty busy", 11_200, 0.5, 0.02),
    ("11,200 units, 97/3", 11_200, 0.03, 0.5),
    ("4,000 units, 97/3, one in 200 a machine", 4_000, 0.03, 0.0),
)


def replay(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Pasts of units that a random split is tested on, and one on which the test errs."""
    rng = np.random.default_rng(seed)
    rows = []
    for cell, units, small, shape in PASTS:
        found = sum(_is_replay_off(rng, units, small, shape) for _ in range(draws)) / draws
        claim = "random splits warn of a clean past"
        if not shape:
            rows.append(Row("splits that differ too often are found", cell, draws, found, 0.99))
        elif small < 0.5:  # of skewed counts the test itself errs there, and that is said
            rows.append(Row(claim, cell, draws, found))
        else:
            rows.append(Row(claim, cell, draws, found, upper=0.001))
    return rows


CELLS: tuple[Callable[[int, np.random.SeedSequence], list[Row]], ...] = (
    clean_paths,
    wrong_splits,
    telemetry,
    logging,
    balance,
    crossover,
    moved,
    early,  # new ones last: each cell has a stream of its own by its place
    replay,
)


def _first_crossings(
    shape: tuple[str, Sequence[float], Sequence[Sequence[float]], Sequence[int]],
    truth: Sequence[Sequence[float]],
    draws: int,
    rng: np.random.Generator,
) -> _Array:
    """Place of the first look that crossed, LOOKS where none did; (draws,)."""
    _, traffic, planned, stage_of = shape
    shares = np.array(planned)
    units = [round(part * UNITS / LOOKS) for part in traffic]
    found = []
    for begin in range(0, draws, _BATCH):
        size = min(_BATCH, draws - begin)
        new = np.zeros((size, LOOKS, *shares.shape), dtype=int)
        for day, (count, stage) in enumerate(zip(units, stage_of, strict=True)):
            new[:, day, stage] = rng.multinomial(count, truth[stage], size=size)
        total = new.cumsum(axis=1)
        arms = range(1) if shares.shape[1] == 2 else range(shares.shape[1])
        known = (total[0].sum(axis=-1, keepdims=True) * shares * (1 - shares)).sum(axis=-2)
        bounds = np.stack(
            [ratio_bounds(known[:, arm], _FRACTIONS, ALPHA / len(arms)) for arm in arms], axis=-1
        )
        is_far = (np.abs(ratio_scores(total, shares))[..., list(arms)] >= bounds).any(axis=-1)
        log_e = ratio_log_e_values(total, shares, CONCENTRATION)
        is_crossed = is_far | (log_e >= math.log(E_VALUE_LIMIT))
        first = np.where(is_crossed.any(axis=1), is_crossed.argmax(axis=1), LOOKS)
        _hold_against_a_path(new[0], planned, int(first[0]))
        found.append(first)
    return np.concatenate(found)


def _hold_against_a_path(new: _Array, planned: Sequence[Sequence[float]], first: int) -> None:
    """The gate's own function has to say of a path what the table counts."""
    path = sample_ratio_path(
        [[dict(zip("abc", map(int, stage), strict=False)) for stage in day] for day in new],
        [dict(zip("abc", stage, strict=False)) for stage in planned],
        _FRACTIONS,
        alpha=ALPHA,
        concentration=CONCENTRATION,
        e_value_limit=E_VALUE_LIMIT,
    )
    assert (LOOKS if path.crossed is None else path.crossed) == first


def _refused(sums: _Array, alpha: float) -> tuple[float, float]:
    """Shares of releases that are refused, and that cross their bound at all.

    Args:
        sums: Of the units new at each look; (draws, 2, looks, 6).
    """
    total = sums.cumsum(axis=2)
    shares, z = pooled_scores(total[:, 0], total[:, 1])
    known = total[0, :, :, 0].prod(axis=0) / total[0, :, :, 0].sum(axis=0)
    is_crossed = np.abs(z) >= ratio_bounds(known, _FRACTIONS, alpha)
    is_large = np.abs(shares[1] - shares[0]) >= 0.02
    return (
        float((is_crossed & is_large).any(axis=1).mean()),
        float(is_crossed.any(axis=1).mean()),
    )


def _losses(
    rng: np.random.Generator, draws: int, lost: float, more: float, alpha: float
) -> tuple[float, float]:
    found, size, units = [], 250, 50
    for begin in range(0, draws, size):
        batch = (min(size, draws - begin), 2, LOOKS, units)
        whole = 1.0 + rng.poisson(rng.gamma(0.5, 100.0, batch))
        share = np.array([lost, lost + more])[None, :, None, None]
        part = rng.binomial(whole.astype(int), rng.beta(3 * share, 3 * (1 - share), batch))
        one = np.ones(batch)
        rows = (one, part, whole, part**2, whole**2, part * whole)
        sums = np.stack([row.sum(axis=-1) for row in rows], axis=-1)
        found.append((*_refused(sums, alpha), batch[0]))
    weights = np.array(found)
    refused, crossed = (weights[:, :2] * weights[:, 2:]).sum(axis=0) / draws
    return float(refused), float(crossed)


def _unlogged(
    rng: np.random.Generator,
    draws: int,
    missing: float,
    more: float,
    units: tuple[int, int] = (200, 200),
) -> tuple[float, float]:
    rates = (missing, missing + more)
    part = np.stack(
        [
            rng.binomial(count, rate, (draws, LOOKS))
            for count, rate in zip(units, rates, strict=True)
        ],
        axis=1,
    ).astype(float)
    whole = np.broadcast_to(np.array(units, float)[None, :, None], part.shape)
    sums = np.stack([whole, part, whole, part, whole, part], axis=-1)
    return _refused(sums, 0.0005)


def _is_imbalanced(rng: np.random.Generator, off: float) -> bool:
    x = np.column_stack(
        [
            np.log1p(rng.poisson(rng.gamma(0.3, 30.0, UNITS))),
            rng.exponential(1.0, UNITS),
            rng.random(UNITS) < 0.03,
            rng.random(UNITS) < 0.4,
            rng.random(UNITS) < 0.2,
            rng.normal(size=UNITS),
        ]
    ).astype(float)
    is_treated = rng.random(UNITS) < 0.5
    x[:, 5] += off * is_treated
    for units in (1_000, UNITS):
        arms = [x[:units][is_treated[:units] == arm] for arm in (False, True)]
        found = joint_balance(
            np.array([[len(arm) for arm in arms]]),
            np.array([[arm.sum(axis=0) for arm in arms]]),
            np.array([[arm.T @ arm for arm in arms]]),
        )
        if found.p_value < 0.0005 and max(map(abs, found.differences)) >= 0.05:
            return True
    return False


def _is_moved(rng: np.random.Generator, off: float) -> bool:
    a_day = UNITS // LOOKS
    share = np.repeat([0.5 - off, 0.5 + off], LOOKS // 2)
    found = change_in_allocation(
        rng.binomial(a_day, share),
        [a_day / 2] * LOOKS,
        [a_day / 4] * LOOKS,
        [a_day] * LOOKS,
        alpha=0.0005,
        planned_looks=LOOKS,
        least_units=100,
        least_difference=0.02,
    )
    return found is not None


def _is_swapped(rng: np.random.Generator, is_swapped: bool) -> bool:
    units = UNITS // LOOKS // 2
    more, less = (0.30, 0.03) if is_swapped else (0.2, 0.2)
    half = LOOKS // 2
    arms = [
        np.stack([np.full(LOOKS, units), rng.binomial(units, np.repeat(rates, half))], axis=-1)
        for rates in ((less, more), (more, less))
    ]
    return reversal(arms[0], arms[1], least_z=3.5, least_difference=0.1) is not None


def _is_replay_off(rng: np.random.Generator, units: int, small: float, shape: float) -> bool:
    """Events of gamma rates, 10 a unit, in whole numbers; or of machines that make nearly all."""
    rule = load_suites()["balance"].of_check("aa_replay")[0]
    if shape:
        events = rng.poisson(rng.gamma(shape, 10 / shape, units))
    else:
        events = rng.poisson(6, units) + 20_000 * (rng.random(units) < 0.005)
    values, counts = np.unique(events, return_counts=True)
    found = replayed_splits(
        values.tolist(),
        counts.tolist(),
        treated_share=small,
        splits=int(rule.parameters["splits"]),
        level=LEVEL,
        rng=rng,
    )
    return binomial_tail(found.differing, found.compared, LEVEL) < rule.kwargs["min_value"]
