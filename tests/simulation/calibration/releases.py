"""Draws releases unit by unit and takes the product's own looks at them.

Each day brings as many units to each arm. Their outcomes are summed to rows of moments, and every
row goes through `estimate_release`, `conclude` and the looks that are kept, as in a run. Nothing
of the rule is written here a second time; reports are left out.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from scipy import special

from landed.catalog import AllocationStage, Catalog, Metric, Release, RoleOfMetric
from landed.compiler import MOMENT_COLUMNS
from landed.impact import conclude, estimate_release, looks
from landed.impact.looks import begin_or_continue
from landed.stats import Look, next_bound

LOOKS, A_DAY = 28, 200
UNITS = LOOKS * A_DAY  # in each arm
WINDOW_DAYS = 7
SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)
ARMS = ("control", "treatment")
#: A row of moments before anything is summed.
NO_SUMS: Mapping[str, Any] = dict.fromkeys(MOMENT_COLUMNS)
#: Releases that are drawn at a time: some ten million units.
CHUNK = 200

Sums = Mapping[str, np.ndarray]
Units = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one unit's outcome comes from a standard normal.

    Args:
        form: proportion, unit_mean or ratio.
        of: Values by letter from normals (draws, n), a generator and the true effect.
        standard_deviation: Of a unit's value without effect; of a ratio, of its linear form.
    """

    form: str
    of: Callable[[np.ndarray, np.random.Generator, float], Units]
    standard_deviation: float

    @property
    def standard_error(self) -> float:
        """Of the difference after all looks, without effect."""
        return self.standard_deviation * math.sqrt(2 / UNITS)


def proportion(share: float) -> Kind:
    """Converts or not."""

    def of(z: np.ndarray, _: np.random.Generator, effect: float) -> Units:
        return {"y": (z > -special.ndtri(share + effect)).astype(np.float64)}

    return Kind("proportion", of, math.sqrt(share * (1 - share)))


def skewed_mean() -> Kind:
    """Lognormal with mean 1: standard deviation 1.31, skewness 6.2."""

    def of(z: np.ndarray, _: np.random.Generator, effect: float) -> Units:
        return {"y": np.exp(z - 0.5) + effect}

    return Kind("unit_mean", of, math.sqrt(math.e - 1))


def ratio() -> Kind:
    """Clicks by views: one view and Poisson(4) more, each unit with a rate of its own about 0.2."""
    rate, spread, views = 0.2, 0.75, 5.0

    def of(z: np.ndarray, rng: np.random.Generator, effect: float) -> Units:
        d = 1.0 + rng.poisson(views - 1, z.shape)
        own = rate * np.exp(spread * z - spread**2 / 2)
        return {"y": rng.poisson(own * d) + effect * d, "d": d}

    # Poisson noise, and the rates' own spread on views squared
    between = rate**2 * math.expm1(spread**2) * (views**2 + views - 1)
    return Kind("ratio", of, math.sqrt(rate * views + between) / views)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric of the drawn releases.

    Args:
        role: Its role, with minimum effect or margin.
        kind: How its outcomes are drawn.
        effect: The true one. The metric's unit.
    """

    role: RoleOfMetric
    kind: Kind
    effect: float = 0.0


@dataclass
class Followed:
    """What became of one release.

    Args:
        decision: The first of worked, harmed and no_effect that a look gave, else inconclusive.
        look: Number of that look; None without.
        crossed: What any look at each metric crossed.
        z: Effect in standard errors at the last look, by metric.
        reductions: Share of variance removed at the last look, by metric.
    """

    decision: str = "inconclusive"
    look: int | None = None
    crossed: dict[str, set[str]] = field(default_factory=dict)
    z: dict[str, float] = field(default_factory=dict)
    reductions: dict[str, float] = field(default_factory=dict)


def release_of(metrics: Sequence[Drawn], **changes: Any) -> tuple[Release, Catalog]:
    """A release of these metrics, looked at daily for 28 days, and their definitions."""
    facts: dict[str, Any] = {
        "release": "drawn",
        "shipped_at": SHIPPED,
        "owner": "growth",
        "kind": "experiment",
        "roles": tuple(one.role for one in metrics),
        "control": ARMS[0],
        "treatments": ARMS[1:],
        "allocation": (AllocationStage(SHIPPED, dict.fromkeys(ARMS, 0.5)),),
        "exposure_ends_at": SHIPPED + timedelta(days=LOOKS),
    }
    names = [one.role.metric for one in metrics]
    defined = {
        name: Metric(
            name, name, "", "unit_mean", "growth", "count", "increase_is_good",
            window_days=WINDOW_DAYS,
        )
        for name in names
    }  # fmt: skip
    return Release(**{**facts, **changes}), Catalog(defined, {})


def follow(
    metrics: Sequence[Drawn],
    draws: int,
    seed: np.random.SeedSequence,
    *,
    correlation: float = 0.0,
    to_the_end: bool = False,
) -> Iterator[Followed]:
    """Draw releases and take every look at each.

    Args:
        metrics: The release's metrics.
        draws: Releases. Count.
        seed: Of the generator.
        correlation: Of the normals behind any two metrics of one unit. 0 to 1 (exclusive).
        to_the_end: Whether to look on after `worked` or `harmed`, which stay in any case.
    """
    release, catalog = release_of(metrics)
    rng = np.random.default_rng(seed)
    for begin in range(0, draws, CHUNK):
        count = min(CHUNK, draws - begin)
        arms = [_arm(rng, metrics, count, correlation, is_treated=arm > 0) for arm in (0, 1)]
        for at in range(count):
            rows = [
                [
                    row_of(
                        one.role.metric, variant, one.kind.form, (look + 1) * A_DAY, sums, at, look
                    )
                    for one, pair in zip(metrics, zip(*arms, strict=True), strict=True)
                    for variant, sums in zip(ARMS, pair, strict=True)
                ]
                for look in range(LOOKS)
            ]
            yield take_looks(release, catalog, rows, to_the_end=to_the_end)


def take_looks(
    release: Release,
    catalog: Catalog,
    rows: Sequence[Sequence[Mapping[str, Any]]],
    *,
    to_the_end: bool = False,
) -> Followed:
    """Take a look a day at one release, as runs do.

    Args:
        rows: Rows of moments of each look.
    """
    kept = begin_or_continue(release, catalog, None)
    decides_at = release.decides_at([WINDOW_DAYS])
    found = Followed()
    for number, of_look in enumerate(rows, start=1):
        cutoff_at = SHIPPED + timedelta(days=WINDOW_DAYS + number)
        estimates = estimate_release(release, catalog, of_look, looks=kept, cutoff_at=cutoff_at)
        kept = kept.with_looks((one.metric, one.treatment, one.look) for one in estimates)
        verdict = conclude(
            release, estimates, cutoff_at=cutoff_at, decides_at=decides_at, looks=kept
        )
        kept = kept.with_decisions(verdict.by_treatment, cutoff_at)
        for one in estimates:
            if one.look is not None:
                found.crossed.setdefault(one.metric, set()).update(one.look.crossed)
                found.z[one.metric] = one.look.z
            found.reductions[one.metric] = one.variance_reduction_share
        is_decided = verdict.decision in ("worked", "harmed", "no_effect")
        if found.look is None and is_decided:
            found.decision, found.look = verdict.decision, number
        if not to_the_end and verdict.decision in ("worked", "harmed"):
            break
    return found


def counted(found: Iterator[Followed]) -> Counter[str]:
    """How many releases were first decided as what."""
    return Counter(one.decision for one in found)


def row_of(  # noqa: PLR0917 - the place of one row among the sums
    metric: str, variant: str, form: str, n: int, sums: Sums, at: int, look: int
) -> dict[str, Any]:
    """One row of moments, with the columns of a measured one."""
    row: dict[str, Any] = dict(NO_SUMS)
    row.update({name: float(values[at, look]) for name, values in sums.items()})
    row |= {"metric": metric, "variant": variant, "form": form, "segment": None, "level": None}
    row |= {"n": n, "n_missing": 0, "n_immature": 0, "shift_y": 0.0}
    if form == "ratio":
        row["shift_d"] = 0.0
    row["nonzero"] = n
    return row


def sums_of(units: Units, a_day: int = A_DAY) -> Sums:
    """Sums of values and of their products up to each look; (draws, looks)."""
    letters = sorted(units, reverse=True)  # products as rows name them: yd, xy
    found = {f"sum_{one}": _by_look(values, a_day) for one, values in units.items()}
    for index, one in enumerate(letters):
        for other in letters[index:]:
            name = {"yx": "xy"}.get(one + other, one + other)
            found[f"sum_{name}"] = _by_look(units[one] * units[other], a_day)
    return found


def _by_look(values: np.ndarray, a_day: int) -> np.ndarray:
    draws, n = values.shape
    return np.cumsum(values.reshape(draws, n // a_day, a_day).sum(axis=2), axis=1)


def _arm(
    rng: np.random.Generator,
    metrics: Sequence[Drawn],
    draws: int,
    correlation: float,
    *,
    is_treated: bool,
) -> list[Sums]:
    common = rng.standard_normal((draws, UNITS)) if correlation else 0.0
    found = []
    for one in metrics:
        own = rng.standard_normal((draws, UNITS))
        z = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own
        found.append(sums_of(one.kind.of(z, rng, one.effect if is_treated else 0.0)))
    return found


@functools.lru_cache(maxsize=100_000)
def _bound(earlier: tuple[Look, ...], information: float, spent: float) -> Look:
    return next_bound(earlier, information, spent)


def remember_bounds() -> None:
    """Work out each bound once: drawn releases have the same units at the same looks.

    The bounds are the product's; only their repetition, ten milliseconds each, is spared.
    """

    def bound(earlier: Sequence[Look], information: float, spent: float) -> Look:
        return _bound(tuple(earlier), information, spent)

    looks.next_bound = bound  # type: ignore[assignment]


remember_bounds()
