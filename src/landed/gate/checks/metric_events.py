"""The events that a release's metrics read keep arriving under the names they read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ...catalog.metric_events import MetricEvents
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed
from ..moved import MoveRule, goes_on
from ..passes.event_counts import EventCounts, SourceCounts, event_counts
from ..passes.exposures import read_exposures
from ..stopped import Stop, Window, stop_of


@dataclass(frozen=True, slots=True)
class _Lost:
    """An event that is gone, or events of which none ever came, and what needs them."""

    who: str
    what: str
    decides: bool
    events: tuple[str, ...]
    stop: Stop | None = None


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    needed = {
        name: found
        for name in subject.release.metrics
        if (found := subject.catalog.events_of(name))
    }
    if not needed and not subject.release.must_emit:
        return NotApplicable("its metrics name no event, and it promises none")
    counts = subject.once(event_counts)
    lost = list(_lost(subject, counts, needed, parameters))
    deciding = [one for one in lost if one.decides]
    names = sorted(
        {
            event
            for found in needed.values()
            for one in found
            for event in one.events & counts.events
        }
    )
    observed = f"{listed(names)} arriving up to the cutoff" if names else "no event is named"
    if lost:
        observed = "; ".join(f"{one.who} cannot be judged: {one.what}" for one in lost)
    new = {one.stop.event: one.stop.renamed for one in lost if one.stop and one.stop.renamed}
    return Fact(
        {"lost_events": len(deciding), "lost_diagnostic_events": len(lost) - len(deciding)},
        observed,
        "every event that a metric of the release reads seen until the cutoff, in each version",
        details={
            "lost": [
                {"who": one.who, "events": list(one.events), "since": one.stop and one.stop.since}
                for one in lost
            ],
            "renamed": new,
        },
        sample=[
            {
                "event": one.stop.event,
                "source": one.stop.source,
                "last_seen_on": one.stop.last_on.isoformat(),
                "days": one.stop.days,
                "expected": round(one.stop.expected),
            }
            for one in lost
            if one.stop
        ],
        fix=" ".join(
            f"`{name}` came as `{event}` went: if it is the new name, read both in the metric, or"
            " send the old one again."
            for event, name in sorted(new.items())
        ),
    )


def _lost(
    subject: Subject,
    counts: EventCounts,
    needed: dict[str, tuple[MetricEvents, ...]],
    parameters: Parameters,
) -> Iterator[_Lost]:
    decides = {role.metric for role in subject.release.roles if role.role != "diagnostic"}
    stops: dict[str, Stop] = {}
    promised = subject.release.must_emit
    named = {event for found in needed.values() for one in found for event in one.events}
    for event in sorted(named | set(promised)):
        stop = _stop(subject, counts, event, parameters)
        if stop is not None:
            stops[event] = stop
    for metric, found in needed.items():
        told: set[str] = set()
        for one in found:
            for event in sorted(one.events & stops.keys() - told):
                if stops[event].renamed in one.events:
                    continue  # the metric reads its new name too
                told.add(event)
                yield _Lost(
                    f"`{metric}`", _said(stops[event]), metric in decides, (event,), stops[event]
                )
            unseen = one.events and not one.events & counts.events
            if unseen and not told & one.events and _is_due(subject, counts, parameters):
                told |= one.events
                since = counts.from_on.isoformat()
                what = f"{' or '.join(f'`{name}`' for name in sorted(one.events))} never seen"
                yield _Lost(
                    f"`{metric}`",
                    f"{what} since {since}",
                    metric in decides,
                    tuple(sorted(one.events)),
                )
    for event in promised:
        if event in stops and event not in named:
            yield _Lost("`must_emit`", _said(stops[event]), True, (event,), stops[event])


def _stop(subject: Subject, counts: EventCounts, event: str, parameters: Parameters) -> Stop | None:
    """The silence of an event, in whichever source sent it most and handed it on to no other."""
    dates = subject.dates
    shipped_on = dates.shipped_at.date()
    rule = MoveRule(parameters["rename_ratio"], parameters["moved_gain"])
    by_rows = sorted(
        (
            (sum(one.by_day[event].values()), name)
            for name, one in counts.sources.items()
            if event in one.by_day
        ),
        reverse=True,
    )
    for _, source in by_rows:
        heard = counts.sources[source]
        until_on = counts.until_on
        if min(heard.by_day[event]) >= shipped_on:  # part of the change: it comes as people meet it
            until_on = min(until_on, dates.exposure_until.date())
            heard = _beside_exposures(subject, heard, event)
        found = stop_of(
            heard,
            source,
            event,
            Window(
                after_on=shipped_on,
                until_on=until_on,
                alpha=parameters["alpha"],
                min_days=int(parameters["min_days"]),
                min_days_before=int(parameters["min_days_before"]),
                version_share=parameters["version_share"],
                rename_ratio=parameters["rename_ratio"],
                knows_weekdays=heard is counts.sources[source],
            ),
        )
        others = [one for name, one in counts.sources.items() if name != source]
        if found is not None and not goes_on(found, others, rule):
            return found
    return None


def _beside_exposures(subject: Subject, heard: SourceCounts, event: str) -> SourceCounts:
    """The same counts, where days are told apart by the units that they exposed anew.

    An event that every unit sends once, as it meets the change, fades as exposures do; one that
    units go on to send comes more often than that, so no silence of it is overstated.
    """
    met: Counter[date] = Counter()
    for cell in subject.once(read_exposures).days:
        met[cell.day_at.date()] += cell.units + cell.crossovers
    if not met:  # nobody is exposed on his own: the product's other events have to do
        return heard
    seen = heard.by_day[event]
    total = {day: met[day] + seen.get(day, 0) for day in heard.total_by_day}
    return replace(heard, total_by_day=total, by_version={}, version_days={})


def _is_due(subject: Subject, counts: EventCounts, parameters: Parameters) -> bool:
    """Whether an event that nobody sent could have come by now."""
    first: date = subject.dates.shipped_at.date()
    whole = counts.until_on - first >= timedelta(days=int(parameters["min_days"]))
    return whole and sum(subject.units_by_variant.values()) >= parameters["min_units"]


def _said(stop: Stop) -> str:
    of = "of it" if stop.is_version else "without it"
    text = (
        f"`{stop.event}` not seen since {stop.since} ({count(stop.days, 'whole day')} {of}, about"
        f" {stop.expected:,.0f} expected)"
    )
    return text + (f"; `{stop.renamed}` came as it went" if stop.renamed else "")


CHECK = Check("data", ("lost_events", "lost_diagnostic_events"), _find)
