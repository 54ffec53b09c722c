"""Clean releases pass at every look, and looks share only what no later event changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from gate.faults.case import plainly_judged
from gate.faults.clean import Look, look_alone, looks
from gate.faults.product import SMALL

SEED = 20_261_128
#: `make calibrate` judges all 28.
NUMBERS = (1, 2, 4, 8, 19, 28)


@pytest.fixture(scope="module")
def judged() -> Iterator[dict[int, Look]]:
    with plainly_judged():
        yield {look.number: look for look in looks(SMALL, SEED, NUMBERS)}


def test_a_clean_release_is_published_at_its_looks(judged: dict[int, Look]) -> None:
    blocked = {number: look.found.blocked_by for number, look in judged.items()}

    assert sorted(judged) == list(NUMBERS)
    assert {number: by for number, by in blocked.items() if by} == {}


@pytest.mark.parametrize("number", [4, 19])
def test_a_look_that_shares_its_passes_finds_what_a_whole_build_finds(
    judged: dict[int, Look], number: int
) -> None:
    with plainly_judged():
        alone = look_alone(SMALL, SEED, number)

    found = judged[number].found
    # only a release that was looked at before has a first look to compare definitions with
    checks = {name: seen for name, seen in found.checks.items() if name != "definition_drift"}
    assert replace(found, checks=checks) == alone
