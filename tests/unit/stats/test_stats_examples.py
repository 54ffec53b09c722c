from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import landed.stats
from landed import stats

MODULES = [f"landed.stats.{found.name}" for found in pkgutil.iter_modules(landed.stats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_a_module_run(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))

    assert failed == 0


def test_every_public_function_shows_assumptions_a_source_and_an_example() -> None:
    functions = [
        found for name in stats.__all__ if inspect.isfunction(found := getattr(stats, name))
    ]
    parts = ("Args:", "Returns:", "Assumes:", "Source:", "Examples:")

    lacking = {
        function.__name__: [part for part in parts if part not in (function.__doc__ or "")]
        for function in functions
    }

    assert len(functions) >= 16
    assert {name: missing for name, missing in lacking.items() if missing} == {}
