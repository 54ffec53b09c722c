"""Lake to marts: the composed dbt project, run in one warm process."""

from collections.abc import Callable, Iterator

import dagster as dg

from landed.impact.calendar import read_data_through, release_calendar, write_releases
from landed.ingest import Ledger, attach_lake, attach_relations
from landed.project.dbt import DbtResult, build, manifest

from ..resources import BUILD_STATE, REOPENED, Workspace
from .dbt_specs import check_specs, model_specs


def definitions(workspace: Workspace) -> dg.Definitions:
    """The models' assets and tests, read from the manifest (parsed anew if files changed)."""
    path = manifest(workspace.project, workspace.home)
    specs = model_specs(path)
    checks = check_specs(path, specs)

    @dg.multi_asset(name="models", specs=specs, check_specs=checks, can_subset=True)
    def models(
        context: dg.AssetExecutionContext, workspace: Workspace
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Bring every mart up to date with the lake and the declared releases."""
        with workspace.writing():
            result = build_marts(workspace, context.log.info)
            with workspace.engine(read_only=True) as engine:
                rows = engine.row_counts()
        for model in result.models:
            if dg.AssetKey(model.name) in context.selected_asset_keys:
                yield dg.MaterializeResult(
                    asset_key=model.name,
                    metadata={"seconds": model.seconds, **_rows(rows.get(model.name))},
                )
        declared = {check.key for check in checks}
        for test in result.tests:
            key = dg.AssetCheckKey(dg.AssetKey(test.model), test.test)
            if key in declared and key in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    asset_key=test.model,
                    check_name=test.test,
                    passed=test.status == "pass",
                    severity=dg.AssetCheckSeverity.WARN
                    if test.severity == "warn"
                    else dg.AssetCheckSeverity.ERROR,
                    metadata={"failures": test.failures},
                )

    return dg.Definitions(assets=[models])


def _rows(count: int | None) -> dict[str, int]:
    """A view's rows are not counted: that would be work on all of history."""
    return {} if count is None else {"dagster/row_count": count}


def build_marts(workspace: Workspace, progress: Callable[[str], None]) -> DbtResult:
    """Attach the lake, write the releases' instants, run dbt; keep what the gate needs of it."""
    catalog = workspace.catalog()
    state = workspace.recall(BUILD_STATE)
    inputs = workspace.inputs(catalog)
    ledger = Ledger(workspace.home)
    is_new = (
        state.get("inputs", {}).get("models") != inputs["models"]
        or state.get("generation") != ledger.generation()
        or not workspace.home.build.is_file()
    )
    sequence = ledger.last_sequence()
    # until the end nobody may take the marts for those of any inputs, should this build break off
    workspace.remember(BUILD_STATE, {**state, "inputs": {}})
    if is_new:
        workspace.home.remove_build()  # what models that are gone have left goes with it
    with workspace.engine(read_only=False) as engine:
        since = 0 if is_new else state["sequence"]
        again = workspace.reopened()
        attach_lake(engine, workspace.home, since_sequence=since, again=again)
        attach_relations(engine, workspace.project, workspace.home)
        through = read_data_through(engine, workspace.today)
        calendars = (
            {}
            if through is None
            else {
                name: release_calendar(release, catalog, through)
                for name, release in catalog.releases.items()
            }
        )
        write_releases(engine, catalog.releases.values(), calendars)
    result = build(
        workspace.project,
        workspace.home,
        workspace.settings,
        full_refresh=is_new,
        tested_whole=state.get("tests_not_passed", ()),
        progress=progress,
    )
    workspace.remember(REOPENED, {})  # a build that was killed before does them again
    workspace.remember(
        BUILD_STATE,
        {
            "sequence": sequence,
            "generation": ledger.generation(),
            "inputs": dict(inputs),
            "data_through": None if through is None else through.isoformat(),
            "tests_not_passed": sorted({one.test for one in result.tests if one.status != "pass"}),
            "tests": [
                {
                    "model": test.model,
                    "test": test.test,
                    "passed": test.passed,
                    "failures": test.failures,
                    "feeds": sorted(test.feeds),
                }
                for test in result.tests
            ],
        },
    )
    return result
