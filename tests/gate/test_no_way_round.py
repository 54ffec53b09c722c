"""No check that fails, raises, hangs, says nothing or vanishes lets a number through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spoiling import REASONS, WAYS, is_blocked, spoil

from landed.catalog.releases import Exemption
from landed.errors import WarehouseError
from landed.gate import EXEMPTION_EXPIRED, GATE_ERROR, Suite, load_suites
from landed.gate.checks import CHECKS
from landed.impact.calendar import Calendar
from landed.report import assess, render_html, render_markdown, render_text


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


def asks_nothing(suites: Mapping[str, Suite], check_id: str, skipped: Mapping[str, str]) -> bool:
    """Whether no check of its suite applies to the tiny product, each with its reason."""
    suite = next(one for one in suites.values() if one.of_check(check_id))
    return all(skipped.get(one) for one in suite.check_ids)


def hold_back(world: Any, check_id: str, way: str, kept: set[str]) -> None:
    """Break a check in one way: nothing is published, and the reason is."""
    with pytest.MonkeyPatch.context() as patch:
        suites, release = spoil(patch, check_id, way)
        found = assessed(world, suites)
        release.set()
    shown = everything_shown(found)

    if way.startswith("gets") and asks_nothing(suites, check_id, found.decision.skipped):
        return  # there is no answer to lose
    if not is_blocked(check_id, way):
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
    assert REASONS[way] in reason
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


@pytest.mark.parametrize("way", ["raises", "hangs", "gives no number", "leaves the registry"])
def test_an_exemption_covers_what_a_check_finds_not_that_it_was_not_made(
    world: Any, kept: set[str], way: str
) -> None:
    until = world.as_of + timedelta(days=1)
    exempted = tuple(
        Exemption(check_id, "a known gap", "growth", until)
        for check_id in ("sample_ratio", GATE_ERROR, EXEMPTION_EXPIRED)
    )

    hold_back(replace(world, release=replace(world.release, exemptions=exempted)),
              "sample_ratio", way, kept)  # fmt: skip


@pytest.mark.parametrize("stage", ["summarise_exposure", "measure_segments", "conclude"])
def test_a_step_that_breaks_beside_the_gate_publishes_nothing_and_says_why(
    world: Any, kept: set[str], stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise WarehouseError("the disk is full")

    monkeypatch.setattr(assess, stage, broken)

    found = assessed(world, load_suites())

    assert found.decision.decision == "blocked"
    assert not found.estimates
    assert "the disk is full" in found.decision.failed[0].observed
    assert not [number for number in kept if number in everything_shown(found)]
