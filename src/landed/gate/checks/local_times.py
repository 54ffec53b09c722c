"""Clocks tell UTC: no events come whole or half hours late to the minute."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..odd_shares import odd_days
from ..passes.profiles import source_days


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    days = subject.once(source_days)
    if not days:
        return NotApplicable("no source that it reads has a whole day of events")
    odd = odd_days(days, lambda day: day.local, parameters)
    known = [one for one in odd if one.most_before is not None]
    worst = max(known or odd, key=lambda one: one.share, default=None)
    observed = "events come at any minute after they happened"
    if worst is not None:
        observed = (
            f"{share(worst.share)} of the events of source `{worst.source}` on"
            f" {worst.day.isoformat()} came whole or half hours after they say they happened, to"
            f" the minute; {count(len(odd), 'day')} like it"
        )
    return Fact(
        {"local_days": len(known), "local_days_unusual": len(odd) - len(known)},
        observed,
        "times in UTC, or with their zone",
        details={"days": [f"{one.source} {one.day.isoformat()}" for one in odd]},
        sample=[
            {"source": one.source, "day": one.day.isoformat(), "events": one.rows} for one in odd
        ],
    )


CHECK = Check("data", ("local_days", "local_days_unusual"), _find)
