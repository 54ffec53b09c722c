"""The types of the gate leave no way to a pass that was not earned."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from landed.errors import GateRefused
from landed.gate import CheckResult, GateDecision, decide, gate_error


def check(check_id="sample_ratio", severity="critical", passed=True):
    return CheckResult(check_id, "exposures", severity, passed, "seen", "wanted", "why", "repair")


def test_a_pass_with_a_failed_critical_check_cannot_be_built():
    with pytest.raises(GateRefused, match="pass with failed critical checks sample_ratio"):
        GateDecision("r", "pass", (check(passed=False),))


def test_a_pass_cannot_be_made_of_a_block():
    blocked = decide("r", [check(passed=False)])

    with pytest.raises(GateRefused, match="pass with failed critical checks"):
        replace(blocked, decision="pass")
    with pytest.raises(FrozenInstanceError):
        blocked.decision = "pass"


@pytest.mark.parametrize("decision", ["pass", "blocked"])
def test_a_decision_without_a_check_cannot_be_built(decision):
    with pytest.raises(GateRefused, match="no check was made"):
        GateDecision("r", decision, ())


def test_a_block_without_a_reason_cannot_be_built():
    with pytest.raises(GateRefused, match="blocked without a failed critical check"):
        GateDecision("r", "blocked", (check(severity="warning", passed=False),))


def test_a_decision_of_another_word_cannot_be_built():
    with pytest.raises(GateRefused, match="decision is 'ok'"):
        GateDecision("r", "ok", (check(),))


def test_a_check_stands_once_in_a_decision():
    with pytest.raises(GateRefused, match="stand twice"):
        GateDecision("r", "pass", (check(), check()))


@pytest.mark.parametrize("passed", ["no", 1, None, np.bool_(True)])
def test_a_check_that_does_not_say_true_or_false_cannot_be_built(passed):
    with pytest.raises(GateRefused, match="says passed="):
        check(passed=passed)


def test_any_failed_critical_check_blocks():
    decision = decide("r", [check("a"), check("b", passed=False), check("c", "warning", False)])

    assert decision.decision == "blocked"
    assert not decision.passed
    assert [each.check_id for each in decision.failed] == ["b"]
    assert [each.check_id for each in decision.warnings] == ["c"]


def test_failed_warnings_alone_pass():
    decision = decide("r", [check(), check("c", "warning", False), check("d", "info", False)])

    assert decision.passed
    assert [each.check_id for each in decision.warnings] == ["c", "d"]


def test_no_check_at_all_blocks():
    decision = decide("r", [])

    assert decision.decision == "blocked"
    assert [each.check_id for each in decision.failed] == ["gate_error"]


def test_an_error_of_the_gate_names_every_cause():
    assert gate_error(["first", "second"]).observed == "first; second"
    assert gate_error([]).observed == "the gate gave no reason"


def test_a_decision_is_written_as_the_report_holds_it():
    assert decide("r", [check()]).as_dict() == {
        "decision": "pass",
        "checks": [
            {
                "id": "sample_ratio",
                "severity": "critical",
                "passed": True,
                "observed": "seen",
                "expected": "wanted",
                "because": "why",
                "fix": "repair",
            }
        ],
    }
