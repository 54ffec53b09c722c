from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from landed.catalog import Catalog, Metric, Release, Revision, RoleOfMetric
from landed.gate import CheckResult, GateDecision
from landed.report import Report, build_notice, build_report

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
SNAPSHOT = "0123456789abcdef"
PROVENANCE = {"git": "9f3c2a1", "catalog": "c0ffee" * 10, "lake": "beef" * 16, "landed": "0.1.0"}


@dataclass(frozen=True)
class Part:
    """A part of a report that is already plain: stands for Estimate, Verdict and Exposure."""

    fields: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return dict(self.fields)


def metric(name: str, value: str = "seconds", **given: Any) -> Metric:
    return Metric(
        name=name,
        label=given.pop("label", name.replace("_", " ").capitalize()),
        description=given.pop("description", f"What {name} counts."),
        kind="simple",
        owner="growth",
        value=value,
        direction=given.pop("direction", "increase_is_good"),
        revisions=(Revision("2026-11-22", "first definition", "growth"),),
        digest="d" * 64,
        **given,
    )


def estimate(name: str, **given: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "metric": name,
        "label": name.replace("_", " ").capitalize(),
        "value": "seconds",
        "direction": "increase_is_good",
        "role": "success",
        "treatment": "checklist",
        "status": "estimated",
        "reason": None,
        "window_days": 7.0,
        "margin": None,
        "mean_control": 115.3864,
        "mean_treatment": 131.3208,
        "n_control": 1579,
        "n_treatment": 1645,
        "n_missing_control": 7,
        "n_missing_treatment": 0,
        "absolute_effect": 15.9345,
        "ci_lower": 10.9413,
        "ci_upper": 20.9276,
        "relative_effect": 0.1381,
        "relative_ci_lower": 0.09,
        "relative_ci_upper": 0.19,
        "p_value": 4.44e-10,
        "bound": 1.96,
        "confidence_level": 0.95,
        "method": "welch",
        "variance_reduction_share": 0.0,
        "conclusion": "better",
        "definition": {"revision": "2026-11-22", "digest": "d" * 64},
    }
    return {**row, **given}


def check(name: str = "sample_ratio", **given: Any) -> CheckResult:
    facts: dict[str, Any] = {
        "check_id": name,
        "suite": "exposures",
        "severity": "critical",
        "passed": True,
        "observed": "p = 0.299 (1,586 and 1,645 units)",
        "expected": "p of at least 0.001",
        "because": "A split that differs from the plan compares different kinds of units.",
        "fix": "See docs/checks/sample_ratio.md.",
    }
    return CheckResult(**{**facts, **given})


def release(**given: Any) -> Release:
    facts: dict[str, Any] = {
        "release": "onboarding-checklist",
        "shipped_at": datetime(2026, 11, 3, 9, tzinfo=UTC),
        "owner": "growth",
        "kind": "experiment",
        "roles": (
            RoleOfMetric("mean_view_seconds", "success", minimum_effect_of_interest=5.0),
            RoleOfMetric("refund_share", "guardrail", non_inferiority_margin=0.005),
            RoleOfMetric("p95_latency_ms", "survival", non_inferiority_margin=40.0),
        ),
        "hypothesis": "A checklist on the first screen helps new users finish setup.",
        "control": "control",
        "treatments": ("checklist",),
        "path": Path("releases/onboarding-checklist.yml"),
    }
    return Release(**{**facts, **given})


def estimates() -> list[dict[str, Any]]:
    return [
        estimate("mean_view_seconds"),
        estimate(
            "refund_share",
            role="guardrail",
            value="share",
            direction="decrease_is_good",
            margin=0.005,
            mean_control=0.0312,
            mean_treatment=0.0321,
            absolute_effect=0.0009,
            ci_lower=-0.0012,
            ci_upper=0.003,
            relative_effect=0.029,
            relative_ci_lower=-0.038,
            relative_ci_upper=0.096,
            p_value=0.4,
            method="two_proportions",
            conclusion="non_inferior",
        ),
        estimate(
            "p95_latency_ms",
            role="survival",
            value="ms",
            direction="decrease_is_good",
            margin=40.0,
            mean_control=412.0,
            mean_treatment=431.2,
            absolute_effect=19.2,
            ci_lower=-6.1,
            ci_upper=44.5,
            relative_effect=0.047,
            relative_ci_lower=-0.015,
            relative_ci_upper=0.109,
            p_value=0.14,
            conclusion="inconclusive",
        ),
        estimate(
            "revenue_per_user",
            role="diagnostic",
            value="usd",
            status="not_estimable",
            reason="no unit of treatment entered; 40 still wait for the end of their window",
            conclusion="not_estimable",
            p_value=None,
            method=None,
            **dict.fromkeys(
                (
                    "mean_control", "mean_treatment", "absolute_effect", "ci_lower", "ci_upper",
                    "relative_effect", "relative_ci_lower", "relative_ci_upper", "bound",
                )
            ),
        ),
    ]  # fmt: skip


def catalog(**labels: str) -> Catalog:
    named = (
        metric("mean_view_seconds", minimum_effect_of_interest=5.0),
        metric("refund_share", "share", direction="decrease_is_good"),
        metric("p95_latency_ms", "ms", direction="decrease_is_good"),
        metric("revenue_per_user", "usd"),
    )
    return Catalog(metrics={item.name: item for item in named}, semantic_models={})


EXPOSURE = Part(
    {
        "unit": "user",
        "counts": {"control": 1586, "checklist": 1645},
        "allocation": {"control": 0.5, "checklist": 0.5},
        "sample_ratio_p_value": 0.299,
        "excluded_units": {"crossover": 3, "bot": 12},
    }
)


@pytest.fixture
def make_report() -> Callable[..., Report]:
    def make(**given: Any) -> Report:
        rows = given.pop("estimates", None) or estimates()
        verdict = given.pop("verdict", None) or {
            "decision": "worked",
            "reason": "Mean view seconds is better, and every guardrail holds",
            "next_action": "expand",
            "by_metric": {row["metric"]: row["conclusion"] for row in rows},
        }
        checks = given.pop("checks", None) or (
            check(),
            check("event_volume", suite="events", passed=True, observed="within 4% of last week"),
            check("late_rows", severity="warning", passed=False, observed="0.4% of rows late",
                  expected="at most 0.1%", because="Late rows may still move the numbers."),
        )  # fmt: skip
        declared = release(exemptions=given.pop("exemptions", ()))
        return build_report(
            declared,
            catalog(),
            given.pop("decision", None) or GateDecision(declared.release, "pass", tuple(checks)),
            given.pop("exposure", EXPOSURE),
            [Part(row) for row in rows],
            Part(verdict),
            snapshot=given.pop("snapshot", SNAPSHOT),
            as_of=given.pop("as_of", AS_OF),
            provenance=PROVENANCE,
            **given,
        )

    return make


@pytest.fixture
def make_notice() -> Callable[..., Report]:
    def make(**given: Any) -> Report:
        checks = given.pop("checks", None) or (
            check(
                passed=False,
                observed="p = 0.0000012 (1,586 and 1,920 units)",
                fix="Find why the checklist arm gets more units, then repair the assignment.",
            ),
            check("event_volume", suite="events"),
        )
        declared = release()
        return build_notice(
            declared,
            given.pop("decision", None) or GateDecision(declared.release, "blocked", tuple(checks)),
            given.pop("exposure", EXPOSURE),
            snapshot=given.pop("snapshot", SNAPSHOT),
            as_of=given.pop("as_of", AS_OF),
            provenance=PROVENANCE,
            **given,
        )

    return make
