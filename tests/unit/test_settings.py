"""Settings come from the environment that is handed in, and refuse nonsense all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from landed.errors import ContractError
from landed.settings import Settings


def test_settings_are_read_from_the_environment_given() -> None:
    settings = Settings.from_environment({"LANDED_HOME": "/x", "LANDED_THREADS": "3"})

    assert settings.home == Path("/x")
    assert settings.threads == 3


def test_all_bad_settings_are_told_at_once() -> None:
    with pytest.raises(ContractError) as caught:
        Settings.from_environment({"LANDED_THREADS": "many", "LANDED_MEMORY_LIMIT_MB": "1"})

    assert [fault.what for fault in caught.value.faults] == [
        "LANDED_THREADS is 'many'",
        "LANDED_MEMORY_LIMIT_MB is '1'",
    ]


def test_every_setting_stands_in_the_example_file() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text("utf-8")

    for name in (
        "LANDED_HOME",
        "LANDED_THREADS",
        "LANDED_MEMORY_LIMIT_MB",
        "LANDED_QUERY_TIMEOUT_SECONDS",
        "LANDED_BI_URL",
        "LANDED_PLAIN",
        "LANDED_PROJECT",
    ):
        assert name in example
