"""The gate's words: one check's result, one release's decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ..errors import GateRefused

Severity = Literal["critical", "warning", "info"]
Outcome = Literal["pass", "blocked"]
Stage = Literal["data", "results"]
State = Literal["failed", "exempted", "warned", "passed"]

#: A failed check that stands for the gate's own failure: it blocks, and cannot be exempted.
GATE_ERROR = "gate_error"
#: A failed check that stands for an exemption that ran out: likewise.
EXEMPTION_EXPIRED = "exemption_expired"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found for one release.

    Args:
        check_id: The check, snake_case; its page is `docs/checks/<check_id>.md`.
        suite: The suite (`expectations/<suite>.yml`) it stands in.
        severity: critical blocks when failed, warning becomes a caveat, info is shown.
        passed: Whether the data met the expectation.
        observed: What was found, for people, with the numbers.
        expected: What would have passed, with the limit.
        because: Why it matters.
        fix: The smallest repair.
        details: The facts behind `observed`, for machines; plain JSON values.
        sample: A few of the offending rows, redacted; shown to whoever repairs, never published.
        values: Judged value by column of the facts; likewise.
    """

    check_id: str
    suite: str
    severity: Severity
    passed: bool
    observed: str
    expected: str
    because: str
    fix: str
    details: Mapping[str, Any] = field(default_factory=dict)
    sample: tuple[Mapping[str, Any], ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse anything but a plain boolean: `passed="no"` would count as passed."""
        if type(self.passed) is not bool:
            raise GateRefused(
                f"the check `{self.check_id}` says passed={self.passed!r}",
                expected="true or false",
                fix="report this: a check must decide.",
                code="undecided_check",
            )

    @property
    def blocks(self) -> bool:
        """Whether this result alone blocks the release."""
        return self.severity == "critical" and not self.passed

    @property
    def exemption(self) -> Mapping[str, Any] | None:
        """Who lets a failed critical check pass, why and until when; None without one."""
        found: Mapping[str, Any] | None = self.details.get("exemption")
        return found

    @property
    def state(self) -> State:
        """In one word: passed, failed, warned or exempted."""
        if self.passed:
            return "passed"
        if self.exemption is not None:
            return "exempted"
        return "failed" if self.severity == "critical" else "warned"

    def as_dict(self) -> dict[str, Any]:
        """The keys of `gate.checks[]` in a report."""
        return {
            "id": self.check_id,
            "severity": self.severity,
            "passed": self.passed,
            "observed": self.observed,
            "expected": self.expected,
            "because": self.because,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether numbers of one release may be shown, with the checks behind it.

    A decision that contradicts its checks cannot be built: no `pass` with a failed critical
    check or without any check, no `blocked` without a reason.

    Args:
        release: The release.
        decision: pass or blocked.
        checks: One result a check, each check once.
        skipped: Checks that do not apply to this release, with the reason.
        stage: `data` before the estimates are known; `results` is the last word.
        judged_at: The instant of the run, UTC: exemptions are in force or not by it.

    Raises:
        GateRefused: Decision and checks contradict each other.
    """

    release: str
    decision: Outcome
    checks: tuple[CheckResult, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    stage: Stage = "results"
    judged_at: datetime | None = None

    def __post_init__(self) -> None:
        """Hold the invariants."""
        names = [check.check_id for check in self.checks]
        blocking = [check.check_id for check in self.checks if check.blocks]
        if self.decision not in ("pass", "blocked"):
            self._refuse(f"decision is {self.decision!r}", "pass or blocked")
        if not self.checks:
            self._refuse("no check was made", "at least one check")
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            self._refuse(f"the checks {', '.join(twice)} stand twice", "each check once")
        if self.decision == "pass" and blocking:
            self._refuse(f"pass with failed critical checks {', '.join(blocking)}", "blocked")
        if self.decision == "blocked" and not blocking:
            self._refuse("blocked without a failed critical check", "pass")

    def _refuse(self, what: str, expected: str) -> None:
        raise GateRefused(
            f"a gate decision of `{self.release}` contradicts its checks: {what}",
            expected=expected,
            fix="build decisions with landed.gate.decide.",
            code="contradictory_decision",
        )

    @property
    def passed(self) -> bool:
        """Whether the gate lets the release through."""
        return self.decision == "pass"

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """Failed critical checks: the reasons of a blocked release."""
        return tuple(check for check in self.checks if check.blocks)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """Failed checks that do not block: caveats of the report."""
        return tuple(check for check in self.checks if not check.passed and not check.blocks)

    def as_dict(self) -> dict[str, Any]:
        """The key `gate` of a report."""
        return {"decision": self.decision, "checks": [check.as_dict() for check in self.checks]}


def decide(
    release: str,
    checks: Iterable[CheckResult],
    *,
    skipped: Mapping[str, str] | None = None,
    stage: Stage = "results",
    judged_at: datetime | None = None,
) -> GateDecision:
    """The decision that follows from the checks: blocked by any failed critical one.

    No check at all is itself a failed check: nothing was judged, so nothing is let through.

    Examples:
        >>> decide("course-page", []).decision
        'blocked'
    """
    made = tuple(checks) or (gate_error(["no check was made"]),)
    blocked = any(check.blocks for check in made)
    return GateDecision(
        release=release,
        decision="blocked" if blocked else "pass",
        checks=made,
        skipped=dict(skipped or {}),
        stage=stage,
        judged_at=judged_at,
    )


def gate_error(errors: Iterable[str], suite: str = "gate") -> CheckResult:
    """The failed critical check that stands for a gate that could not judge."""
    found = list(errors)
    return CheckResult(
        check_id=GATE_ERROR,
        suite=suite,
        severity="critical",
        passed=False,
        observed="; ".join(found) or "the gate gave no reason",
        expected="every check gives an answer",
        because="A check that could not be made proves nothing, so the numbers stay unpublished.",
        fix="Repair what the error names and run again. See docs/checks/gate_error.md.",
        details={"errors": found},
    )
