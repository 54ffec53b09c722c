"""No check that fails, raises, hangs, says nothing or vanishes lets a number through."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landed.errors import WarehouseError
from landed.gate import GATE_ERROR, Suite, judging, load_suites
from landed.gate.checks import CHECKS
from landed.gate.facts import Fact
from landed.impact.calendar import Calendar
from landed.report import assess, render_html, render_markdown, render_text

WAYS = (
    "fails", "raises", "raises what no except names", "hangs", "returns None",
    "gives no number", "gives no column", "leaves the registry", "leaves the suites",
    "gets no answer", "gets too many answers",
)  # fmt: skip
HANGS_SECONDS = 1.5  # far longer than the tiny product's gate takes


def is_decisive(check_id: str, suites: Mapping[str, Suite]) -> bool:
    """Whether a failure of the check blocks; others warn."""
    return any(
        each.severity == "critical"
        for suite in suites.values()
        for each in suite.of_check(check_id)
    )


def spoil(
    patch: pytest.MonkeyPatch, check_id: str, way: str
) -> tuple[dict[str, Suite], threading.Event]:
    """Break one check in one way; the suites that the run takes, and what lets a hung one go."""
    suites = dict(load_suites())
    name = next(name for name, suite in suites.items() if suite.of_check(check_id))
    check = CHECKS[check_id]

    def find(*_: Any) -> Any:
        if way == "raises":
            raise WarehouseError("the table is gone")
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
    if way in ("hangs", "raises what no except names"):
        for judged in ("judge_data", "judge_results"):
            impatient = partial(getattr(judging, judged), timeout_seconds=HANGS_SECONDS)
            patch.setattr(assess, judged, impatient)
    return suites, released


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


def assessed(world: Any, suites: Mapping[str, Suite]) -> assess.Assessment:
    """One run of the tiny product's release."""
    at = world.release.decides_at([7, 7])
    return assess.assess_release(
        world.engine,
        world.catalog,
        world.release,
        Calendar(world.release.release, at, at, at),
        suites=suites,
        accounts=world.accounts,
        model_tests=world.model_tests,
        now=world.as_of,
        snapshot="0" * 16,
        provenance={"lake": "0"},
    )


def numbers(document: Mapping[str, Any]) -> set[str]:
    """Effects and bounds of a published report that no count of units could be taken for."""
    keys = ("absolute_effect", "ci_lower", "ci_upper", "p_value")
    values = [one.get(key) for one in document["estimates"] for key in keys]
    return {str(value)[:8] for value in values if isinstance(value, float) and value % 1}


def everything_shown(found: assess.Assessment) -> str:
    """What people and machines are shown of one run."""
    document = found.report.document
    return "\n".join(
        (
            orjson.dumps(document).decode(),
            render_text(document),
            render_html(document),
            render_markdown(document),
        )
    )


def hold_back(world: Any, check_id: str, way: str, kept: set[str]) -> None:
    """Break a check in one way: nothing is published, and the reason is."""
    with pytest.MonkeyPatch.context() as patch:
        suites, release = spoil(patch, check_id, way)
        found = assessed(world, suites)
        release.set()
    shown = everything_shown(found)

    if way == "fails" and not is_decisive(check_id, load_suites()):
        assert check_id in {one.check_id for one in found.decision.warnings}
        return
    assert found.decision.decision == "blocked"
    assert found.verdict is None
    assert not found.estimates
    assert not found.moments
    assert found.report.document["estimates"] == []
    assert not [number for number in kept if number in shown]
    failed = {one.check_id: one.observed for one in found.decision.failed}
    reason = failed[check_id] if way == "fails" else failed[GATE_ERROR]
    assert reason in found.report.document["gate"]["checks"][0]["observed"]


@pytest.fixture
def kept(world: Any) -> set[str]:
    """Numbers that the clean release publishes: none of them may be seen of a blocked one."""
    clean = assessed(world, load_suites())
    found = numbers(clean.report.document)
    assert found
    assert all(number in everything_shown(clean) for number in found)
    return found


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(check_id=st.sampled_from(sorted(CHECKS)), way=st.sampled_from(WAYS))
def test_a_check_broken_in_any_way_publishes_nothing(
    world: Any, kept: set[str], check_id: str, way: str
) -> None:
    hold_back(world, check_id, way, kept)


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("check_id", sorted(CHECKS))
def test_every_check_broken_in_every_way_publishes_nothing(
    world: Any, kept: set[str], check_id: str, way: str
) -> None:
    hold_back(world, check_id, way, kept)


@pytest.mark.parametrize("stage", ["summarise_exposure", "measure_segments", "conclude"])
def test_a_step_that_breaks_between_the_gate_s_two_words_publishes_nothing(
    world: Any, kept: set[str], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise WarehouseError("the disk is full")

    monkeypatch.setattr(assess, stage, broken)

    if stage == "summarise_exposure":  # before anything is known: there is no notice either
        with pytest.raises(WarehouseError, match="disk is full"):
            assessed(world, load_suites())
        return
    found = assessed(world, load_suites())

    assert found.decision.decision == "blocked"
    assert not found.estimates
    assert "the disk is full" in found.decision.failed[0].observed
    assert not [number for number in kept if number in everything_shown(found)]
