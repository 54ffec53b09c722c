"""Saved queries as assets: one a query, behind the snapshot, run with it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import mini_project
import pytest

from pipelines.definitions import build
from pipelines.resources import Workspace

SAVED = """\
saved_queries:
  - name: sessions_by_day
    description: Sessions, day by day.
    config: {meta: {owner: search}}
    query_params:
      metrics: [sessions]
      group_by: ["TimeDimension('metric_time', 'day')"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    project = mini_project.write_project(tmp_path / "mini")
    (project / "metrics" / "saved.yml").write_text(SAVED, encoding="utf-8")
    return Workspace(project_dir=str(project), home_dir=str(project / ".landed"))


def test_each_saved_query_is_an_asset_behind_the_snapshot(workspace: Workspace) -> None:
    graph = build(workspace).resolve_asset_graph()
    key = dg.AssetKey(["exports", "sessions_by_day"])

    node = graph.get(key)

    assert node.parent_keys == {dg.AssetKey("snapshot")}
    assert node.partitions_def is None
    assert node.description == "Sessions, day by day."
    assert node.owners == ["team:search"]


def test_the_job_that_publishes_writes_them(workspace: Workspace) -> None:
    job = build(workspace).resolve_job_def("publish_snapshot")

    assert "exports__sessions_by_day" in job.graph.node_dict


def test_a_project_whose_definitions_do_not_load_still_has_a_graph(workspace: Workspace) -> None:
    release = Path(workspace.project_dir) / "releases" / f"{mini_project.RELEASE}.yml"
    text = release.read_text("utf-8").replace("metric: sessions", "metric: sesions")
    release.write_text(text, encoding="utf-8")

    keys = build(workspace).resolve_asset_graph().get_all_asset_keys()

    assert dg.AssetKey("snapshot") in keys
    assert not [key for key in keys if key.path[0] == "exports"]
