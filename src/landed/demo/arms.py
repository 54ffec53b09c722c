"""Who is in the treatment arm of each experiment."""

from __future__ import annotations

import numpy as np

from . import design
from .columns import NEVER, Bools, Floats, Ints, Rows
from .product import Product

_WINDOW_MS = 14 * design.DAY_MS
_MINIMUM_USERS = 100  # fewer have no standard error worth the name


def assign(product: Product, tasks: Rows) -> None:
    """Draw the arms of every experiment, each independently of the others.

    Two things that chance alone would bring up are drawn again, because the demo's truth must
    not depend on the seed: an uneven split (one seed in 1,000 would fail the sample-ratio check)
    and, for the release without an effect, arms that differ by more than one standard error in
    the metric it does not move (one seed in 20 would show an effect).

    Args:
        product: The batch, its exposures noted; receives the arms.
        tasks: All tasks created.
    """
    for change in design.EXPERIMENTS:
        rng = product.rng(f"arm {change.release}")
        outcome = _tasks_after(product, tasks, change) if change is design.ICONS else None
        exposed = product.exposure[change.release] < NEVER
        while True:
            treated: Bools = rng.random(len(product.people)) < 0.5
            if _is_even(treated) and (
                outcome is None or _is_alike(outcome[exposed], treated[exposed])
            ):
                break
        product.treated[change.release] = treated


def _tasks_after(product: Product, tasks: Rows, change: design.Change) -> Floats:
    since: Ints = product.exposure[change.release][tasks.user]
    inside = (tasks.at >= since) & (tasks.at < since + _WINDOW_MS)
    counts = np.bincount(tasks.user[inside], minlength=len(product.people))
    return counts.astype(np.float64)


def _is_even(treated: Bools) -> bool:
    half = len(treated) / 2
    return bool(abs(treated.sum() - half) <= max(np.sqrt(len(treated)), 1.0))  # 2 sd of a fair coin


def _is_alike(outcome: Floats, treated: Bools) -> bool:
    if len(outcome) < _MINIMUM_USERS:
        return True
    one, other = outcome[treated], outcome[~treated]
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    return bool(abs(one.mean() - other.mean()) <= error)
