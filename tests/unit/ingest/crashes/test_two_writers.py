"""Ingests at once: one works, the others are told who does, and the result is one ingest's."""

from __future__ import annotations

from pathlib import Path

import small_world
from nursery import Nursery
from small_world import Waiting


def test_of_ingests_at_once_one_works_and_the_others_are_told_who(
    waiting: Waiting, nursery: Nursery, tmp_path: Path
) -> None:
    told = 0
    for _ in range(3):
        world = waiting.world.copy(tmp_path / "home")
        ends = nursery.ingest_together(world.project.root, world.home.root, children=3)
        at_work = {end.pid for end in ends if end.how == "whole"}
        assert at_work
        for end in ends:
            if end.how != "whole":
                assert end.how == "refused", end.text
                assert end.text.startswith("HomeBusyError: another process works here: pid ")
                assert any(f"pid {pid}: nursery.py" in end.text for pid in at_work)
                told += 1
        assert small_world.state(world.home) == waiting.expected
        assert small_world.left_over(world.home) == []
    assert told, "no two of them ever met"
