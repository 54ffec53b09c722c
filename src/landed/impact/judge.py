"""What the intervals of a look say about one metric, by the role the metric plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ..catalog.definitions import Direction
from ..catalog.releases import Role
from .alpha import Test

Conclusion = Literal[
    "better",
    "worse",
    "equivalent",
    "non_inferior",
    "inconclusive",
    "not_estimable",
]
Interval = tuple[float, float]


def good_is_positive(interval: Interval, direction: Direction) -> Interval:
    """The interval, mirrored where a decrease is good, so that more is better."""
    lower, upper = interval
    return (-upper, -lower) if direction == "decrease_is_good" else (lower, upper)


def crossed_at(
    role: Role,
    direction: Direction,
    intervals: Mapping[Test, Interval],
    limit: float | None,
    limit_intervals: Mapping[Test, Interval] | None = None,
) -> tuple[Conclusion, ...]:
    """Say which lines one look crossed.

    Args:
        role: success and diagnostic are held against zero and the minimum effect; guardrail and
            survival against the margin, and against zero for harm.
        direction: Which way is good. A neutral metric has no good side: it can be equivalent or
            not (success), within the margin on both sides or beyond it (guardrail).
        intervals: Ends of the absolute effect, treatment minus control, at the bound of each test
            that was taken. The metric's unit.
        limit: Minimum effect of interest (success, diagnostic) or non-inferiority margin
            (guardrail, survival), > 0; None where none is declared.
        limit_intervals: Intervals to hold against the limit where those are not `intervals`: the
            relative ones for a relative limit. In the limit's unit; one that is not there cannot
            be held against it.

    Returns:
        better, worse, equivalent, non_inferior, or none of them. An interval wholly on the good
        side but inside the minimum effect is `equivalent` and not `better`: real, but smaller than
        matters. Ends that touch zero or a limit cross nothing.
    """
    good = {test: good_is_positive(ends, direction) for test, ends in intervals.items()}
    held = {
        test: good_is_positive(ends, direction)
        for test, ends in (intervals if limit_intervals is None else limit_intervals).items()
    }
    found: list[Conclusion] = []
    if _is_worse(role, direction, good, held, limit):
        found.append("worse")
    if role in ("guardrail", "survival"):
        if _is_within(direction, held.get("non_inferiority"), limit):
            found.append("non_inferior")
        return tuple(found)
    equivalence = held.get("equivalence")
    is_small = limit is not None and equivalence is not None and equivalence[1] < limit
    success = good.get("success")
    if success is not None and direction != "neutral" and success[0] > 0 and not is_small:
        found.append("better")
    if limit is not None and is_small and equivalence is not None and equivalence[0] > -limit:
        found.append("equivalent")
    return tuple(found)


def conclude_metric(role: Role, looks: Sequence[Sequence[str]]) -> Conclusion:
    """What all looks at a metric say together: what was crossed stays crossed.

    Args:
        role: The metric's role.
        looks: What each look crossed, in order; the last is the one of now.

    Returns:
        Of a guardrail whichever came first, non_inferior or worse (non_inferior of one look);
        of the others worse, else better, else what the last look alone says.
    """
    if role in ("guardrail", "survival"):
        for crossed in looks:
            if "non_inferior" in crossed:
                return "non_inferior"
            if "worse" in crossed:
                return "worse"
        return "inconclusive"
    ever = {line for crossed in looks for line in crossed}
    if "worse" in ever:
        return "worse"
    if "better" in ever:
        return "better"
    return "equivalent" if looks and "equivalent" in looks[-1] else "inconclusive"


def _is_worse(
    role: Role,
    direction: Direction,
    good: Mapping[Test, Interval],
    held: Mapping[Test, Interval],
    limit: float | None,
) -> bool:
    if direction != "neutral":
        return "harm" in good and good["harm"][1] < 0
    # without a bad side only a guardrail can be broken: by leaving its margin on either side
    if role not in ("guardrail", "survival") or limit is None or "harm" not in held:
        return False
    lower, upper = held["harm"]
    return upper < -limit or lower > limit


def _is_within(direction: Direction, interval: Interval | None, margin: float | None) -> bool:
    if interval is None or margin is None:
        return False
    return interval[0] > -margin and (direction != "neutral" or interval[1] < margin)
