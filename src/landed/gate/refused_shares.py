"""The source of which the greatest share of rows was refused for one cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from .facts import Account, DayAccount, Fact, NotApplicable, Parameters, Subject, share


def fact_of_refused(  # noqa: PLR0917 - what is counted, then how it is told
    subject: Subject,
    parameters: Parameters,
    column: str,
    of_life: Callable[[Account], int],
    of_day: Callable[[DayAccount], int],
    said: str,
    expected: str,
) -> Fact | NotApplicable:
    """What a check of such rows finds: the worst source, over its life or since the release.

    Args:
        parameters: `explained_share` of a source is taken off.
        column: Name of the share that is judged.
        of_life: The rows that are looked at, of a source's life; those left out are none.
        of_day: The same rows, of a day of arrival.
        said: What happened to them, in words.
        expected: What would pass.
    """
    accounts = [one for one in subject.relevant_accounts if one.rows_in > one.left_out]
    if not accounts:
        return NotApplicable("no source has a row")
    shipped_on = subject.dates.shipped_at.date()
    counts = {one.source: _worst_count(one, shipped_on, of_life, of_day) for one in accounts}
    shares = {source: refused / rows for source, (refused, rows) in counts.items()}
    excess = {
        source: max(0.0, found - parameters.of(source)["explained_share"])
        for source, found in shares.items()
    }
    worst = max(excess, key=lambda source: (excess[source], source))
    refused, rows = counts[worst]
    return Fact(
        {column: excess[worst]},
        f"{refused:,} of {rows:,} rows of source `{worst}` {said} ({share(shares[worst])})",
        expected,
        limit_as="share",
        details={column: shares},
    )


def _worst_count(
    account: Account,
    since: date,
    of_life: Callable[[Account], int],
    of_day: Callable[[DayAccount], int],
) -> tuple[int, int]:
    """Refused rows and rows in: over the source's life or since a day, whichever refused more."""
    life = of_life(account), account.rows_in - account.left_out
    late = [one for one in account.arrivals if one.day >= since]
    recent = sum(of_day(one) for one in late), sum(one.rows_in for one in late)
    if recent[1] and recent[0] / recent[1] > life[0] / life[1]:
        return recent
    return life
