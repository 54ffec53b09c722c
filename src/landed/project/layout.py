"""Where a project's files and its state are.

A project is a folder with `landed.toml`; all state is in its home. Nothing is written elsewhere.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ..documents import read_toml
from ..errors import ContractError, Fault
from ..settings import Settings
from .bots import Bots, read_bots
from .telemetry import Telemetry, read_telemetry
from .zones import is_zone

PROJECT_FILE = "landed.toml"
_KNOWN_KEYS = {"name", "timezone"}


@dataclass(frozen=True, slots=True)
class Project:
    """One project: its folder and what `landed.toml` says.

    Args:
        root: The project's folder, absolute.
        name: Slug, [a-z][a-z0-9_]*; also the dbt project's name.
        timezone: IANA name; a day of a report is a day of this zone.
        bots: What makes a unit a bot.
        telemetry: By what one can tell that events were lost.
    """

    root: Path
    name: str
    timezone: str = "UTC"
    bots: Bots = field(default_factory=Bots)
    telemetry: Telemetry = field(default_factory=Telemetry)

    @property
    def sources(self) -> Path:
        """Folder of source files, one a source."""
        return self.root / "sources"

    @property
    def tracking(self) -> Path:
        """Folder of the tracking plan, one JSON Schema an event."""
        return self.root / "tracking"

    @property
    def metrics(self) -> Path:
        """Folder of the project's own metrics."""
        return self.root / "metrics"

    @property
    def releases(self) -> Path:
        """Folder of release files, one a release."""
        return self.root / "releases"

    @property
    def expectations(self) -> Path:
        """Folder of the project's own suites."""
        return self.root / "expectations"

    @property
    def models(self) -> Path:
        """Folder of the project's own dbt models."""
        return self.root / "models"


@dataclass(frozen=True, slots=True)
class Home:
    """All state of one project, below one folder (git-ignored by default)."""

    root: Path

    @property
    def landing(self) -> Path:
        """Where files are dropped; read, never written, by landed."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """Accepted rows as immutable Parquet."""
        return self.root / "lake"

    @property
    def quarantine(self) -> Path:
        """Refused rows, whole, with reason and position."""
        return self.root / "quarantine"

    @property
    def relations(self) -> Path:
        """Copies of tables that stand in databases of others."""
        return self.root / "relations"

    @property
    def ledger(self) -> Path:
        """Every batch ever seen; the source of truth for ingest."""
        return self.root / "ledger.sqlite"

    @property
    def dbt(self) -> Path:
        """The composed dbt project."""
        return self.root / "dbt"

    @property
    def warehouse(self) -> Path:
        """Folder of the build database."""
        return self.root / "warehouse"

    @property
    def build(self) -> Path:
        """Where dbt builds; one writer, private to the pipeline."""
        return self.warehouse / "build.duckdb"

    def remove_build(self) -> None:
        """Remove the build database, its log and what it spilled: the next build makes it anew.

        Deleted rows would else leave their bytes in its free blocks, and tables of models that are
        gone would stay.
        """
        for path in self.warehouse.glob(f"{self.build.name}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    @property
    def work(self) -> Path:
        """What the steps of a run hand to each other; private to the pipeline."""
        return self.root / "work"

    @property
    def snapshots(self) -> Path:
        """Published, immutable snapshots and the pointer `current`."""
        return self.root / "snapshots"

    @property
    def reports(self) -> Path:
        """Reports and notices, by release and snapshot."""
        return self.root / "reports"

    @property
    def exports(self) -> Path:
        """Answers of saved queries, one Parquet file each."""
        return self.root / "exports"

    @property
    def dagster(self) -> Path:
        """Dagster's run storage."""
        return self.root / "dagster"

    @property
    def looks(self) -> Path:
        """The looks taken at each release. Nothing else can say what was seen when."""
        return self.root / "looks"

    @property
    def gates(self) -> Path:
        """What the gate said of each release, cutoff by cutoff."""
        return self.root / "gates"

    @property
    def bi(self) -> Path:
        """The embedded PostgreSQL."""
        return self.root / "bi"

    @property
    def lock(self) -> Path:
        """File that whoever writes holds a lock on."""
        return self.root / "run.lock"

    @property
    def secret_key(self) -> Path:
        """Key of the digests that stand for user ids; mode 0600."""
        return self.root / "secret.key"


def core_root() -> Path:
    """The folder that holds the core `models/ metrics/ expectations/ dbt_project.yml`.

    `landed/_core` in an installed wheel, the repository's root in an editable install.
    """
    package = Path(__file__).resolve().parent.parent
    packaged = package / "_core"
    return packaged if packaged.is_dir() else package.parent.parent


def find_project(start: Path) -> Path:
    """The nearest folder at or above `start` that holds `landed.toml`.

    Raises:
        ContractError: There is none.
    """
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / PROJECT_FILE).is_file():
            return candidate
    raise ContractError(
        f"no {PROJECT_FILE} in {folder} or above it",
        expected="a landed project",
        where=str(folder),
        fix="run `landed init DIR` to make one, or pass --project DIR.",
        code="no_project",
    )


def load_project(folder: Path) -> Project:
    """Read `landed.toml` of the project at or above `folder`.

    Raises:
        ContractError: The file is missing or malformed, or a value is wrong; all at once.
    """
    root = find_project(folder)
    document = read_toml(root / PROJECT_FILE)
    table = document.data.get("project")
    where = str(document.path)
    if not isinstance(table, dict):
        raise ContractError("no [project] table", where=where, fix='add [project] name = "…".')
    faults: list[Fault] = []
    name = table.get("name")
    if not _is_name(name):
        faults.append(
            Fault(f"name is {name!r}", "lower-case letters, digits and _", where, "rename it.")
        )
    timezone = table.get("timezone", "UTC")
    if not is_zone(str(timezone)):
        faults.append(
            Fault(f"timezone is {timezone!r}", "an IANA name", where, "e.g. Europe/Berlin.")
        )
    unknown = sorted(set(table) - _KNOWN_KEYS)
    if unknown:
        expected = ", ".join(sorted(_KNOWN_KEYS))
        faults.append(Fault(f"unknown key(s) {', '.join(unknown)}", expected, where, "remove it."))
    bots = read_bots(document.data.get("bots", {}), where, faults)
    telemetry = read_telemetry(document.data.get("telemetry", {}), where, faults)
    if faults:
        raise ContractError(faults)
    return Project(root, str(name), str(timezone), bots, telemetry)


def home_of(project: Project, given: Path | None, settings: Settings) -> Home:
    """The state folder: `--home`, else LANDED_HOME, else `<project>/.landed`."""
    chosen = given or settings.home or project.root / ".landed"
    return Home(chosen.expanduser().resolve())


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= 63
        and name[0].isascii()
        and name[0].islower()
        and all(
            letter.isascii() and (letter.islower() or letter.isdigit() or letter == "_")
            for letter in name
        )
    )
