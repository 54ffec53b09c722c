"""How much of a source was refused."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    accounts = [one for one in subject.relevant_accounts if one.rows_in > one.left_out]
    if not accounts:
        return NotApplicable("no source has a row")
    rates = {
        one.source: (one.quarantined - one.left_out) / (one.rows_in - one.left_out)
        for one in accounts
    }
    worst = max(accounts, key=lambda account: (rates[account.source], account.source))
    rate = rates[worst.source]
    return Fact(
        {"quarantine_share": rate},
        f"{worst.quarantined - worst.left_out:,} of {worst.rows_in - worst.left_out:,} rows of"
        f" source `{worst.source}` in quarantine ({share(rate)})",
        "at most {limit} of each source's rows in quarantine",
        limit_as="share",
        details={"quarantine_share": rates},
    )


CHECK = Check("data", ("quarantine_share",), _find)
