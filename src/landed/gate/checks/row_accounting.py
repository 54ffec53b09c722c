"""Every row read is accepted, a duplicate, a conflict or in quarantine: none is lost or doubled."""

from __future__ import annotations

from ...errors import SourceError
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    accounts = subject.relevant_accounts
    if not accounts:
        raise SourceError("no source accounts for its rows", fix="ingest the project's sources.")
    missing = {
        account.source: account.rows_in
        - (account.accepted + account.duplicate + account.conflict + account.quarantined)
        for account in accounts
    }
    wrong = {source: rows for source, rows in missing.items() if rows}
    total = sum(account.rows_in for account in accounts)
    observed = f"all {count(total, 'row')} of {count(len(accounts), 'source')} accounted for"
    if wrong:
        observed = ", ".join(
            f"source `{source}`: {count(rows, 'row')} missing"
            if rows > 0
            else f"source `{source}`: {count(-rows, 'row')} more than were read"
            for source, rows in sorted(wrong.items())
        )
    return Fact(
        {"unaccounted_rows": sum(abs(rows) for rows in wrong.values())},
        observed,
        "rows in = accepted + duplicate + conflict + quarantined, for every source",
        details={"unaccounted": wrong, "rows_in": total},
    )


CHECK = Check("data", ("unaccounted_rows",), _find)
