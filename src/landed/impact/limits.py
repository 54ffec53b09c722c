"""The limit that a metric is held against in its role."""

from __future__ import annotations

from ..catalog.definitions import Metric
from ..catalog.releases import RoleOfMetric


def limit_of(role: RoleOfMetric, metric: Metric) -> tuple[float | None, bool]:
    """Margin of a guardrail or survival metric, else minimum effect; the release's word first.

    Returns:
        The limit as it was declared, None where none is; and whether it is a share of the mean.
    """
    if role.role in ("guardrail", "survival"):
        declared, own = role.non_inferiority_margin, metric.non_inferiority_margin
    else:
        declared, own = role.minimum_effect_of_interest, metric.minimum_effect_of_interest
    return (own, False) if declared is None else (declared, role.relative)


def in_unit(limit: float | None, is_relative: bool, mean: float | None) -> float | None:
    """The limit in the metric's unit; None for a share of a mean that is not known, or zero."""
    if limit is None or not is_relative:
        return limit
    return limit * abs(mean) if mean else None
