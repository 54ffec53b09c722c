"""What the tracking plan says of events by name: which there are, and which properties they have.

Only names are read here: how rows are held against the plan is ingest's matter, and what is wrong
with a file of it is told there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..documents import read_json, read_yaml
from ..errors import ContractError, Fault
from .names import show
from .releases import FLAG_EVENT, Release

if TYPE_CHECKING:
    from .catalog import Catalog

#: Events that trackers send of themselves, to tell who is who and which flag was asked.
SENT_BY_TRACKERS = frozenset(
    {FLAG_EVENT, "alias", "$create_alias", "$identify", "$merge", "$merge_dangerously"}
)
#: Properties by event; None of an event whose schema names none.
PlannedEvents = Mapping[str, frozenset[str] | None]


def read_planned_events(folder: Path) -> dict[str, frozenset[str] | None]:
    """The events of a tracking plan with the properties that their schemas name."""
    found: dict[str, frozenset[str] | None] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            schema = read_json(path).data
        except ContractError:
            continue  # `load_tracking_plan` tells of it
        named = schema.get("properties") if isinstance(schema, dict) else None
        found[path.stem] = frozenset(named) if isinstance(named, dict) and named else None
    return found


def read_untracked_sources(folder: Path) -> frozenset[str]:
    """Sources that say `tracking: false`: their events need not be in the plan."""
    found = set()
    for path in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml"))):
        try:
            data = read_yaml(path).data
        except ContractError:
            continue  # `load_sources` tells of it
        if isinstance(data, dict) and data.get("tracking") is False:
            found.add(path.stem)
    return frozenset(found)


def lint_planned_events(catalog: Catalog, today: date) -> Iterator[Fault]:
    """Events and properties that a release yet to be decided needs, and the plan does not know.

    A project without a tracking plan has nothing that they could be missing from.
    """
    planned = catalog.planned_events
    if not planned:
        return
    for release in catalog.releases.values():
        decides_at = catalog.decides_at(release)
        if decides_at is None or decides_at.date() >= today:
            yield from _of_release(release, catalog, planned)


def unknown_properties(catalog: Catalog, metric: str) -> dict[str, tuple[str, ...]]:
    """Properties that a metric reads and that no schema of its events names: events by property."""
    planned, found = catalog.planned_events, dict[str, tuple[str, ...]]()
    for one in catalog.events_of(metric):
        schemas = [planned[name] for name in one.events if name in planned]
        if not schemas or any(schema is None for schema in schemas):
            continue
        for name in sorted(one.properties):
            if not any(schema and name in schema for schema in schemas):
                found[name] = tuple(sorted(one.events & planned.keys()))
    return found


def unplanned_events(catalog: Catalog, metric: str) -> list[tuple[str, ...]]:
    """Events that a metric reads of which the plan knows none, by what they stand for."""
    planned = catalog.planned_events
    return [
        tuple(sorted(one.events))
        for one in catalog.events_of(metric)
        if one.events and not one.events & planned.keys()
    ]


def _of_release(release: Release, catalog: Catalog, planned: PlannedEvents) -> Iterator[Fault]:
    where, name = str(release.path), release.release
    for event in release.must_emit:
        if event not in planned and event not in SENT_BY_TRACKERS:
            yield Fault(
                f"`{name}` promises the event {show(event)}, which the tracking plan does not know",
                f"tracking/{event}.json",
                where,
                "add its schema, or correct the name in must_emit.",
                "unplanned_event",
            )
    for metric in release.metrics:
        for events in unplanned_events(catalog, metric):
            listed = " or ".join(show(event) for event in events)
            yield Fault(
                f"`{metric}` of `{name}` reads {listed}, which the tracking plan does not know",
                f"tracking/{events[0]}.json",
                where,
                "add its schema, or correct the name in the metric or its model.",
                "unplanned_event",
            )
        for name_of, owners in unknown_properties(catalog, metric).items():
            listed = ", ".join(f"tracking/{event}.json" for event in owners)
            yield Fault(
                f"`{metric}` of `{name}` reads the property {show(name_of)}, which no schema names",
                f"a property of {listed}",
                where,
                "add the property there, or correct its name in the model.",
                "unplanned_property",
            )
