"""What the doors ask: one function a question. The command line, HTTP and agents bind to these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..catalog import Catalog, Metric, load_catalog
from ..catalog.catalog import catalog_of, definitions_of
from ..catalog.deprecation import lint_deprecated
from ..catalog.linting_dbt import lint_dbt
from ..catalog.linting_warnings import warnings_of
from ..catalog.sketched import relative_error
from ..compiler import list_dimensions
from ..errors import ContractError, Fault, LandedError, WarehouseError
from ..project import Home, Project
from ..settings import Settings
from .asking import Answer, compiled_sql, metric_query

__all__ = [
    "Answer",
    "check",
    "compiled_sql",
    "diagnose",
    "html_path",
    "metric_query",
    "metrics",
    "overview",
    "report_document",
]


def check(project: Project) -> list[Fault]:
    """Every fault of metrics, releases, sources, tracking plan and suites, all at once."""
    return checked(project)[0]


def checked(project: Project) -> tuple[list[Fault], list[Fault]]:
    """Every fault, and what asks for a second look in definitions that have none."""
    from ..gate import lint_exemptions, load_suites
    from ..ingest import load_sources, load_tracking_plan

    faults: list[Fault] = []
    today = datetime.now(UTC).date()
    catalog = checked_catalog(project, faults)
    releases = list(catalog.releases.values()) if catalog is not None else []
    warnings = warnings_of(catalog, today) if catalog is not None else []
    if catalog is not None:
        faults.extend(lint_deprecated(catalog, today))
    try:
        faults.extend(lint_exemptions(releases, load_suites(project)))
    except ContractError as error:
        faults.extend(error.faults)
    try:
        load_sources(project)
    except ContractError as error:
        faults.extend(error.faults)
    try:
        load_tracking_plan(project.tracking)
    except ContractError as error:
        faults.extend(error.faults)
    return list(dict.fromkeys(faults)), warnings


def checked_catalog(
    project: Project, faults: list[Fault], *, core: Path | None = None
) -> Catalog | None:
    """The catalog, held against what dbt refuses as well; None where it has faults."""
    found = definitions_of(project, faults, core=core)
    catalog = catalog_of(project, found, faults)
    if not faults:
        faults.extend(lint_dbt(found))
    return None if faults else catalog


def metrics(project: Project, name: str | None = None) -> list[Mapping[str, Any]]:
    """The catalogue, or one metric of it, as plain facts."""
    catalog = load_catalog(project)
    chosen = [catalog.metric(name)] if name else list(catalog.metrics.values())
    return [
        {
            "name": metric.name,
            "label": metric.label,
            "kind": metric.kind,
            "value": metric.value,
            "direction": metric.direction,
            "owner": metric.owner,
            "tier": metric.tier,
            "window_days": metric.window_days,
            "minimum_effect_of_interest": metric.minimum_effect_of_interest,
            "non_inferiority_margin": metric.non_inferiority_margin,
            "relative_error": relative_error(catalog.formula(metric.name)),
            "description": metric.description,
            "revision": metric.revision,
            "revisions": [f"{one.date} {one.change} ({one.by})" for one in metric.revisions],
            "deprecated": _deprecation(metric),
            "digest": metric.digest,
            "dimensions": [info.name for info in list_dimensions(catalog, [metric.name])],
            "file": str(metric.path),
        }
        for metric in chosen
    ]


def _deprecation(metric: Metric) -> str | None:
    """How long a metric still is, and what to use; None where it stays."""
    if metric.deprecated is None:
        return None
    said = f"since {metric.deprecated.since}, until {metric.deprecated.until}"
    return said + (f"; use {metric.deprecated.use}" if metric.deprecated.use else "")


def report_document(home: Home, release: str, snapshot: str | None = None) -> Mapping[str, Any]:
    """The report or notice of one release.

    Raises:
        WarehouseError: There is none yet; names those that exist.
    """
    from ..publish import read_report

    return read_report(home, release, snapshot).document


def stale_note_of(home: Home, document: Mapping[str, Any]) -> str | None:
    """Why a report is no longer its release's verdict; None where it is."""
    from ..publish.readers import stale_since
    from ..report.words import stale_note

    if document["verdict"]["decision"] == "blocked":  # it withdrew others
        return None
    since = stale_since(home, document["release"], document["snapshot"])
    return None if since is None else stale_note(since)


def overview(project: Project, home: Home) -> list[Mapping[str, Any]]:
    """One line a declared release: verdict, main effect, where its page lies."""
    from ..publish import latest_reports

    declared = load_catalog(project).releases
    lines: list[Mapping[str, Any]] = []
    for report in latest_reports(home):
        if report.release not in declared:
            continue
        document = report.document
        main = next((e for e in document["estimates"] if e["role"] == "success"), None)
        failed = [c for c in document["gate"]["checks"] if not c["passed"]]
        lines.append(
            {
                "release": report.release,
                "verdict": report.decision,
                "next_action": document["verdict"]["next_action"],
                "reason": document["verdict"]["reason"],
                "main_effect": main,
                "failed_checks": [c["id"] for c in failed if c["severity"] == "critical"],
                "html": str(html_path(home, report.release, report.snapshot)),
                "as_of": document["as_of"],
            }
        )
    return lines


def html_path(home: Home, release: str, snapshot: str) -> Path:
    """Where a report's page lies."""
    return home.reports / release / f"{snapshot}.html"


def diagnose(project: Project, home: Home, settings: Settings) -> list[Mapping[str, Any]]:
    """What `landed doctor` says: installation and state, each with what to do."""
    from ..ingest import pending
    from ..publish import current, open_snapshot

    findings: list[Mapping[str, Any]] = []

    def finding(subject: str, ok: bool, observed: str, fix: str = "") -> None:
        findings.append({"subject": subject, "ok": ok, "observed": observed, "fix": fix})

    faults = check(project)
    finding("project files", not faults, f"{len(faults)} fault(s)", "run `landed check`.")
    waiting: Sequence[object] = ()
    try:
        waiting = pending(project, home)
    except LandedError as error:
        finding("sources", False, str(error.faults[0].what), error.faults[0].fix)
    finding("landing", not waiting, f"{len(waiting)} file(s) not ingested", "run `landed run`.")
    published = None
    try:
        published = current(home)
        shown = published.id if published else "none published"
        finding("snapshot", published is not None, shown, "run `landed run`.")
    except WarehouseError as error:
        finding("snapshot", False, error.faults[0].what, error.faults[0].fix)
    if published is not None:
        try:
            with open_snapshot(home, settings=settings) as engine:
                engine.one("select 1")
            finding("snapshot file", True, "opens read-only")
        except WarehouseError as error:
            finding("snapshot file", False, error.faults[0].what, error.faults[0].fix)
    mode = home.secret_key.stat().st_mode & 0o777 if home.secret_key.is_file() else None
    if mode is not None:
        finding("secret.key", mode == 0o600, f"mode {mode:o}", f"chmod 600 {home.secret_key}")
    finding("clock", True, datetime.now(UTC).isoformat(timespec="seconds"))
    return findings
