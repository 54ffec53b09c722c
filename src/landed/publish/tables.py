"""The tables beside the marts: releases, estimates, gate checks, metric catalogue.

Each is declared once, with its comments, for the snapshot and for the BI store. Types are names
that DuckDB and PostgreSQL share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..catalog import Catalog
from ..report import Report


@dataclass(frozen=True, slots=True)
class Column:
    """A column: name, type, what it holds."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: name, what one row is, columns."""

    name: str
    comment: str
    columns: tuple[Column, ...]

    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)


RELEASES = Table(
    "releases",
    "One row per release: its verdict as of the latest look. A blocked release has no numbers.",
    (
        Column("release", "text", "Name of the release."),
        Column("owner", "text", "Who acts on the verdict."),
        Column("hypothesis", "text", "What was expected, in its owner's words."),
        Column("rollout", "text", "experiment, staged, version or everyone."),
        Column("control", "text", "The variant compared against; empty without one."),
        Column("shipped_at", "timestamp", "When it shipped, UTC."),
        Column("as_of", "timestamp", "Data up to this instant were judged, UTC."),
        Column(
            "verdict", "text", "worked, no_effect, harmed, inconclusive, blocked, not_estimable."
        ),
        Column("reason", "text", "Why, in one sentence."),
        Column("next_action", "text", "expand, continue, iterate, roll_back, repair_measurement."),
        Column("gate", "text", "pass or blocked."),
        Column("exposed_units", "bigint", "Distinct exposed units over all variants. Count."),
        Column("sample_ratio_p_value", "float8", "Observed against planned split. 0 to 1."),
        Column("last_good_as_of", "timestamp", "Of the report that stays up while blocked, UTC."),
        Column("snapshot", "text", "Id of the snapshot of this report."),
    ),
)

ESTIMATES = Table(
    "estimates",
    "One row per release, metric and treatment: means, effect, interval. Passing gates only.",
    (
        Column("release", "text", "Name of the release."),
        Column("metric", "text", "Name of the metric."),
        Column("label", "text", "The metric's name for people."),
        Column("value", "text", "Unit of measure: share, usd, seconds, count."),
        Column("direction", "text", "increase_is_good, decrease_is_good or neutral."),
        Column("role", "text", "success, guardrail, survival or diagnostic."),
        Column("treatment", "text", "The variant compared with control."),
        Column("status", "text", "estimated, not_estimable or waiting (for its next look)."),
        Column("reason", "text", "Why it is not estimable, or waits."),
        Column("window_days", "float8", "Outcome window after exposure. Days."),
        Column("margin", "float8", "Non-inferiority margin, in the metric's unit."),
        Column("mean_control", "float8", "Mean of control, in the metric's unit."),
        Column("mean_treatment", "float8", "Mean of treatment, in the metric's unit."),
        Column("n_control", "bigint", "Units of control that entered. Count."),
        Column("n_treatment", "bigint", "Units of treatment that entered. Count."),
        Column("absolute_effect", "float8", "Treatment minus control, in the metric's unit."),
        Column("ci_lower", "float8", "Lower end of its interval."),
        Column("ci_upper", "float8", "Upper end of its interval."),
        Column("relative_effect", "float8", "Effect as a share of the control mean."),
        Column("relative_ci_lower", "float8", "Lower end of its interval. Share."),
        Column("relative_ci_upper", "float8", "Upper end of its interval. Share."),
        Column("p_value", "float8", "Two-sided, against no difference. 0 to 1."),
        Column("confidence_level", "float8", "Of the intervals. Share."),
        Column("method", "text", "Name of the statistic."),
        Column("conclusion", "text", "What the interval says, by the metric's role."),
        Column("verdict", "text", "The release's verdict."),
        Column("definition_revision", "text", "Day of the definition's latest revision."),
        Column("definition_digest", "text", "Digest of the compiled definition."),
        Column("as_of", "timestamp", "Data up to this instant were measured, UTC."),
        Column("snapshot", "text", "Id of the snapshot of this report."),
    ),
)

GATE_CHECKS = Table(
    "gate_checks",
    "One row per release and check of the gate: what was asked of the data, and what was found.",
    (
        Column("release", "text", "Name of the release."),
        Column("check_id", "text", "The check."),
        Column("severity", "text", "critical blocks, warning becomes a caveat, info is shown."),
        Column("passed", "boolean", "Whether the data met the expectation."),
        Column("observed", "text", "What was found."),
        Column("expected", "text", "What would have passed."),
        Column("because", "text", "Why it matters."),
        Column("fix", "text", "The smallest repair."),
        Column("as_of", "timestamp", "Data up to this instant were judged, UTC."),
    ),
)

METRIC_CATALOG = Table(
    "metric_catalog",
    "One row per metric: its definition, owner, unit of measure and revision.",
    (
        Column("metric", "text", "Name of the metric."),
        Column("label", "text", "Its name for people."),
        Column("description", "text", "What is counted, who is in and out, what a fall means."),
        Column("kind", "text", "simple, ratio, derived or unit_mean."),
        Column("value", "text", "Unit of measure: share, usd, seconds, count."),
        Column("direction", "text", "increase_is_good, decrease_is_good or neutral."),
        Column("owner", "text", "Who answers for the definition."),
        Column("tier", "text", "certified, team or draft."),
        Column("window_days", "float8", "Outcome window in release scope. Days."),
        Column("revision", "text", "Day of the latest revision."),
        Column("digest", "text", "Digest of the compiled definition."),
        Column("deprecated_until", "text", "Day until which it may be used; empty while current."),
        Column("use_instead", "text", "The metric to use instead."),
    ),
)

TABLES = (RELEASES, ESTIMATES, GATE_CHECKS, METRIC_CATALOG)

Rows = list[tuple[Any, ...]]


def rows_of(catalog: Catalog, reports: Sequence[Report]) -> Mapping[str, Rows]:
    """Rows of every table, sorted, from the definitions and the reports."""
    found: Mapping[str, Rows] = {
        "releases": _releases(reports),
        "estimates": list(_estimates(reports)),
        "gate_checks": list(_gate_checks(reports)),
        "metric_catalog": _metrics(catalog),
    }
    return found


def _releases(reports: Sequence[Report]) -> Rows:
    rows: Rows = []
    for report in sorted(reports, key=lambda item: item.release):
        document = report.document
        about, verdict = document.get("about") or {}, document["verdict"]
        exposure, good = document["exposure"], document.get("last_good") or {}
        rows.append(
            (
                report.release,
                about.get("owner"),
                about.get("hypothesis"),
                about.get("rollout"),
                about.get("control"),
                _instant(about.get("shipped_at")),
                _instant(document["as_of"]),
                verdict["decision"],
                verdict["reason"],
                verdict["next_action"],
                document["gate"]["decision"],
                sum(exposure["counts"].values()),
                exposure["sample_ratio_p_value"],
                _instant(good.get("as_of")),
                report.snapshot,
            )
        )
    return rows


def _estimates(reports: Sequence[Report]) -> Iterable[tuple[Any, ...]]:
    for report in sorted(reports, key=lambda item: item.release):
        document = report.document
        known = {
            "release": report.release,
            "verdict": report.decision,
            "as_of": _instant(document["as_of"]),
            "snapshot": report.snapshot,
        }
        for estimate in document["estimates"]:
            definition = {
                f"definition_{key}": estimate["definition"][key] for key in ("revision", "digest")
            }
            row = {**estimate, **known, **definition}
            yield tuple(row[name] for name in ESTIMATES.names())


def _gate_checks(reports: Sequence[Report]) -> Iterable[tuple[Any, ...]]:
    for report in sorted(reports, key=lambda item: item.release):
        as_of = _instant(report.document["as_of"])
        for check in report.document["gate"]["checks"]:
            row = {**check, "release": report.release, "check_id": check["id"], "as_of": as_of}
            yield tuple(row[name] for name in GATE_CHECKS.names())


def _metrics(catalog: Catalog) -> Rows:
    return [
        (
            metric.name,
            metric.label,
            " ".join(metric.description.split()),
            metric.kind,
            metric.value,
            metric.direction,
            metric.owner,
            metric.tier,
            metric.window_days,
            metric.revision,
            metric.digest,
            metric.deprecated.until if metric.deprecated else None,
            metric.deprecated.use if metric.deprecated else None,
        )
        for _, metric in sorted(catalog.metrics.items())
    ]


def _instant(text: str | None) -> datetime | None:
    """An instant of a document as UTC without a zone, as the engines keep it."""
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
