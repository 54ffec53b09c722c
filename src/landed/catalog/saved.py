"""Saved queries and dashboards: what others built on metrics, as the YAML declares it.

A saved query is a question that a team asks again and again; a dashboard is one of dbt's
`exposures`. Both tell whom a change of a definition touches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlglot import exp

from ..documents import Document, digest
from ..errors import Fault, QueryRefused
from .building_kinds import texts
from .definitions import METRIC_TIME, Deprecation, DimensionInfo, Revision
from .diff_trees import conditions
from .expressions import Condition, parse_condition
from .kinds import SPAN_UNITS, SpanUnit
from .names import did_you_mean, show
from .reading import Entry

_GROUPING = re.compile(
    r"(?:(?P<kind>Dimension|TimeDimension)\(\s*(['\"])(?P<name>[a-z][a-z0-9_]*)\2\s*"
    r"(?:,\s*(['\"])(?P<grain>[a-z]+)\4\s*)?\)|(?P<bare>[a-z][a-z0-9_]*))"
)
_ORDER = re.compile(
    r"(?P<minus>-?)(?:(?:Metric|Dimension|TimeDimension)\(\s*(['\"])(?P<name>[a-z][a-z0-9_]*)\2"
    r"\s*(?:,\s*['\"][a-z]+['\"]\s*)?\)|(?P<bare>[a-z][a-z0-9_]*))"
    r"(?P<down>\.descending\(\s*True\s*\))?"
)
_DEPENDS = re.compile(
    r"(?P<kind>ref|metric|source)\(\s*['\"]([A-Za-z0-9_]+)['\"]\s*(?:,\s*['\"]([A-Za-z0-9_]+)['\"]\s*)?\)"
)


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A question about metrics that is asked again and again.

    Args:
        group_by: Names of dimensions, `metric_time` among them where it is grouped by.
        grain: Of `metric_time`; None where that is not grouped by.
        where: Conditions in the filter grammar, all of which must hold.
        order_by: (metric or dimension, descending).
        limit: Most rows; None for all.
        digest: Of what is asked: the same question has the same digest.
    """

    name: str
    metrics: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    grain: SpanUnit | None = None
    where: tuple[str, ...] = ()
    order_by: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None
    label: str = ""
    description: str = ""
    owner: str = ""
    revisions: tuple[Revision, ...] = ()
    deprecated: Deprecation | None = None
    path: Path = field(default=Path(), compare=False)

    @property
    def digest(self) -> str:
        """Digest of the question, whatever it is called."""
        return digest(
            {
                "metrics": list(self.metrics),
                "group_by": list(self.group_by),
                "grain": self.grain,
                "where": [_conditions(text) for text in self.where],
                "order_by": [list(one) for one in self.order_by],
                "limit": self.limit,
            }
        )


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Something outside that reads metrics or models: one of dbt's exposures.

    Args:
        metrics: Names of the metrics it declares to read.
        models: Names of the dbt models it declares to read.
    """

    name: str
    kind: str
    metrics: tuple[str, ...]
    models: tuple[str, ...]
    label: str = ""
    owner: str = ""
    path: Path = field(default=Path(), compare=False)


def build_saved_query(
    entry: Entry, metrics: Mapping[str, object], faults: list[Fault]
) -> SavedQuery | None:
    """The saved query of a sound entry; None where it has faults."""
    before = len(faults)
    data, params = entry.data, entry.data["query_params"]
    for index, name in enumerate(params["metrics"]):
        if name not in metrics:
            what, fix = f"unknown metric {show(name)}", did_you_mean(name, metrics)
            key = ("query_params", "metrics", index)
            faults.append(entry.fault(what, "", fix, "unknown_metric", *key))
    group_by: list[str] = []
    grain: SpanUnit | None = None
    for index, text in enumerate(params.get("group_by", ())):
        name, its_grain = _grouping(entry, text, index, faults)
        group_by.append(name)
        grain = its_grain or grain
    for text in texts(params.get("where")):
        try:
            parse_condition(text)
        except QueryRefused as refusal:
            what, _, fix = refusal.faults[0].what.partition(": ")
            faults.append(entry.fault(what, "", fix, refusal.code, "query_params", "where"))
    order_by = tuple(
        _ordering(entry, text, index, faults)
        for index, text in enumerate(params.get("order_by", ()))
    )
    if len(faults) > before:
        return None
    meta = data.get("config", {}).get("meta", {})
    return SavedQuery(
        name=entry.name,
        metrics=tuple(params["metrics"]),
        group_by=tuple(group_by),
        grain=grain,
        where=texts(params.get("where")),
        order_by=order_by,
        limit=params.get("limit"),
        label=data.get("label", "").strip(),
        description=" ".join(data.get("description", "").split()),
        owner=meta.get("owner", ""),
        revisions=tuple(
            Revision(one["date"], one["change"], one["by"]) for one in meta.get("revisions", ())
        ),
        deprecated=Deprecation(**meta["deprecated"]) if "deprecated" in meta else None,
        path=entry.document.path,
    )


def lint_names(saved: SavedQuery, infos: tuple[DimensionInfo, ...], entry: Entry) -> list[Fault]:
    """What a saved query groups, filters or sorts by and its metrics do not have in common.

    Args:
        infos: The dimensions that all its metrics have.
    """
    known = {info.name for info in infos} | {info.short for info in infos if info.short}
    keys = ("query_params",)
    faults: list[Fault] = []

    def check(name: str, key: str) -> None:
        if name not in known:
            what = f"unknown dimension {show(name)} of {', '.join(saved.metrics)}"
            fix = did_you_mean(name, known)
            faults.append(entry.fault(what, "", fix, "unknown_dimension", *keys, key))

    for name in saved.group_by:
        check(name, "group_by")
    for text in saved.where:
        for one in parse_condition(text).references:
            if one.kind == "entity":
                what = f"the filter names the entity {show(one.name)}"
                fix = "filter on a dimension; a query in SQL knows no other names."
                faults.append(entry.fault(what, "a dimension", fix, "entity", *keys, "where"))
            else:
                check(one.name, "where")
    for name, _ in saved.order_by:
        if name not in saved.metrics and name not in saved.group_by:
            what, fix = f"cannot sort by {show(name)}", "group by it, or sort by another name."
            faults.append(entry.fault(what, "", fix, "order_by", *keys, "order_by"))
    return faults


def read_dashboard(document: Document, index: int, raw: Mapping[str, Any]) -> Dashboard:
    """One of dbt's exposures; what its `depends_on` names that is neither is left out."""
    metrics: list[str] = []
    models: list[str] = []
    listed = raw.get("depends_on")
    for text in listed if isinstance(listed, list) else ():
        found = _DEPENDS.fullmatch(str(text).strip())
        if found is not None and found["kind"] != "source":
            (metrics if found["kind"] == "metric" else models).append(found[3] or found[2])
    owner = raw.get("owner")
    return Dashboard(
        name=str(raw["name"]),
        kind=str(raw.get("type", "")),
        metrics=tuple(metrics),
        models=tuple(models),
        label=str(raw.get("label", "")),
        owner=str(owner.get("name", "")) if isinstance(owner, dict) else "",
        path=document.path,
    )


def condition_name(condition: Condition) -> Callable[[exp.Column], Any]:
    """What stands for the names of a condition in its normal form: the names as written."""

    def named(column: exp.Column) -> Any:
        one = condition.references[int(column.name.rsplit("_", 1)[1])]
        return [one.kind == "entity", one.name, one.grain]

    return named


def _conditions(text: str) -> list[Any]:
    condition = parse_condition(text)
    return conditions(condition.tree, condition_name(condition))


def _grouping(
    entry: Entry, text: str, index: int, faults: list[Fault]
) -> tuple[str, SpanUnit | None]:
    """Name and grain of `TimeDimension('metric_time', 'week')` and its kin."""
    found = _GROUPING.fullmatch(text.strip())
    name = (found["name"] or found["bare"]) if found else ""
    grain = found["grain"] if found else None
    what = ""
    if not found:
        what = f"{show(text)} is no dimension"
    elif name == METRIC_TIME and grain not in SPAN_UNITS:
        what = f"{show(text)} has no grain"
    elif name != METRIC_TIME and grain is not None:
        what = f"{show(text)} has a grain, which only metric_time takes"
    if what:
        expected = "TimeDimension('metric_time', 'day') or Dimension('entity__name')"
        key = ("query_params", "group_by", index)
        faults.append(entry.fault(what, expected, "write it so.", "grouping", *key))
    return name, cast("SpanUnit | None", grain)


def _ordering(entry: Entry, text: str, index: int, faults: list[Fault]) -> tuple[str, bool]:
    """Name and direction of `Metric('revenue').descending(True)`, `-revenue` or `revenue`."""
    found = _ORDER.fullmatch(text.strip())
    if found is None:
        what, expected = f"{show(text)} is no order", "Metric('revenue').descending(True)"
        key = ("query_params", "order_by", index)
        faults.append(entry.fault(what, expected, "write it so.", "order_by", *key))
        return "", False
    return found["name"] or found["bare"], bool(found["minus"] or found["down"])
