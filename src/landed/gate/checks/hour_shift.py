"""The hours of each day are those its weekday had, not the same ones hours earlier or later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..hour_shift import Shift, shifted_days
from ..passes.profiles import event_hours, period


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    span = period(subject)
    known = [
        one
        for one in subject.once(event_hours)
        if one.event is None
        and (span.judged_from - one.first_on).days > parameters["min_history_days"]
    ]
    if not known:
        enough = f"{parameters['min_history_days']:g} whole days"
        return NotApplicable(f"no source has {enough} of events before it shipped")
    judged = (span.judged_from, span.judged_until)
    found = {
        one.source: list(
            shifted_days(one.counts, one.first_on + timedelta(days=1), judged, parameters)
        )
        for one in known
    }
    lasting = {
        source: [
            one
            for one in shifts
            if abs(one.hours) >= parameters["lasting_hours"] and _lasts(one, shifts, parameters)
        ]
        for source, shifts in found.items()
    }
    blocking = sum(len(shifts) for shifts in lasting.values())
    told = lasting if blocking else found
    every = [(source, one) for source, shifts in told.items() for one in shifts]
    return Fact(
        {
            "shifted_days": blocking,
            "odd_days": sum(len(shifts) for shifts in found.values()) - blocking,
        },
        "; ".join(
            f"source `{source}` on {shifts[0].day:%Y-%m-%d}: every hour {_said(shifts[0])}"
            + (f", and {len(shifts) - 1} more days" if len(shifts) > 1 else "")
            for source, shifts in told.items()
            if shifts
        )
        or "the hours of each day are those its weekday had",
        "the hours of each day as on the same weekday in the four weeks before",
        details={
            source: [one.day.isoformat() for one in shifts] for source, shifts in told.items()
        },
        sample=[
            {"source": source, "day": one.day.isoformat(), "hours": one.hours}
            for source, one in every
        ],
    )


def _lasts(one: Shift, shifts: Sequence[Shift], parameters: Parameters) -> bool:
    """Whether the days around are moved alike: a clock that went wrong stays so."""
    moved = {other.day for other in shifts if other.hours == one.hours}
    run = 1
    for step in (1, -1):
        day = one.day + timedelta(days=step)
        while day in moved:
            run += 1
            day += timedelta(days=step)
    return run >= parameters["lasting_days"]


def _said(one: Shift) -> str:
    return f"{abs(one.hours)} hours {'later' if one.hours > 0 else 'earlier'} than usual"


CHECK = Check("data", ("shifted_days", "odd_days"), _find)
