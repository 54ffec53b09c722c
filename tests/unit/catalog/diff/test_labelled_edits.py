"""Small edits of a project, each with the class that people give it."""

from __future__ import annotations

from pathlib import Path

import pytest
from edited import edited
from labelled import COMPATIBLE, HARMLESS, Edit
from labelled_breaking import BREAKING

from landed.catalog.diff import Version


def _named(edits: tuple[Edit, ...]) -> list[object]:
    return [pytest.param(one, id=one.name) for one in edits]


@pytest.mark.parametrize("edit", _named(HARMLESS))
def test_what_changes_no_number_and_no_name_is_harmless(
    base: Version, tmp_path: Path, edit: Edit
) -> None:
    found = edited(base, tmp_path, *edit.edits)

    assert found.severity == "harmless", found.changes
    assert {one.rule for one in found.changes} == ({edit.rule} if edit.rule else set())
    assert found.unanswered == ()


@pytest.mark.parametrize("edit", _named(COMPATIBLE))
def test_what_is_only_more_than_before_is_compatible(
    base: Version, tmp_path: Path, edit: Edit
) -> None:
    found = edited(base, tmp_path, *edit.edits)

    assert found.severity == "compatible", found.changes
    assert edit.rule in {one.rule for one in found.changes}
    assert found.unanswered == ()


@pytest.mark.parametrize("edit", _named(BREAKING))
def test_another_number_or_a_lost_name_is_breaking(
    base: Version, tmp_path: Path, edit: Edit
) -> None:
    found = edited(base, tmp_path, *edit.edits)

    assert found.severity == "breaking", found.changes
    assert edit.rule in {one.rule for one in found.changes}
    assert found.unanswered


def test_there_are_twenty_edits_of_each_class() -> None:
    assert min(len(HARMLESS), len(COMPATIBLE), len(BREAKING)) >= 20
    assert len({one.name for one in (*HARMLESS, *COMPATIBLE, *BREAKING)}) == len(
        (*HARMLESS, *COMPATIBLE, *BREAKING)
    )
