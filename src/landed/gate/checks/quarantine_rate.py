"""How much of a source was refused."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    accounts = [account for account in subject.relevant_accounts if account.rows_in]
    if not accounts:
        return NotApplicable("no source has a row")
    rates = {account.source: account.quarantined / account.rows_in for account in accounts}
    worst = max(accounts, key=lambda account: (rates[account.source], account.source))
    rate = rates[worst.source]
    return Fact(
        {"quarantine_share": rate},
        f"{worst.quarantined:,} of {worst.rows_in:,} rows of source `{worst.source}` "
        f"in quarantine ({share(rate)})",
        "at most {limit} of each source's rows in quarantine",
        limit_as="share",
        details={"quarantine_share": rates},
    )


CHECK = Check("data", ("quarantine_share",), _find)
