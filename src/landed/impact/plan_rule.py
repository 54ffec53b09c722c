"""The chance that the whole rule says `worked`: success better and no guardrail left open.

A success metric may have 91 % power, and the release 48 %: each guardrail has to be cleared too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..catalog.definitions import Direction
from ..catalog.releases import Role
from ..stats import correlated_paths
from .alpha import Test

#: Simulated releases, and how metrics of one unit correlate in them.
RULE_DRAWS = 20_000
RULE_CORRELATION = 0.3
_CHUNK = 2_000

_Array = npt.NDArray[np.float64]
_Days = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MetricPath:
    """One metric as the simulation follows it.

    Args:
        role: Its role.
        direction: Which way is good; all but neutral metrics are turned so that more is better.
        limit: Minimum effect or margin. The metric's unit; None where none is declared.
        standard_error: Of the effect once all units have entered. The metric's unit, > 0.
        delay: Days from a unit's exposure until its value is known.
        tests: By test, the days of exposure (from 0) at whose end it is looked at, and its bounds.
    """

    role: Role
    direction: Direction
    limit: float | None
    standard_error: float
    delay: int
    tests: Mapping[Test, tuple[tuple[int, ...], tuple[float, ...]]]


@dataclass(frozen=True, slots=True)
class RulePower:
    """How the whole rule ends in simulated releases.

    Args:
        worked: Share of `worked`, where every success metric moves by its minimum effect and
            nothing else changes.
        worked_error: Monte Carlo standard error of `worked`. Share.
        harmed: Share of `harmed` in the same releases.
        no_effect: Share of `no_effect`.
        days: Mean days from shipping to one of these three; None where none occurred.
        unresolved: Share of the releases without any of them at the end.
        unchanged: Shares of the same three where nothing changes at all, by name.
        unchanged_days: As `days`, where nothing changes.
        draws: Simulated releases each. Count.
        correlation: Of any two metrics of a unit.
    """

    worked: float
    worked_error: float
    harmed: float
    no_effect: float
    days: float | None
    unresolved: float
    unchanged: Mapping[str, float]
    unchanged_days: float | None
    draws: int
    correlation: float


def simulate_rule(
    rng: np.random.Generator,
    paths: Sequence[MetricPath],
    fractions: _Array,
    *,
    draws: int = RULE_DRAWS,
    correlation: float = RULE_CORRELATION,
) -> RulePower:
    """Draw releases with and without the effect that is looked for, and follow the rule.

    Args:
        rng: Source of randomness.
        paths: The release's metrics; diagnostics decide nothing.
        fractions: Share of all information by the end of each day of exposure. (days,).
        draws: Releases of each kind. Count.
        correlation: Of any two metrics of a unit. 0 to 1 (exclusive).
    """
    deciding = [path for path in paths if path.role != "diagnostic"]
    moved = _ends(rng, deciding, fractions, draws, correlation, is_moved=True)
    still = _ends(rng, deciding, fractions, draws, correlation, is_moved=False)
    worked = float(np.isfinite(moved["worked"]).mean())
    return RulePower(
        worked,
        math.sqrt(worked * (1 - worked) / draws),
        float(np.isfinite(moved["harmed"]).mean()),
        float(np.isfinite(moved["no_effect"]).mean()),
        _mean_day(moved),
        float((~np.isfinite(_any(moved))).mean()),
        {name: float(np.isfinite(days).mean()) for name, days in still.items()},
        _mean_day(still),
        draws,
        correlation,
    )


def _ends(
    rng: np.random.Generator,
    paths: Sequence[MetricPath],
    fractions: _Array,
    draws: int,
    correlation: float,
    *,
    is_moved: bool,
) -> dict[str, _Days]:
    """Day on which each release ended as worked, harmed or no_effect; infinite where it did not."""
    parts: list[dict[str, _Days]] = []
    for begin in range(0, draws, _CHUNK):
        count = min(_CHUNK, draws - begin)
        z = correlated_paths(rng, list(fractions), len(paths), correlation, count)
        for index, path in enumerate(paths):
            if is_moved and path.role == "success" and path.direction != "neutral":
                drift = (path.limit or 0.0) / path.standard_error
                z[:, index] += drift * np.sqrt(fractions)
        parts.append(_decide(z, paths, fractions))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _decide(z: _Array, paths: Sequence[MetricPath], fractions: _Array) -> dict[str, _Days]:
    """The decision table, by the day on which each of its lines is first reached."""
    never = np.full(z.shape[0], np.inf)
    better, harmed, cleared = never, never, np.zeros(z.shape[0])
    small = np.zeros(z.shape[0]) if any(path.role == "success" for path in paths) else never
    for index, path in enumerate(paths):
        of_limit = (path.limit or math.nan) / path.standard_error * np.sqrt(fractions)
        worse = _first(path, z[:, index] < -_bounds(path, "harm", fractions))
        if path.direction == "neutral":
            worse = never
        if path.role == "success":
            ends = _bounds(path, "equivalence", fractions)
            inside = (z[:, index] + ends < of_limit) & np.isfinite(ends)
            over = (z[:, index] > _bounds(path, "success", fractions)) & ~inside
            better = np.minimum(better, _first(path, over))
            small = np.maximum(small, _first(path, inside & (z[:, index] - ends > -of_limit)))
        else:
            ends = _bounds(path, "non_inferiority", fractions)
            within = (z[:, index] - ends > -of_limit) & np.isfinite(ends)
            if path.direction == "neutral":
                within &= z[:, index] + ends < of_limit
            found = _first(path, within)
            cleared = np.maximum(cleared, found)
            worse = np.where(found <= worse, np.inf, worse)  # cleared first: within its margin
        harmed = np.minimum(harmed, worse)
    worked = np.maximum(better, cleared)
    # the first line that matches: harm before success, success before equivalence
    is_harmed = np.isfinite(harmed) & (harmed <= worked) & (harmed <= small)
    is_worked = np.isfinite(worked) & ~is_harmed & (worked <= small)
    is_small = np.isfinite(small) & ~is_harmed & ~is_worked
    return {
        "worked": np.where(is_worked, worked, np.inf),
        "harmed": np.where(is_harmed, harmed, np.inf),
        "no_effect": np.where(is_small, small, np.inf),
    }


def _bounds(path: MetricPath, test: Test, fractions: _Array) -> _Array:
    """Bound by day of exposure; infinite where it is not looked at."""
    found = np.full(fractions.size, np.inf)
    if test in path.tests:
        days, bounds = path.tests[test]
        found[list(days)] = bounds
    return found


def _first(path: MetricPath, crossed: npt.NDArray[np.bool_]) -> _Days:
    """Day since shipping of the first crossing; infinite where there is none."""
    day = crossed.argmax(axis=1) + 1.0 + path.delay
    return np.where(crossed.any(axis=1), day, np.inf)


def _any(ends: Mapping[str, _Days]) -> _Days:
    found: _Days = np.minimum.reduce(list(ends.values()))
    return found


def _mean_day(ends: Mapping[str, _Days]) -> float | None:
    days = _any(ends)
    days = days[np.isfinite(days)]
    return float(days.mean()) if days.size else None
