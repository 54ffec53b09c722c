"""What happened once is told once: no event comes again under another id."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..odd_shares import OddDay, fact_of_odd_days

_COLUMNS = ("copied_days", "copied_days_unusual")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    return fact_of_odd_days(
        subject,
        parameters,
        lambda day: day.copied,
        _COLUMNS,
        _said,
        "no day on which more events than usual stand twice",
        "every event once, whatever its id",
        lambda day: day.copied_by,
    )


def _said(worst: OddDay) -> str:
    usual = (
        "it is not known what is usual"
        if worst.most_before is None
        else f"at most {share(worst.most_before)} on any day before"
    )
    return (
        f"{worst.rows:,} events of source `{worst.source}` on {worst.day.isoformat()} are copies of"
        f" others ({share(worst.share)}; {usual})"
    )


CHECK = Check("data", _COLUMNS, _find)
