"""How much of a source was refused, in all and since the release shipped."""

from __future__ import annotations

from datetime import date

from ..facts import Account, Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    accounts = [one for one in subject.relevant_accounts if one.rows_in > one.left_out]
    if not accounts:
        return NotApplicable("no source has a row")
    shipped_on = subject.dates.shipped_at.date()
    counts = {one.source: _worst_count(one, shipped_on) for one in accounts}
    excess = {
        source: max(0.0, refused / rows - parameters.of(source)["explained_share"])
        for source, (refused, rows) in counts.items()
    }
    worst = max(excess, key=lambda source: (excess[source], source))
    refused, rows = counts[worst]
    return Fact(
        {"quarantine_share": excess[worst]},
        f"{refused:,} of {rows:,} rows of source `{worst}` in quarantine ({share(refused / rows)})",
        "at most {limit} of each source's rows in quarantine",
        limit_as="share",
        details={
            "quarantine_share": {
                source: refused / rows for source, (refused, rows) in counts.items()
            }
        },
    )


def _worst_count(account: Account, since: date) -> tuple[int, int]:
    """Refused rows and rows in: over the source's life or since a day, whichever refused more."""
    life = account.quarantined - account.left_out, account.rows_in - account.left_out
    late = [one for one in account.arrivals if one.day >= since]
    recent = sum(one.refused for one in late), sum(one.rows_in for one in late)
    if recent[1] and recent[0] / recent[1] > life[0] / life[1]:
        return recent
    return life


CHECK = Check("data", ("quarantine_share",), _find)
