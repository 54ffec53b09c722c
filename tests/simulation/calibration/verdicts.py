"""How often the whole rule is right and wrong under 28 daily looks at 200 new units an arm a day.

Proportions, ratios and skewed means, drawn unit by unit; every look is the product's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from landed.catalog import RoleOfMetric

from .releases import UNITS, Drawn, Kind, counted, follow, proportion, ratio, skewed_mean
from .rows import Row

CONVERTS = proportion(0.1)
KINDS: tuple[tuple[str, Callable[[], Kind]], ...] = (
    ("proportion, 10 %", lambda: CONVERTS),
    ("mean, lognormal with skewness 6.2", skewed_mean),
    ("ratio of sums", ratio),
)
#: +20 % on 10 %, and what that is in standard errors after all looks.
LIFT = 0.02
#: Margins of guardrails in standard errors after all looks: each test alone has 99 % power.
MARGIN = 3.97
#: Of the normals behind two metrics of a unit: their values correlate by 0.30 on average then,
#: pairs of kinds by 0.24 to 0.37.
BEHIND = 0.58
#: Standard errors of the minimum effect that is to be told from nothing.
MINIMUM = 3.38


def table(draws: int, seed: int) -> list[Row]:
    """All rows; each cell has a stream of its own.

    Args:
        draws: Releases in each cell. Count.
        seed: Of the generator.
    """
    streams = np.random.SeedSequence(seed).spawn(len(CELLS))
    return [row for cell, stream in zip(CELLS, streams, strict=True) for row in cell(draws, stream)]


def false_worked(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed, one success metric without a minimum effect, so nothing else can be said."""
    rows = []
    for (name, kind), stream in zip(KINDS, seed.spawn(len(KINDS)), strict=True):
        found = counted(follow([Drawn(RoleOfMetric("a", "success"), kind())], draws, stream))
        rows.append(Row("false worked", name, draws, found["worked"] / draws, upper=0.05))
    return rows


def false_harmed_of_four(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed, one success metric and three guardrails."""
    return _false_harmed(4, draws, seed)


def false_harmed_of_eight(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed, one success metric and seven guardrails."""
    return _false_harmed(8, draws, seed)


def _false_harmed(metrics: int, draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """The worst case: independent metrics, and margins so narrow that none is ever cleared."""
    success = Drawn(RoleOfMetric("m0", "success"), CONVERTS)
    guards = [
        Drawn(
            RoleOfMetric(f"m{at}", "guardrail", non_inferiority_margin=kind().standard_error / 100),
            kind(),
        )
        for at, (_, kind) in ((at, KINDS[at % 3]) for at in range(1, metrics))
    ]
    found = counted(follow([success, *guards], draws, seed))
    cell = f"{metrics} independent metrics of all three kinds"
    return [Row("false harmed", cell, draws, found["harmed"] / draws, upper=0.06)]


def power_of_success(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """+20 % on 10 %: the product, and what others would have said of the same draws."""
    metrics = [Drawn(RoleOfMetric("a", "success"), CONVERTS, LIFT)]
    worked, ends, others = 0, 0, dict.fromkeys(OTHERS, 0)
    for one in follow(metrics, draws, seed):
        worked += one.decision == "worked"
    for z in _z_paths(draws, seed, LIFT):
        ends += abs(z[-1]) > 1.959964
        for name, bounds in OTHERS.items():
            others[name] += bool((np.abs(z) > bounds).any())
    claim = "power of the success metric"
    return [
        Row(claim, "28 looks, landed", draws, worked / draws, lower=0.9),
        Row(claim, "one look at the end, two-sided 5 %", draws, ends / draws),
        *(
            Row(claim, f"28 looks, {name}", draws, count / draws, is_losing=True)
            for name, count in others.items()
        ),
    ]


def peeking(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed: what looking every day does to a fixed test, and to the others."""
    fixed, others = 0, dict.fromkeys(OTHERS, 0)
    for z in _z_paths(draws, seed, 0.0):
        fixed += bool((np.abs(z) > 1.959964).any())
        for name, bounds in OTHERS.items():
            others[name] += bool((np.abs(z) > bounds).any())
    claim = "any difference found where none is"
    return [
        Row(claim, "28 looks, fixed test at 5 %", draws, fixed / draws, is_losing=True),
        *(Row(claim, f"28 looks, {name}", draws, count / draws) for name, count in others.items()),
    ]


def full_rule(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """A lift of 20 % on 10 %, and three guardrails of three kinds that did not change."""
    found = counted(follow([_lifted(), *_guards()], draws, seed, correlation=BEHIND))
    cell = "three unchanged guardrails, margins of 3.97 se, correlated 0.3"
    return [
        Row("power of the whole rule", cell, draws, found["worked"] / draws, lower=0.85),
        Row("harmed instead", cell, draws, found["harmed"] / draws),
    ]


def false_worked_of_rule(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed, one success metric and three guardrails with the margins above."""
    still = Drawn(RoleOfMetric("a", "success"), CONVERTS)
    found = counted(follow([still, *_guards()], draws, seed, correlation=BEHIND))
    cell = "three guardrails, margins of 3.97 se, correlated 0.3"
    return [
        Row("false worked", cell, draws, found["worked"] / draws, upper=0.05),
        Row("false harmed", cell, draws, found["harmed"] / draws, upper=0.06),
    ]


def guardrail_miss(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """A guardrail that is worse by just its margin, success certain."""
    rows = []
    certain = Drawn(RoleOfMetric("a", "success"), CONVERTS, 0.1)
    for (name, kind), stream in zip(KINDS, seed.spawn(len(KINDS)), strict=True):
        margin = MARGIN * kind().standard_error
        role = RoleOfMetric("g", "guardrail", non_inferiority_margin=margin)
        worked = cleared = 0
        metrics = [certain, Drawn(role, kind(), -margin)]
        for one in follow(metrics, draws, stream, to_the_end=True):
            worked += one.decision == "worked"
            cleared += "non_inferior" in one.crossed.get("g", ())
        cell = f"truth = margin, {name}"
        rows += [
            Row("guardrail called within its margin", cell, draws, cleared / draws, upper=0.05),
            Row("worked all the same", cell, draws, worked / draws, upper=0.05),
        ]
    return rows


def false_no_effect(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """The truth is the minimum effect itself."""
    role = RoleOfMetric("a", "success", minimum_effect_of_interest=LIFT)
    found = counted(follow([Drawn(role, CONVERTS, LIFT)], draws, seed))
    cell = "truth = minimum effect, +20 % on 10 %"
    return [
        Row("false no_effect", cell, draws, found["no_effect"] / draws, upper=0.05),
        Row("worked", cell, draws, found["worked"] / draws),
    ]


def no_effect(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Nothing changed, and the minimum effect is 3.38 standard errors."""
    role = RoleOfMetric(
        "a", "success", minimum_effect_of_interest=MINIMUM * CONVERTS.standard_error
    )
    found = counted(follow([Drawn(role, CONVERTS)], draws, seed))
    cell = "truth 0, minimum effect of 3.38 se, 10 %"
    return [
        Row("no_effect", cell, draws, found["no_effect"] / draws, lower=0.85),
        Row("false worked", cell, draws, found["worked"] / draws, upper=0.05),
        Row("false harmed", cell, draws, found["harmed"] / draws, upper=0.06),
    ]


CELLS: tuple[Callable[[int, np.random.SeedSequence], list[Row]], ...] = (
    false_worked,
    false_harmed_of_four,
    false_harmed_of_eight,
    power_of_success,
    peeking,
    full_rule,
    false_worked_of_rule,
    guardrail_miss,
    false_no_effect,
    no_effect,
)


def _lifted() -> Drawn:
    return Drawn(RoleOfMetric("a", "success"), CONVERTS, LIFT)


def _guards() -> list[Drawn]:
    kinds = [kind() for _, kind in KINDS]
    return [
        Drawn(
            RoleOfMetric(f"g{at}", "guardrail", non_inferiority_margin=MARGIN * one.standard_error),
            one,
        )
        for at, one in enumerate(kinds)
    ]


def _z_paths(draws: int, seed: np.random.SeedSequence, effect: float) -> Sequence[np.ndarray]:
    """z of the pooled test of two proportions at each look; (draws, 28).

    The same stream gives the same draws as `follow`, in its order.
    """
    from .releases import A_DAY, CHUNK, _arm

    rng = np.random.default_rng(seed)
    metrics = [Drawn(RoleOfMetric("a", "success"), CONVERTS, effect)]
    parts = []
    n = A_DAY * np.arange(1, UNITS // A_DAY + 1)
    for begin in range(0, draws, CHUNK):
        count = min(CHUNK, draws - begin)
        (control,), (treatment,) = (
            _arm(rng, metrics, count, 0.0, is_treated=arm > 0) for arm in (0, 1)
        )
        share = (control["sum_y"] + treatment["sum_y"]) / (2 * n)
        error = np.sqrt(np.maximum(share * (1 - share), 1e-12) * 2 / n)
        parts.append((treatment["sum_y"] - control["sum_y"]) / n / error)
    return np.concatenate(parts)


def _mixture_bounds(alpha: float, ratio_of_variances: np.ndarray) -> np.ndarray:
    """|z| of a normal mixture sequential probability ratio test, two-sided.

    Args:
        ratio_of_variances: Variance of the mixture by the squared standard error of each look.

    Source: Johari, Koomen, Pekelis and Walsh (2022), Always valid inference: continuous
    monitoring of A/B tests, Operations Research 70, eq. 13; as a confidence sequence
    Waudby-Smith et al. (2024), arXiv:2103.06476, theorem 2.2.
    """
    r = ratio_of_variances
    return np.sqrt((1 + r) / r * (np.log1p(r) - 2 * math.log(alpha)))


def _tuned(alpha: float, at: float) -> float:
    """Mixture variance a unit, so that the sequence is narrowest at a sample size (ibid., C.3)."""
    level = -2 * math.log(alpha)
    return float((level + math.log1p(level)) / at)


def _others() -> dict[str, np.ndarray]:
    both = 2.0 * UNITS / 28 * np.arange(1, 29)  # units of both arms
    # a unit's squared error in z: 4 s^2 / n of both arms, s of 10 %
    squared_errors = 4 * 0.09 / both
    return {
        "always valid, mixture sd = the true effect (mSPRT)": _mixture_bounds(
            0.05, LIFT**2 / squared_errors
        ),
        "always valid, mixture sd = 1 sd of a unit (mSPRT)": _mixture_bounds(
            0.05, 0.09 / squared_errors
        ),
        "asymptotic confidence sequence tuned at 5,000 units": _mixture_bounds(
            0.05, _tuned(0.05, 5_000) * both
        ),
        "asymptotic confidence sequence tuned at the horizon": _mixture_bounds(
            0.05, _tuned(0.05, 2 * UNITS) * both
        ),
    }


OTHERS = _others()
__all__ = ["CELLS", "table"]
