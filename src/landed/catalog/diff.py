"""What changed between two versions of the definitions, how severe it is, and whom it touches.

Pure: two versions in, changes out. Definitions are compared by what they compute, not by text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from ..errors import Fault
from .diff_changes import Change, Touches, Version, now_and_before
from .diff_metrics import has_new_revision, metric_changes
from .diff_models import model_changes
from .diff_rules import SEVERITIES, Severity
from .diff_saved import has_new_saved_revision, saved_changes
from .diff_sql import sql_changes
from .expressions import parse_condition
from .formulas import aggregates
from .saved import SavedQuery

#: No revision can tell of these: there is nothing left that could carry it.
_GONE = ("metric_removed", "metric_renamed", "saved_query_removed")


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes between two versions, the severest first.

    Args:
        unread: What could not be read of the base, and so was not compared.
    """

    changes: tuple[Change, ...]
    unread: tuple[Fault, ...] = ()

    @property
    def severity(self) -> Severity:
        """Of the severest change; harmless where there is none."""
        return max((one.severity for one in self.changes), key=SEVERITIES.index, default="harmless")

    @property
    def unanswered(self) -> tuple[Change, ...]:
        """Breaking changes that no new revision tells of."""
        return tuple(one for one in self.changes if not one.is_answered)


def diff(base: Version, head: Version, *, as_of: date) -> Diff:
    """Compare two versions.

    Args:
        as_of: Today: what was deprecated until before may go.
    """
    found = [
        *metric_changes(base, head, as_of),
        *model_changes(base, head),
        *saved_changes(base, head, as_of),
        *_timezone(base, head),
        *sql_changes(base, head),
    ]
    changes = [
        replace(one, touches=_touches(one, base, head), is_answered=_is_answered(one, base, head))
        for one in found
    ]
    changes.sort(key=lambda one: (-SEVERITIES.index(one.severity), one.subject, one.name, one.what))
    return Diff(tuple(changes), base.faults)


def lint_diff(found: Diff, base: Version, head: Version, today: date) -> list[Fault]:
    """A fault for every metric that breaks without saying so, with the entry to paste."""
    by_metric: dict[str, list[Change]] = {}
    faults: list[Fault] = []
    for change in found.unanswered:
        silent = [name for name in change.owners if not _tells(name, base, head)]
        if change.rule in _GONE or not change.owners:
            faults.append(_gone(change, today))
            continue
        for name in silent:
            by_metric.setdefault(name, []).append(change)
    for name, changes in sorted(by_metric.items()):
        metric = head.catalog.metrics[name]
        said = "; ".join(
            change.what if change.name == name else f"{change.subject} {change.name}: {change.what}"
            for change in changes
        )
        entry = f"- {{date: {today.isoformat()}, change: <what and why>, by: {metric.owner}}}"
        faults.append(
            Fault(
                f"the metric `{name}` breaks what reads it ({said})",
                f"a new revision since {base.name}",
                head.file(metric.path),
                f"undo it, or add to config.meta.revisions: {entry}",
                "unrevised",
            )
        )
    return faults


def _gone(change: Change, today: date) -> Fault:
    where = change.file
    if change.subject == "metric":
        until = (
            f"deprecated: {{since: {today.isoformat()}, until: <a later day>, use: <successor>}}"
        )
        fix = f"put it back with config.meta.{until}; it may go when that day is over."
    elif change.rule == "saved_query_removed":
        fix = "put it back with config.meta.deprecated; it may go when that day is over."
    else:
        fix = "undo it, or add an entry to config.meta.revisions of the saved query."
    what = f"the {change.subject} `{change.name}` breaks what reads it ({change.what})"
    return Fault(what, "", where, fix, "unrevised")


def _timezone(base: Version, head: Version) -> Iterator[Change]:
    before, after = base.catalog.time_zone, head.catalog.time_zone
    if before == after:
        return
    owners = []
    for name in head.plain_metrics:
        for one in aggregates(head.catalog.formula(name)):
            if one.fact.time_type(one.measure.agg_time_dimension) != "date":
                owners.append(name)
                break
    what = now_and_before("the time zone", after, before)
    known = tuple(name for name in owners if name in base.catalog.metrics)
    yield Change("timezone", "project", "timezone", what, "landed.toml", known)


def _tells(name: str, base: Version, head: Version) -> bool:
    before, after = base.catalog.metrics.get(name), head.catalog.metrics.get(name)
    return before is None or after is None or has_new_revision(before, after)


def _is_answered(change: Change, base: Version, head: Version) -> bool:
    if change.severity != "breaking" or change.rule == "model_sql":
        return True  # a model's SQL has no revisions: its tests tell what it should select
    if change.rule in _GONE:
        return False
    if change.subject == "saved query":
        before = base.catalog.saved_queries[change.name]
        return has_new_saved_revision(before, head.catalog.saved_queries[change.name])
    return all(_tells(name, base, head) for name in change.owners)


def _touches(change: Change, base: Version, head: Version) -> Touches:
    if change.severity == "harmless":
        return Touches()
    both = (base.catalog, head.catalog)
    roots = {change.name} if change.subject == "metric" else set(change.owners)
    metrics = _made_of(roots, base, head)
    saved = {
        name: query
        for catalog in both
        for name, query in catalog.saved_queries.items()
        if metrics.intersection(query.metrics)
        and (not change.dimension or _names(query, change.dimension))
    }
    if change.subject == "saved query":
        saved.pop(change.name, None)
    releases = set()
    for catalog in both:
        for name, release in catalog.releases.items():
            is_segment = change.dimension in {f"unit__{one}" for one in release.segments}
            if is_segment if change.dimension else metrics.intersection(release.metrics):
                releases.add(name)
    dashboards = {
        name
        for catalog in both
        for name, one in catalog.dashboards.items()
        if metrics.intersection(one.metrics)
    }
    others = metrics - ({change.name} if change.subject == "metric" else set())
    return Touches(_listed(others), _listed(releases), _listed(saved), _listed(dashboards))


def _made_of(roots: set[str], base: Version, head: Version) -> set[str]:
    """Some metrics with all that are made of them, in either version."""
    found = set(roots)
    while True:
        more = {
            name
            for catalog in (base.catalog, head.catalog)
            for name, metric in catalog.metrics.items()
            if name not in found and any(one.metric in found for one in metric.inputs)
        }
        if not more:
            return found
        found |= more


def _names(query: SavedQuery, dimension: str) -> bool:
    """Whether a saved query groups, filters or sorts by a dimension, in full or in short."""
    used = {*query.group_by, *(name for name, _ in query.order_by)}
    used |= {one.name for text in query.where for one in parse_condition(text).references}
    return not used.isdisjoint({dimension, dimension.partition("__")[2]})


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


__all__ = ["Change", "Diff", "Touches", "Version", "diff", "lint_diff"]
