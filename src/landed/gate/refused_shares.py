"""The source of which the greatest share of rows was refused for one cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from .facts import Account, DayAccount, Fact, NotApplicable, Parameters, Subject, share


def fact_of_refused(  # noqa: PLR0917 - what is counted, then how it is told
    subject: Subject,
    parameters: Parameters,
    columns: tuple[str, str],
    of_life: Callable[[Account], int],
    of_day: Callable[[DayAccount], int],
    said: str,
    expected: str,
) -> Fact | NotApplicable:
    """What a check of such rows finds: the worst source, over its life or since the release.

    Args:
        parameters: `explained_share` of a source is taken off; fewer than `min_rows` refused rows
            are told apart.
        columns: Names of the shares: of sources with so many refused rows, and of any.
        of_life: The rows that are looked at, of a source's life; those left out are none.
        of_day: The same rows, of a day of arrival.
        said: What happened to them, in words.
        expected: What would pass.
    """
    accounts = [one for one in subject.relevant_accounts if one.rows_in > one.left_out]
    if not accounts:
        return NotApplicable("no source has a row")
    shipped_on = subject.dates.shipped_at.date()
    counts = [
        _Refused(one.source, *of, parameters.of(one.source)["explained_share"])
        for one in accounts
        for of in _counts(one, shipped_on, of_life, of_day)
    ]
    worst = max(counts, key=lambda one: one.rank)
    many = [one for one in counts if one.refused >= parameters["min_rows"]]
    worst_of_many = max(many, key=lambda one: one.rank, default=None)
    shares: dict[str, float] = {}
    for one in counts:
        shares[one.source] = max(shares.get(one.source, 0.0), one.share)
    return Fact(
        {
            columns[0]: 0.0 if worst_of_many is None else worst_of_many.excess,
            columns[1]: worst.excess,
        },
        "; ".join(
            f"{one.refused:,} of {one.rows:,} rows of source `{one.source}` {said}"
            f" ({share(one.share)})"
            for one in dict.fromkeys((worst_of_many or worst, worst))
        ),
        expected,
        limit_as="share",
        details={columns[0]: shares},
    )


@dataclass(frozen=True, slots=True)
class _Refused:
    """Refused rows of a source, of its life or since a day. Counts; a share is explained."""

    source: str
    refused: int
    rows: int
    explained: float

    @property
    def share(self) -> float:
        return self.refused / self.rows

    @property
    def excess(self) -> float:
        return max(0.0, self.share - self.explained)

    @property
    def rank(self) -> tuple[float, str, float]:
        return self.excess, self.source, self.share


def _counts(
    account: Account,
    since: date,
    of_life: Callable[[Account], int],
    of_day: Callable[[DayAccount], int],
) -> Iterator[tuple[int, int]]:
    """Refused rows and rows in, over the source's life and since a day."""
    yield of_life(account), account.rows_in - account.left_out
    late = [one for one in account.arrivals if one.day >= since]
    rows = sum(one.rows_in for one in late)
    if rows:
        yield sum(of_day(one) for one in late), rows
