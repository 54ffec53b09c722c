"""A project of two releases: its marts built, and the same after a clean run published both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import running
import two_releases
from searching import Numbers


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose marts are built and of which no release was judged. Only to be copied."""
    project = two_releases.write_project(tmp_path_factory.mktemp("built") / "two")
    running.build_marts(project)
    return project


@pytest.fixture(scope="session")
def published(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after both releases were judged and published. Only to be copied."""
    project = running.copied(built, tmp_path_factory.mktemp("published"))
    running.run(project, running.BACKFILL, running.PUBLISH)
    return project


@pytest.fixture(scope="session")
def numbers(published: Path) -> Mapping[str, Numbers]:
    """What each release publishes when nothing is broken."""
    found = {}
    for release in running.RELEASES:
        document = two_releases.latest(published / ".landed", release)
        assert document["gate"]["decision"] == "pass", document["gate"]
        found[release] = Numbers.of(document)
        assert len(found[release].floats) >= 3, document["estimates"]
    shared = found[two_releases.FIRST].texts & found[two_releases.SECOND].texts
    assert not shared, "each release has numbers of its own"
    return found
