"""A source sets thresholds of the gate for its own rows."""

from __future__ import annotations

import pytest

from landed.errors import ContractError
from landed.gate import load_suites
from landed.project import load_project

SOURCE = """
source: app
kind: events
format: jsonl
path: app/*.jsonl
gate:
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "landed.toml").write_text('[project]\nname = "tiny"\n')
    (tmp_path / "sources").mkdir()

    def make(gate: str):
        (tmp_path / "sources/app.yml").write_text(SOURCE + gate)
        return load_project(tmp_path)

    return make


def test_a_source_sets_a_threshold_for_its_own_rows(project):
    suites = load_suites(project("  freshness: {max_age_hours: 72}\n"))

    (expectation,) = suites["freshness"].of_check("freshness")
    assert expectation.by_source == {"app": {"max_age_hours": 72.0}}
    assert expectation.parameters["max_age_hours"] == 36


def test_every_unknown_check_and_threshold_of_a_source_is_told_at_once(project):
    with pytest.raises(ContractError) as refused:
        load_suites(project("  freshnes: {max_age_hours: 72}\n  volume: {min_shares: 0.2}\n"))

    told = [(fault.what, fault.fix) for fault in refused.value.faults]
    assert told == [
        ("the check `freshnes` takes no threshold of a source", "did you mean `freshness`?"),
        ("`volume` has no threshold `min_shares`", "did you mean `min_share`?"),
    ]


def test_a_threshold_that_decides_for_all_sources_is_not_one_of_a_source(project):
    with pytest.raises(ContractError, match="has no threshold `budget`"):
        load_suites(project("  volume: {budget: 0.5}\n"))
