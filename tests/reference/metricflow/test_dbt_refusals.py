"""`landed check` refuses what `dbt parse` refuses, before a run fails at it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from peer.edges import texts_of
from peer.edges_more import C
from peer.project import parsed, write_dbt_project

from landed.errors import Fault
from landed.project import Project
from landed.serve.queries import checked_catalog

#: Refused here, though dbt takes it: the grammar of templates is narrower.
NARROWER = {
    "filter td usweek",
    "filter dim grain method",
    "filter dim upper grain",
    "sq usweek",
    "sq grain upper",
}


def is_refused(root: Path, models: str, metrics: str) -> list[str]:
    for folder, text in (("models", models), ("metrics", metrics)):
        (root / folder).mkdir(parents=True)
        (root / folder / "all.yml").write_text(text, encoding="utf-8")
    faults: list[Fault] = []
    checked_catalog(Project(root, "edges"), faults, core=root / "no_core")
    return [str(one) for one in faults]


def agree(tmp_path: Path, names: list[str]) -> None:
    for index, name in enumerate(names):
        models, metrics = texts_of(name)
        ours = is_refused(tmp_path / f"landed{index}", models, metrics)
        root = write_dbt_project(tmp_path / f"dbt{index}", metrics, models)
        try:
            parsed(root)
        except AssertionError:
            assert ours, f"{name}: dbt refuses it, landed does not"
        else:
            assert not ours, f"{name}: dbt takes it, landed says {ours}"


def test_check_and_dbt_agree_on_drawn_definitions_at_the_edge(tmp_path: Path) -> None:
    agree(tmp_path, random.Random(20261128).sample(sorted(set(C) - NARROWER), 3))  # noqa: S311


@pytest.mark.full
def test_check_and_dbt_agree_on_every_definition_at_the_edge(tmp_path: Path) -> None:
    agree(tmp_path, sorted(set(C) - NARROWER))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("metric name one letter", "the name `a` of a metric has one letter"),
        ("ratio version+plain", "the measure `event_count` stands below it in 2 versions"),
        ("conv const __", "Fix: write event_name."),
        ("alias twice", "the alias `zz` is met below"),
        ("fill half", "write an integer"),
        ("exposure unknown metric", "which dbt does not know"),
        ("sq order bare", "is no order to dbt"),
    ],
)
def test_what_dbt_refuses_is_told_with_its_fix_and_its_line(
    tmp_path: Path, name: str, what: str
) -> None:
    (fault,) = is_refused(tmp_path, *texts_of(name))

    assert what in fault
    assert "all.yml:" in fault
