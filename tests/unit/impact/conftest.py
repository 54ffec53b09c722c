"""Smallest releases, metrics, rows and estimates; a test overrides what its point is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from landed.catalog import (
    AllocationStage,
    Catalog,
    Metric,
    Release,
    Revision,
    RoleOfMetric,
    load_catalog,
)
from landed.impact import Estimate, alpha, conclude_metric, crossed_at
from landed.impact.looks import TakenLook
from landed.project import Project

SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)


def make_release(*roles: RoleOfMetric, **changes: Any) -> Release:
    facts: dict[str, Any] = {
        "release": "onboarding-checklist",
        "shipped_at": SHIPPED,
        "owner": "growth",
        "kind": "experiment",
        "roles": roles or (RoleOfMetric("activation_rate", "success"),),
        "control": "control",
        "treatments": ("checklist",),
        "allocation": (AllocationStage(SHIPPED, {"control": 0.5, "checklist": 0.5}),),
        "exposure_ends_at": datetime(2026, 12, 1, tzinfo=UTC),
    }
    return Release(**{**facts, **changes})


def make_metric(name: str = "activation_rate", **changes: Any) -> Metric:
    facts: dict[str, Any] = {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "description": "Share of exposed users who finish setup.",
        "kind": "ratio",
        "owner": "growth",
        "value": "share",
        "direction": "increase_is_good",
        "revisions": (Revision("2026-11-01", "first definition", "growth"),),
        "digest": "d" * 64,
    }
    return Metric(**{**facts, **changes})


def make_catalog(*metrics: Metric) -> Catalog:
    return Catalog({metric.name: metric for metric in metrics}, {})


def make_row(metric: str, variant: str, form: str = "proportion", **sums: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "metric": metric,
        "variant": variant,
        "form": form,
        "n": 1000,
        "n_missing": 0,
        "n_immature": 0,
        "nonzero": 200,
        "sum_y": 200,
        "sum_yy": 200,
        "sum_d": None,
        "sum_dd": None,
        "sum_yd": None,
    }
    return {**facts, **sums}


def make_estimate(
    metric: str, role: Any, ci_lower: float | None, ci_upper: float | None, **changes: Any
) -> Estimate:
    """An estimate whose conclusion follows from its interval, as `estimate_release` does it."""
    limit = changes.pop("limit", None)
    direction = changes.get("direction", "increase_is_good")
    is_estimated = ci_lower is not None and ci_upper is not None
    crossed = (
        crossed_at(
            role,
            direction,
            dict.fromkeys(alpha.tests_of(role, direction), (ci_lower, ci_upper)),
            limit,
        )
        if ci_lower is not None and ci_upper is not None
        else ()
    )
    facts: dict[str, Any] = {
        "metric": metric,
        "label": metric,
        "value": "seconds",
        "direction": direction,
        "role": role,
        "treatment": "checklist",
        "status": "estimated" if is_estimated else "not_estimable",
        "reason": None if is_estimated else "control has 1 unit, at least 2 are needed",
        "window_days": None,
        "margin": limit if role in ("guardrail", "survival") else None,
        "mean_control": 10.0,
        "mean_treatment": None,
        "n_control": 500,
        "n_treatment": 500,
        "n_missing_control": 0,
        "n_missing_treatment": 0,
        "absolute_effect": (ci_lower + ci_upper) / 2 if is_estimated else None,
        "ci_lower": ci_lower,
        "ci_upper": ci_upper,
        "relative_effect": None,
        "relative_ci_lower": None,
        "relative_ci_upper": None,
        "p_value": 0.5 if is_estimated else None,
        "bound": 1.96 if is_estimated else None,
        "confidence_level": 0.95,
        "method": "welch",
        "variance_reduction_share": 0.0,
        "conclusion": conclude_metric(role, [crossed]) if is_estimated else "not_estimable",
        "standard_error": (ci_upper - ci_lower) / 2 / 1.96 if is_estimated else None,
        "look": make_look(crossed) if is_estimated else None,
        "definition": {"revision": "2026-11-01", "digest": "d" * 64},
        "minimum_effect": None if role in ("guardrail", "survival") else limit,
    }
    return Estimate(**{**facts, **changes})


def make_look(crossed: tuple[str, ...] = (), **changes: Any) -> TakenLook:
    facts: dict[str, Any] = {
        "number": 1,
        "cutoff_at": SHIPPED,
        "fraction": 1.0,
        "information": 250.0,
        "n_control": 500,
        "n_treatment": 500,
        "effect": 1.0,
        "standard_error": 1.0,
        "tests": {},
        "crossed": crossed,
        "definition": "d" * 64,
    }
    return TakenLook(**{**facts, **changes})


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The core's own definitions, in a project that adds none."""
    return load_catalog(Project(tmp_path_factory.mktemp("empty"), "empty"))


@pytest.fixture(scope="session")
def release() -> Callable[..., Release]:
    return make_release


@pytest.fixture(scope="session")
def metric() -> Callable[..., Metric]:
    return make_metric


@pytest.fixture(scope="session")
def catalog() -> Callable[..., Catalog]:
    return make_catalog


@pytest.fixture(scope="session")
def row() -> Callable[..., dict[str, Any]]:
    return make_row


@pytest.fixture(scope="session")
def estimate() -> Callable[..., Estimate]:
    return make_estimate


def sum_up(
    form: str, values: dict[str, Any], has_x: Any = None, shift: float = 3.0, **keys: Any
) -> dict[str, Any]:
    """The columns of the moments' query, by plain sums over units."""
    n = len(values["y"])
    seen = np.ones(n, bool) if has_x is None else has_x
    found: dict[str, Any] = {
        **keys,
        "form": form,
        "n": n,
        "n_missing": 0,
        "n_immature": 0,
        "n_x": int(seen.sum()),
    }
    found["nonzero_x"] = int((values.get("x", np.zeros(n))[seen] != 0).sum())
    near = {one: values[one] - shift for one in "ydxw" if one in values}
    for one in "ydxw":
        kept = seen if one in "xw" else np.ones(n, bool)
        found[f"shift_{one}"] = shift if one in values else None
        found[f"sum_{one}"] = values[one][kept].sum() if one in values else None
    found["sum_y_with_x"] = values["y"][seen].sum()
    for letters in ("yy", "dd", "yd", "xx", "ww", "xw", "xy", "xd", "wy", "wd",
                    "yyy", "yyd", "ydd", "ddd", "xxx", "xxw", "xww", "www"):  # fmt: skip
        kept = seen if set(letters) & set("xw") else np.ones(n, bool)
        there = set(letters) <= set(values)
        product = np.prod([near[one][kept] for one in letters], axis=0).sum() if there else None
        found[f"sum_{letters}"] = product
    return found


@pytest.fixture
def row_of() -> Callable[..., dict[str, Any]]:
    """A row of moments from the values of units, by letter."""
    return sum_up
