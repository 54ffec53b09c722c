"""Every fault that is planted is refused, and no report of one says other than its clean twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gate.faults.case import open_case, outcome_of, plainly_judged
from gate.faults.kinds import Kind
from gate.faults.product import SMALL
from gate.faults.runs import AWAITED, KINDS, NOT_CAUGHT, Run, awaits, run

from landed.gate.checks import CHECKS

#: Of the draw in the normal run; `make calibrate` draws 25 of each kind.
SEED = 20_261_128


def of_size(*, small: bool) -> list[Any]:
    """Kinds to judge; one that is known not to be caught has to stay so, or leave the list."""
    return [
        pytest.param(
            kind,
            id=kind.name,
            marks=[pytest.mark.xfail(strict=True, reason=NOT_CAUGHT[kind.name])]
            if kind.name in NOT_CAUGHT
            else [],
        )
        for kind in KINDS
        if not awaits(kind) and (kind.people == SMALL) == small
    ]


@pytest.fixture(scope="module", autouse=True)
def plain() -> Iterator[None]:
    with plainly_judged():
        yield


def test_forty_kinds_of_faults_are_planted() -> None:
    names = [kind.name for kind in KINDS]

    assert len(names) >= 40
    assert len(set(names)) == len(names)


def test_no_kind_waits_for_a_check_that_is_built() -> None:
    assert not AWAITED & CHECKS.keys()


def test_every_kind_expects_a_check_that_is_there_or_awaited() -> None:
    expected = {check for kind in KINDS for check in kind.expected}

    assert expected <= {*CHECKS, *AWAITED, "gate_error", "exemption_expired"}


@pytest.mark.parametrize("kind", of_size(small=True))
def test_a_fault_is_caught(kind: Kind) -> None:
    _hold(run(kind, SEED))


@pytest.mark.full
@pytest.mark.parametrize("kind", of_size(small=False))
def test_a_fault_of_a_large_release_is_caught(kind: Kind) -> None:
    _hold(run(kind, SEED))


def _hold(found: Run) -> None:
    assert found.clean.is_published, found.clean.blocked_by
    assert not found.is_escape, str(found)
    assert found.is_caught, str(found)


def test_the_plain_judge_answers_as_great_expectations_does() -> None:
    with open_case(SMALL, SEED) as case:
        case.accounts[0].quarantined = round(case.accounts[0].rows_in * 0.02)
        case.accounts[0].accepted -= case.accounts[0].quarantined
        case.build()
        plainly = outcome_of(case.assess())
        with pytest.MonkeyPatch.context() as patch:
            from landed.gate import expectations, judging

            patch.setattr(judging, "judge_of_process", expectations.Judge)
            truly = outcome_of(case.assess())

    assert plainly == truly
    assert "quarantine_rate" in plainly.warned_by
