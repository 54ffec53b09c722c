"""The values of the events' properties lie where they lay: nulls, ranges, enumerations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeVar

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..needs import exposure_events
from ..passes.profiles import Period, period
from ..passes.properties import Property, profiled_events

Place = TypeVar("Place")
_DECADE = 4  # places of numbers


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    span = period(subject)
    judged = 0
    found: list[dict[str, str]] = []
    for event in subject.once(profiled_events):
        days = sum(1 for day in event.rows if day < span.judged_from)
        # which flags are evaluated, and what they say, changes with every release
        if event.name in exposure_events(subject) or days < parameters["min_days_before"]:
            continue
        limits = parameters.of(event.source)
        for name, one in sorted(event.properties.items()):
            before, since = _rows(one, span, is_judged=False), _rows(one, span, is_judged=True)
            least = parameters["min_rows"]
            if before < least or since < least:
                continue
            judged += 1
            found.extend(
                {"source": event.source, "event": event.name, "property": name, "what": what}
                for what in _drifts(one, span, parameters, limits)
            )
    if not judged:
        return NotApplicable("no property of an event that it reads has enough rows to compare")
    return Fact(
        {"drifted_properties": len(found)},
        "; ".join(f"`{one['property']}` of `{one['event']}` {one['what']}" for one in found)
        or f"the values of {judged} properties lie where they lay",
        "nulls, ranges and values of properties as in the four weeks before",
        details={"drifted": found[:100], "judged": judged},
        sample=found,
    )


def _rows(found: Property, span: Period, *, is_judged: bool, kind: str | None = None) -> int:
    return sum(
        rows
        for name, days in found.days.items()
        if kind in (None, name)
        for day, rows in days.items()
        if (day >= span.judged_from) == is_judged
    )


def _drifts(
    found: Property, span: Period, parameters: Parameters, limits: Mapping[str, float]
) -> Iterator[str]:
    nulls = [
        _rows(found, span, is_judged=is_judged, kind="null")
        / _rows(found, span, is_judged=is_judged)
        for is_judged in (False, True)
    ]
    if nulls[1] - nulls[0] > parameters["null_points"]:
        yield f"is null in {share(nulls[1])} of the rows that have it, not {share(nulls[0])}"
    before, since = sum(found.before.values()), sum(found.since.values())
    if min(before, since) < parameters["min_rows"]:
        return
    # what began late is thinned by the days before it; the latest week has each weekday once
    for when, those in (("", found.since), (" in the last seven days", found.latest)):
        rows = sum(those.values())
        if rows < parameters["min_rows"]:
            continue
        index = stability_index(found.before, those)
        # of unchanged values the index is about (places - 1) * (1/before + 1/since), not zero
        noise = (len({*found.before, *those}) - 1) * (1 / before + 1 / rows)
        if index - 3 * noise > limits["stability_index"]:
            yield f"is spread otherwise{when} (population stability index {index:.2f})"
            return  # a new range or value is part of it
    rare = max(parameters["new_rows"], parameters["new_share"] * since)
    sizes = [place for (kind, place), _ in found.before.items() if kind == "number"]
    if sizes:
        beyond = sum(
            rows
            for (kind, place), rows in found.since.items()
            if kind == "number" and place is not None and _beyond(place, sizes)
        )
        if beyond >= rare:
            yield f"is ten times beyond its range in {share(beyond / since)} of the rows"
    texts = {place for kind, place in found.before if kind == "string"}
    if texts and len(texts) <= parameters["enumeration_places"]:
        new = sum(
            rows
            for (kind, place), rows in found.since.items()
            if kind == "string" and place not in texts
        )
        if new >= rare:
            yield f"has values that it never had, in {share(new / since)} of the rows"


def _beyond(place: int, sizes: list[int | None]) -> bool:
    """Whether a number lies a decade outside all that there were."""
    known = [size for size in sizes if size is not None]
    return place > max(known) + _DECADE or place < min(known) - _DECADE


def stability_index(before: Mapping[Place, int], since: Mapping[Place, int]) -> float:
    """Population stability index of two samples over the same places; half a row in an empty one.

    Sum of (p - q) * ln(p / q): the symmetric Kullback-Leibler divergence (Jeffreys 1946).
    """
    places = {*before, *since}
    total = [sum(counts.values()) + len(places) / 2 for counts in (before, since)]
    shares = [
        ((before.get(place, 0) + 0.5) / total[0], (since.get(place, 0) + 0.5) / total[1])
        for place in places
    ]
    return sum((p - q) * math.log(p / q) for p, q in shares)


CHECK = Check("data", ("drifted_properties",), _find)
