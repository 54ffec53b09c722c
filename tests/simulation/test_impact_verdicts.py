"""How often the whole rule decides wrongly, by simulation of releases with one look.

Seed and repetitions stand in each test; limits are the nominal rate and three standard errors.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np

from landed.catalog import AllocationStage, Catalog, Metric, Release, RoleOfMetric
from landed.impact import conclude, estimate_release

RELEASES = 1500
UNITS = 1000  # in each arm
SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)
RELEASE = Release(
    release="simulated",
    shipped_at=SHIPPED,
    owner="growth",
    kind="experiment",
    roles=(
        RoleOfMetric("activation", "success", minimum_effect_of_interest=0.06),
        RoleOfMetric("seconds", "guardrail", non_inferiority_margin=0.2),
    ),
    control="control",
    treatments=("treatment",),
    allocation=(AllocationStage(SHIPPED, {"control": 0.5, "treatment": 0.5}),),
)
CATALOG = Catalog(
    {
        "activation": Metric(
            "activation", "Activation", "", "ratio", "growth", "share", "increase_is_good"
        ),
        "seconds": Metric(
            "seconds", "Seconds", "", "unit_mean", "growth", "seconds", "increase_is_good"
        ),
    },
    {},
)


def decisions(seed: int, *, activation_effect: float, seconds_effect: float) -> Counter[str]:
    """Decisions of RELEASES releases: activation 20 %, seconds normal with sd 1."""
    rng = np.random.default_rng(seed)
    found: Counter[str] = Counter()
    for _ in range(RELEASES):
        rows: list[dict[str, Any]] = []
        for variant, is_treated in (("control", 0), ("treatment", 1)):
            events = int(rng.binomial(UNITS, 0.2 + activation_effect * is_treated))
            y = rng.normal(10.0 + seconds_effect * is_treated, 1.0, UNITS)
            sums = {"activation": (events, events), "seconds": (float(y.sum()), float(y @ y))}
            for metric, form in (("activation", "proportion"), ("seconds", "unit_mean")):
                sum_y, sum_yy = sums[metric]
                rows.append(
                    {
                        "metric": metric,
                        "variant": variant,
                        "form": form,
                        "n": UNITS,
                        "n_missing": 0,
                        "n_immature": 0,
                        "nonzero": UNITS,
                        "sum_y": sum_y,
                        "sum_yy": sum_yy,
                    }
                )
        found[conclude(RELEASE, estimate_release(RELEASE, CATALOG, rows)).decision] += 1
    return found


def most(nominal: float) -> float:
    return RELEASES * (nominal + 3 * math.sqrt(nominal * (1 - nominal) / RELEASES))


def test_a_release_without_any_effect_rarely_worked_or_harmed() -> None:
    found = decisions(20261105, activation_effect=0.0, seconds_effect=0.0)

    # a minimum effect of 3.4 standard errors takes most false `better` for `equivalent`
    assert found["worked"] <= most(0.025)
    assert found["harmed"] <= most(0.025)
    assert found["no_effect"] >= 0.8 * RELEASES


def test_a_release_at_its_minimum_effect_is_seldom_called_no_effect() -> None:
    found = decisions(20261106, activation_effect=0.06, seconds_effect=0.0)

    assert found["no_effect"] <= most(0.05)
    assert found["worked"] >= 0.85 * RELEASES


def test_a_guardrail_hurt_by_its_margin_seldom_worked() -> None:
    found = decisions(20261107, activation_effect=0.1, seconds_effect=-0.2)

    assert found["worked"] <= most(0.05)
    assert found["harmed"] >= 0.9 * RELEASES  # it is worse, and not shown to be within its margin


def test_a_guardrail_hurt_beyond_its_margin_harmed() -> None:
    found = decisions(20261108, activation_effect=0.1, seconds_effect=-0.4)

    assert found["harmed"] >= 0.95 * RELEASES
    assert found["worked"] == 0
