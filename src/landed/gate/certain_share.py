"""Whether a share of units is more than accidents make it, at whichever daily look it is seen."""

from __future__ import annotations

from .facts import Parameters, Subject
from .passes.exposures import look_fractions


def planned_looks(subject: Subject) -> int:
    """Daily looks up to the end of exposure; 1 where none is planned. Count."""
    return sum(1 for fraction in look_fractions(subject) if fraction < 1) + 1


def is_certain(
    subject: Subject, events: int, units: int, parameters: Parameters, *, tests: int = 1
) -> bool:
    """Whether accidents hardly ever make as many events of so many units.

    Each daily look has the same part of alpha: what is certain once may be gone at the next run.

    Args:
        subject: The release under judgement.
        events: Units that something happened to. Count.
        units: All of them. Count.
        parameters: `innocent_share`, which accidents explain; `alpha` over all looks and tests;
            `min_units`, of which fewer are single accidents whatever their share.
        tests: How many such shares are looked at. Count, at least 1.
    """
    from ..stats import binomial_tail  # scipy: reading the suites needs none

    if not units or events < parameters["min_units"]:
        return False
    chance = binomial_tail(events, units, parameters["innocent_share"])
    return chance < parameters["alpha"] / planned_looks(subject) / tests
