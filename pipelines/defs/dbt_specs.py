"""How dbt's nodes show in Dagster: keys, stages, owners, tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, build_dbt_asset_specs

from ..partitions import when_updated

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
        """The stage is the folder; a project's own models are marts unless their folder says."""
        folders = Path(str(dbt_resource_props.get("original_file_path", ""))).parts
        return next((stage for stage in STAGES if stage in folders), "marts")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """`meta.owner` as a team."""
        owner = (dbt_resource_props.get("meta") or {}).get("owner", "data")
        return [f"team:{owner}"]


def model_specs(manifest: Path) -> Sequence[dg.AssetSpec]:
    """One asset a model, with description, owner, stage and column schema of its YAML."""
    translator = Translator(
        DagsterDbtTranslatorSettings(
            enable_asset_checks=False,  # declared below: dbt runs in our process, not dagster-dbt's
            enable_duplicate_source_asset_keys=True,  # a kind's views come from one asset
        )
    )
    return [
        spec.replace_attributes(automation_condition=when_updated, kinds={"dbt", "duckdb"})
        for spec in build_dbt_asset_specs(manifest=manifest, dagster_dbt_translator=translator)
    ]


def check_specs(manifest: Path, specs: Sequence[dg.AssetSpec]) -> list[dg.AssetCheckSpec]:
    """One check a data test that stands beside a model."""
    nodes: Mapping[str, Any] = orjson.loads(manifest.read_bytes())["nodes"]
    models = {spec.key.to_user_string() for spec in specs}
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
