"""What the doors ask: one function a question. The command line, HTTP and agents bind to these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..catalog import Catalog, Metric, load_catalog
from ..catalog.catalog import read_catalog
from ..catalog.linting_warnings import warnings_of
from ..catalog.sketched import relative_error
from ..compiler import Relations, compile_query, list_dimensions, parse_metric_sql
from ..errors import ContractError, Fault, GateRefused, LandedError, PlanError, WarehouseError
from ..gate import lint_exemptions, load_suites
from ..ingest import load_sources, load_tracking_plan, pending
from ..project import Home, Project
from ..publish import current, latest_reports, open_snapshot, read_report, read_snapshot
from ..publish.inputs import releases_digest
from ..settings import Settings
from ..warehouse import Engine


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows of one metric query, and the SQL that ran."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str
    relative_errors: Mapping[str, float] = field(default_factory=dict)  # of sketched columns


def check(project: Project) -> list[Fault]:
    """Every fault of metrics, releases, sources, tracking plan and suites, all at once."""
    faults: list[Fault] = []
    try:
        releases = list(load_catalog(project).releases.values())
    except ContractError as error:
        releases = []
        faults.extend(error.faults)
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
    return list(dict.fromkeys(faults))


def warnings(project: Project) -> list[Fault]:
    """What asks for a second look in definitions without faults; none where there are faults."""
    catalog, faults = read_catalog(project)
    if faults:
        return []
    return warnings_of(catalog, datetime.now(UTC).date())


def metric_query(
    project: Project, home: Home, sql: str, settings: Settings, *, snapshot: str | None = None
) -> Answer:
    """Answer `SELECT MEASURE(m) … FROM metrics …` from the current snapshot.

    Raises:
        QueryRefused: The query is not one over metrics; says which word and what works.
        GateRefused: It asks for a release whose gate has not passed.
        WarehouseError: Nothing was published yet.
    """
    catalog = load_catalog(project)
    compiled = compile_query(catalog, parse_metric_sql(sql, catalog), relations=Relations())
    _require_definitions(home, catalog, snapshot)
    with open_snapshot(home, snapshot, settings=settings) as engine:
        if compiled.release is not None:
            _require_gate(engine, compiled.release)
        rows = engine.rows(compiled.sql)
    names = tuple(column.name for column in compiled.columns)
    errors = {one.name: one.error for one in compiled.columns if one.error is not None}
    return Answer(names, tuple(tuple(row) for row in rows), compiled.sql, errors)


def _require_definitions(home: Home, catalog: Catalog, snapshot: str | None) -> None:
    """A snapshot answers with the definitions it was made with, not an open editor's."""
    published = current(home) if snapshot is None else read_snapshot(home, snapshot)
    if published is None:
        return  # opening it says that nothing was published yet
    made_with = published.manifest["inputs"]
    now = {"catalog": catalog.digest, "releases": releases_digest(catalog)}
    changed = [name for name, value in now.items() if made_with.get(name) != value]
    if changed:
        raise PlanError(
            f"the {' and '.join(changed)} changed since snapshot {published.id}",
            expected="the definitions it was made with",
            where=str(published.path),
            fix="run `landed run`, then ask again.",
            code="definitions_changed",
        )


def _require_gate(engine: Engine, release: str) -> None:
    """No door gives numbers of a release whose gate has not passed."""
    found = engine.one("select gate, reason from main.releases where release = ?", [release])
    if found is None:
        raise GateRefused(
            f"the release `{release}` was not assessed in this snapshot",
            expected="a release with a report",
            fix=f"run `landed run --release {release}`.",
        )
    if found[0] != "pass":
        raise GateRefused(
            f"the release `{release}` is blocked: {found[1]}",
            expected="a passed gate",
            fix=f"see `landed report {release}` for the smallest repair.",
        )


def compiled_sql(project: Project, sql: str) -> str:
    """The statement that a metric query runs, without running it."""
    catalog = load_catalog(project)
    return compile_query(catalog, parse_metric_sql(sql, catalog), relations=Relations()).sql


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
    return read_report(home, release, snapshot).document


def overview(project: Project, home: Home) -> list[Mapping[str, Any]]:
    """One line a declared release: verdict, main effect, where its page lies."""
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
