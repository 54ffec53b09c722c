"""The built-in checks, by check id. To add one: a module, a line here, an expectation, a page."""

from __future__ import annotations

from collections.abc import Mapping

from ..facts import Check
from . import (
    allocation_change,
    crossover_share,
    definition_drift,
    exposed_units,
    exposure_logging,
    finite_estimates,
    freshness,
    independent_recount,
    metric_events,
    missing_outcome,
    model_tests,
    must_emit,
    outcome_rows,
    outcome_without_exposure,
    pre_exposure_balance,
    quarantine_rate,
    row_accounting,
    sample_ratio,
    sample_ratio_slices,
    segment_totals,
    shares_in_range,
    telemetry_loss,
    treatment_before_exposure,
    unknown_variant,
    variants_swapped,
    volume,
)

CHECKS: Mapping[str, Check] = {
    "row_accounting": row_accounting.CHECK,
    "quarantine_rate": quarantine_rate.CHECK,
    "freshness": freshness.CHECK,
    "volume": volume.CHECK,
    "exposed_units": exposed_units.CHECK,
    "sample_ratio": sample_ratio.CHECK,
    "sample_ratio_slices": sample_ratio_slices.CHECK,
    "allocation_change": allocation_change.CHECK,
    "crossover_share": crossover_share.CHECK,
    "unknown_variant": unknown_variant.CHECK,
    "exposure_logging": exposure_logging.CHECK,
    "telemetry_loss": telemetry_loss.CHECK,
    "pre_exposure_balance": pre_exposure_balance.CHECK,
    "treatment_before_exposure": treatment_before_exposure.CHECK,
    "variants_swapped": variants_swapped.CHECK,
    "outcome_without_exposure": outcome_without_exposure.CHECK,
    "outcome_rows": outcome_rows.CHECK,
    "missing_outcome": missing_outcome.CHECK,
    "must_emit": must_emit.CHECK,
    "metric_events": metric_events.CHECK,
    "definition_drift": definition_drift.CHECK,
    "model_tests": model_tests.CHECK,
    "shares_in_range": shares_in_range.CHECK,
    "segment_totals": segment_totals.CHECK,
    "finite_estimates": finite_estimates.CHECK,
    "independent_recount": independent_recount.CHECK,
}
