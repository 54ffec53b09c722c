"""A killed ingest loses nothing, doubles nothing, and shows nothing half."""

from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path

import pytest
import small_world
from nursery import Nursery
from small_world import SmallWorld, Waiting

from landed.ingest import Ledger

SEED = 20261122


def _moment(world: SmallWorld, before: int, batches: int, unlisted: set[str]) -> str:
    """Where a kill struck, by what it left on the disk."""
    committed = Ledger(world.home).last_sequence() - before
    left = set(small_world.left_over(world.home)) - unlisted
    if any("/.tmp/" in name for name in left):
        return "while a file was written"
    if left:
        return "between renaming and commit"
    if committed == batches:
        return "after the last commit"
    return "between two commits" if committed else "before the first file"


@pytest.mark.parametrize("kills", [50, pytest.param(1_000, marks=pytest.mark.full)])
def test_an_ingest_killed_at_random_instants_ends_like_one_that_never_was(
    kills: int, waiting: Waiting, nursery: Nursery, tmp_path: Path
) -> None:
    draw = random.Random(SEED)  # noqa: S311 - instants, not secrets
    project, template = waiting.world.project.root, waiting.world
    before = Ledger(template.home).last_sequence()
    batches = waiting.expected["batches"] - before
    unlisted = set(small_world.left_over(template.home))
    lengths = [
        nursery.do("ingest", project, template.copy(tmp_path / "home").home.root).cpu_seconds
        for _ in range(3)
    ]
    length = min(lengths)
    moments: Counter[str] = Counter()
    tenths: Counter[int] = Counter()
    chains = struck = 0
    while struck < kills:
        world = template.copy(tmp_path / "home")
        chains += 1
        for _ in range(draw.choice((1, 2, 3, 4))):
            share = draw.random()
            done = nursery.do(
                "ingest", project, world.home.root, kill_after_cpu_seconds=share * length
            )
            assert done.how in ("killed", "whole"), done.text
            small_world.check_whole(world.home)
            was_killed = done.how == "killed"
            moment = _moment(world, before, batches, unlisted) if was_killed else "it was faster"
            moments[moment] += 1
            tenths[int(share * 10)] += 1
            struck += was_killed
            if not was_killed:
                break
        done = nursery.do("ingest", project, world.home.root)
        assert done.how == "whole", done.text
        assert small_world.state(world.home) == waiting.expected, (SEED, chains)
        assert small_world.left_over(world.home) == []

    print(f"\n{struck} kills in {chains} homes, seed {SEED}, ingest of {length * 1000:.0f} ms CPU")
    print(f"by tenth of its length: {[tenths[tenth] for tenth in range(10)]}")
    print(f"by moment: {dict(moments.most_common())}")
    drawn = sum(tenths.values())
    # five standard deviations of a binomial share: the instants cover the ingest evenly
    spread = 5 * math.sqrt(drawn * 0.1 * 0.9)
    assert all(abs(tenths[tenth] - drawn / 10) <= spread for tenth in range(10))
    assert moments["while a file was written"] + moments["between renaming and commit"] > 0
