from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "compiler"))  # the oracle's `kinds`
sys.path.insert(0, str(Path(__file__).parent))  # engines.py …

from engines import Elsewhere, OnPostgres, elsewhere, postgres


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPostgres]:
    with postgres(tmp_path_factory.mktemp("pg")) as engine:
        yield engine


@pytest.fixture(scope="session")
def on_clickhouse() -> Iterator[Elsewhere]:
    with elsewhere("clickhouse") as engine:
        yield engine


@pytest.fixture(scope="session")
def on_spark() -> Iterator[Elsewhere]:
    with elsewhere("spark") as engine:
        yield engine
