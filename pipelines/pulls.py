"""Services that only have an API, pulled by dlt into the landing folder: `landed[saas]`.

`pulls/<name>.py` of a project defines `source()`, which returns a dlt source or resource. What it
yields is written aside and renamed into `<home>/landing/<name>/<resource>/`, so that nobody meets
half a file; from there it is an ordinary source.
"""

import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import dagster as dg

from landed.errors import ContractError, Fault
from landed.project import Home, Project

from .resources import Workspace

GROUP = "pull"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
pull_job = dg.define_asset_job("pull_sources", dg.AssetSelection.groups(GROUP))
nightly = dg.ScheduleDefinition(
    name="pulls",
    job=pull_job,
    cron_schedule="45 3 * * *",  # before the daily ingest; UTC
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


def pull_files(project: Project) -> list[Path]:
    """`pulls/<name>.py` of a project, by name."""
    return sorted((project.root / "pulls").glob("[!_]*.py"))


def definitions(workspace: Workspace) -> dg.Definitions:
    """One asset for each resource of each pull, with a job and a schedule; nothing without pulls.

    Raises:
        ContractError: dlt is not installed, or a file has no `source`; all of them at once.
    """
    files = pull_files(workspace.project)
    if not files:
        return dg.Definitions()
    _require_dlt(files)
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    os.environ.setdefault("DLT_PROJECT_DIR", str(workspace.project.root))  # its .dlt/secrets.toml
    faults: list[Fault] = []
    sources: dict[str, Callable[[], Any]] = {}
    for path in files:
        source = getattr(_load(path), "source", None)
        if callable(source):
            sources[path.stem] = source
        else:
            what = f"{path.name} defines no `source`"
            expected = "a function that returns a dlt source or resource"
            faults.append(Fault(what, expected, str(path), "define it.", "pull"))
    if faults:
        raise ContractError(faults)
    return dg.Definitions(
        assets=[_asset(name, source, workspace.home) for name, source in sources.items()],
        jobs=[pull_job],
        schedules=[nightly],
    )


def run(workspace: Workspace, only: Sequence[str], progress: Callable[[str, str], None]) -> None:
    """Pull once, without the UI.

    Raises:
        ContractError: A name is not that of a pull, or the definitions are wrong.
    """
    names = [path.stem for path in pull_files(workspace.project)]
    unknown = sorted(set(only) - set(names))
    if unknown or not names:
        raise ContractError(
            f"no pull is called {', '.join(unknown)}" if unknown else "the project has no pull",
            expected=", ".join(names) or "a file in pulls/",
            where=str(workspace.project.root / "pulls"),
            fix="check the name, or see docs/how-to/sources.md.",
            code="pull_unknown",
        )
    found = definitions(workspace)
    for name in only or names:
        assets = [one for one in found.assets or () if one.node_def.name == f"pull_{name}"]  # type: ignore[union-attr]
        dg.materialize(assets, run_config=QUIET, raise_on_error=True)
        files = list((workspace.home.landing / name).rglob("*.jsonl*"))
        progress("pull", f"{name}: {len(files):,} files stand in the landing folder")


def _asset(name: str, source: Callable[[], Any], home: Home) -> dg.AssetsDefinition:
    import dlt
    from dagster_dlt import DagsterDltResource, dlt_assets
    from dlt.extract import DltResource, DltSource

    os.environ["SCHEMA__NAMING"] = "direct"  # keys stay as the service spells them
    given = source()
    if isinstance(given, DltResource):
        given = DltSource(dlt.Schema(name), name, [given])
    given.max_table_nesting = 0  # a nested value stays within its record
    folder = home.root / "pulls" / name
    files = dlt.destinations.filesystem(bucket_url=(folder / "data").as_uri())
    pipeline = dlt.pipeline(
        name, pipelines_dir=str(folder / "state"), destination=files, dataset_name="landed"
    )

    @dlt_assets(dlt_source=given, dlt_pipeline=pipeline, name=f"pull_{name}", group_name=GROUP)
    def pulled(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Pull what is new, then land it."""
        _land(home, name)  # what a killed run left behind
        yield from DagsterDltResource().run(context=context, loader_file_format="jsonl")
        context.log.info(f"{_land(home, name)} files landed")

    return pulled


def _land(home: Home, name: str) -> int:
    """Rename finished files into the landing folder; how many. dlt's own tables stay."""
    count = 0
    for path in sorted((home.root / "pulls" / name / "data" / "landed").glob("*/*.jsonl*")):
        if not path.parent.name.startswith("_dlt"):
            target = home.landing / name / path.parent.name / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            count += 1
    return count


def _load(path: Path) -> Any:
    loader = SourceFileLoader(f"landed_pulls_{path.stem}", str(path))
    module = types.ModuleType(loader.name)
    module.__file__ = str(path)
    sys.modules[loader.name] = module  # dlt looks there for what a resource was made by
    loader.exec_module(module)
    return module


def _require_dlt(files: Sequence[Path]) -> None:
    if importlib.util.find_spec("dlt") is None or importlib.util.find_spec("dagster_dlt") is None:
        raise ContractError(
            f"{', '.join(path.name for path in files)} needs dlt, which is not installed",
            where=str(files[0].parent),
            fix="pip install 'landed[saas]'.",
            code="pull_package",
        )
