"""Runs dbt in this process on the composed project, and hands on what it found.

Imported late by whoever builds: importing dbt costs seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from ..errors import ContractError, Fault, WarehouseError
from ..settings import Settings
from .build_database import database_released
from .compose import Composed, compose_project, source_file
from .engine_words import of_model
from .layout import Home, Project

#: What dbt, DuckDB and the temporary folder need. Everything else stays out of Jinja's reach:
#: `env_var` in a model or description could print any of it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")

Progress = Callable[[str], None]

_parsed: dict[Path, tuple[str, Any]] = {}  # one manifest a home: a warm process parses once


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One model that dbt built.

    Args:
        name: The model.
        status: dbt's word for it; `success` for every model that is handed on.
        rows: Rows written, where the adapter says so. Count.
        seconds: Time it took. Seconds.
    """

    name: str
    status: str
    rows: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TestResult:
    """One data test of one model.

    Args:
        model: The model it tests.
        test: The test's name.
        status: pass, warn, fail, or error where it could not be run.
        failures: Rows that break it. Count; 0 where it could not be run.
        severity: error or warn, as the test is declared.
        feeds: Models built from `model`, through all steps: what it breaks, they carry on.
    """

    __test__: ClassVar[bool] = False  # not a test class of pytest

    model: str
    test: str
    status: Literal["pass", "warn", "fail", "error"]
    failures: int
    severity: str
    feeds: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether the test ran and found nothing that its author declared an error."""
        return self.status in ("pass", "warn")


@dataclass(frozen=True, slots=True)
class DbtResult:
    """What one build gave.

    Args:
        models: Every model built, in dbt's order.
        tests: Every data test run, by model.
        full_refresh: Whether incremental models were rebuilt whole.
    """

    models: tuple[NodeResult, ...]
    tests: tuple[TestResult, ...]
    full_refresh: bool


def manifest(project: Project, home: Home, settings: Settings | None = None) -> Path:
    """Path of dbt's manifest.json; parsed again only when something changed.

    Raises:
        ContractError: dbt refuses the models or metrics, with what it says.
    """
    composed = compose_project(project, home, settings)
    path = composed.path / "target" / "manifest.json"
    if not (path.is_file() and _mark(composed, "parsed") == composed.digest):
        _parse(composed)
    return path


def build(
    project: Project,
    home: Home,
    settings: Settings,
    *,
    select: str | Sequence[str] | None = None,
    full_refresh: bool = False,
    tested_whole: Collection[str] = (),
    progress: Progress | None = None,
) -> DbtResult:
    """Build all models (or those selected), then run their data tests.

    Two commands, not `dbt build`: there a failing test skips every model below it, and a test of
    one model would take the marts away from releases that never read it. Here every model is
    built; what failed is for the gate to judge. Unit tests judge the code, not the data, and are
    left to the test suite.

    A changed model rebuilds the incremental ones whole: rows that an earlier definition wrote
    would stay among those of the new one. So does a build after one that broke off: its models
    tell each other what changed, and half of them have it behind them.

    Where the project replaces a model of the core every build is whole: what changed is told by
    the core's own models, and another one may change on any day.

    A build of touched days tests the large models on those days only; a whole build tests all.

    Args:
        project: Whose models.
        home: Its state; the build database must hold the schema `lake`.
        settings: Threads and memory.
        select: dbt's selection syntax; None builds everything.
        full_refresh: Rebuild the incremental models whole.
        tested_whole: Names of tests that look at whole models all the same: what was found on
            another day is not gone because nobody looks there.
        progress: Told one line for every model and test that ended.

    Raises:
        ContractError: dbt refuses the models or metrics.
        WarehouseError: A model failed; every one that did, with its file.
    """
    composed = compose_project(project, home, settings)
    parsed = _parse(composed)
    home.warehouse.mkdir(parents=True, exist_ok=True)
    is_there = home.build.exists()
    full = full_refresh or (is_there and (composed.replaces_core or _changed(composed)))
    chosen = _selection(select)
    if select is None:
        _set_mark(composed, "built", "")
    whole = {"tested_whole": ["*"] if full or select is not None else sorted(tested_whole)}
    models_built = ["run", *chosen, *(["--full-refresh"] if full else [])]
    models_tested = ["test", *chosen, "--exclude-resource-type", "unit_test"]
    with database_released():
        run = _invoke(composed, models_built, parsed, progress)
        models = _models(project, run)
        if select is None:
            _set_mark(composed, "built", composed.models_digest)
        tested = _invoke(composed, [*models_tested, "--vars", json.dumps(whole)], parsed, progress)
    return DbtResult(models, tuple(_tests(tested, parsed)), full)


def _changed(composed: Composed) -> bool:
    return _mark(composed, "built") != composed.models_digest


def _selection(select: str | Sequence[str] | None) -> list[str]:
    if select is None:
        return []
    return ["--select", *([select] if isinstance(select, str) else select)]


def _parse(composed: Composed) -> Any:
    """dbt's manifest in memory, from this process or from its partial parse."""
    digest, parsed = _parsed.get(composed.path, ("", None))
    if digest == composed.digest and parsed is not None:
        return parsed
    result = _run(composed, ["parse"], None, None)
    if not result.success:
        raise ContractError(
            f"dbt refuses the models: {_reason(result.exception)}",
            where=str(composed.path),
            fix="correct the model or metric it names; `landed check` finds most of these earlier.",
            code="dbt_parse",
        )
    _set_mark(composed, "parsed", composed.digest)
    _parsed[composed.path] = (composed.digest, result.result)
    return result.result


def _invoke(composed: Composed, args: list[str], parsed: Any, progress: Progress | None) -> Any:
    result = _run(composed, args, parsed, progress)
    if result.exception is not None:
        raise WarehouseError(
            f"dbt {args[0]} broke off: {_reason(of_model(str(result.exception)))}",
            where=str(composed.path),
            fix="see logs/dbt.log in that folder.",
            code="dbt",
        )
    return result.result


def _run(composed: Composed, args: list[str], parsed: Any, progress: Progress | None) -> Any:
    from dbt.cli.main import dbtRunner

    def heard(event: Any) -> None:
        if progress is not None and event.info.name in ("LogModelResult", "LogTestResult"):
            progress(event.info.msg)

    folder = str(composed.path)
    everywhere = ["--project-dir", folder, "--profiles-dir", folder]
    quiet = ["--log-level", "none", "--log-level-file", "info", "--no-use-colors-file"]
    with _reduced_environment():
        return dbtRunner(manifest=parsed, callbacks=[heard]).invoke([*args, *everywhere, *quiet])


@contextlib.contextmanager
def _reduced_environment() -> Iterator[None]:
    """Only what dbt needs while it runs; environment and folder are put back after it."""
    before, folder = dict(os.environ), Path.cwd()
    for name in before.keys() - set(_ENVIRONMENT):
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(folder)


def _models(project: Project, run: Any) -> tuple[NodeResult, ...]:
    faults: list[Fault] = []
    models: list[NodeResult] = []
    for result in run.results:
        node, status = result.node, str(result.status)
        if status == "error":
            where = str(source_file(project, node.package_name, node.original_file_path))
            what = f"model `{node.name}` failed: {_reason(of_model(str(result.message)))}"
            fix = "correct the model; dbt/logs/dbt.log in the home has the whole text."
            faults.append(Fault(what, "", where, fix, "model_failed"))
        rows = result.adapter_response.get("rows_affected")
        models.append(NodeResult(node.name, status, rows, result.execution_time))
    if faults:
        raise WarehouseError(faults)
    return tuple(models)


def _tests(tested: Any, parsed: Any) -> Iterator[TestResult]:
    children = _children(parsed)
    for result in tested.results:
        node = result.node
        for model in _tested(node, parsed):
            status: Any = str(result.status)
            severity = str(node.config.severity).lower()
            failures = int(result.failures or 0)
            feeds = frozenset(_below(model, children))
            yield TestResult(model, node.name, status, failures, severity, feeds)


def _children(parsed: Any) -> dict[str, set[str]]:
    """Models that read each model directly, by name."""
    children: dict[str, set[str]] = {}
    for node in parsed.nodes.values():
        if str(node.resource_type) == "model":
            for parent in node.depends_on.nodes:
                if parent in parsed.nodes:
                    children.setdefault(parsed.nodes[parent].name, set()).add(node.name)
    return children


def _below(model: str, children: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [model]
    while waiting:
        new = children.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _tested(node: Any, parsed: Any) -> Iterator[str]:
    """The model a test stands beside, or every model that a test standing alone reads.

    A core test of a replaced model names the core's node, which is off; the replacement has the
    same name.
    """
    attached = getattr(node, "attached_node", None)
    if attached and attached.startswith("model."):
        yield attached.split(".")[2]
        return
    for unique_id in node.depends_on.nodes:
        if unique_id in parsed.nodes:
            yield parsed.nodes[unique_id].name


def _reason(said: object) -> str:
    return " ".join(str(said).split())[:600]


def _mark(composed: Composed, name: str) -> str:
    path = composed.path / f"{name}.sha256"
    return path.read_text() if path.is_file() else ""


def _set_mark(composed: Composed, name: str, digest: str) -> None:
    (composed.path / f"{name}.sha256").write_text(digest)
