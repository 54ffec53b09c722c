"""How a release's error rates are shared out among its metrics and treatments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..catalog import Catalog
from ..catalog.definitions import Direction
from ..catalog.releases import Release, Role
from ..stats.sequential import Spending

Test = Literal["success", "harm", "equivalence", "non_inferiority"]

#: One-sided, per release: of all planned looks, and held back for looks past the plan.
#: Source of the split: docs/reference/verdicts.md.
SUCCESS = (0.024, 0.001)
HARM = (0.045, 0.005)
NON_INFERIORITY = (0.045, 0.005)


@dataclass(frozen=True, slots=True)
class AlphaShare:
    """What one test of one metric in one treatment may err over the release's life.

    Args:
        spending: How it is spread over the planned looks.
        planned: Of the planned looks. One-sided probability.
        reserved: Of all looks past the plan. One-sided probability; 0 where there are none.
    """

    spending: Spending
    planned: float
    reserved: float


def tests_of(role: Role, direction: Direction) -> tuple[Test, ...]:
    """The tests that a metric takes in its role; the first gives the interval that is shown."""
    if role in ("guardrail", "survival"):
        return ("non_inferiority", "harm")
    if direction == "neutral":
        return ("equivalence",) if role == "success" else ("success",)
    return ("success", "harm", "equivalence")


def share_alpha(release: Release, catalog: Catalog) -> Mapping[Test, AlphaShare]:
    """Divide the error rates.

    `worked` needs one success metric, so theirs is divided by their number; harm by the number of
    metrics that could show it; non-inferiority is needed of every guardrail, so it is not divided
    (intersection-union). All are divided by the treatments, each of which could give the verdict.

    Args:
        release: Its roles, treatments and way of looking.
        catalog: Directions of its metrics; one it does not have counts as having one.
    """
    arms = max(len(release.treatments), 1)
    successes = max(len(release.with_role("success")), 1)
    harms = sum(
        1
        for role in release.with_role("success", "guardrail", "survival")
        if role.metric not in catalog.metrics or catalog.metrics[role.metric].direction != "neutral"
    )

    def share(spending: Spending, rates: tuple[float, float], parts: int) -> AlphaShare:
        planned, reserved = (rate / parts for rate in rates)
        if release.looks == "once":  # one look, at the end: nothing to spread, nothing after it
            return AlphaShare(spending, planned + reserved, 0.0)
        return AlphaShare(spending, planned, reserved)

    limits = share("obrien_fleming", NON_INFERIORITY, arms)
    return {
        "success": share("obrien_fleming", SUCCESS, successes * arms),
        "harm": share("pocock", HARM, max(harms, 1) * arms),
        "equivalence": limits,
        "non_inferiority": limits,
    }
