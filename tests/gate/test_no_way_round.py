"""No check that fails, raises, hangs, says nothing or vanishes lets a number through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landed.gate import Suite, judging, load_suites
from landed.gate.checks import CHECKS
from landed.gate.facts import Fact
from landed.impact.calendar import Calendar
from landed.report import assess, render

WAYS = (
    "fails", "raises", "raises what no except names", "hangs", "returns None",
    "gives no number", "gives no column", "leaves the registry", "leaves the suites",
    "gets no answer", "gets too many answers",
)  # fmt: skip
HANGS_SECONDS = 1.5


def is_decisive(check_id: str, suites: Mapping[str, Suite]) -> bool:
    """Whether a failure of the check blocks; others warn."""
    return any(
        each.severity == "critical" for suite in suites.values() for each in suite.of_check(check_id)
    )


def spoil(patch: pytest.MonkeyPatch, check_id: str, way: str) -> dict[str, Suite]:
    """Break one check in one way; the suites that the run takes."""
    suites = dict(load_suites())
    name = next(name for name, suite in suites.items() if suite.of_check(check_id))
    check = CHECKS[check_id]

    def find(*_: Any) -> Any:
        if way == "raises":
            raise ValueError("the table is gone")
        if way == "raises what no except names":
            raise SystemExit(0)
        if way == "hangs":
            released.wait(10 * HANGS_SECONDS)
        if way == "gives no number":
            return Fact(dict.fromkeys(check.columns, float("nan")), "nothing", "something")
        if way == "gives no column":
            return Fact({}, "nothing", "something")
        return _failing(check.columns, suites[name], check_id) if way == "fails" else None

    released = threading.Event()
    changed = dict(CHECKS)
    if way == "leaves the registry":
        del changed[check_id]
    elif way == "leaves the suites":
        left = tuple(each for each in suites[name].expectations if each.check_id != check_id)
        suites[name] = replace(suites[name], expectations=left)
    elif way.startswith("gets"):
        patch.setattr(judging, "judge_of_process", lambda: _Judge(name, way))
    else:
        changed[check_id] = replace(check, find=find)
    patch.setattr(judging, "CHECKS", changed)
    if way == "hangs":
        patch.setattr(assess, "judge_data", partial(judging.judge_data, timeout_seconds=HANGS_SECONDS))
        patch.setattr(
            assess, "judge_results", partial(judging.judge_results, timeout_seconds=HANGS_SECONDS)
        )
    return suites


def _failing(columns: tuple[str, ...], suite: Suite, check_id: str) -> Fact:
    """A finding outside the limits of every expectation of the check."""
    values: dict[str, float] = dict.fromkeys(columns, 0.0)
    for each in suite.of_check(check_id):
        high, low = each.kwargs.get("max_value"), each.kwargs.get("min_value")
        values[each.kwargs["column"]] = low - 1 if high is None else high + 1
    return Fact(values, "spoiled on purpose", "no spoiling")


class _Judge:
    """Answers as Great Expectations does, but for one suite too few or too many."""

    def __init__(self, suite: str, way: str) -> None:
        self.suite, self.is_short = suite, way == "gets no answer"
        self.judge = judging.judge_of_process()

    def answers(self, suite: str, frame: Any, expectations: Any) -> Any:
        found = self.judge.answers(suite, frame, expectations)
        if suite == self.suite:
            return found[1:] if self.is_short else [*found, *found[:1]]
        return found


@pytest.fixture
def assessed(world: Any, calendar: Calendar) -> Iterator[Callable[..., Any]]:
    def run(suites: Mapping[str, Suite]) -> Any:
        return world.assess(calendar, suites=suites)

    yield run


def _numbers(document: Mapping[str, Any]) -> set[str]:
    """Digits of every estimate that a published report shows."""
    keys = ("absolute_effect", "ci_lower", "ci_upper", "p_value", "mean_control", "mean_treatment")
    values = [one.get(key) for one in document["estimates"] for key in keys]
    return {f"{value:.6g}" for value in values if isinstance(value, float) and value % 1}
