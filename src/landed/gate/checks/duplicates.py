"""No event stands in the marts twice, and no delivery repeats far more rows than usual."""

from __future__ import annotations

from ..arrivals import jumps
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..passes.profiles import event_totals


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    totals = subject.once(event_totals)
    if not totals:
        return NotApplicable("there is no event")
    accepted = {one.source: one.accepted for one in subject.accounts if one.kind == "events"}
    repeated = {
        one.source: one.ever - accepted[one.source]
        for one in totals
        if one.ever > accepted.get(one.source, one.ever)
    }
    shipped_on = subject.dates.shipped_at.date()
    leaps = [
        jump
        for one in subject.relevant_accounts
        for jump in jumps(one, lambda day: day.duplicate, shipped_on, parameters.of(one.source))
    ]
    observed = "; ".join(
        f"{count(rows, 'event')} of source `{source}` more than ingest ever accepted"
        for source, rows in sorted(repeated.items())
    ) or "; ".join(
        f"{share(one.share)} of what source `{one.source}` sent on {one.day:%Y-%m-%d} were"
        f" duplicates, {share(one.usual_share)} usual (each counts once)"
        for one in leaps[:3]
    )
    return Fact(
        {"repeated_events": sum(repeated.values()), "duplicate_jumps": len(leaps)},
        observed or f"each of {count(sum(one.ever for one in totals), 'event')} stands once",
        "every event once, and deliveries that repeat as many rows as usual",
        details={"repeated": repeated, "jumps": len(leaps)},
        sample=[
            {
                "source": one.source,
                "arrived_on": one.day.isoformat(),
                "duplicates": one.rows,
                "rows_in": one.rows_in,
            }
            for one in leaps
        ],
    )


CHECK = Check("data", ("repeated_events", "duplicate_jumps"), _find)
