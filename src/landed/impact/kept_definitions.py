"""What a metric meant at a release's looks, and whether it means the same now.

A number that was looked at under one definition and is measured under another is two numbers. A
revision written in the metric says that the change was meant; without one it is drift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..stats import Difference, NotEstimable

if TYPE_CHECKING:
    from .looks import ReleaseLooks, TakenLook


@dataclass(frozen=True, slots=True)
class KeptDefinition:
    """A metric's definition as a look met it first.

    Args:
        definition: `Catalog.definition_of`; without a `+` where the SQL behind it was not kept.
        cutoff_at: Cutoff of that look; of looks that kept no definitions, of the last under it.
        revision: Day of the latest revision then, ISO; None where there was none.
        revisions: Revisions then. Count; None where it was not kept.
    """

    definition: str
    cutoff_at: datetime
    revision: str | None = None
    revisions: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "definition": self.definition,
            "cutoff_at": self.cutoff_at.isoformat(),
            "revision": self.revision,
            "revisions": self.revisions,
        }

    @classmethod
    def of_dict(cls, kept: Mapping[str, Any]) -> KeptDefinition:
        """Read back what `as_dict` gave."""
        return cls(**{**kept, "cutoff_at": datetime.fromisoformat(kept["cutoff_at"])})


@dataclass(frozen=True, slots=True)
class Revised:
    """A metric that means something else than at the release's first look.

    Args:
        metric: The metric's name.
        was: The definition that was kept last.
        what: What changed: the definition, the SQL behind it, or that it is gone.
        since: The revision that says so; None where none does.
    """

    metric: str
    was: KeptDefinition
    what: str
    since: str | None


def is_same(kept: str, now: str) -> bool:
    """Whether two definitions are one; of one kept without its SQL, the rest is compared."""
    return kept == now if "+" in kept else kept == now.partition("+")[0]


def current(catalog: Catalog, metric: Metric, cutoff_at: datetime) -> KeptDefinition:
    """A metric's definition as the files are now."""
    return KeptDefinition(
        catalog.definition_of(metric.name), cutoff_at, metric.revision, len(metric.revisions)
    )


def kept_of_looks(
    taken: Mapping[tuple[str, str], Sequence[TakenLook]],
) -> dict[str, tuple[KeptDefinition, ...]]:
    """Definitions of looks that were kept without revisions: what the last look was taken by."""
    found: dict[str, KeptDefinition] = {}
    for (metric, _), looks in taken.items():
        for look in looks:
            known = found.get(metric)
            if known is None or known.cutoff_at <= look.cutoff_at:
                found[metric] = KeptDefinition(look.definition, look.cutoff_at)
    return {metric: (one,) for metric, one in found.items()}


def revised_metrics(looks: ReleaseLooks, catalog: Catalog) -> tuple[Revised, ...]:
    """Metrics of a release that mean something else than at its first look, by name."""
    found = []
    for name, kept in sorted(looks.definitions.items()):
        metric = catalog.metrics.get(name)
        if metric is None:
            found.append(Revised(name, kept[-1], "it is gone", None))
            continue
        now = catalog.definition_of(name)
        if is_same(kept[-1].definition, now):
            if len(kept) > 1 and not is_same(kept[0].definition, now):
                found.append(Revised(name, kept[0], _what(kept[0], now), kept[-1].revision))
            continue
        since = metric.revision if _is_new(metric, kept[-1]) else None
        found.append(Revised(name, kept[-1], _what(kept[-1], now), since))
    return tuple(found)


def with_definitions(
    kept: Mapping[str, tuple[KeptDefinition, ...]],
    catalog: Catalog,
    names: Sequence[str],
    cutoff_at: datetime,
) -> dict[str, tuple[KeptDefinition, ...]]:
    """What is kept of the metrics of a look: those met first, and those that were revised."""
    found = dict(kept)
    for name in names:
        metric = catalog.metrics.get(name)
        if metric is None:
            continue
        now, earlier = current(catalog, metric, cutoff_at), found.get(name, ())
        if not earlier:
            found[name] = (now,)
        elif not is_same(earlier[-1].definition, now.definition):
            if _is_new(metric, earlier[-1]):
                found[name] = (*earlier, now)
        elif earlier[-1].revisions is None:  # kept by a version that knew no revisions
            found[name] = (*earlier[:-1], now)
    return found


def two_metrics(last: TakenLook, metric: Metric, found: Difference | NotEstimable) -> str:
    """Why looks under one definition say nothing of another, with the effect under each."""
    effects = f"the effect was {last.effect:+.4g} at that look"
    if isinstance(found, Difference):
        effects += f" and is {found.absolute_effect:+.4g} as it is defined now"
    revision = max(metric.revisions, key=lambda one: one.date, default=None)
    said = f" (revision {revision.date}: {revision.change})" if revision else ""
    return (
        f"its definition changed after look {last.number}{said}: {effects}; what was seen then and"
        " what is measured now are two metrics"
    )


def _what(was: KeptDefinition, now: str) -> str:
    digest = was.definition.partition("+")[0]
    is_formula = digest != now.partition("+")[0]
    return "its definition changed" if is_formula else "the SQL of a model that it reads changed"


def _is_new(metric: Metric, was: KeptDefinition) -> bool:
    """Whether a metric has a revision that was not there at the look."""
    if metric.revision is None:
        return False
    if was.revisions is None:  # the day is all that can be compared
        return metric.revision >= was.cutoff_at.date().isoformat()
    if was.revision is None or metric.revision > was.revision:
        return True
    return metric.revision == was.revision and len(metric.revisions) > was.revisions
