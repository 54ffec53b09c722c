"""Saved queries as assets: one a query, behind the snapshot, run with it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import mini_project
import pytest

from pipelines.definitions import build
from pipelines.defs import saved_queries
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


def workspace_in(folder: Path) -> Workspace:
    project = mini_project.write_project(folder / "mini")
    (project / "metrics" / "saved.yml").write_text(SAVED, encoding="utf-8")
    return Workspace(project_dir=str(project), home_dir=str(project / ".landed"))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build(workspace_in(tmp_path_factory.mktemp("saved")))


def test_each_saved_query_is_an_asset_behind_the_snapshot(graph: dg.Definitions) -> None:
    node = graph.resolve_asset_graph().get(dg.AssetKey(["exports", "sessions_by_day"]))

    assert node.parent_keys == {dg.AssetKey("snapshot")}
    assert node.partitions_def is None
    assert node.description == "Sessions, day by day."
    assert node.owners == ["team:search"]


def test_the_job_that_publishes_writes_them(graph: dg.Definitions) -> None:
    job = graph.resolve_job_def("publish_snapshot")

    assert "exports__sessions_by_day" in job.graph.node_dict


def test_a_project_whose_definitions_do_not_load_has_no_such_assets(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    release = Path(workspace.project_dir) / "releases" / f"{mini_project.RELEASE}.yml"
    text = release.read_text("utf-8").replace("metric: sessions", "metric: sesions")
    release.write_text(text, encoding="utf-8")

    assert list(saved_queries.definitions(workspace).assets or ()) == []
