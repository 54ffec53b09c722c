"""Runs of faults beside their clean twins, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from landed.gate.checks import CHECKS

from .case import Outcome, open_case, outcome_of
from .comparison_kinds import COMPARISON
from .data_kinds import DATA, STATE
from .definition_kinds import DEFINITIONS
from .heartbeat_kinds import HEARTBEATS
from .instrumentation_kinds import INSTRUMENTATION
from .kinds import Kind

KINDS: tuple[Kind, ...] = (
    *DATA,
    *STATE,
    *COMPARISON,
    *HEARTBEATS,
    *INSTRUMENTATION,
    *DEFINITIONS,
)

#: Checks that kinds below expect and that are not built yet; a test refuses those that are.
AWAITED: frozenset[str] = frozenset()
#: Kinds that the checks there are do not see yet, and why; a test refuses those that they do.
NOT_CAUGHT: dict[str, str] = {}
_OF_THE_GATE = ("gate_error", "exemption_expired")


@dataclass(frozen=True)
class Run:
    """One fault at one seed, beside the same product without it."""

    kind: Kind
    seed: int
    faulty: Outcome
    clean: Outcome

    @property
    def is_caught(self) -> bool:
        """Whether the gate did with it what the kind says."""
        seen = self.faulty.blocked_by | self.faulty.warned_by
        if self.kind.means == "same":
            return not seen - self.clean.warned_by and self.faulty.headline == self.clean.headline
        if self.kind.means == "warn" and self.faulty.is_published:
            said = {one for one in seen if self._said_anew(one)}
            return bool(said & set(self.kind.expected)) and not self.is_escape
        return bool((self.faulty.blocked_by - self.clean.blocked_by) & set(self.kind.expected))

    def _said_anew(self, check_id: str) -> bool:
        """Whether a check found something that it does not find in the clean twin."""
        return self.faulty.checks[check_id] != self.clean.checks.get(check_id)

    @property
    def is_escape(self) -> bool:
        """Whether a report was published whose verdict is not the clean twin's."""
        return self.faulty.is_published and self.faulty.verdict != self.clean.verdict

    def __str__(self) -> str:
        word = "ESCAPE" if self.is_escape else "caught" if self.is_caught else "missed"
        found = ", ".join(sorted(self.faulty.blocked_by | self.faulty.warned_by)) or "nothing"
        return (
            f"{word:7} {self.kind.name} seed {self.seed}: {self.faulty.verdict or 'blocked'}"
            f" (clean {self.clean.verdict or 'blocked'}), {found}"
        )


def awaits(kind: Kind) -> bool:
    """Whether no check that could see the kind is built yet."""
    known = {*CHECKS, *_OF_THE_GATE}
    return bool(kind.expected) and not known & set(kind.expected)


@lru_cache(maxsize=8)
def clean(people: int, seed: int) -> Outcome:
    """The product of a seed without a fault."""
    with open_case(people, seed) as case:
        case.build()
        return outcome_of(case.assess())


def run(kind: Kind, seed: int) -> Run:
    """Plant one fault and let the gate judge it."""
    with open_case(kind.people, seed) as case:
        if kind.plant is not None:
            kind.plant(case)
        case.build()
        if kind.after is not None:
            kind.after(case)
        if kind.tested:
            case.test_models()
        faulty = outcome_of(case.assess())
    return Run(kind, seed, faulty, clean(kind.people, seed))


def runs(kinds: Iterable[Kind], seeds: Iterable[int]) -> Iterator[Run]:
    """Every kind at every seed; kinds of one size share the draw of a seed."""
    by_size = sorted(kinds, key=lambda kind: kind.people)
    for seed in seeds:
        for kind in by_size:
            yield run(kind, seed)
