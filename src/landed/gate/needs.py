"""What a release needs of the events: those its numbers read, and those that say who met it."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Subject


@dataclass(frozen=True, slots=True)
class Reads:
    """What the metrics of a release read of the events.

    Args:
        events: Names that they name.
        properties: Members of the properties that they read.
        is_all: Whether a metric reads events whatever their name.
    """

    events: frozenset[str]
    properties: frozenset[str]
    is_all: bool


def reads(subject: Subject) -> Reads:
    """What the metrics of the release read, through the models they are made of."""
    events: set[str] = set()
    properties: set[str] = set()
    is_all = False
    for metric in subject.release.metrics:
        found = subject.catalog.events_of(metric)
        is_all = is_all or not any(one.events for one in found)
        for one in found:
            events |= one.events
            properties |= one.properties
    return Reads(frozenset(events), frozenset(properties), is_all)


def exposure_events(subject: Subject) -> frozenset[str]:
    """The event that says who met the release; none where it is not one event."""
    rule = subject.release.exposure
    return frozenset() if rule is None else frozenset({rule.event})


def events_needed(subject: Subject) -> frozenset[str]:
    """Names of the events without which the release has no number."""
    return (
        subject.once(reads).events | exposure_events(subject) | frozenset(subject.release.must_emit)
    )
