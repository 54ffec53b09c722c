"""Reports to readers: one whole, immutable snapshot, then the BI store."""

import dagster as dg

from landed.errors import PlanError
from landed.publish import bi_store, publish_snapshot, snapshot_id
from landed.report import Report

from ..resources import Workspace


@dg.asset(
    group_name="publish",
    kinds={"duckdb", "html"},
    owners=["team:insights"],
    deps=["report"],
    automation_condition=dg.AutomationCondition.eager(),
)
def snapshot(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """Marts, definitions and reports as readers see them; replaced all at once or not at all."""
    catalog = workspace.catalog()
    inputs = workspace.built_inputs(catalog)
    stale = workspace.unassessed(catalog, snapshot_id(inputs))
    if stale:
        raise PlanError(
            f"{', '.join(stale)} not judged on the marts as they are",
            expected="a report or notice of every declared release",
            fix="materialise `report` for every release, then publish.",
        )
    kept = (workspace.recall(f"report-{name}.json") for name in catalog.releases)
    with workspace.writing():
        published = publish_snapshot(
            workspace.project,
            workspace.home,
            catalog,
            [Report(document) for document in kept if document],
            inputs=inputs,
            settings=workspace.settings,
            created_at=workspace.now,
        )
    context.log.info(f"snapshot {published.id}")
    return dg.MaterializeResult(
        metadata={"snapshot": published.id, "overview": dg.MetadataValue.path(published.overview)}
    )


@dg.asset(
    group_name="publish",
    kinds={"postgres"},
    owners=["team:insights"],
    deps=[snapshot],
    automation_condition=dg.AutomationCondition.eager(),
)
def bi(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """The BI store, where one runs: replaced in one transaction from the current snapshot."""
    refreshed = bi_store.refresh(workspace.home, workspace.settings)
    context.log.info(refreshed)
    return dg.MaterializeResult(metadata={"state": refreshed})


definitions = dg.Definitions(assets=[snapshot, bi])
