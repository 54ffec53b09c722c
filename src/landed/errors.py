"""One tree of errors. Each says what is wrong, what was expected, where, and what to do.

Facts are attributes; the text is built from them; `code` is stable for machines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, in the four parts every message here has.

    Args:
        what: What is wrong, with the value.
        expected: What would have been right. May be empty where `what` says it.
        where: File, line and key; or table and column.
        fix: What the reader does next.
        code: Stable, snake_case, for machines.
    """

    what: str
    expected: str = ""
    where: str = ""
    fix: str = ""
    code: str = "fault"

    def __str__(self) -> str:
        """Build the message: what, expected, where, fix; one line each."""
        first = self.what if not self.expected else f"{self.what}; expected {self.expected}"
        lines = [first if first.endswith((".", "!", "?")) else f"{first}."]
        if self.where:
            lines.append(f"  In {self.where}.")
        if self.fix:
            lines.append(f"  Fix: {self.fix}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str]:
        """The same facts for `--format json`."""
        return {
            "code": self.code,
            "what": self.what,
            "expected": self.expected,
            "where": self.where,
            "fix": self.fix,
        }


class LandedError(Exception):
    """Root of the tree. Carries one or more faults, all found at once."""

    def __init__(
        self,
        what: str | Fault | Iterable[Fault],
        *,
        expected: str = "",
        where: str = "",
        fix: str = "",
        code: str | None = None,
    ) -> None:
        if isinstance(what, str):
            code = code or _snake(type(self).__name__.removesuffix("Error"))
            self.faults: tuple[Fault, ...] = (Fault(what, expected, where, fix, code),)
        elif isinstance(what, Fault):
            self.faults = (what,)
        else:
            self.faults = tuple(what)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @property
    def code(self) -> str:
        """Code of the first fault."""
        return self.faults[0].code if self.faults else "error"


class ContractError(LandedError):
    """A project file (metric, release, source, tracking, expectation) breaks its contract."""


class PlanError(LandedError):
    """A release or an analysis is planned in a way that cannot be carried out."""


class SourceError(LandedError):
    """A source cannot be read: missing, unreadable, or not what it was declared to be."""


class WarehouseError(LandedError):
    """The engine, the lake or a snapshot is missing, locked or damaged."""


class EstimationError(LandedError):
    """A statistic was asked for with arguments outside its domain."""


class GateRefused(LandedError):
    """Something asked for numbers of a release whose gate has not passed."""


class QueryRefused(LandedError):
    """A metric query names something that does not exist or is not allowed."""


class HomeBusyError(LandedError):
    """Another process holds the home's lock."""


def _snake(name: str) -> str:
    out = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return out.lstrip("_")
