"""Bots are met as often in one variant as in another."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("there is no other variant at the same time")
    bots: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for cell in subject.exposed:
        bots[cell.variant] += cell.bots
        units[cell.variant] += cell.bots + cell.units + cell.crossovers
    variants = [one for one in subject.release.variants if units[one]]
    if len(variants) < 2 or not bots:
        return NotApplicable("no unit was exposed in two variants")
    from ...stats.exact import fisher_exact  # scipy: reading the suites needs none

    pairs = list(combinations(variants, 2))
    uneven = [
        (one, other)
        for one, other in pairs
        if abs(bots[one] / units[one] - bots[other] / units[other]) >= parameters["min_points"]
        and fisher_exact(bots[one], units[one], bots[other], units[other]).p_value
        < parameters["alpha"] / len(pairs)
    ]
    return Fact(
        {"uneven_bots": len(uneven)},
        ", ".join(
            f"{name} {bots[name]:,} bots of {units[name]:,} exposed units"
            f" ({share(bots[name] / units[name])})"
            for name in variants
        ),
        f"shares of bots within {share(parameters['min_points'])} of each other, or by chance",
        details={name: bots[name] / units[name] for name in variants},
    )


CHECK = Check("data", ("uneven_bots",), _find)
