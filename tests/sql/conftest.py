"""One real dbt build for this folder, over a lake of literal rows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # lake_rows.py, beside this file

from lake_rows import RELEASES, Built, make_built, product_events

from landed.project.dbt import DbtResult


@dataclass(frozen=True)
class Scenario:
    """The scenario above, built once, and what dbt said of it."""

    built: Built
    result: DbtResult
    heard: tuple[str, ...]


@pytest.fixture(scope="session")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    built = make_built(tmp_path_factory.mktemp("scenario"))
    built.land(product_events())
    built.execute(RELEASES)
    heard: list[str] = []
    result = built.build(progress=heard.append)
    return Scenario(built, result, tuple(heard))


@pytest.fixture
def empty(tmp_path: Path) -> Built:
    return make_built(tmp_path)
