"""What a run's results depend on, as one digest: the same inputs give the same snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..catalog import Catalog
from ..documents import digest
from ..errors import PlanError
from ..ingest import Ledger, is_overdue, load_sources, pending, relations_digest
from ..project import Home, Project, core_root
from .judged_again import is_of, says_the_latest, snapshot_id
from .readers import current, releases_digest
from .reports import points_to


def run_inputs(project: Project, home: Home, catalog: Catalog, now: datetime) -> Mapping[str, str]:
    """Digests of everything the numbers come from, by name; the report's provenance.

    Args:
        project: The project's files.
        home: Its ledger.
        catalog: Its definitions and releases.
        now: Midnight (UTC) of the run's day. It counts only while a release is open, whose
            freshness depends on the calendar, and for the exemptions in force.
    """
    core = core_root()
    ledger = Ledger(home)
    kinds = ("events", "feedback", "exposures", "releases")
    lake = digest({kind: [file.sha256 for file in ledger.files(kind)] for kind in kinds})
    through = _data_through(ledger)
    is_open = any(
        due is not None and (through is None or through < due)
        for due in map(catalog.decides_at, catalog.releases.values())
    )
    package = Path(__file__).resolve().parent.parent
    return {
        "catalog": catalog.digest,
        "code": _digest_files((package, core / "pipelines"), "*.py"),
        "day": now.date().isoformat() if is_open else "",
        "exemptions": digest(
            sorted(
                f"{release.release}: {exemption.check}"
                for release in catalog.releases.values()
                for exemption in release.exemptions
                if exemption.expires_at > now
            )
        ),
        "expectations": _digest_files((core / "expectations", project.expectations), "*.yml"),
        "lake": lake,
        "landed": __version__,
        "models": _digest_files((core / "models", project.models), "*.*"),
        "project": digest(
            {
                "name": project.name,
                "timezone": project.timezone,
                "bots": project.bots.facts(),
                "telemetry": project.telemetry.facts(),
            }
        ),
        "relations": relations_digest(home),
        "releases": releases_digest(catalog),
        "sources": _digest_files((project.sources, project.tracking), "*.*"),
    }


def midnight(now: datetime) -> datetime:
    """Midnight (UTC) of a day: what freshness and exemptions are held against.

    The same inputs on the same day must give the same decision, so no finer clock is asked.
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _data_through(ledger: Ledger) -> datetime | None:
    """Until when every event source is surely whole; None without events."""
    last = max(ledger.days("events"), default=None)
    if last is None:
        return None
    last_midnight = datetime(last.year, last.month, last.day, tzinfo=UTC)
    return min(
        max(complete_through or last_midnight, last_midnight)
        for _, kind, complete_through in ledger.sources()
        if kind == "events"
    )


def up_to_date(project: Project, home: Home, catalog: Catalog, now: datetime) -> str | None:
    """Id of the current snapshot if a run would change nothing, else None.

    A run changes something too where rows have become older than their source keeps them. Only
    under the home's lock: what was digested for the answer is remembered.
    """
    if pending(project, home, keep=True):  # first: it also tells of sources that have no file
        return None
    if is_overdue(home, load_sources(project).values(), now):
        return None
    published = current(home)
    if published is None:
        return None
    wanted = snapshot_id(run_inputs(project, home, catalog, now))
    is_whole = (
        is_of(published, wanted)
        and points_to(home, catalog.releases, published.id)
        and says_the_latest(home, catalog.releases)
    )
    return published.id if is_whole else None


def require_unchanged(built: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to judge or publish marts that were built from other files than those of now.

    Args:
        built: `run_inputs` when the marts were built.
        now: `run_inputs` now. The calendar may have moved on; nothing else may.

    Raises:
        PlanError: Names what changed.
    """
    moving = ("day", "exemptions")
    changed = [key for key in now if key not in moving and built.get(key) != now[key]]
    if changed:
        raise PlanError(
            f"{', '.join(changed)} changed since the marts were built",
            expected="the files the marts were built from",
            fix="run `landed run`, or materialise the models first.",
            code="inputs_changed",
        )


def _digest_files(folders: Iterable[Path], pattern: str) -> str:
    """SHA-256 over names and bytes of all files below the folders, in order of name."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob(pattern)) if folder.is_dir() else ():
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(str(path.relative_to(folder)).encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
