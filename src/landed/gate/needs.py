"""What a release needs of the events: those its numbers read, and those that say who met it."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog.metric_events import MetricEvents
from .facts import Subject


@dataclass(frozen=True, slots=True)
class Reads:
    """What the metrics of a release read of the events.

    Args:
        parts: Events that are named together, with the properties that are read of them; of
            whatever event where none is named.
        is_all: Whether a metric reads events whatever their name.
    """

    parts: tuple[MetricEvents, ...]
    is_all: bool

    @property
    def events(self) -> frozenset[str]:
        """Names of events that are read by name."""
        return frozenset().union(*(one.events for one in self.parts))

    @property
    def properties_of_any(self) -> frozenset[str]:
        """Properties that are read of whatever event has them."""
        return frozenset().union(*(one.properties for one in self.parts if not one.events))

    def has_property(self, event: str, name: str) -> bool:
        """Whether a metric reads a property of an event."""
        return any(
            name in one.properties and (not one.events or event in one.events) for one in self.parts
        )


def reads(subject: Subject) -> Reads:
    """What the metrics of the release read, through the models they are made of."""
    parts: list[MetricEvents] = []
    is_all = False
    for metric in subject.release.metrics:
        found = subject.catalog.events_of(metric)
        is_all = is_all or not any(one.events for one in found)
        parts.extend(found)
    return Reads(tuple(parts), is_all)


def exposure_events(subject: Subject) -> frozenset[str]:
    """The event that says who met the release; none where no event does."""
    rule = subject.release.exposure
    return frozenset() if rule is None else frozenset({rule.event})


def events_needed(subject: Subject) -> frozenset[str]:
    """Names of the events without which the release has no number."""
    promised = frozenset(subject.release.must_emit)
    return subject.once(reads).events | exposure_events(subject) | promised
