"""No number that a metric reads became ten, a hundred or a thousand times what it was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..needs import reads
from ..passes.profiles import Period, period
from ..passes.properties import Numbers, Property, profiled_events

_STEPS = 4  # places of a decade
_MIDDLE = 1000  # the place of numbers from 1 to 10^(1/4); those below zero mirror it


@dataclass(frozen=True, slots=True)
class _Jump:
    """Numbers of a property that lie a power of ten from where they lay."""

    source: str
    event: str
    name: str
    where: date | str
    before: float
    since: float
    decades: int
    is_read: bool

    def __str__(self) -> str:
        of = self.where if isinstance(self.where, str) else f"{self.where:%Y-%m-%d}"
        kind = "version" if isinstance(self.where, str) else "day"
        times = f"{10**self.decades:,} times" if self.decades > 0 else f"1/{10**-self.decades:,} of"
        return f"`{self.name}` of `{self.event}` is {times} what it was in {kind} {of}"


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    span = period(subject)
    needed = subject.once(reads)
    jumps: list[_Jump] = []
    judged: list[str] = []
    for event in subject.once(profiled_events):
        for name, found in sorted(event.properties.items()):
            if not _is_known(found, span, parameters):
                continue
            judged.append(f"{event.name}.{name}")
            is_read = needed.has_property(event.name, name)
            jumps.extend(
                _Jump(event.source, event.name, name, *jump, is_read)
                for jump in _jumps(found, span, parameters)
            )
    if not judged:
        return NotApplicable("no event that it reads had numbers among its properties before")
    read = [one for one in jumps if one.is_read]
    others = [one for one in jumps if not one.is_read]
    return Fact(
        {"changed_units": len(read), "changed_units_unread": len(others)},
        _said(read or others) or f"{len(judged)} properties are as large as they were",
        "every number of an event that the release reads as large as in the four weeks before",
        details={"judged": judged, "changed": [_row(one) for one in (*read, *others)][:100]},
        sample=[_row(one) for one in (*read, *others)],
    )


def _is_known(found: Property, span: Period, parameters: Parameters) -> bool:
    """Whether the baseline says how large the numbers are, and that they stay so."""
    days = {day: size for day, size in found.typical.items() if day < span.judged_from}
    rows = sum(n for (kind, _), n in found.before.items() if kind == "number")
    if len(days) < parameters["min_days_before"] or rows < parameters["min_numbers_before"]:
        return False
    return max(days.values()) - min(days.values()) < parameters["steady_decades"]


def _jumps(
    found: Property, span: Period, parameters: Parameters
) -> Iterator[tuple[date | str, float, float, int]]:
    days = sorted(size for day, size in found.typical.items() if day < span.judged_from)
    usual = days[len(days) // 2]
    total = sum(n for (kind, _), n in found.since.items() if kind == "number")
    for one in found.judged_numbers():
        if one.typical is None or one.rows < parameters["min_numbers"]:
            continue
        if one.persons < parameters["min_persons"]:
            continue
        is_version = isinstance(one.what, str)
        if is_version and one.rows < parameters["min_version_share"] * total:
            continue
        decades = round(one.typical - usual)
        off = abs(one.typical - usual - decades)
        if decades == 0 or off > parameters["tolerance_decades"] + 3 * _error(one):
            continue
        least = "max_overlap_version" if is_version else "max_overlap"
        # by persons: one with many numbers of another size is no other unit
        before, since = found.persons_before, one.place_persons
        if _overlap(before, since, 0) > parameters[least]:
            continue
        if _overlap(before, since, decades) >= parameters["min_overlap"]:
            yield one.what, usual, one.typical, decades


def _error(numbers: Numbers) -> float:
    """Standard error of a median of logarithms, from the spread of the places."""
    sizes = [(abs(place) - _MIDDLE, n) for place, n in numbers.places.items() if place]
    rows = sum(n for _, n in sizes)
    mean = sum(size * n for size, n in sizes) / rows
    variance = sum((size - mean) ** 2 * n for size, n in sizes) / rows
    return 1.25 * math.sqrt(variance / rows) / _STEPS


def _overlap(before: Mapping[int, int], since: Mapping[int, int], decades: int) -> float:
    """Share of persons whose numbers lie where they lay, had they been so many decades smaller."""
    total, now = sum(before.values()), sum(since.values())
    moved = {
        place - _STEPS * decades * ((place > 0) - (place < 0)): n for place, n in since.items()
    }
    return sum(min(n / now, before.get(place, 0) / total) for place, n in moved.items())


def _said(jumps: list[_Jump]) -> str:
    first: dict[tuple[str, str, str], _Jump] = {}
    for one in jumps:
        first.setdefault((one.source, one.event, one.name), one)
    return "; ".join(str(one) for one in first.values())


def _row(one: _Jump) -> dict[str, str | float]:
    return {
        "source": one.source,
        "event": one.event,
        "property": one.name,
        "where": str(one.where),
        "decades": one.decades,
    }


CHECK = Check("data", ("changed_units", "changed_units_unread"), _find)
