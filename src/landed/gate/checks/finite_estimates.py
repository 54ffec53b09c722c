"""No number of the report is infinite or not a number."""

from __future__ import annotations

import dataclasses
import math

from ..expectations import GateError
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if not subject.estimates:
        raise GateError("there is no estimate", expected="one a metric and treatment")
    numbers = {
        f"{estimate.metric}.{field.name} in {estimate.treatment}": getattr(estimate, field.name)
        for estimate in subject.estimates
        for field in dataclasses.fields(estimate)
    } | {
        f"moments of {row['metric']}.{name} in {row['variant']}": value
        for row in subject.moments
        for name, value in row.items()
    }
    floats = {name: value for name, value in numbers.items() if isinstance(value, float)}
    wrong = sorted(name for name, value in floats.items() if not math.isfinite(value))
    return Fact(
        {"non_finite_numbers": len(wrong)},
        f"not finite: {listed(wrong)}" if wrong else f"all {count(len(floats), 'number')} finite",
        "every number of estimates and moments finite",
        details={"non_finite": wrong},
    )


CHECK = Check("results", ("non_finite_numbers",), _find)
