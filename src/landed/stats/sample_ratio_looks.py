"""Whether exposed counts fit the planned allocation, looked at every day and valid all along."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import PlanError
from .sequential import planned_looks

#: A look that adds a smaller part of what was known waits for the next: bounds coarsen else.
LEAST_RISE = 1e-3
#: The natural logarithm of an e-value goes no higher: units where the plan gave none are no chance.
LARGEST_LOG_E_VALUE = 690.0
_NEWTON_STEPS = 60

_Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SampleRatioLook:
    """The counts up to one look against the plan.

    Args:
        units: Exposed up to the look. Count.
        variant: The one that is furthest from its planned share, by its bound.
        z: How far, in standard errors; positive where it has too many.
        bound: What |z| had to stay below; None at a look that spends nothing.
        log_e_value: Natural logarithm of the evidence against the plan.
        excess: The greater of |z| / bound and log e-value / log limit. Crossed at 1.
    """

    units: int
    variant: str
    z: float
    bound: float | None
    log_e_value: float
    excess: float


@dataclass(frozen=True, slots=True)
class SampleRatioPath:
    """Every look at the counts of a release.

    Args:
        looks: In order.
        worst: Place of the look with the greatest excess.
        crossed: Place of the first look that crossed; None where none did.
    """

    looks: tuple[SampleRatioLook, ...]
    worst: int
    crossed: int | None

    @property
    def excess(self) -> float:
        """The greatest excess of any look; 1 or more refuses."""
        return self.looks[self.worst].excess


def sample_ratio_path(
    counts: Sequence[Sequence[Mapping[str, int]]],
    planned: Sequence[Mapping[str, float]],
    fractions: Sequence[float],
    *,
    alpha: float,
    concentration: float,
    e_value_limit: float,
) -> SampleRatioPath:
    """Hold the counts of every look against the planned allocation, with two tests at once.

    The first spends alpha over the planned looks as O'Brien and Fleming do, by the share of the
    planned time; looks correlate by the units that came. With more than two variants each is held
    against the rest, at alpha divided by their number. The second, an e-value, holds at any look,
    planned or not, also past the horizon: it finds a gross mismatch days before the first would.

    Args:
        counts: Units first exposed since the look before, by look, stage and variant. Count.
        planned: Shares by variant, stage by stage; 0 where a stage gives a variant no traffic.
        fractions: Share of the planned exposure that has passed at each look, rising. From 1 on
            the first look spends what is left, and later ones nothing. Empty without a plan.
        alpha: Of all planned looks and variants, two-sided. Probability.
        concentration: Of the Dirichlet prior about the planned shares. Units, > 0.
        e_value_limit: An e-value that refuses; 1 / limit bounds its false alarms. > 1.

    Returns:
        Every look.

    Raises:
        PlanError: No unit was exposed, or a count belongs to no planned variant.

    Assumes:
        Each unit is counted once, in the stage of its first exposure, and is assigned
        independently of the others. Days are looked at whole.

    Source:
        Lan and DeMets (1983), Biometrika 70 (spending). Lindon and Malek (2022), Anytime-valid
        inference for multinomial count data, NeurIPS 35, eq. 4 (e-value). Lugannani and Rice
        (1980), Adv. Appl. Prob. 12 (tails of unequal shares).

    Examples:
        >>> day = [{"control": 4_800, "treatment": 5_200}]
        >>> path = sample_ratio_path(
        ...     [day, day], [{"control": 0.5, "treatment": 0.5}], [0.5, 1.0],
        ...     alpha=0.0008, concentration=100, e_value_limit=5_000,
        ... )
        >>> [(round(look.z, 2), round(look.bound, 2)) for look in path.looks], path.crossed
        ([(3.99, 4.87), (5.65, 3.35)], 1)
    """
    variants = tuple(dict.fromkeys(name for stage in planned for name in stage))
    new = np.array(
        [[[stage.get(name, 0) for name in variants] for stage in look] for look in counts]
    )
    strange = {name for look in counts for stage in look for name in stage} - set(variants)
    if strange or not new.size or not new.sum():
        raise PlanError(
            f"units of {', '.join(sorted(strange))}" if strange else "no unit was exposed",
            expected="exposed units of the variants that the allocation names",
            fix="name every variant in the release's allocation, and let its exposure event fire.",
        )
    shares = np.array([[stage.get(name, 0.0) for name in variants] for stage in planned])
    total = new.cumsum(axis=0)
    z = ratio_scores(total, shares)
    bounds = np.full(z.shape, np.inf)
    tested = range(1) if len(variants) == 2 else range(len(variants))
    for arm in tested if len(fractions) else ():
        known = _information(total, shares)[:, arm]
        if known[-1] > 0:
            bounds[:, arm] = ratio_bounds(known, fractions, alpha / len(tested))
    if len(variants) == 2:  # each is the other's mirror: one test, told of the fuller variant
        bounds[:, 1] = bounds[:, 0]
    e_values = ratio_log_e_values(total, shares, concentration)
    by_arm = np.abs(z) / bounds
    looks = tuple(
        _look(total[at], variants, z[at], bounds[at], by_arm[at], e_values[at], e_value_limit)
        for at in range(len(total))
    )
    crossed = [at for at, look in enumerate(looks) if look.excess >= 1]
    worst = max(range(len(looks)), key=lambda at: looks[at].excess)
    return SampleRatioPath(looks, worst, crossed[0] if crossed else None)


def ratio_scores(total: _Array, shares: _Array) -> _Array:
    """How far each variant is from its planned share, in standard errors, over all stages.

    Args:
        total: Units so far. Count; (…, stages, variants).
        shares: Planned. Share; (stages, variants).

    Returns:
        Normal scores with the tails of the exact counts' distribution; (…, variants).
    """
    units = total.sum(axis=-1, keepdims=True)
    expected = (units * shares).sum(axis=-2)
    variance = (units * shares * (1 - shares)).sum(axis=-2)
    off = total.sum(axis=-2) - expected
    z: _Array = np.divide(off, np.sqrt(variance), out=np.zeros(off.shape), where=variance > 0)
    far = np.abs(z) > 1  # nearer, no bound is reached, and the tail's formula divides by zero
    for arm in range(shares.shape[-1]):
        place = far[..., arm]
        if place.any():
            n = np.broadcast_to(units[..., 0], total.shape[:-1])[place]
            x = total.sum(axis=-2)[..., arm][place]
            z[place, arm] = _tail_score(n, shares[:, arm], x, z[..., arm][place])
    return z


def ratio_log_e_values(total: _Array, shares: _Array, concentration: float) -> _Array:
    """Evidence against the planned shares, valid at any time; stages multiply.

    Args:
        total: Units so far. Count; (…, stages, variants).
        shares: Planned. Share; (stages, variants).
        concentration: Of the Dirichlet prior about the shares. Units.

    Returns:
        Natural logarithm of the e-value, at most LARGEST_LOG_E_VALUE; (…,).
    """
    is_planned = shares > 0
    prior = np.where(is_planned, concentration * shares, 1.0)
    units = (total * is_planned).sum(axis=-1)
    by_variant = np.where(
        is_planned,
        special.gammaln(prior + total)
        - special.gammaln(prior)
        - total * np.log(np.where(is_planned, shares, 1.0)),
        0.0,
    ).sum(axis=-1)
    of_stage = special.gammaln(concentration) - special.gammaln(concentration + units) + by_variant
    found = np.where((total * ~is_planned).any(axis=(-2, -1)), np.inf, of_stage.sum(axis=-1))
    capped: _Array = np.minimum(found, LARGEST_LOG_E_VALUE)
    return capped


def ratio_bounds(information: _Array, fractions: Sequence[float], alpha: float) -> _Array:
    """The bound of every look; infinite where it spends nothing.

    A look that adds next to nothing waits for the next one; the last planned look takes the place
    of the one before it instead, so that all of alpha is spent.

    Args:
        information: Of each look, not falling. (looks,)
        fractions: Share of the planned time, rising.
        alpha: Of both sides together. Probability.
    """
    chosen: list[int] = []
    for at, known in enumerate(information):
        if known <= 0 or (chosen and fractions[chosen[-1]] >= 1):
            continue
        is_little = bool(chosen) and known < information[chosen[-1]] * (1 + LEAST_RISE)
        if is_little and fractions[at] < 1:
            continue
        if is_little:
            chosen.pop()
        chosen.append(at)
    bounds = np.full(len(information), np.inf)
    first = information[chosen[0]] if chosen else 1.0
    plan = tuple((float(information[at] / first), float(fractions[at])) for at in chosen)
    bounds[chosen] = _bounds(plan, alpha)
    return bounds


@functools.lru_cache(maxsize=1024)
def _bounds(plan: tuple[tuple[float, float], ...], alpha: float) -> tuple[float, ...]:
    looks = planned_looks(
        "obrien_fleming",
        alpha,
        [known for known, _ in plan],
        fractions=[min(fraction, 1.0) for _, fraction in plan],
        two_sided=True,
    )
    return tuple(look.bound for look in looks)


def _information(total: _Array, shares: _Array) -> _Array:
    found: _Array = (total.sum(axis=-1, keepdims=True) * shares * (1 - shares)).sum(axis=-2)
    return found


def _look(  # noqa: PLR0917 - one row of every table of a path
    total: _Array,
    variants: Sequence[str],
    z: _Array,
    bounds: _Array,
    by_arm: _Array,
    log_e_value: float,
    e_value_limit: float,
) -> SampleRatioLook:
    arm = max(range(len(variants)), key=lambda at: (by_arm[at], abs(z[at]), z[at]))
    bound = float(bounds[arm])
    return SampleRatioLook(
        units=int(total.sum()),
        variant=variants[arm],
        z=float(z[arm]),
        bound=bound if np.isfinite(bound) else None,
        log_e_value=float(log_e_value),
        excess=max(float(by_arm[arm]), float(log_e_value / np.log(e_value_limit)), 0.0),
    )


def _tail_score(n: _Array, p: _Array, x: _Array, z: _Array) -> _Array:
    """Normal scores of tails of sums of binomials: the normal's own tails are too thin at p near 0.

    Args:
        n: Units. Count; (m, stages).
        p: Planned share of the variant. (stages,)
        x: Units of the variant. Count; (m,).
        z: Of the normal approximation; its sign tells the side. (m,)
    """
    is_low = z < 0
    p = np.where(is_low[:, None], 1 - p, p)
    is_open = (p > 0) & (p < 1)  # a share of 0 or 1 leaves nothing to chance
    x = np.where(is_low, n.sum(axis=-1) - x, x)
    x = x - np.where(is_open, 0, n * p).sum(axis=-1)
    n = np.where(is_open, n, 0)
    p = np.where(is_open, p, 0.5)
    most = n.sum(axis=-1)
    score = np.empty(len(x))
    is_edge = x >= most  # more than all: units where the plan gave none, which the e-value refuses
    score[is_edge] = -special.ndtri_exp((n * np.log(p)).sum(axis=-1)[is_edge])
    score[~is_edge] = _saddlepoint(n[~is_edge], p[~is_edge], x[~is_edge].astype(float))
    return np.where(is_low, -score, score)


def _saddlepoint(n: _Array, p: _Array, x: _Array) -> _Array:
    """Normal score of P(X >= x) for x above the mean and below the sum of n."""
    if not len(x):
        return np.zeros(0)
    ever = n.sum(axis=-1)
    pooled = (n * p).sum(axis=-1) / ever
    theta = np.log(x * (1 - pooled) / ((ever - x) * pooled))  # exact with one stage
    for _ in range(_NEWTON_STEPS if n.shape[-1] > 1 else 0):
        tilted = _tilted(p, theta)
        step = (x - (n * tilted).sum(axis=-1)) / (n * tilted * (1 - tilted)).sum(axis=-1)
        theta = theta + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    tilted = _tilted(p, theta)
    variance = (n * tilted * (1 - tilted)).sum(axis=-1)
    cumulant = (n * np.log1p(p * np.expm1(theta[:, None]))).sum(axis=-1)
    r = np.sqrt(np.maximum(2 * (theta * x - cumulant), 1e-12))
    u = -np.expm1(-theta) * np.sqrt(variance)
    found: _Array = r + np.log(u / r) / r
    return found


def _tilted(p: _Array, theta: _Array) -> _Array:
    odds = p / (1 - p) * np.exp(theta[:, None])
    found: _Array = odds / (1 + odds)
    return found
