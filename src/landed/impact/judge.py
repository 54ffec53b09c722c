"""What one interval says about one metric, by the role the metric plays."""

from __future__ import annotations

from typing import Literal

from ..catalog.definitions import Direction
from ..catalog.releases import Role

Conclusion = Literal[
    "better",
    "worse",
    "equivalent",
    "non_inferior",
    "inferior",
    "inconclusive",
    "not_estimable",
]
Interval = tuple[float, float]


def good_is_positive(interval: Interval, direction: Direction) -> Interval:
    """The interval, mirrored where a decrease is good, so that more is better."""
    lower, upper = interval
    return (-upper, -lower) if direction == "decrease_is_good" else (lower, upper)


def judge_interval(
    role: Role,
    direction: Direction,
    interval: Interval,
    limit: float | None,
    limit_interval: Interval | None = None,
) -> Conclusion:
    """Say what an interval of an effect means for a metric in its role.

    Args:
        role: success and diagnostic are judged against zero and the minimum effect; guardrail and
            survival against the margin only.
        direction: Which way is good. A neutral metric has no good side: it can be equivalent or
            not (success), within the margin on both sides or beyond it (guardrail).
        interval: Ends of the absolute effect, treatment minus control. The metric's unit.
        limit: Minimum effect of interest (success, diagnostic) or non-inferiority margin
            (guardrail, survival), > 0; None where none is declared.
        limit_interval: The interval to hold against the limit where that is not `interval`: the
            relative one for a relative limit. In the limit's unit.

    Returns:
        The conclusion. An interval wholly on the bad side is `worse` even inside the minimum
        effect; one wholly on the good side but inside it is `equivalent`: real, but smaller than
        matters. Ends that touch zero or a limit decide nothing.
    """
    lower, upper = good_is_positive(interval, direction)
    against = good_is_positive(limit_interval or interval, direction)
    inside = limit is not None and -limit < against[0] and against[1] < limit
    if role in ("guardrail", "survival"):
        if limit is None:
            return "inconclusive"
        if inside or (direction != "neutral" and against[0] > -limit):
            return "non_inferior"
        if against[1] < -limit or (direction == "neutral" and against[0] > limit):
            return "inferior"
        return "inconclusive"
    if direction == "neutral":
        return "equivalent" if inside else "inconclusive"
    if upper < 0:
        return "worse"
    if inside:
        return "equivalent"
    return "better" if lower > 0 else "inconclusive"
