"""Metrics on their way out: who uses one warns from `since`, and is refused after `until`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ..errors import Fault
from .catalog import Catalog
from .definitions import Deprecation, Metric
from .names import refused, show


@dataclass(frozen=True, slots=True)
class Notice:
    """A use of a deprecated metric.

    Args:
        metric: The deprecated one.
        asked: The metric that was asked for, which is it or is made of it.
        deprecated: Its days and its successor.
        is_over: Whether its last day has passed.
    """

    metric: str
    asked: str
    deprecated: Deprecation
    is_over: bool

    @property
    def what(self) -> str:
        """What is wrong, without what to do."""
        through = "" if self.asked == self.metric else f", which {show(self.asked)} is made of,"
        if self.is_over:
            return f"the metric {show(self.metric)}{through} ended on {self.deprecated.until}"
        return (
            f"the metric {show(self.metric)}{through} is deprecated since "
            f"{self.deprecated.since} and ends on {self.deprecated.until}"
        )

    @property
    def fix(self) -> str:
        """What to do."""
        if self.deprecated.use is None:
            return "it has no successor; stop using it, or ask its owner."
        return f"use {show(self.deprecated.use)}."

    def __str__(self) -> str:
        """One line: what, then what to do."""
        return f"{self.what}: {self.fix}"


def notices(metrics: Mapping[str, Metric], names: Iterable[str], today: date) -> tuple[Notice, ...]:
    """Every deprecated metric that some metrics are or are made of, on a day.

    Before `since` there is no notice; `since` and `until` themselves still warn.

    Args:
        metrics: All definitions.
        names: What is used; unknown ones are left to those who report them.
        today: The day of use.
    """
    found: dict[tuple[str, str], Notice] = {}
    day = today.isoformat()
    for asked in dict.fromkeys(names):
        for name in _with_inputs(metrics, asked):
            deprecated = metrics[name].deprecated
            if deprecated is not None and day >= deprecated.since:
                found[name, asked] = Notice(name, asked, deprecated, day > deprecated.until)
    return tuple(found.values())


def require_current(
    metrics: Mapping[str, Metric], names: Iterable[str], today: date
) -> tuple[str, ...]:
    """Warnings for a query that names some metrics.

    Raises:
        QueryRefused: One of them has ended; names the successor.
    """
    found = notices(metrics, names, today)
    for one in found:
        if one.is_over:
            raise refused(one.what, one.fix, "deprecated")
    return tuple(str(one) for one in found)


@dataclass(frozen=True, slots=True)
class Use:
    """Something in a project's files that names metrics.

    Args:
        what: In words, as `the release `x``.
        metrics: Names of the metrics.
        path: Its file.
    """

    what: str
    metrics: Sequence[str]
    path: Path


def lint_deprecated(catalog: Catalog, today: date) -> list[Fault]:
    """A fault for each metric, release and saved query that names a metric past its end.

    A release whose verdict was due by that end is history: it names what it was judged by. A
    metric that has ended itself may be made of others that have.

    Args:
        catalog: The definitions and the releases.
        today: The day that ends are held against.
    """
    uses: list[tuple[Use, str | None]] = [
        (Use(f"the saved query {show(name)}", query.metrics, query.path), None)
        for name, query in catalog.saved_queries.items()
    ]
    for metric in catalog.metrics.values():
        inputs = [one.metric for one in metric.inputs]
        ended = metric.deprecated is not None and today.isoformat() > metric.deprecated.until
        if not ended:
            uses.append((Use(f"the metric {show(metric.name)}", inputs, metric.path), None))
    for release in catalog.releases.values():
        due = catalog.decides_at(release)
        use = Use(f"the release {show(release.release)}", release.metrics, release.path)
        uses.append((use, due.date().isoformat() if due is not None else None))
    return [
        Fault(
            f"{use.what} uses what has ended: {one.what}", "", str(use.path), one.fix, "deprecated"
        )
        for use, due in uses
        for one in notices(catalog.metrics, use.metrics, today)
        if one.is_over and (due is None or due > one.deprecated.until)
    ]


def _with_inputs(metrics: Mapping[str, Metric], name: str) -> list[str]:
    """A metric and all that it is made of, each once."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop(0)
        if one in metrics and one not in found:
            found[one] = None
            waiting.extend(part.metric for part in metrics[one].inputs)
    return list(found)
