"""What the gate said of a release, run after run: for whoever repairs, and for the history.

It holds what the checks observed, never a mean or an effect: it may be read while a release is
blocked. No decision rests on it; a lost record costs the history and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..errors import ContractError
from .decision import CheckResult, GateDecision

SCHEMA = "landed.gate/1"
#: Cutoffs kept a release: two planned horizons of four weeks.
MOST_KEPT = 56


@dataclass(frozen=True, slots=True)
class JudgedRelease:
    """The gate's decision of one cutoff.

    Args:
        cutoff_at: Data up to this instant were judged. UTC.
        judged_at: The instant of the run. UTC.
        decision: pass or blocked.
        checks: Every check that was made; failed critical ones first. Of their `details` the
            exemption alone, if there is one: the rest can hold results.
        skipped: Checks that do not apply, with the reason.
    """

    cutoff_at: datetime
    judged_at: datetime
    decision: str
    checks: tuple[CheckResult, ...]
    skipped: Mapping[str, str]

    def of(self, check_id: str) -> CheckResult | None:
        """One check; None where it was not made."""
        return next((one for one in self.checks if one.check_id == check_id), None)


@dataclass(frozen=True, slots=True)
class GateRecord:
    """Every decision kept of a release, one a cutoff, oldest first."""

    release: str
    judged: tuple[JudgedRelease, ...] = ()

    @property
    def latest(self) -> JudgedRelease | None:
        """The decision of the last cutoff."""
        return self.judged[-1] if self.judged else None

    def with_decision(
        self, decision: GateDecision, cutoff_at: datetime, judged_at: datetime
    ) -> GateRecord:
        """The same with one more; a later run over the same cutoff takes the place of an earlier.

        Raises:
            ContractError: The decision is about another release.
        """
        if decision.release != self.release:
            raise ContractError(
                f"the decision is about `{decision.release}`", expected=f"`{self.release}`"
            )
        made = JudgedRelease(
            cutoff_at,
            judged_at,
            decision.decision,
            tuple(_without_details(check) for check in decision.checks),
            dict(decision.skipped),
        )
        others = [one for one in self.judged if one.cutoff_at != cutoff_at]
        ordered = sorted((*others, made), key=lambda one: one.cutoff_at)
        return replace(self, judged=tuple(ordered[-MOST_KEPT:]))

    def history(self, check_id: str) -> tuple[tuple[datetime, CheckResult], ...]:
        """What one check found at each cutoff, oldest first; cutoffs without it are left out."""
        found = ((one.cutoff_at, one.of(check_id)) for one in self.judged)
        return tuple((cutoff_at, check) for cutoff_at, check in found if check is not None)

    def as_dict(self) -> dict[str, Any]:
        """As it is kept, and as `landed gate --format json` prints it."""
        return {
            "schema": SCHEMA,
            "release": self.release,
            "judged": [
                {
                    "cutoff_at": one.cutoff_at.isoformat(),
                    "judged_at": one.judged_at.isoformat(),
                    "decision": one.decision,
                    "checks": [_check_as_dict(check) for check in one.checks],
                    "skipped": dict(one.skipped),
                }
                for one in self.judged
            ],
        }

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> GateRecord:
        """Read back what `as_dict` gave.

        Raises:
            ContractError: It is of another schema.
        """
        if kept.get("schema") != SCHEMA:
            raise ContractError(
                f"the gate's record is of schema {kept.get('schema')!r}",
                expected=SCHEMA,
                fix="remove it: the next run begins another.",
                code="gate_record_schema",
            )
        return cls(
            kept["release"],
            tuple(
                JudgedRelease(
                    datetime.fromisoformat(one["cutoff_at"]),
                    datetime.fromisoformat(one["judged_at"]),
                    one["decision"],
                    tuple(_check_of_dict(check) for check in one["checks"]),
                    one["skipped"],
                )
                for one in kept["judged"]
            ),
        )


def _without_details(check: CheckResult) -> CheckResult:
    exemption = check.exemption
    return replace(check, details={} if exemption is None else {"exemption": exemption})


def _check_as_dict(check: CheckResult) -> dict[str, Any]:
    return {
        **check.as_dict(),
        "suite": check.suite,
        "values": dict(check.values),
        "sample": [dict(row) for row in check.sample],
        "exemption": None if check.exemption is None else dict(check.exemption),
    }


def _check_of_dict(kept: Mapping[str, Any]) -> CheckResult:
    facts = dict(kept)
    exemption = facts.pop("exemption")
    return CheckResult(
        check_id=facts.pop("id"),
        sample=tuple(facts.pop("sample")),
        details={} if exemption is None else {"exemption": exemption},
        **facts,
    )
