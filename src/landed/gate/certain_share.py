"""Whether a share of units is more than accidents make it, at whichever daily look it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .facts import Parameters, Subject
from .passes.exposures import look_fractions


def planned_looks(subject: Subject) -> int:
    """Daily looks up to the end of exposure; 1 where none is planned. Count."""
    return sum(1 for fraction in look_fractions(subject) if fraction < 1) + 1


@dataclass(frozen=True, slots=True)
class UnitShare:
    """Units that something happened to, of all of them. Counts.

    Args:
        name: A metric or an event.
    """

    name: str
    events: int
    units: int

    @property
    def share(self) -> float:
        """0 where there is none."""
        return self.events / self.units if self.units else 0.0


@dataclass(frozen=True, slots=True)
class JudgedShares:
    """What some shares come to.

    Args:
        worst: The one to tell: of those beyond chance, else of those of several units, else of all.
        counted: The greatest of several units; 0 without one. Share.
        certain: The greatest beyond chance; 0 without one. Share.
    """

    worst: UnitShare
    counted: float
    certain: float


def judge_shares(
    subject: Subject, found: Sequence[UnitShare], parameters: Parameters, *, tests: int
) -> JudgedShares:
    """Which of some shares, at least one, count, and which are more than accidents make.

    Args:
        subject: The release under judgement.
        found: The shares.
        parameters: `min_units`, of which fewer are single accidents whatever their share;
            `innocent_share` and `alpha`, as below.
        tests: How many such shares are looked at. Count, at least 1.
    """
    counted = [one for one in found if one.events >= parameters["min_units"]]
    certain = [one for one in counted if _is_certain(subject, one, parameters, tests)]
    return JudgedShares(
        max(certain or counted or found, key=lambda one: (one.share, one.events)),
        max((one.share for one in counted), default=0.0),
        max((one.share for one in certain), default=0.0),
    )


def _is_certain(subject: Subject, one: UnitShare, parameters: Parameters, tests: int) -> bool:
    """Whether accidents, which explain `innocent_share`, hardly ever make as many.

    Each daily look has the same part of `alpha`: what is certain once may be gone at the next run.
    """
    from ..stats import binomial_tail  # scipy: reading the suites needs none

    if not one.units:
        return False
    chance = binomial_tail(one.events, one.units, parameters["innocent_share"])
    return chance < parameters["alpha"] / planned_looks(subject) / tests
