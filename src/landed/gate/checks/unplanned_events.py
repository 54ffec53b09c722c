"""Every event that arrives since the release shipped is in the tracking plan."""

from __future__ import annotations

from ...catalog.planned_events import SENT_BY_TRACKERS
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed
from ..passes.event_counts import event_counts


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    planned = subject.catalog.planned_events
    if not planned:
        return NotApplicable("the project has no tracking plan")
    shipped_on = subject.dates.shipped_at.date()
    arrived: dict[str, int] = {}
    for name, source in subject.once(event_counts).sources.items():
        if name in subject.catalog.untracked_sources:
            continue
        for event, days in source.by_day.items():
            rows = sum(number for day, number in days.items() if day >= shipped_on)
            if rows and event not in planned and event not in SENT_BY_TRACKERS:
                arrived[event] = arrived.get(event, 0) + rows
    often = {event: rows for event, rows in arrived.items() if rows >= parameters["min_rows"]}
    order = sorted(often, key=lambda event: (-often[event], event))
    return Fact(
        {"unplanned_events": len(often)},
        f"not in the tracking plan: {listed(order)} ({count(sum(often.values()), 'row')})"
        if often
        else f"every event since {shipped_on} is in the tracking plan",
        "events of the tracking plan only"
        f" (fewer than {parameters['min_rows']:g} rows do not count)",
        details={"rows": {event: often[event] for event in order}},
        sample=[{"event": event, "rows": often[event]} for event in order],
    )


CHECK = Check("data", ("unplanned_events",), _find)
