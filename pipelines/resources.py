"""The project that the pipeline runs for, and how its steps open and lock its state."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import orjson

from landed.catalog import Catalog, load_catalog
from landed.project import Home, Project, core_root, home_of, load_project
from landed.publish.inputs import midnight, require_unchanged, run_inputs
from landed.settings import Settings
from landed.warehouse import Engine, run_lock

BUILD_STATE = "build.json"
REOPENED = "reopened.json"  # days of the lake that the next build writes again, by kind
TURN_SECONDS = 3600.0  # longer than any step; then the run fails and says who holds the lock


class Workspace(dg.ConfigurableResource):  # type: ignore[misc]
    """One project and its home.

    Args:
        project_dir: The project's folder.
        home_dir: The folder of its state.
    """

    project_dir: str
    home_dir: str

    @classmethod
    def from_environment(cls) -> "Workspace":
        """LANDED_PROJECT, else the project here or above, else the demo product."""
        given = os.environ.get("LANDED_PROJECT")
        here = Path.cwd()
        is_project = any((folder / "landed.toml").is_file() for folder in (here, *here.parents))
        folder = Path(given) if given else here if is_project else core_root() / "examples/demo"
        project = load_project(folder)
        home = home_of(project, None, Settings.from_environment())
        return cls(project_dir=str(project.root), home_dir=str(home.root))

    @property
    def project(self) -> Project:
        """The project's files."""
        return load_project(Path(self.project_dir))

    @property
    def home(self) -> Home:
        """The project's state."""
        return Home(Path(self.home_dir))

    @property
    def settings(self) -> Settings:
        """What the environment decides."""
        return Settings.from_environment()

    def catalog(self) -> Catalog:
        """Metric definitions and releases, read anew: files change under a running UI."""
        return load_catalog(self.project)

    def inputs(self, catalog: Catalog) -> Mapping[str, str]:
        """Digests of everything the numbers come from, as the files are now."""
        return run_inputs(self.project, self.home, catalog, self.today)

    def built_inputs(self, catalog: Catalog) -> Mapping[str, str]:
        """The same, as they were when the marts were built; refused if files changed since."""
        built: Mapping[str, str] = self.recall(BUILD_STATE).get("inputs", {})
        require_unchanged(built, self.inputs(catalog))
        return built

    def unassessed(self, catalog: Catalog, snapshot: str) -> list[str]:
        """Releases without a report of this snapshot: never judged on the marts as they are."""
        return [
            name
            for name in catalog.releases
            if self.recall(f"report-{name}.json").get("snapshot") != snapshot
        ]

    def reopen(self, kind: str, days: Iterable[date]) -> None:
        """Have the next build write these days of the marts again. Under the lock."""
        kept = self.recall(REOPENED)
        both = {*kept.get(kind, ()), *(day.isoformat() for day in days)}
        self.remember(REOPENED, {**kept, kind: sorted(both)})

    def reopened(self) -> dict[str, list[date]]:
        """Days that the next build writes again, by kind."""
        kept = self.recall(REOPENED)
        return {kind: [date.fromisoformat(day) for day in days] for kind, days in kept.items()}

    @property
    def today(self) -> datetime:
        """Midnight (UTC) of the run's day: what freshness and exemptions are held against."""
        return midnight(self.now)

    @property
    def now(self) -> datetime:
        """The instant of the run, UTC. The only clock of the pipeline."""
        return datetime.now(UTC)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the home's lock while a step writes; a step of another run waits its turn.

        The lock, not one of Dagster's pools: the kernel frees it when its process is killed, while
        a pool's slot would stay taken and the next run would wait for ever.
        """
        with run_lock(self.home, wait_seconds=TURN_SECONDS):
            yield

    def engine(self, *, read_only: bool) -> Engine:
        """The build database."""
        self.home.warehouse.mkdir(parents=True, exist_ok=True)
        return Engine.open(self.home.build, read_only=read_only, settings=self.settings)

    def remember(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep what a later step needs; replaced whole, never half-written."""
        self.home.work.mkdir(parents=True, exist_ok=True)
        target = self.home.work / name
        draft = target.with_name(f".{name}.{os.getpid()}")
        draft.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2))
        draft.replace(target)

    def recall(self, name: str) -> dict[str, Any]:
        """What an earlier step kept; empty if it never ran."""
        path = self.home.work / name
        if not path.is_file():
            return {}
        kept: dict[str, Any] = orjson.loads(path.read_bytes())
        return kept
