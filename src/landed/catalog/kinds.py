"""What each kind of metric says beyond a measure: spans of time, windows, steps, cohorts.

Frozen values made of a sound entry. A span is written as dbt writes it: `7 days`, `1 month`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SpanUnit = Literal["hour", "day", "week", "us_week", "month", "quarter", "year"]
PeriodAgg = Literal["first", "last", "average"]
Touch = Literal["first", "last", "any"]
StepOrder = Literal["loose", "strict"]

SPAN_UNITS: tuple[SpanUnit, ...] = ("hour", "day", "week", "month", "quarter", "year")
_SPAN = re.compile(r"([1-9][0-9]{0,3}) (hour|day|week|month|quarter|year)s?")


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: `count` calendar units; a `us_week` is a week that begins on Sunday."""

    count: int
    unit: SpanUnit

    @property
    def is_calendar(self) -> bool:
        """Whether its length in days differs from place to place in the calendar."""
        return self.unit in ("month", "quarter", "year")

    @property
    def hours(self) -> int:
        """Its length, where it has one."""
        return self.count * {"hour": 1, "day": 24, "week": 168, "us_week": 168}[self.unit]

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


def parse_span(text: str) -> Span | None:
    """The span of `7 days`; None where the text is none."""
    found = _SPAN.fullmatch(" ".join(text.lower().split()))
    if found is None:
        return None
    unit = next(one for one in SPAN_UNITS if one == found.group(2))
    return Span(int(found.group(1)), unit)


@dataclass(frozen=True, slots=True)
class Cumulative:
    """An aggregate over a stretch of time that ends at each period.

    Args:
        window: Length of the stretch; None where it begins with a period or with time.
        grain_to_date: The period with which the stretch begins; None for none.
        period_agg: Which of a longer period's days stands for it.
    """

    window: Span | None = None
    grain_to_date: SpanUnit | None = None
    period_agg: PeriodAgg = "first"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Base rows that are followed by another row of the same entity.

    Args:
        base: Measure of the rows to convert.
        base_filters: Conditions on them.
        converted: Measure of the rows that convert.
        converted_filters: Conditions on them.
        entity: Whose rows belong together.
        window: A row converts at most so long after its base; None means ever.
        calculation: conversions or conversion_rate.
        constants: Pairs of dimensions that must be equal in the base and the converting row.
        touch: Which base row a conversion counts for: the first, the last or each within reach.
    """

    base: str
    converted: str
    entity: str
    base_filters: tuple[str, ...] = ()
    converted_filters: tuple[str, ...] = ()
    window: Span | None = None
    calculation: Literal["conversions", "conversion_rate"] = "conversion_rate"
    constants: tuple[tuple[str, str], ...] = ()
    touch: Touch = "last"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a funnel: its name, and the rows that are it."""

    name: str
    measure: str
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Funnel:
    """Units that take steps in their order.

    Args:
        steps: Two or more.
        window: All steps within so long of the first; None means ever.
        order: loose lets other rows of the steps come between; strict starts anew at them.
        of: Name of the step whose share of the step `over` is the value.
        over: The step it is a share of; the first one where nothing is said.
    """

    steps: tuple[Step, ...]
    window: Span | None
    order: StepOrder
    of: str
    over: str


@dataclass(frozen=True, slots=True)
class Retention:
    """Units that come back in a later period.

    Args:
        cohort: Rows by which a unit enters.
        returns: Rows by which it comes back.
        period: Length of a period.
        number: The period that is looked at; the entering one is number 0.
        is_rolling: Whether coming back later than that period counts as well.
        is_recurring: Whether a unit enters in every period it has a row in, not the first only.
    """

    cohort: Step
    returns: Step
    period: SpanUnit
    number: int
    is_rolling: bool = False
    is_recurring: bool = False


KindParams = Cumulative | Conversion | Funnel | Retention


def step_named(steps: Sequence[Step], name: str) -> int:
    """Position of a step by its name; -1 where there is none."""
    return next((at for at, step in enumerate(steps) if step.name == name), -1)
