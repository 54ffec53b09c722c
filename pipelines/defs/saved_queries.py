"""Saved queries to files: one asset a query, answered from the snapshot that readers see."""

import dagster as dg

from landed.catalog import Catalog, load_catalog
from landed.catalog.saved import SavedQuery
from landed.errors import ContractError
from landed.publish.exports import export_saved

from ..resources import Workspace

GROUP = "publish"


def definitions(workspace: Workspace) -> dg.Definitions:
    """An asset for each saved query of the project."""
    return dg.Definitions(assets=[_asset(one) for one in _catalog(workspace).values()])


def _catalog(workspace: Workspace) -> dict[str, SavedQuery]:
    """The project's saved queries; none while its definitions do not load: runs tell why."""
    try:
        found: Catalog = load_catalog(workspace.project)
    except ContractError:
        return {}
    return dict(found.saved_queries)


def _asset(saved: SavedQuery) -> dg.AssetsDefinition:
    @dg.asset(
        name=saved.name,
        key_prefix=["exports"],
        group_name=GROUP,
        kinds={"parquet"},
        description=saved.description or saved.label or None,
        owners=[f"team:{saved.owner}"] if saved.owner else ["team:insights"],
        deps=["snapshot"],
        automation_condition=dg.AutomationCondition.eager(),
    )
    def exported(workspace: Workspace) -> dg.MaterializeResult[None]:
        with workspace.writing():
            done = export_saved(workspace.home, workspace.catalog(), saved.name, workspace.settings)
        return dg.MaterializeResult(
            metadata={
                "rows": done.rows,
                "refused": done.refused,
                "columns": list(done.columns),
                "sql": dg.MetadataValue.md(f"```sql\n{done.sql}\n```"),
                "digest": done.digest,
                "snapshot": done.snapshot,
                "path": dg.MetadataValue.path(done.path),
            }
        )

    return exported
