"""What Dagster shows of an assessed release: its checks, its decision, its report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from landed.gate import EXEMPTION_EXPIRED, GATE_ERROR, GateRecord, Suite
from landed.report.assess import Assessment
from landed.report.markdown import render_markdown

from ..partitions import releases

#: The gate's own checks: of what it refuses, and what it says where they passed.
OWN = {
    GATE_ERROR: ("A release of which the gate could not be judged.", "every check was judged"),
    EXEMPTION_EXPIRED: ("A release with an exemption that ran out.", "no exemption ran out"),
}


def check_specs(suites: Mapping[str, Suite]) -> list[dg.AssetCheckSpec]:
    """One asset check per check of the gate, its own included."""
    refuses = {
        check_id: suite.of_check(check_id)[0].refuses
        for suite in suites.values()
        for check_id in suite.check_ids
    } | {check_id: text for check_id, (text, _) in OWN.items()}
    return [
        dg.AssetCheckSpec(
            name=check_id, asset="gate_decision", description=text, partitions_def=releases
        )
        for check_id, text in refuses.items()
    ]


def check_events(
    found: Assessment, record: GateRecord, declared: set[str]
) -> Iterator[dg.AssetCheckEvaluation]:
    """One evaluation per check and release; never blocking: others of the run must go on."""
    for check in found.decision.checks:
        if check.check_id in declared:
            yield _evaluation(
                found.release,
                check.check_id,
                passed=check.passed,
                severity=dg.AssetCheckSeverity.ERROR
                if check.severity == "critical"
                else dg.AssetCheckSeverity.WARN,
                description=f"{check.observed}; expected {check.expected}",
                metadata={
                    "observed": check.observed,
                    "expected": check.expected,
                    "because": check.because,
                    "fix": check.fix,
                    "history": _history(record, check.check_id),
                    **({"rows": _table(check.sample)} if check.sample else {}),
                },
            )
    made = {check.check_id for check in found.decision.checks}
    said = {check_id: (True, text) for check_id, (_, text) in OWN.items()}
    said |= dict.fromkeys(
        sorted(declared - set(OWN)), (False, "not made: the release was blocked without it")
    )
    said |= {
        check_id: (True, f"does not apply: {reason}")
        for check_id, reason in found.decision.skipped.items()
    }
    for check_id, (passed, text) in said.items():
        if check_id in declared - made:  # what an earlier run found would stay on the page
            yield _evaluation(
                found.release,
                check_id,
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description=text,
                metadata={"observed": text},
            )


def _evaluation(
    release: str,
    check_id: str,
    *,
    passed: bool,
    severity: dg.AssetCheckSeverity,
    description: str,
    metadata: Mapping[str, Any],
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("gate_decision"),
        check_name=check_id,
        passed=passed,
        severity=severity,
        description=description,
        metadata=metadata,
        blocking=False,
        partition=release,
    )


def _history(record: GateRecord, check_id: str) -> dg.TableMetadataValue:
    """What the check found at each cutoff, latest first."""
    return _table(
        [
            {
                "data until": f"{cutoff_at:%Y-%m-%d %H:%M}",
                "state": check.state,
                "observed": check.observed,
            }
            for cutoff_at, check in reversed(record.history(check_id))
        ]
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return dg.MetadataValue.table(
        [dg.TableRecord({name: str(row.get(name, "")) for name in columns}) for row in rows],
        dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )


def metadata_of(found: Assessment) -> Mapping[str, Mapping[str, Any]]:
    """What each of the release assets shows; no number of a blocked release is in it."""
    failed = [check for check in found.decision.checks if not check.passed]
    # two columns: the page cuts off what a wide table holds on its right
    rows = [
        {"": name, "not passed": text}
        for check in failed
        for name, text in (
            ("check", f"{check.check_id} ({check.severity})"),
            ("observed", check.observed),
            ("expected", check.expected),
            ("to pass", check.fix),
        )
    ]
    return {
        "gate_decision": {
            "decision": found.decision.decision,
            "not_passed": _table(rows) if rows else "every check passed",
        },
        "moments": {"rows": len(found.moments)},
        "estimates": {"estimates": len(found.estimates)},
        "report": {
            "verdict": found.report.decision,
            "report": dg.MetadataValue.md(render_markdown(found.report.document)),
        },
    }
