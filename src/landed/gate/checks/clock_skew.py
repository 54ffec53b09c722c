"""Few events come from clocks that are wrong."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.profiles import event_totals


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    totals = [one for one in subject.once(event_totals) if one.events]
    if not totals:
        return NotApplicable("no event came on the days that the release uses")
    skewed = [
        one
        for one in totals
        if one.skewed >= parameters["min_events"]
        and one.skewed / one.events > parameters.of(one.source)["max_share"]
    ]
    worst = max(skewed or totals, key=lambda one: (one.skewed / one.events, one.source))
    return Fact(
        {"skewed_sources": len(skewed)},
        f"{worst.skewed:,} of {worst.events:,} events of source `{worst.source}` by a clock that"
        f" was ahead or had to be set right ({share(worst.skewed / worst.events)})",
        f"at most {share(parameters.of(worst.source)['max_share'])} of each source's events",
        details={one.source: one.skewed / one.events for one in totals},
    )


CHECK = Check("data", ("skewed_sources",), _find)
