"""What an unresolved metric still needs: units, and days at the pace so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..catalog.releases import Release
from ..stats import minimum_detectable_effect, size_factor
from .estimate import Estimate
from .phrases import amount


@dataclass(frozen=True, slots=True)
class Needed:
    """Units and days until a metric should be resolved.

    Args:
        units: More units of both arms together, at the same split. Count, >= 1.
        days: At the pace so far, rounded up; None where the pace is not known.
        assumes: What the number rests on, as a clause.
    """

    units: int
    days: int | None
    assumes: str


def still_needed(release: Release, estimate: Estimate, cutoff_at: datetime | None) -> Needed | None:
    """Count what resolves an inconclusive metric, from its observed variance.

    With 80 % power for the minimum effect (success) or for clearing the margin when nothing
    changed (guardrail). Where the units are there already, the truth lies close to a limit: then
    what the interval needs to leave that limit, if the effect stays as it is.

    Returns:
        None where neither margin nor minimum effect is declared, nothing was estimated, or
        clusters were assigned.
    """
    error, effect = estimate.standard_error, estimate.absolute_effect
    limit = estimate.margin if estimate.margin is not None else estimate.minimum_effect
    if error is None or effect is None or not limit or estimate.bound is None:
        return None
    if estimate.clusters is not None:  # more units of the same clusters add little
        return None
    units = (estimate.n_control or 0) + (estimate.n_treatment or 0)
    factor = size_factor(error, limit, estimate.confidence_level)
    assumes = "80 % power for its minimum effect"
    if estimate.role in ("guardrail", "survival"):
        assumes = "80 % power to clear its margin if nothing changed"
    if factor <= 1:
        edges = (-limit, limit) if estimate.margin is not None else (-limit, 0.0, limit)
        nearest = min(abs(effect - edge) for edge in edges)
        if nearest <= error / 1000:  # a million times the units: no plan, say so instead
            return None
        root = estimate.bound * error / nearest
        factor = max(root * root, 1.0)
        assumes = "if its effect stays as it is"
    more = max(1, math.ceil(units * (factor - 1)))
    return Needed(more, _days(release, estimate, units, more, cutoff_at), assumes)


def needed_clause(release: Release, estimate: Estimate, cutoff_at: datetime | None) -> str:
    """The same in words, or what the data could have shown where no limit is declared."""
    found = still_needed(release, estimate, cutoff_at)
    if found is not None:
        unit = release.unit if found.units == 1 else f"{release.unit}s"
        days = ""
        if found.days is not None:
            days = f", {found.days:,} more day{'' if found.days == 1 else 's'} at the pace so far"
        return f"still needed: about {found.units:,} more {unit}{days} ({found.assumes})"
    error = estimate.standard_error
    if error is None or not error > 0:
        return ""
    shown = amount(minimum_detectable_effect(error, estimate.confidence_level), estimate.value)
    if estimate.margin is None and estimate.minimum_effect is None:
        return f"these units would show an effect of {shown} with 80 % power"
    return "its effect stands on the limit itself, more units are unlikely to tell"


def past_horizon(
    release: Release, estimates: tuple[Estimate, ...], cutoff_at: datetime | None
) -> bool:
    """Whether the data reach the instant at which the verdict is due."""
    decides_at = release.decides_at(estimate.window_days for estimate in estimates)
    return decides_at is not None and cutoff_at is not None and cutoff_at >= decides_at


def _days(
    release: Release, estimate: Estimate, units: int, more: int, cutoff_at: datetime | None
) -> int | None:
    if cutoff_at is None:
        return None
    # units count once their window has ended: exposure so far is shorter by one window
    window = timedelta(days=estimate.window_days or 0.0)
    until = cutoff_at - window
    if release.ends_at is not None:
        until = min(until, release.ends_at)
    elapsed = (until - release.shipped_at) / timedelta(days=1)
    if elapsed <= 0 or units <= 0:
        return None
    return math.ceil(more / (units / elapsed))
