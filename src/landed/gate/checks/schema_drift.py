"""The properties of the events that the release needs are there, with the types they had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..needs import events_needed, reads
from ..passes.profiles import Period, period
from ..passes.properties import Event, Property, profiled_events
from ..persons import Groups, are_of_several


@dataclass(frozen=True, slots=True)
class _Drift:
    """A property that is new, gone, or of another type."""

    source: str
    event: str
    name: str
    what: str
    since: date
    is_read: bool
    is_new: bool = False

    def __str__(self) -> str:
        return f"`{self.name}` of `{self.event}` {self.what} since {self.since:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Judged days on end that have enough sampled rows together."""

    days: tuple[date, ...]
    groups: Groups

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.groups.values())

    def of(self, found: Property, *kinds: str) -> Groups:
        """Rows of some types by group of persons."""
        total: Counter[int] = Counter()
        for kind in kinds:
            for day in self.days:
                total.update(found.groups.get(kind, {}).get(day, {}))
        return total

    def present(self, found: Property) -> Groups:
        """Rows with a value."""
        return self.of(found, *(kind for kind in found.groups if kind != "null"))

    def missing(self, found: Property) -> Groups:
        """Rows without a value."""
        return Counter(self.groups) - Counter(self.present(found))


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    span = period(subject)
    needed = events_needed(subject)
    known: list[str] = []
    found: list[_Drift] = []
    for event in subject.once(profiled_events):
        before = sum(rows for day, rows in event.rows.items() if day < span.judged_from)
        days = sum(1 for day in event.rows if day < span.judged_from)
        if before < parameters["min_rows_before"] or days < parameters["min_days_before"]:
            continue
        if len(event.groups_before) < parameters["min_persons_before"]:
            continue
        known.append(event.name)
        batches = list(_batches(event, span, parameters))
        for name, one in sorted(event.properties.items()):
            is_read = event.name in needed or subject.once(reads).has_property(event.name, name)
            for what, since, is_new in _drifts(event, one, before, batches, span, parameters):
                found.append(_Drift(event.source, event.name, name, what, since, is_read, is_new))
    if not known:
        return NotApplicable("no event that it reads was there before it shipped")
    broken = [one for one in found if one.is_read and not one.is_new]
    others = [one for one in found if one not in broken]
    return Fact(
        {"broken_properties": len(broken), "changed_properties": len(others)},
        "; ".join(map(str, broken or others))
        or f"{len(known)} events have the properties and types they had",
        "every property of the events that the release reads there, with the type it had",
        details={"events": sorted(set(known)), "changed": [_row(one) for one in found][:100]},
        sample=[_row(one) for one in (*broken, *others)],
    )


def _batches(event: Event, span: Period, parameters: Parameters) -> Iterator[_Batch]:
    """The judged days, as many together as make a batch; a rest that does not is left."""
    days: list[date] = []
    groups: Counter[int] = Counter()
    for day in sorted(event.rows):
        if day < span.judged_from:
            continue
        days.append(day)
        groups.update(event.groups.get(day, {}))
        if groups.total() >= parameters["min_rows"]:
            yield _Batch(tuple(days), groups)
            days, groups = [], Counter()


def _drifts(  # noqa: PLR0917 - a property, its event's rows, and the rule
    event: Event,
    found: Property,
    rows_before: int,
    batches: list[_Batch],
    span: Period,
    parameters: Parameters,
) -> Iterator[tuple[str, date, bool]]:
    """What changed, on which day first, and whether the property is new."""
    before = {
        kind: sum(rows for day, rows in days.items() if day < span.judged_from)
        for kind, days in found.days.items()
    }
    present = sum(rows for kind, rows in before.items() if kind != "null")
    rare, share_of, least = (
        parameters[name] for name in ("never_share", "changed_share", "changed_rows")
    )

    def first(such: Iterable[tuple[_Batch, Groups]]) -> _Batch | None:
        """The first that has enough such rows, no matter how many a single person sent."""
        for one, groups in such:
            enough = max(least, share_of * one.rows)
            if are_of_several(groups, enough, parameters["min_persons"]):
                return one
        return None

    if present == 0:
        came = first((one, one.present(found)) for one in batches)
        if came is not None and not event.crowded:
            yield "is new", came.days[0], True
        return
    if rows_before - present <= rare * rows_before:
        # on a day with more properties than a profile holds, one may be left out of it
        lost = first(
            (one, one.missing(found)) for one in batches if not event.crowded.keys() & set(one.days)
        )
        if lost is not None:
            missing = share(sum(lost.missing(found).values()) / lost.rows)
            yield f"was always there and is missing in {missing} of the rows", lost.days[0], False
    if present < parameters["min_rows_before"]:
        return
    usual = max((kind for kind in before if kind != "null"), key=lambda kind: before[kind])
    for kind in sorted(found.days):
        if kind == "null" or before.get(kind, 0) > rare * present:
            continue
        changed = first((one, one.of(found, kind)) for one in batches)
        if changed is not None:
            yield f"was {usual} and is {kind}", changed.days[0], False


def _row(one: _Drift) -> dict[str, str]:
    return {
        "source": one.source,
        "event": one.event,
        "property": one.name,
        "what": one.what,
        "since": one.since.isoformat(),
    }


CHECK = Check("data", ("broken_properties", "changed_properties"), _find)
