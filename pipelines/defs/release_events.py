"""What Dagster shows of an assessed release: its checks, its decision, its report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from landed.gate import GateRecord
from landed.report.assess import Assessment
from landed.report.markdown import render_markdown


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
    for check_id, reason in found.decision.skipped.items():
        if check_id in declared:
            text = f"does not apply: {reason}"
            yield _evaluation(
                found.release,
                check_id,
                passed=True,
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
