"""A project of two releases: its marts built, and the same after a clean run published both."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import running
import two_releases
from running import State
from searching import Numbers


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> State:
    """A project whose marts are built and of which no release was judged."""
    folder = tmp_path_factory.mktemp("built")
    project = two_releases.write_project(folder / "two")
    running.build_marts(project)
    return State.of(project, folder)


@pytest.fixture(scope="session")
def published(built: State, tmp_path_factory: pytest.TempPathFactory) -> State:
    """The same after both releases were judged and published."""
    project = built.restored()
    running.run(project, running.BACKFILL, running.PUBLISH)
    return State.of(project, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def numbers(published: State) -> Mapping[str, Numbers]:
    """What each release publishes when nothing is broken."""
    found = {}
    for release in running.RELEASES:
        document = two_releases.latest(published.kept, release)
        assert document["gate"]["decision"] == "pass", document["gate"]
        found[release] = Numbers.of(document)
        assert len(found[release].floats) >= 3, document["estimates"]
    shared = found[two_releases.FIRST].texts & found[two_releases.SECOND].texts
    assert not shared, "each release has numbers of its own"
    return found
