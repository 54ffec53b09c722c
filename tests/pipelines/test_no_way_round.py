"""No path of the product writes a number of a release whose gate could not judge it.

The numbers are those that the same home publishes when nothing is broken: after a run with a broken
check they are looked for in every file that the run left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import mini_project
import orjson
import pytest

from landed.errors import WarehouseError
from landed.gate import judging
from landed.gate.checks import CHECKS
from pipelines import headless
from pipelines.definitions import build
from pipelines.headless import QUIET, dagster_home
from pipelines.partitions import RANGE_END, RANGE_START
from pipelines.resources import Workspace

RELEASE = mini_project.RELEASE
ONE = {"dagster/partition": RELEASE}
REASON = "the table is gone"

Way = Callable[[Workspace, dg.Definitions, dg.DagsterInstance], None]


def job(name: str, tags: Mapping[str, str]) -> Way:
    """A job of the UI."""

    def run(_: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        definitions.resolve_job_def(name).execute_in_process(
            instance=instance, run_config=QUIET, tags=tags
        )

    return run


def selection(*names: str) -> Way:
    """Some assets of the step, as somebody materialises them in the UI."""

    def run(_: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        part = dg.define_asset_job("part", dg.AssetSelection.assets(*names))
        given = dg.Definitions.merge(definitions, dg.Definitions(jobs=[part]))
        given.resolve_job_def("part").execute_in_process(
            instance=instance, run_config=QUIET, tags=ONE
        )

    return run


class AnHourLater(Workspace):
    """The clock of an hour later: what was asked for just now is not asked for again."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)


def tick(workspace: Workspace, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """What the sensor asks for."""
    later = AnHourLater(project_dir=workspace.project_dir, home_dir=workspace.home_dir)
    with dg.build_sensor_context(
        instance=instance, definitions=definitions, resources={"workspace": later}
    ) as context:
        asked = definitions.resolve_sensor_def("landing").evaluate_tick(context).run_requests
    assert [one.job_name for one in asked] == ["assess_releases"]
    for one in asked:
        job("assess_releases", one.tags)(workspace, definitions, instance)


PATHS: Mapping[str, Way] = {
    "a run of the job": job("assess_releases", ONE),
    "a backfill": job("assess_releases", {RANGE_START: RELEASE, RANGE_END: RELEASE}),
    "an automation tick": tick,
    "the report alone": selection("report"),
    "the estimates alone": selection("estimates"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose marts are built and of which no release was judged."""
    project = mini_project.write_project(tmp_path_factory.mktemp("round") / "mini")
    file = project / "releases" / f"{RELEASE}.yml"
    file.write_text(file.read_text() + "diagnostics: [events]\n")
    mini_project.write_events(project / ".landed" / "landing", users=397)
    workspace = _workspace(project)
    definitions = build(workspace)
    with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as instance:
        for name in ("ingest_landing", "build_marts"):
            job(name, {})(workspace, definitions, instance)
        instance.add_dynamic_partitions("releases", [RELEASE])
    return project


@pytest.fixture(scope="module")
def numbers(built: Path, tmp_path_factory: pytest.TempPathFactory) -> set[bytes]:
    """What the release publishes when nothing is broken: digits that stand for nothing else."""
    project = _copy(built, tmp_path_factory.mktemp("clean"))
    _run(project, PATHS["a run of the job"])
    document = _documents(project)[0]
    found = {
        str(value).encode()
        for one in document["estimates"]
        for key in ("absolute_effect", "ci_lower", "ci_upper", "p_value")
        if isinstance(value := one.get(key), float) and len(str(value)) >= 6
    }
    assert document["gate"]["decision"] != "blocked"
    assert found, document["estimates"]
    assert all(_files_with(project, number) for number in found)
    return found


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(name, marks=[] if name == "the report alone" else [pytest.mark.full])
        for name in PATHS
    ],
)
def test_a_gate_that_cannot_judge_leaves_no_number_in_any_file(
    path: str, built: Path, numbers: set[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _copy(built, tmp_path)
    _break(monkeypatch)

    _run(project, PATHS[path])

    for document in _documents(project):
        assert document["gate"]["decision"] == "blocked"
        assert document["estimates"] == []
        assert REASON in document["gate"]["checks"][0]["observed"]
    assert {n: files for n in numbers if (files := _files_with(project, n))} == {}


@pytest.mark.full
def test_the_command_line_leaves_no_number_in_any_file(
    built: Path, numbers: set[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _copy(built, tmp_path)
    _break(monkeypatch)

    headless.run(_workspace(project), only=(), progress=lambda *_: None)

    assert {document["gate"]["decision"] for document in _documents(project)} == {"blocked"}
    assert {n: files for n in numbers if (files := _files_with(project, n))} == {}


def _break(patch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise WarehouseError(REASON)

    broken = replace(CHECKS["finite_estimates"], find=gone)  # the last word: all is known by then
    patch.setattr(judging, "CHECKS", {**CHECKS, "finite_estimates": broken})


def _run(project: Path, path: Way) -> None:
    workspace = _workspace(project)
    definitions = build(workspace)
    with dg.DagsterInstance.from_config(str(dagster_home(workspace))) as instance:
        path(workspace, definitions, instance)
        job("publish_snapshot", {})(workspace, definitions, instance)


def _workspace(project: Path) -> Workspace:
    return Workspace(project_dir=str(project), home_dir=str(project / ".landed"))


def _copy(built: Path, folder: Path) -> Path:
    return Path(shutil.copytree(built, folder / "mini"))


def _documents(project: Path) -> list[dict[str, Any]]:
    """Every report or notice of the release that stands in the home."""
    found = (project / ".landed" / "reports" / RELEASE).glob("*.json")
    documents = [orjson.loads(path.read_bytes()) for path in found]
    reports = [one for one in documents if "estimates" in one]
    assert reports, documents
    return reports


def _files_with(project: Path, text: bytes) -> list[str]:
    """Files of the home that hold a text, whatever they are."""
    return [
        str(path.relative_to(project))
        for path in (project / ".landed").rglob("*")
        if path.is_file() and text in path.read_bytes()
    ]
