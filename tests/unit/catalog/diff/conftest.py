from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # edited.py, beside this file

from edited import version

from landed.catalog.diff import Version


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Version:
    return version(tmp_path_factory.mktemp("base"))
