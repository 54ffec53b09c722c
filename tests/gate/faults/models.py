"""The core's and a project's models as dbt compiles them, run on an engine in memory."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from landed.catalog import Catalog, load_catalog
from landed.catalog.releases import Release
from landed.gate import ModelTest, Suite, load_suites
from landed.project import Home, compose, load_project
from landed.project.dbt import database_released
from landed.settings import Settings
from landed.warehouse import Engine

from .product import ENDS_AT, FLAG, RELEASE, SHIPPED_AT, TREATMENT, WINDOW_DAYS

_DEMO = Path(__file__).resolve().parents[3] / "examples" / "demo"

_RELEASE = f"""
release: {RELEASE}
shipped_at: {SHIPPED_AT:%Y-%m-%dT%H:%M:%SZ}
owner: growth
hypothesis: A guide on the first screen helps people find their tasks.
unit: user
rollout:
  kind: experiment
  exposure: {{event: feature_flag.evaluation, flag: {FLAG}}}
  control: control
  treatments: [{TREATMENT}]
  allocation: {{control: 0.5, {TREATMENT}: 0.5}}
horizon: {{exposure_ends_at: {ENDS_AT:%Y-%m-%dT%H:%M:%SZ}, looks: daily}}
success: [{{metric: search_success_rate, minimum_effect_of_interest: 0.02}}]
guardrails: [{{metric: mean_latency_ms, non_inferiority_margin: 60}}]
diagnostics: [tasks_created, revenue, error_rate]
must_emit: [guide_shown]
"""
_TELEMETRY = """
[telemetry]
sequence = "sequence"
pairs = [["session_started", "session_ended"]]
"""
_PLAIN_EVENT = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "%s", "description": "%s", "type": "object", "required": [], "properties": {}
}
"""
_OWN_EVENTS = {
    "session_ended": "A visit was over.",
    "guide_shown": "The guide stood on the first screen.",
    "start_shown": "The first screen was shown, with the guide or without.",
}


@dataclass(frozen=True)
class Model:
    """One compiled model, and the names of those it is built from, through all steps."""

    name: str
    is_view: bool
    sql: str
    above: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DataTest:
    """One compiled data test: rows of its query are failures."""

    name: str
    model: str
    feeds: frozenset[str]
    sql: str


@dataclass(frozen=True)
class Compiled:
    """The project, its definitions and what dbt made of its models, in the order of building."""

    catalog: Catalog
    release: Release
    suites: Mapping[str, Suite]
    models: tuple[Model, ...]
    tests: tuple[DataTest, ...]

    def build(
        self,
        engine: Engine,
        *,
        keeping: str | None = None,
        instead: Mapping[str, str] = MappingProxyType({}),
        without: Collection[str] = (),
    ) -> None:
        """Every model, anew.

        Args:
            engine: Where the lake is, and where the marts get.
            keeping: A model that stays as it is, with what it alone was built of.
            instead: Other queries by model.
            without: Models that stay as they are.
        """
        kept = {keeping} if keeping else set()
        for model in self.models:
            kept |= model.above if model.name == keeping else frozenset()
        for model in self.models:
            if model.name in without or (model.name in kept and not model.is_view):
                continue
            kind = "view" if model.is_view else "table"
            sql = instead.get(model.name, model.sql)
            engine.execute(f'create or replace {kind} main."{model.name}" as {sql}')

    def test(self, engine: Engine) -> list[ModelTest]:
        """Every data test."""
        made = []
        for one in self.tests:
            (failures,) = engine.one(f"select count(*) from ({one.sql})") or (1,)
            made.append(ModelTest(one.model, one.name, failures == 0, failures, one.feeds))
        return made


def write_project(root: Path) -> Path:
    """The demo as a project of one release, whose metrics take outcomes of few days."""
    shutil.copytree(_DEMO, root, ignore=shutil.ignore_patterns(".landed", "landing", "releases"))
    (root / "releases").mkdir()
    (root / "releases" / f"{RELEASE}.yml").write_text(_RELEASE)
    for name, text in _OWN_EVENTS.items():
        (root / "tracking" / f"{name}.json").write_text(_PLAIN_EVENT % (name, text))
    for path in (root / "metrics").rglob("*.yml"):
        shorter = re.sub(r"window_days: \d+", f"window_days: {WINDOW_DAYS}", path.read_text())
        path.write_text(shorter)
    with (root / "landed.toml").open("a") as file:
        file.write(_TELEMETRY)
    source = root / "sources" / "events.yml"
    source.write_text(re.sub(r"complete_through:.*\n", "", source.read_text()))
    return root


@cache
def compiled() -> Compiled:
    """Compile once a process: it takes ten seconds."""
    folder = Path(tempfile.mkdtemp(prefix="landed-faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = load_project(write_project(folder / "project"))
    home = Home(folder / "home")
    home.warehouse.mkdir(parents=True)
    catalog = load_catalog(project)
    composed = str(compose(project, home, Settings(threads=2, memory_limit_mb=512)))
    from dbt.cli.main import dbtRunner

    how = ["--full-refresh", "--no-introspect", "--log-level", "none"]
    where = ["--project-dir", composed, "--profiles-dir", composed]
    with database_released():
        done = dbtRunner().invoke(["compile", *how, *where])
    assert done.success, done.exception
    nodes = {result.node.unique_id: result.node for result in done.result.results}
    after = {
        name: {one for one in node.depends_on.nodes if one in nodes} for name, node in nodes.items()
    }
    order = tuple(TopologicalSorter(after).static_order())
    return Compiled(
        catalog,
        catalog.releases[RELEASE],
        load_suites(project),
        tuple(
            Model(
                node.name,
                node.config.materialized == "view",
                _here(node.compiled_code),
                _above(name, after, nodes),
            )
            for name in order
            if (node := nodes[name]).resource_type == "model"
        ),
        tuple(
            DataTest(node.name, nodes[model].name, _below(model, after, nodes), _here(sql))
            for name in order
            if (node := nodes[name]).resource_type == "test" and (sql := node.compiled_code)
            for model in sorted(after[name])
        ),
    )


def _here(sql: str) -> str:
    """SQL for a database in memory: dbt writes the name of its file before every relation."""
    return sql.replace('"build".', "")


def _above(model: str, after: Mapping[str, set[str]], nodes: Mapping[str, Any]) -> frozenset[str]:
    """Names of the models that one is built from, through all steps."""
    found: set[str] = set()
    waiting = {model}
    while waiting:
        new = after[waiting.pop()] - found
        found |= new
        waiting |= new
    return frozenset(nodes[name].name for name in found)


def _below(model: str, after: Mapping[str, set[str]], nodes: Mapping[str, Any]) -> frozenset[str]:
    """Names of the models built from one, through all steps."""
    found: set[str] = set()
    waiting = {model}
    while waiting:
        one = waiting.pop()
        new = {name for name, parents in after.items() if one in parents} - found
        found |= new
        waiting |= new
    return frozenset(nodes[name].name for name in found if nodes[name].resource_type == "model")
