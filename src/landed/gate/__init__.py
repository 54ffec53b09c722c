"""The gate: may numbers of a release be shown? Facts by SQL, judged by Great Expectations."""

from .decision import (
    EXEMPTION_EXPIRED,
    GATE_ERROR,
    CheckResult,
    GateDecision,
    decide,
    gate_error,
)
from .facts import Account, ModelTest
from .judging import judge_data, judge_results
from .record import GateRecord, JudgedRelease
from .suites import Expectation, Suite, lint_exemptions, load_suites
from .told import told

__all__ = [
    "EXEMPTION_EXPIRED",
    "GATE_ERROR",
    "Account",
    "CheckResult",
    "Expectation",
    "GateDecision",
    "GateRecord",
    "JudgedRelease",
    "ModelTest",
    "Suite",
    "decide",
    "gate_error",
    "judge_data",
    "judge_results",
    "lint_exemptions",
    "load_suites",
    "told",
]
