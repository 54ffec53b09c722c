"""The nursery, and a world whose second deliveries wait to be ingested."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # small_world.py and the others, beside this file

import small_world
from nursery import Nursery, opened
from small_world import SmallWorld, Waiting


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with opened() as found:
        yield found


def _waiting(world: SmallWorld, work: str, folder: Path) -> Waiting:
    done = world.copy(folder / work)
    done.do(work)
    small_world.check_whole(done.home)
    return Waiting(world, work, small_world.state(world.home), small_world.state(done.home))


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    """The first deliveries are ingested, the second wait."""
    folder = tmp_path_factory.mktemp("waiting")
    world = small_world.make(folder)
    world.do("ingest")
    small_world.deliver_again(world)
    return _waiting(world, "ingest", folder)


@pytest.fixture(scope="session")
def other_work(waiting: Waiting, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Waiting]:
    """All is ingested; somebody is to be erased, or refused records are to be fed again."""
    folder = tmp_path_factory.mktemp("other")
    world = waiting.world.copy(folder / "home")
    world.do("ingest")
    return {work: _waiting(world, work, folder) for work in ("erase", "requeue")}
