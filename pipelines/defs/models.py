"""Lake to marts: the composed dbt project, run in one warm process."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import orjson
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, build_dbt_asset_specs
from landed.project.dbt import build, manifest

from landed.impact.calendar import read_data_through, release_calendar, write_releases
from landed.ingest import Ledger, attach_lake
from landed.publish.inputs import run_inputs

from ..resources import BUILD_STATE, Workspace

STAGES = ("staging", "intermediate", "marts")
LAKE = {
    "events": "lake_events",
    "touched_events": "lake_events",
    "feedback": "lake_feedback",
    "touched_feedback": "lake_feedback",
}


class Translator(DagsterDbtTranslator):
    """Our keys, groups by stage, and lake sources as the assets that fill them."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """The model's own name; a lake source is the asset of its kind."""
        name = str(dbt_resource_props["name"])
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(LAKE.get(name, "batches"))
        return dg.AssetKey(name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage is the folder."""
        folders = dbt_resource_props.get("fqn", [])
        return next((stage for stage in STAGES if stage in folders), "marts")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """`meta.owner` as a team."""
        owner = (dbt_resource_props.get("meta") or {}).get("owner", "data")
        return [f"team:{owner}"]


def _check_specs(nodes: Mapping[str, Any], models: set[str]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name=node["name"],
            asset=dg.AssetKey(nodes[node["attached_node"]]["name"]),
            description=node.get("description") or f"dbt test {node['name']}",
            blocking=False,  # a failing test blocks the releases whose metrics read the model
        )
        for node in nodes.values()
        if node["resource_type"] == "test"
        and node.get("attached_node") in nodes
        and nodes[node["attached_node"]]["name"] in models
    ]


def definitions(workspace: Workspace) -> dg.Definitions:
    """The models' assets and tests, read from the manifest (parsed anew if files changed)."""
    path = manifest(workspace.project, workspace.home)
    nodes = orjson.loads(path.read_bytes())["nodes"]
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=False, enable_duplicate_source_asset_keys=True))
    specs = [
        spec.replace_attributes(
            automation_condition=dg.AutomationCondition.eager(), kinds={"dbt", "duckdb"}
        )
        for spec in build_dbt_asset_specs(manifest=path, dagster_dbt_translator=translator)
    ]
    checks = _check_specs(nodes, {spec.key.to_user_string() for spec in specs})

    @dg.multi_asset(name="models", specs=specs, check_specs=checks, can_subset=True, pool="home")
    def models(
        context: dg.AssetExecutionContext, workspace: Workspace
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Bring every mart up to date with the lake and the declared releases."""
        with workspace.writing():
            result = build_marts(workspace, context.log.info)
        for model in result.models:
            if dg.AssetKey(model.name) in context.selected_asset_keys:
                metadata = {"seconds": model.seconds}
                if model.rows is not None:
                    metadata["dagster/row_count"] = model.rows
                yield dg.MaterializeResult(asset_key=model.name, metadata=metadata)
        declared = {check.key for check in checks}
        for test in result.tests:
            key = dg.AssetCheckKey(dg.AssetKey(test.model), test.test)
            if key in declared and key in context.selected_asset_check_keys:
                yield dg.AssetCheckResult(
                    asset_key=test.model,
                    check_name=test.test,
                    passed=test.status == "pass",
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={"failures": test.failures or 0},
                )

    return dg.Definitions(assets=[models])


def build_marts(workspace: Workspace, progress: Any) -> Any:
    """Attach the lake, write the releases' instants, run dbt; keep what the gate needs of it."""
    catalog = workspace.catalog()
    state = workspace.recall(BUILD_STATE)
    inputs = run_inputs(workspace.project, workspace.home, catalog, workspace.now)
    is_new = state.get("models") != inputs["models"] or not workspace.home.build.is_file()
    sequence = Ledger(workspace.home).last_sequence()
    with workspace.engine(read_only=False) as engine:
        since = 0 if is_new else state["sequence"]
        attach_lake(engine, workspace.home, since_sequence=since)
        through = read_data_through(engine)
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
        progress=progress,
    )
    workspace.remember(
        BUILD_STATE,
        {
            "sequence": sequence,
            "models": inputs["models"],
            "data_through": None if through is None else through.isoformat(),
            "tests": [
                {
                    "model": test.model,
                    "test": test.test,
                    "passed": test.status == "pass",
                    "failures": test.failures or 0,
                }
                for test in result.tests
            ],
        },
    )
    return result
