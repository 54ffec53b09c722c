from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kinds.compare import GRAINS, Score, compare, first_of
from kinds.definitions import as_yaml, leading
from kinds.generate import Drawing
from kinds.marts import FACTS, MEASURES, VALUES, make_engine, make_rows
from kinds.oracle import Oracle, Query

from joins.worlds import SHADES, World, draw
from landed.catalog import load_catalog
from landed.project import Project

SEED = 20260516


class JoinedDrawing(Drawing):
    """Definitions and questions whose dimensions are mostly those of joined models."""

    def __init__(self, seed: int, world: World) -> None:
        super().__init__(seed)
        self.names = {fact: world.names(fact) for fact in FACTS}
        joined = {name for found in self.names.values() for name in found}
        values: dict[str, list[Any]] = {
            name: SHADES if name.endswith("shade") else ["x", "y", "z"] for name in joined
        }
        self.values = VALUES | values

    def known(self, facts: set[str]) -> list[str]:
        own = super().known(facts)
        joined = sorted(set.intersection(*(set(self.names[fact]) for fact in facts)))
        return [*joined, *own] if joined else own

    def query(self, metrics: Sequence[str], grains: Sequence[str], first: date) -> Query:
        """A question that groups by a joined dimension at least."""
        asked = super().query(metrics, grains, first)
        facts = {fact for name in metrics for fact in leading(self.metrics, name)}
        joined = [name for name in self.known(facts) if name not in VALUES]
        more = self.chance.sample(joined, min(len(joined), self.chance.choice([1, 1, 2])))
        return replace(asked, group_by=tuple(dict.fromkeys((*asked.group_by[:1], *more))))


def run(root: Path, seed: int, *, worlds: int, definitions: int, data_sets: int) -> Score:
    """Draw models, definitions, data and questions; compare every value of every answer."""
    score = Score(worlds * definitions, worlds * data_sets)
    for number in range(worlds):
        chance = random.Random(seed * 100 + number)  # noqa: S311
        world = draw(chance)
        drawing = JoinedDrawing(seed * 100 + number, world)
        targets = drawing.draw(definitions)
        project = root / f"w{number}"
        for folder, text in (("models", world.as_yaml()), ("metrics", as_yaml(drawing.metrics))):
            (project / folder).mkdir(parents=True)
            (project / folder / "all.yml").write_text(text, encoding="utf-8")
        catalog = load_catalog(Project(project, "joins"), core=project / "no_core")
        for data in range(data_sets):
            rows, units = make_rows(chance)
            world.fill(chance, rows)
            joined = {
                name: partial(world.value, name)
                for names in drawing.names.values()
                for name in names
            }
            oracle = Oracle(FACTS, MEASURES, drawing.metrics, rows, units, joined=joined)
            engine = make_engine(rows, units)
            world.store(engine)
            for target in targets:
                query = drawing.query((target,), GRAINS, first_of(rows))
                wrong = compare(catalog, engine, oracle, query, score)
                if wrong:
                    score.wrong.append(
                        f"seed {seed}, world {number}, data {data}, {query}\n  {wrong}"
                    )
            engine.close()
    return score


def test_a_draw_of_joined_definitions_agrees_with_looking_up_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score = run(tmp_path, SEED, worlds=4, definitions=8, data_sets=2)

    with capsys.disabled():
        print(f"\njoins, seed {SEED}: {score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert score.values > 300


@pytest.mark.full
@pytest.mark.parametrize("seed", range(6))
def test_definitions_over_joined_models_agree_with_looking_up_by_hand(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    score = run(tmp_path, seed, worlds=8, definitions=8, data_sets=3)

    with capsys.disabled():
        print(f"\njoins, seed {seed}: {score}")
    assert not score.wrong, "\n".join(score.wrong)
