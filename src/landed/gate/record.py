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
class JudgedCheck:
    """One check as it was judged at one cutoff.

    Args:
        check_id: The check.
        severity: critical, warning or info.
        passed: Whether the data met the expectation.
        observed: What was found, with the numbers.
        expected: What would have passed.
        because: Why it matters.
        fix: The smallest repair.
        values: Judged value by column of the facts.
        sample: A few offending rows, redacted.
        exemption: Who lets a failed critical check pass, why and until when; None without one.
    """

    check_id: str
    severity: str
    passed: bool
    observed: str
    expected: str
    because: str
    fix: str
    values: Mapping[str, float]
    sample: tuple[Mapping[str, Any], ...] = ()
    exemption: Mapping[str, Any] | None = None

    @classmethod
    def of_result(cls, result: CheckResult) -> JudgedCheck:
        """What is kept of a check's result: its `details` are not, which can hold results."""
        return cls(
            result.check_id,
            result.severity,
            result.passed,
            result.observed,
            result.expected,
            result.because,
            result.fix,
            dict(result.values),
            tuple(result.sample),
            result.details.get("exemption"),
        )

    @property
    def state(self) -> str:
        """passed, failed, warned or exempted."""
        if self.passed:
            return "passed"
        if self.exemption is not None:
            return "exempted"
        return "failed" if self.severity == "critical" else "warned"


@dataclass(frozen=True, slots=True)
class JudgedRelease:
    """The gate's decision of one cutoff.

    Args:
        cutoff_at: Data up to this instant were judged. UTC.
        judged_at: The instant of the run. UTC.
        decision: pass or blocked.
        checks: Every check that was made; failed critical ones first.
        skipped: Checks that do not apply, with the reason.
    """

    cutoff_at: datetime
    judged_at: datetime
    decision: str
    checks: tuple[JudgedCheck, ...]
    skipped: Mapping[str, str]

    def of(self, check_id: str) -> JudgedCheck | None:
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
            tuple(JudgedCheck.of_result(check) for check in decision.checks),
            dict(decision.skipped),
        )
        others = [one for one in self.judged if one.cutoff_at != cutoff_at]
        ordered = sorted((*others, made), key=lambda one: one.cutoff_at)
        return replace(self, judged=tuple(ordered[-MOST_KEPT:]))

    def history(self, check_id: str) -> tuple[tuple[datetime, JudgedCheck], ...]:
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


def _check_as_dict(check: JudgedCheck) -> dict[str, Any]:
    return {
        "id": check.check_id,
        "severity": check.severity,
        "passed": check.passed,
        "observed": check.observed,
        "expected": check.expected,
        "because": check.because,
        "fix": check.fix,
        "values": dict(check.values),
        "sample": [dict(row) for row in check.sample],
        "exemption": None if check.exemption is None else dict(check.exemption),
    }


def _check_of_dict(kept: Mapping[str, Any]) -> JudgedCheck:
    facts = dict(kept)
    facts["check_id"] = facts.pop("id")
    facts["sample"] = tuple(facts["sample"])
    return JudgedCheck(**facts)
