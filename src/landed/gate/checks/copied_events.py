"""What happened once is told once: no event comes again under another id."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..odd_shares import odd_days
from ..passes.profiles import source_days


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    days = subject.once(source_days)
    if not days:
        return NotApplicable("no source that it reads has a whole day of events")
    odd = odd_days(days, lambda day: day.copied, parameters)
    known = [one for one in odd if one.most_before is not None]
    worst = max(known or odd, key=lambda one: one.share, default=None)
    observed = "no day on which more events than usual stand twice"
    if worst is not None:
        usual = (
            "it is not known what is usual"
            if worst.most_before is None
            else f"at most {share(worst.most_before)} on any day before"
        )
        observed = (
            f"{worst.rows:,} events of source `{worst.source}` on {worst.day.isoformat()} are"
            f" copies of others ({share(worst.share)}; {usual}), {count(len(odd), 'day')} like it"
        )
    return Fact(
        {"copied_days": len(known), "copied_days_unusual": len(odd) - len(known)},
        observed,
        "every event once, whatever its id",
        details={"days": [f"{one.source} {one.day.isoformat()}" for one in odd]},
        sample=[
            {"source": one.source, "day": one.day.isoformat(), "copies": one.rows} for one in odd
        ],
    )


CHECK = Check("data", ("copied_days", "copied_days_unusual"), _find)
