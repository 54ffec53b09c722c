"""No day of arrival on which a source lost several times what it usually does."""

from __future__ import annotations

from ..arrivals import jumps
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    accounts = [one for one in subject.relevant_accounts if one.arrivals]
    if not accounts:
        return NotApplicable("nothing is known of the days on which rows came")
    shipped_on = subject.dates.shipped_at.date()
    found = [
        jump
        for one in accounts
        for jump in jumps(one, lambda day: day.refused, shipped_on, parameters.of(one.source))
    ]
    return Fact(
        {"quarantine_jumps": len(found)},
        "; ".join(
            f"{share(one.share)} of what came of source `{one.source}` on {one.day:%Y-%m-%d} was"
            f" refused, {share(one.usual_share)} usual"
            for one in found[:3]
        )
        or "no day on which much more was refused than usual",
        f"at most {parameters['jump_ratio']:g} times the median share of the 28 days before",
        details={"days": len(found)},
        sample=[
            {
                "source": one.source,
                "arrived_on": one.day.isoformat(),
                "refused": one.rows,
                "rows_in": one.rows_in,
            }
            for one in found
        ],
    )


CHECK = Check("data", ("quarantine_jumps",), _find)
