"""What a release may fail for a while, and what happens when the while is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..catalog.releases import Exemption
from .decision import EXEMPTION_EXPIRED, CheckResult


def exempted(check: CheckResult, exemption: Exemption) -> CheckResult:
    """The failed check as a warning that names who lets it pass, why and until when."""
    until = exemption.expires_at.isoformat().replace("+00:00", "Z")
    return replace(
        check,
        severity="warning",
        because=f"{check.because} Exempted until {until} by {exemption.owner}: {exemption.reason}",
        details={
            **check.details,
            "exemption": {
                "severity": check.severity,
                "reason": exemption.reason,
                "owner": exemption.owner,
                "expires_at": until,
            },
        },
    )


def exemption_expired(exemptions: Sequence[Exemption]) -> CheckResult:
    """The failed check that stands for exemptions that ran out."""
    named = ", ".join(
        f"`{each.check}` until {each.expires_at.isoformat().replace('+00:00', 'Z')} ({each.owner})"
        for each in exemptions
    )
    return CheckResult(
        check_id=EXEMPTION_EXPIRED,
        suite="gate",
        severity="critical",
        passed=False,
        observed=f"exempted from {named}",
        expected="every exemption in force",
        because="An exemption is a promise to repair; one that ran out was not kept.",
        fix="Repair the check's cause and remove the exemption, or renew it with a reason. "
        "See docs/checks/exemption_expired.md.",
        details={"expired": [each.check for each in exemptions]},
    )
