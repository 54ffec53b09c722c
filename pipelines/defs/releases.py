"""Marts to reports: per release gate, moments, estimates, gate again, report or notice."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import dagster as dg

from landed.catalog import Catalog
from landed.errors import PlanError
from landed.gate import GateRecord, ModelTest, load_suites
from landed.impact.calendar import release_calendar
from landed.ingest import Ledger
from landed.publish import snapshot_id
from landed.publish.gates import keep_decision
from landed.publish.looks import keep_looks, read_looks
from landed.report.assess import Assessment, assess_release

from ..partitions import in_one_run, releases
from ..resources import BUILD_STATE, Workspace
from .release_events import check_events, check_specs, metadata_of

SPECS = {
    "gate_decision": (
        "gate",
        "May the release's numbers be published, and why (not).",
        ["fct_exposures", "fct_events", "dim_releases"],
    ),
    "moments": (
        "measure",
        "Counts, sums and cross products per metric and variant.",
        ["gate_decision"],
    ),
    "estimates": (
        "measure",
        "One estimate with its interval per metric and treatment.",
        ["moments"],
    ),
    "report": (
        "report",
        "The impact report; a notice without numbers if the gate blocked.",
        ["gate_decision", "estimates"],
    ),
}


def definitions(workspace: Workspace) -> dg.Definitions:
    """The release assets, with one asset check per check of the gate."""
    checks = check_specs(load_suites(workspace.project))
    # a new release waits for the marts it is to be judged on
    marts_are_next = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.will_be_requested()
    ).ignore(dg.AssetSelection.assets(*SPECS))
    specs = [
        dg.AssetSpec(
            name,
            group_name=group,
            description=text,
            deps=deps,
            owners=["team:insights"],
            automation_condition=dg.AutomationCondition.eager() & ~marts_are_next,
        )
        for name, (group, text, deps) in SPECS.items()
    ]

    @dg.multi_asset(
        name="releases",
        specs=specs,
        check_specs=checks,
        partitions_def=releases,
        backfill_policy=in_one_run,
        can_subset=True,  # a part of it still runs whole: no report without its gate
    )
    def assessed(
        context: dg.AssetExecutionContext, workspace: Workspace
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Assess every release of the run; a blocked one never stops another."""
        keys = list(context.partition_keys)
        declared = {check.name for check in checks}
        with workspace.writing():
            for found, record in assess(workspace, keys):
                context.log.info(f"{found.release}: {found.report.decision}")
                for event in check_events(found, record, declared):
                    context.log_event(event)
                for name, metadata in metadata_of(found).items():
                    if dg.AssetKey(name) in context.selected_asset_keys:
                        context.add_asset_metadata(
                            metadata, asset_key=name, partition_key=found.release
                        )
        for name in SPECS:  # in the order of their dependencies
            if dg.AssetKey(name) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=name)

    return dg.Definitions(assets=[assessed])


def assess(workspace: Workspace, names: list[str]) -> Iterator[tuple[Assessment, GateRecord]]:
    """Assess the named releases on the built marts and keep each report for publishing."""
    catalog: Catalog = workspace.catalog()
    state = workspace.recall(BUILD_STATE)
    suites = load_suites(workspace.project)
    provenance = workspace.built_inputs(catalog)
    if state.get("data_through") is None:
        raise PlanError(
            "there is no event yet",
            expected="at least one whole day of events",
            fix="drop files into the landing folder, then run again.",
            code="no_events",
        )
    through = datetime.fromisoformat(state["data_through"])
    with workspace.engine(read_only=True) as engine:
        for name in names:
            release = catalog.releases[name]
            calendar = release_calendar(release, catalog, through)
            found = assess_release(
                engine,
                catalog,
                release,
                calendar,
                suites=suites,
                accounts=Ledger(workspace.home).accounts_total(),
                model_tests=[
                    ModelTest(**{**test, "feeds": frozenset(test["feeds"])})
                    for test in state["tests"]
                ],
                now=workspace.today,
                snapshot=snapshot_id(provenance),
                provenance=provenance,
                looks=partial(read_looks, workspace.home, name),
            )
            if found.looks is not None and found.looks.has_begun:
                keep_looks(workspace.home, found.looks)
            record = keep_decision(
                workspace.home,
                found.decision,
                cutoff_at=calendar.cutoff_at,
                judged_at=workspace.today,
            )
            workspace.remember(f"report-{name}.json", found.report.document)
            yield found, record
