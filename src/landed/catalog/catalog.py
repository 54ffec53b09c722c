"""All definitions of a project: the core's, with the project's added or in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from ..documents import digest
from ..errors import ContractError, Fault
from ..project import Project, core_root
from ..project.zones import canonical_zone
from .building import build_metric, build_semantic_model
from .definitions import (
    METRIC_TIME,
    RELEASE,
    VARIANT,
    DimensionInfo,
    Metric,
    SemanticModel,
)
from .forms import NoUnitForm, RankForm, UnitForm, rank_form, unit_form
from .formulas import Formula, Vocabulary, leading
from .lineage_models import Models
from .linting import lint_references, lint_release, measures_by_name, unit_model
from .metric_events import MetricEvents, metric_events
from .names import did_you_mean, short_names, show
from .planned_events import PlannedEvents, read_planned_events, read_untracked_sources
from .reading import Definitions, read_definitions
from .releases import Release, load_releases
from .saved import Dashboard, SavedQuery, build_saved_query, lint_names, read_dashboard
from .sql_digest import SqlDigests


@dataclass(frozen=True)
class Catalog:
    """Every metric, semantic model and release of a project; sound, or it would not exist.

    Args:
        digest: Of all definitions with their governance, and of the releases.
        time_zone: IANA name of the project's zone: of times in conditions of definitions, and of
            a query's periods where it names none.
        sql_folders: The core's models and the project's; None where nobody says.
        tracking: Folder of the tracking plan; None where there is no project.
    """

    metrics: Mapping[str, Metric]
    semantic_models: Mapping[str, SemanticModel]
    releases: Mapping[str, Release] = field(default_factory=dict)
    digest: str = ""
    time_zone: str = "UTC"
    saved_queries: Mapping[str, SavedQuery] = field(default_factory=dict)
    dashboards: Mapping[str, Dashboard] = field(default_factory=dict)
    sql_folders: tuple[Path, Path] | None = field(default=None, compare=False)
    tracking: Path | None = field(default=None, compare=False)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What names are resolved in."""
        faults: list[Fault] = []  # none: load_catalog has raised them
        return Vocabulary(
            self.metrics,
            measures_by_name(self.semantic_models, faults),
            unit_model(self.semantic_models, faults),
            self.time_zone,
            self.semantic_models,
        )

    def metric(self, name: str) -> Metric:
        """The metric of that name.

        Raises:
            ContractError: There is none; with the nearest name.
        """
        found = self.metrics.get(name)
        if found is None:
            raise ContractError(
                f"unknown metric {show(name)}",
                fix=did_you_mean(name, self.metrics),
                code="unknown_metric",
            )
        return found

    def formula(self, name: str) -> Formula:
        """What a metric computes, through its inputs."""
        return self.vocabulary.formula(self.metric(name))

    def unit_form(self, name: str) -> UnitForm | NoUnitForm:
        """The form of a metric's outcome for one unit of a release, or why it has none."""
        return unit_form(self.metric(name), self.formula(name))

    def rank_form(self, name: str) -> RankForm | None:
        """The quantile of rows that a metric is, for a release; None where it is none."""
        return rank_form(self.metric(name), self.formula(name))

    def models_read_by(self, metric: str) -> frozenset[str]:
        """Names of the dbt models that a metric reads, through its inputs and conditions.

        A release's outcome also reads `fct_exposures`, whatever the metric.
        """
        return self.vocabulary.models_of(self.formula(metric))

    @cached_property
    def models(self) -> Models:
        """SQL of the dbt models, the core's with the project's in their place; none built."""
        return Models(self.sql_folders or ())

    @cached_property
    def _sql_digests(self) -> SqlDigests | None:
        own = Models(self.sql_folders[1:]).names() if self.sql_folders else frozenset()
        return SqlDigests(self.models, own) if own else None

    def definition_of(self, name: str) -> str:
        """All that a metric's number depends on: its digest, and that of the SQL behind it."""
        metric, sql = self.metric(name), self._sql_digests
        behind = "" if sql is None else sql.of(name, self.formula(name), self.vocabulary)
        return f"{metric.digest}+{behind}"

    def events_of(self, name: str) -> tuple[MetricEvents, ...]:
        """Events that a metric reads by name: one entry an aggregate that names any."""
        if name not in self._events:
            self._events[name] = metric_events(self.formula(name), self.vocabulary, self.models)
        return self._events[name]

    @cached_property
    def _events(self) -> dict[str, tuple[MetricEvents, ...]]:
        return {}

    @cached_property
    def planned_events(self) -> PlannedEvents:
        """Events of the tracking plan, with the properties that their schemas name."""
        return {} if self.tracking is None else read_planned_events(self.tracking)

    @cached_property
    def untracked_sources(self) -> frozenset[str]:
        """Sources whose events the tracking plan says nothing of."""
        folder = self.tracking and self.tracking.parent / "sources"
        return read_untracked_sources(folder) if folder else frozenset()

    def decides_at(self, release: Release) -> datetime | None:
        """When a release's verdict is due: the end of exposure plus its longest window."""
        return release.decides_at(self.metric(name).window_days for name in release.metrics)

    def dimensions_of(self, metrics: Sequence[str]) -> tuple[DimensionInfo, ...]:
        """Names that a query of all these metrics may group by and filter on."""
        shared: dict[str, DimensionInfo] | None = None
        for name in metrics:
            for aggregate in leading(self.formula(name)):
                found = {
                    full: DimensionInfo(full, None, one.kind, one.description)
                    for full, one in self.vocabulary.names_of(aggregate.fact).items()
                }
                shared = (
                    found
                    if shared is None
                    else {full: one for full, one in shared.items() if full in found}
                )
        shorts = short_names(shared or {})
        named = tuple(
            replace(one, short=shorts.get(full)) for full, one in sorted((shared or {}).items())
        )
        return (
            DimensionInfo(METRIC_TIME, METRIC_TIME, "time", "When a row counts: hour to year."),
            DimensionInfo(RELEASE, RELEASE, "categorical", "A release, for its unit outcomes."),
            DimensionInfo(VARIANT, VARIANT, "categorical", "The variant a unit got in a release."),
            *named,
        )

    def lint_release(self, release: Release) -> list[Fault]:
        """What is wrong with a release's use of metrics and segments; empty where nothing is."""
        return lint_release(release, self.vocabulary, self.metrics)


def load_catalog(project: Project, *, core: Path | None = None) -> Catalog:
    """Read the core's and the project's metrics and models, and the project's releases.

    Args:
        core: Folder with the core `metrics/` and `models/`; None means the installed core.

    Raises:
        ContractError: A definition or release has faults; all of them at once.
    """
    catalog, faults = read_catalog(project, core=core)
    if faults:
        raise ContractError(faults)
    return catalog


def read_catalog(project: Project, *, core: Path | None = None) -> tuple[Catalog, list[Fault]]:
    """What can be read of a project's definitions, and every fault of the rest.

    For what looks at definitions that need not be sound, such as those of another day.
    """
    faults: list[Fault] = []
    found = definitions_of(project, faults, core=core)
    return catalog_of(project, found, faults, core=core), faults


def definitions_of(
    project: Project, faults: list[Fault], *, core: Path | None = None
) -> Definitions:
    """The definitions as written, the core's with the project's in their place by name."""
    root = core_root() if core is None else core
    shipped = read_definitions(root / "metrics", root / "models", faults)
    return shipped.replaced_by(read_definitions(project.metrics, project.models, faults))


def catalog_of(
    project: Project, found: Definitions, faults: list[Fault], *, core: Path | None = None
) -> Catalog:
    """What can be made of definitions; every fault of the rest is added to the list."""
    models: dict[str, SemanticModel] = {}
    broken: set[str] = set()
    for name, entry in found.semantic_models.items():
        model = (
            build_semantic_model(entry, found.columns, faults, found.unique)
            if entry.is_sound
            else None
        )
        if model is None:
            broken.add(name)
        else:
            models[name] = model
    metrics = {
        name: metric
        for name, entry in found.metrics.items()
        if entry.is_sound and (metric := build_metric(entry, faults)) is not None
    }
    vocabulary = Vocabulary(
        metrics, measures_by_name(models, faults), unit_model(models, faults), models=models
    )
    bad = lint_references(vocabulary, found.metrics, broken, faults)
    saved = {
        name: query
        for name, entry in found.saved_queries.items()
        if entry.is_sound and (query := build_saved_query(entry, found.metrics, faults)) is not None
    }
    zone = canonical_zone(project.timezone)
    releases = load_releases(project.releases, faults, zone)
    for release in releases.values():
        faults.extend(lint_release(release, vocabulary, found.metrics, bad))
    digested = {
        name: replace(metric, digest=vocabulary.digest_of(metric, vocabulary.formula(metric)))
        for name, metric in sorted(metrics.items())
        if name not in bad
    }
    dashboards = [read_dashboard(*one) for one in found.exposures]
    catalog = Catalog(
        digested,
        models,
        releases,
        _digest(digested, releases, zone),
        zone,
        saved,
        {one.name: one for one in dashboards},
        (core_root() / "models" if core is None else core / "models", project.models),
        project.tracking,
    )
    for name, query in saved.items():
        if not bad.intersection(query.metrics):
            infos = catalog.dimensions_of(query.metrics)
            faults.extend(lint_names(query, infos, found.saved_queries[name]))
    return catalog


def _digest(metrics: Mapping[str, Metric], releases: Mapping[str, Release], zone: str) -> str:
    governed = {
        name: {
            "definition": metric.digest,
            "value": metric.value,
            "direction": metric.direction,
            "minimum_effect_of_interest": metric.minimum_effect_of_interest,
            "non_inferiority_margin": metric.non_inferiority_margin,
            "revision": metric.revision,
        }
        for name, metric in metrics.items()
    }
    named = {name: release.digest for name, release in releases.items()}
    zoned = {} if zone == "UTC" else {"time_zone": zone}  # of UTC none: as before zones were known
    return digest({"metrics": governed, "releases": named, **zoned})
