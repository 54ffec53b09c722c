"""The gate's record: one decision a cutoff, and nothing of a result in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landed.errors import ContractError
from landed.gate import CheckResult, GateRecord, decide
from landed.gate.record import MOST_KEPT

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)


def check(passed: bool = True, **more: object) -> CheckResult:
    facts = {
        "check_id": "sample_ratio",
        "suite": "exposures",
        "severity": "critical",
        "passed": passed,
        "observed": "60 : 40",
        "expected": "50 : 50",
        "because": "units are lost",
        "fix": "find them",
        "values": {"sample_ratio_excess": 1.5},
    }
    return CheckResult(**{**facts, **more})  # type: ignore[arg-type]


def day(number: int) -> datetime:
    return datetime(2026, 1, 1 + number // 24 % 28, number % 24, tzinfo=UTC)


def test_a_later_run_over_the_same_cutoff_takes_the_place_of_the_earlier() -> None:
    record = GateRecord("checklist").with_decision(
        decide("checklist", [check(passed=False)]), day(24), NOW
    )

    record = record.with_decision(decide("checklist", [check()]), day(24), NOW)

    assert [one.decision for one in record.judged] == ["pass"]


def test_decisions_stand_in_the_order_of_their_cutoffs_and_the_oldest_leave() -> None:
    record = GateRecord("checklist")
    for number in reversed(range(MOST_KEPT + 5)):
        record = record.with_decision(decide("checklist", [check()]), day(number), NOW)

    found = [one.cutoff_at for one in record.judged]
    assert found == sorted(found)
    assert len(found) == MOST_KEPT
    assert found[-1] == day(MOST_KEPT + 4)


def test_what_is_kept_reads_back_the_same() -> None:
    made = decide(
        "checklist",
        [
            check(passed=False, sample=({"event": "signup", "unit": "u1"},)),
            check(
                check_id="volume",
                severity="warning",
                passed=False,
                details={"exemption": {"owner": "growth"}},
            ),
        ],
        skipped={"must_emit": "nothing promised"},
    )
    record = GateRecord("checklist").with_decision(made, day(0), NOW)

    assert GateRecord.of_dict(record.as_dict()) == record
    assert [one.state for one in record.judged[0].checks] == ["failed", "exempted"]


def test_details_of_a_result_are_not_kept() -> None:
    made = decide("checklist", [check(details={"recounted": {"mean": 0.123456789}})])

    record = GateRecord("checklist").with_decision(made, day(0), NOW)

    assert "0.123456789" not in str(record.as_dict())


def test_the_history_of_a_check_leaves_out_cutoffs_without_it() -> None:
    record = GateRecord("checklist").with_decision(decide("checklist", [check()]), day(0), NOW)
    record = record.with_decision(decide("checklist", [check(check_id="volume")]), day(24), NOW)

    assert [cutoff_at for cutoff_at, _ in record.history("sample_ratio")] == [day(0)]


def test_another_releases_decision_is_refused() -> None:
    with pytest.raises(ContractError, match="decision is about"):
        GateRecord("checklist").with_decision(decide("other", [check()]), day(0), NOW)


def test_another_schema_is_refused() -> None:
    with pytest.raises(ContractError, match=r"landed\.gate/1"):
        GateRecord.of_dict({"schema": "landed.gate/9", "release": "checklist", "judged": []})
