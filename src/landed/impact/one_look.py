"""An estimate from a comparison that is looked at once, when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..catalog.definitions import Metric
from ..catalog.releases import Release, RoleOfMetric
from ..stats import NotEstimable
from .alpha import Test, tests_of
from .estimate import Estimate
from .judge import Interval, conclude_metric, crossed_at
from .limits import in_unit, limit_of

#: One-sided error rate of each test.
Rates = Mapping[Test, float]


@dataclass(frozen=True, slots=True)
class Ends:
    """An interval of an effect at one error rate.

    Args:
        bound: What it reaches, in standard errors.
        absolute: Its ends. The metric's unit.
        relative: The same as shares of the mean without the change; None where that is not
            defined.
    """

    bound: float
    absolute: Interval
    relative: Interval | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a design that is not randomised found of a metric.

    Args:
        method: Name of the statistic.
        mean_control: Mean that stands for what had been without it. The metric's unit.
        mean_treatment: Mean with it. The metric's unit.
        absolute_effect: The metric's unit.
        relative_effect: Share of the mean without it; None where that is not defined.
        standard_error: Of the absolute effect. The metric's unit; None where the method has none.
        p_value: Two-sided, against no effect. 0 to 1.
        ends: The interval at a one-sided error rate; None where the method has none at it.
    """

    method: str
    mean_control: float | None
    mean_treatment: float | None
    absolute_effect: float
    relative_effect: float | None
    standard_error: float | None
    p_value: float
    ends: Callable[[float], Ends | None]


def estimate_once(
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    found: Comparison,
    rates: Rates,
    *,
    limit: float | None,
    earlier: Sequence[Sequence[str]] = (),
    reason: str | None = None,
) -> Estimate:
    """Hold a comparison against the limits of its role.

    Args:
        release: The release.
        metric: The metric.
        role: The role it plays.
        found: The comparison.
        rates: Error rates of the tests that are taken.
        limit: Its margin or minimum effect as declared; None where none can be held against it.
        earlier: What earlier looks crossed; it stays crossed.
        reason: What of it is not shown, or what an earlier look said.
    """
    tests = [one for one in tests_of(role.role, metric.direction) if one in rates]
    ends = {test: at for test in tests if (at := found.ends(rates[test])) is not None}
    if not ends:
        return without_numbers(
            release,
            metric,
            role,
            NotEstimable("there is no interval at its error rate", True),
            method=found.method,
        )
    _, is_relative = limit_of(role, metric)
    intervals = {test: at.absolute for test, at in ends.items()}
    shares = {test: at.relative for test, at in ends.items() if at.relative is not None}
    crossed = crossed_at(
        role.role, metric.direction, intervals, limit, shares if is_relative else None
    )
    shown = next(iter(ends))
    base = found.mean_control
    absolute_limit = in_unit(limit, is_relative, base)
    holds_margin = role.role in ("guardrail", "survival")
    share = ends[shown].relative
    return Estimate(
        **_known(release, metric, role, found.method),
        status="estimated",
        reason=reason,
        margin=absolute_limit if holds_margin else None,
        minimum_effect=None if holds_margin else absolute_limit,
        mean_control=base,
        mean_treatment=found.mean_treatment,
        absolute_effect=found.absolute_effect,
        ci_lower=ends[shown].absolute[0],
        ci_upper=ends[shown].absolute[1],
        relative_effect=found.relative_effect,
        relative_ci_lower=None if share is None else share[0],
        relative_ci_upper=None if share is None else share[1],
        p_value=found.p_value,
        bound=ends[shown].bound,
        confidence_level=1 - 2 * rates[shown],
        conclusion=conclude_metric(role.role, [*earlier, crossed]),
        standard_error=found.standard_error,
        intervals={
            test: {
                "bound": at.bound,
                "lower": at.absolute[0],
                "upper": at.absolute[1],
                "alpha": rates[test],
            }
            for test, at in ends.items()
        },
    )


def without_numbers(
    release: Release,
    metric: Metric,
    role: RoleOfMetric,
    why: NotEstimable,
    *,
    method: str,
    waits: bool = False,
) -> Estimate:
    """An estimate without an effect: not to be had, or not before its look."""
    status: Literal["not_estimable", "waiting"] = "waiting" if waits else "not_estimable"
    return Estimate(
        **_known(release, metric, role, method),
        status=status,
        reason=why.reason,
        confidence_level=0.95,
        conclusion="inconclusive" if waits else "not_estimable",
        resolves_with_more_units=why.resolves_with_more_units,
    )


def _known(release: Release, metric: Metric, role: RoleOfMetric, method: str) -> dict[str, Any]:
    """What does not depend on the data. No unit is counted: the rows are days or groups."""
    return {
        "metric": metric.name,
        "label": metric.label,
        "value": metric.value,
        "direction": metric.direction,
        "role": role.role,
        "treatment": release.treatments[0],
        "method": method,
        "definition": {"revision": metric.revision, "digest": metric.digest},
        "limit_is_relative": limit_of(role, metric)[1],
    }
