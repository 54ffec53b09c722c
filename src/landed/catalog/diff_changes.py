"""What the parts of a comparison hand to each other: two versions, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..errors import Fault
from .catalog import Catalog
from .diff_rules import RULES, Severity
from .formulas import aggregates
from .lineage_models import Models


@dataclass(frozen=True)
class Version:
    """A project's definitions as they stood at one moment.

    Args:
        name: What it is called: a git revision, a folder.
        roots: Folders that files are named from.
        faults: What could not be read of it.
        models: SQL of its dbt models; None leaves it out.
    """

    name: str
    catalog: Catalog
    roots: tuple[Path, ...] = ()
    faults: tuple[Fault, ...] = ()
    models: Models | None = None

    def file(self, path: Path) -> str:
        """A file's name, the same wherever the version was put."""
        for root in self.roots:
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return str(path)

    @cached_property
    def plain_metrics(self) -> tuple[str, ...]:
        """Names of the metrics that are made of measures, not of metrics."""
        return tuple(name for name, one in self.catalog.metrics.items() if not one.inputs)

    @cached_property
    def offered(self) -> dict[str, dict[str, str | None]]:
        """By metric made of measures: the dimensions it has in full, with their short names."""
        return {
            name: {one.name: one.short for one in self.catalog.dimensions_of([name])}
            for name in self.plain_metrics
        }

    @cached_property
    def measures_of(self) -> dict[str, frozenset[str]]:
        """By metric made of measures: the names of those."""
        return {
            name: frozenset(one.measure.name for one in aggregates(self.catalog.formula(name)))
            for name in self.plain_metrics
        }

    @cached_property
    def facts_of(self) -> dict[str, frozenset[str]]:
        """By metric made of measures: the semantic models whose rows it reads."""
        return {
            name: frozenset(one.fact.name for one in aggregates(self.catalog.formula(name)))
            for name in self.plain_metrics
        }

    def metrics_over(self, model: str) -> frozenset[str]:
        """Metrics made of the measures of a semantic model."""
        return frozenset(name for name, facts in self.facts_of.items() if model in facts)


@dataclass(frozen=True, slots=True)
class Touches:
    """What a change reaches beyond the definition it stands in; names, sorted."""

    metrics: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    saved_queries: tuple[str, ...] = ()
    dashboards: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, list[str]]:
        """The same as plain lists."""
        return {
            "metrics": list(self.metrics),
            "releases": list(self.releases),
            "saved_queries": list(self.saved_queries),
            "dashboards": list(self.dashboards),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is other than before.

    Args:
        rule: Its rule, which says how severe it is and why.
        subject: metric, dimension, measure, entity, model, saved query, dashboard, project.
        name: Of the subject.
        what: What it is now, and what it was.
        file: Where it stands, or stood.
        owners: Metrics whose own number or names it changes; a new revision of each answers it.
        dimension: Full name of the dimension that it is about; empty for none.
        touches: What it reaches.
        is_answered: Whether each owner tells of it in a new revision.
    """

    rule: str
    subject: str
    name: str
    what: str
    file: str
    owners: tuple[str, ...] = ()
    dimension: str = ""
    touches: Touches = field(default_factory=Touches)
    is_answered: bool = True

    @property
    def severity(self) -> Severity:
        """harmless, compatible or breaking."""
        return RULES[self.rule].severity

    @property
    def why(self) -> str:
        """Why it is so severe and no more."""
        return RULES[self.rule].why


def now_and_before(what: str, after: object, before: object) -> str:
    """`the window is 14 days, was 7 days`, with what is not there said so."""
    if before is None:
        return f"{what} is {after}, was not there"
    if after is None:
        return f"{what} is gone, was {before}"
    return f"{what} is {after}, was {before}"
