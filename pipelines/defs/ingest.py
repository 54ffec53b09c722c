"""Landing files to the lake: claimed once, accounted for to the last row."""

from datetime import UTC, date, datetime

import dagster as dg

from landed.ingest import Ledger, arrivals, check_days, ingest

from ..partitions import days, in_one_run
from ..resources import Workspace

KINDS = ("events", "feedback")  # what the lake shows by day; exposures come with few rows

OUTCOMES = ("rows_in", "accepted", "duplicate", "conflict", "quarantined")


@dg.asset(group_name="ingest", kinds={"parquet"}, owners=["team:data"])
def batches(context: dg.AssetExecutionContext, workspace: Workspace) -> dg.MaterializeResult[None]:
    """Every landed file is claimed by its digest and every record ends in exactly one account."""
    with workspace.writing():
        before = Ledger(workspace.home).last_sequence()
        result = ingest(
            workspace.project, workspace.home, workspace.settings, progress=context.log.info
        )
    rows_by_day = {kind: Ledger(workspace.home).days(kind) for kind in KINDS}
    for account in result.accounts:
        for day in account.days if account.kind in KINDS else ():
            context.log_event(
                dg.AssetMaterialization(
                    f"lake_{account.kind}",
                    partition=day.isoformat(),
                    metadata={"dagster/partition_row_count": rows_by_day[account.kind][day]},
                )
            )
    by_source = {
        account.source: {
            "files": account.files_new,
            **{outcome: getattr(account, outcome) for outcome in OUTCOMES},
        }
        for account in result.accounts
    }
    totals = {name: sum(one[name] for one in by_source.values()) for name in OUTCOMES}
    reasons: dict[str, int] = {}
    for account in result.accounts:
        for reason, rows in account.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + rows
    new = arrivals(workspace.home, workspace.settings, before, datetime.now(UTC))
    return dg.MaterializeResult(
        metadata={
            **totals,
            "rows_by_source": dg.MetadataValue.json(by_source),
            "rows_by_event": dg.MetadataValue.json(new.rows_by_event),
            "freshness_seconds": new.age_seconds,
            "latest_event_at": new.latest_at.isoformat() if new.latest_at else None,
            "latest_event_at_by_source": dg.MetadataValue.json(
                {source: at.isoformat() for source, at in new.latest_by_source.items()}
            ),
            "sample": dg.MetadataValue.json(new.sample),
            "dagster/row_count": totals["accepted"],
            "quarantine_reasons": dg.MetadataValue.json(reasons),
            "relations": dg.MetadataValue.json([one.as_dict() for one in result.relations]),
        }
    )


@dg.asset_check(asset=batches, blocking=True, description="Rows in = accepted + refused.")
def row_accounting(workspace: Workspace) -> dg.AssetCheckResult:
    """Stop the run where a record is lost or invented: nothing downstream could be trusted."""
    totals = Ledger(workspace.home).accounts_total()
    unbalanced = [
        account.source
        for account in totals
        if account.rows_in
        != account.accepted + account.duplicate + account.conflict + account.quarantined
    ]
    return dg.AssetCheckResult(
        passed=not unbalanced,
        metadata={
            "observed": ", ".join(unbalanced) or "every source balances",
            "expected": "rows in = accepted + duplicate + conflict + quarantined",
        },
    )


def _lake(kind: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"lake_{kind}",
        description=description,
        group_name="lake",
        kinds={"parquet"},
        owners=["team:data"],
        deps=[batches],
        partitions_def=days,
        backfill_policy=in_one_run,
    )
    def lake(context: dg.AssetExecutionContext, workspace: Workspace) -> None:
        """Hold the days' files against the ledger; the marts of these days are built again."""
        keys = {date.fromisoformat(key): key for key in context.partition_keys}
        with workspace.writing():
            rows_by_day = check_days(workspace.home, kind, keys)
            workspace.reopen(kind, [day for day, rows in rows_by_day.items() if rows])
        for day, key in keys.items():
            count = {"dagster/partition_row_count": rows_by_day[day]}
            context.add_asset_metadata(count, partition_key=key)

    return lake


lake_events = _lake("events", "Accepted events of the day, immutable, sorted.")
lake_feedback = _lake("feedback", "Accepted feedback of the day.")

definitions = dg.Definitions(
    assets=[batches, lake_events, lake_feedback], asset_checks=[row_accounting]
)
