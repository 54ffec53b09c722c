"""What one build of the marts tells the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mini_project
import pytest

from landed.errors import WarehouseError
from landed.ingest import ingest
from landed.project.dbt import DbtResult, TestResult
from pipelines.defs import models
from pipelines.resources import BUILD_STATE, Workspace
from pipelines.steps import first_behind


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    project = mini_project.write_project(tmp_path / "mini")
    home = project / ".landed"
    mini_project.write_events(home / "landing")
    found = Workspace(project_dir=str(project), home_dir=str(home))
    ingest(found.project, found.home, found.settings)
    return found


def test_a_test_that_did_not_pass_is_put_to_all_rows_by_the_next_build(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    statuses = iter(("fail", "warn", "pass", "pass"))

    def build(*_: Any, tested_whole: Any, full_refresh: bool, **__: Any) -> DbtResult:
        asked.append(list(tested_whole))
        status: Any = next(statuses)
        one = TestResult("fct_events", "unique_event_id", status, int(status != "pass"), "error")
        return DbtResult((), (one,), full_refresh)

    monkeypatch.setattr(models, "build", build)

    for _ in range(4):
        models.build_marts(workspace, print)

    assert asked == [[], ["unique_event_id"], ["unique_event_id"], []]
    assert workspace.recall(BUILD_STATE)["tests_not_passed"] == []


def test_marts_of_a_build_that_broke_off_are_those_of_no_inputs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is changed and changed back must not make half-new marts those of before."""
    monkeypatch.setattr(models, "build", lambda *_, **__: DbtResult((), (), True))
    models.build_marts(workspace, print)
    workspace.home.build.touch()
    assert first_behind(workspace, workspace.catalog()).job != "build_marts"

    def broken(*_: Any, **__: Any) -> DbtResult:
        raise WarehouseError("a model failed")

    monkeypatch.setattr(models, "build", broken)
    with pytest.raises(WarehouseError, match="a model failed"):
        models.build_marts(workspace, print)

    assert first_behind(workspace, workspace.catalog()).job == "build_marts"


def test_marts_that_are_gone_are_built(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "build", lambda *_, **__: DbtResult((), (), True))
    models.build_marts(workspace, print)

    workspace.home.remove_build()

    assert first_behind(workspace, workspace.catalog()).job == "build_marts"
