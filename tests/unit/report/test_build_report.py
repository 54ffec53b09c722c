from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime

import jsonschema
import orjson
import pytest

from landed.catalog import Exemption
from landed.documents import packaged_schema
from landed.errors import ContractError, GateRefused
from landed.gate import CheckResult, GateDecision
from landed.report import Report, read_document

Make = Callable[..., Report]

CONTRACT = {
    "schema", "release", "snapshot", "as_of", "look", "verdict", "gate", "exposure", "estimates",
    "segments", "survival", "feedback", "caveats", "next", "provenance",
}  # fmt: skip


def failed(name: str = "sample_ratio") -> CheckResult:
    return CheckResult(name, "exposures", "critical", False, "p = 0", "p > 0.001", "why", "fix")


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(packaged_schema("landed.report", "report"))


def test_a_report_has_every_key_of_the_contract(make_report: Make) -> None:
    document = make_report().document

    assert set(document) - {"about", "definitions"} == CONTRACT
    assert document["schema"] == "landed.report/1"
    assert document["as_of"] == "2026-11-22T00:00:00Z"
    assert document["estimates"][0]["definition"]["revision"] == "2026-11-22"
    assert document["definitions"][0]["revisions"][0]["change"] == "first definition"


def test_the_same_facts_give_the_same_bytes(make_report: Make) -> None:
    assert make_report().to_json() == make_report().to_json()


def test_a_report_reads_back_from_its_bytes(make_report: Make) -> None:
    report = make_report()

    assert read_document(report.to_json()).document == report.document


def test_a_blocked_decision_gives_no_report(make_report: Make) -> None:
    blocked = GateDecision("onboarding-checklist", "blocked", (failed(),))

    with pytest.raises(GateRefused, match="expected pass"):
        make_report(decision=blocked)


def test_a_decision_on_the_data_alone_gives_no_report(make_report: Make) -> None:
    passed = CheckResult("a", "b", "critical", True, "", "", "", "")
    early = GateDecision("onboarding-checklist", "pass", (passed,), stage="data")

    with pytest.raises(GateRefused, match="its last word"):
        make_report(decision=early)


def test_a_decision_about_another_release_gives_no_report(make_report: Make) -> None:
    passed = CheckResult("a", "b", "critical", True, "", "", "", "")

    with pytest.raises(GateRefused, match="about `other`"):
        make_report(decision=GateDecision("other", "pass", (passed,)))


def test_a_passing_decision_gives_no_notice(make_notice: Make) -> None:
    passed = CheckResult("a", "b", "critical", True, "", "", "", "")
    decision = GateDecision("onboarding-checklist", "pass", (passed,))

    with pytest.raises(GateRefused, match="expected blocked"):
        make_notice(decision=decision)


def test_a_notice_keeps_the_counts_and_has_no_estimate(make_notice: Make) -> None:
    notice = make_notice()

    assert notice.is_blocked
    assert notice.document["estimates"] == []
    assert notice.document["exposure"]["counts"] == {"control": 1586, "checklist": 1645}
    assert notice.document["verdict"]["next_action"] == "repair_measurement"
    assert "sample_ratio failed" in notice.document["verdict"]["reason"]
    assert "Find why the checklist arm" in notice.document["next"][0]["text"]


def test_a_notice_names_the_report_that_stays_up(make_notice: Make) -> None:
    good = {"snapshot": "f" * 16, "as_of": "2026-11-19T00:00:00Z", "decision": "worked"}

    notice = make_notice().with_last_good(good)

    assert notice.document["last_good"] == good


def test_an_estimate_in_a_blocked_document_is_refused(make_report: Make, make_notice: Make) -> None:
    forged = deepcopy(dict(make_notice().document))
    forged["estimates"] = make_report().document["estimates"]

    with pytest.raises(ContractError, match="estimates"):
        Report(forged)


def test_a_verdict_beside_a_failed_critical_check_is_refused(make_report: Make) -> None:
    forged = deepcopy(dict(make_report().document))
    forged["gate"]["checks"][0]["passed"] = False

    with pytest.raises(ContractError, match="gate/checks"):
        Report(forged)


def test_a_worked_verdict_behind_a_blocked_gate_is_refused(make_notice: Make) -> None:
    forged = deepcopy(dict(make_notice().document))
    forged["verdict"]["decision"] = "worked"

    with pytest.raises(ContractError, match="verdict/decision"):
        Report(forged)


def test_an_unknown_key_of_an_estimate_is_refused(make_report: Make) -> None:
    forged = deepcopy(dict(make_report().document))
    forged["estimates"][0]["uplift"] = 1.0

    with pytest.raises(ContractError, match="uplift"):
        Report(forged)


def test_failed_warnings_and_missing_estimates_become_caveats(make_report: Make) -> None:
    codes = {caveat["code"] for caveat in make_report().document["caveats"]}

    assert codes == {"late_rows", "not_estimable"}


def test_a_running_exemption_becomes_a_caveat_and_an_ended_one_does_not(make_report: Make) -> None:
    running = Exemption("late_rows", "known delay", "ops", datetime(2026, 12, 1, tzinfo=UTC))
    ended = Exemption("bots", "old", "ops", datetime(2026, 11, 1, tzinfo=UTC))

    document = make_report(exemptions=(running, ended)).document

    texts = [c["text"] for c in document["caveats"] if c["code"].startswith("exemption")]
    assert texts == ["The check late_rows may fail until 2026-12-01, by ops: known delay."]


def test_bytes_that_are_no_report_are_refused() -> None:
    with pytest.raises(ContractError, match="not JSON"):
        read_document(b"{")
    with pytest.raises(ContractError, match="required"):
        read_document(orjson.dumps({"schema": "landed.report/1"}))
