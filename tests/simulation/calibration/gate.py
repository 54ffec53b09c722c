"""How often the gate catches what is planted, and how often it blocks what is clean."""

from __future__ import annotations

from collections import Counter

import numpy as np
from gate.faults.case import plainly_judged
from gate.faults.clean import looks
from gate.faults.kinds import Kind
from gate.faults.product import SMALL
from gate.faults.runs import KINDS, NOT_CAUGHT, Run, awaits, runs

from .rows import Row

#: At most so many of a thousand whole releases may ever be blocked.
MOST_BLOCKED = 0.01


def is_open(kind: Kind) -> bool:
    """Whether no check sees the kind yet."""
    return awaits(kind) or kind.name in NOT_CAUGHT


def faults(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Every kind at `draws` seeds: the share caught, and of all runs the share that escaped."""
    seeds = [int(number) for number in seed.generate_state(draws) % 1_000_000]
    found: dict[str, list[Run]] = {kind.name: [] for kind in KINDS}
    with plainly_judged():
        for one in runs(KINDS, seeds):
            found[one.kind.name].append(one)
    rows = [
        Row(
            f"caught, {kind.means}",
            f"{kind.name}: {kind.size}; {kind.people:,} people",
            draws,
            sum(one.is_caught for one in found[kind.name]) / draws,
            lower=None if is_open(kind) else 0.96 if kind.is_statistical else 1.0,
            is_losing=is_open(kind),
        )
        for kind in KINDS
    ]
    every = [one for many in found.values() for one in many if not is_open(one.kind)]
    exact = [one for one in every if not one.kind.is_statistical]
    rows.append(
        Row("caught", "all kinds", len(every), sum(o.is_caught for o in every) / len(every), 0.99)
    )
    for name, many, most in (("all kinds", every, 0.01), ("deterministic kinds", exact, 0.0)):
        share = sum(one.is_escape for one in many) / len(many)
        rows.append(
            Row("published with another verdict than its clean twin", name, len(many), share,
                upper=most)
        )  # fmt: skip
    return rows


def clean(draws: int, seed: np.random.SeedSequence) -> list[Row]:
    """Whole releases of 28 looks: the share ever blocked, by check, and ever warned of."""
    blocked, warned, ever = Counter[str](), Counter[str](), 0
    with plainly_judged():
        for number in seed.generate_state(draws):
            seen = [look.found for look in looks(SMALL, int(number) % 10_000_000)]
            by = frozenset().union(*(one.blocked_by for one in seen))
            ever += bool(by)
            blocked.update(by)
            warned.update(frozenset().union(*(one.warned_by for one in seen)))
    where = f"28 looks, {SMALL:,} people"
    return [
        Row("clean release ever blocked", where, draws, ever / draws, upper=MOST_BLOCKED),
        *(Row("ever blocked by", name, draws, n / draws) for name, n in sorted(blocked.items())),
        *(Row("ever warned by", name, draws, n / draws) for name, n in sorted(warned.items())),
    ]


CELLS = (faults, clean)
