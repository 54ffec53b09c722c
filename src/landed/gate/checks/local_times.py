"""Clocks tell UTC: no events come whole or half hours late to the minute."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..odd_shares import OddDay, fact_of_odd_days

_COLUMNS = ("local_days", "local_days_unusual")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    return fact_of_odd_days(
        subject,
        parameters,
        lambda day: day.local_beyond_chance,
        _COLUMNS,
        _said,
        "events come at any minute after they happened",
        "times in UTC, or with their zone",
    )


def _said(worst: OddDay) -> str:
    return (
        f"{share(worst.share)} of the events of source `{worst.source}` on {worst.day.isoformat()}"
        " came whole or half hours after they say they happened, to the minute, beyond chance"
    )


CHECK = Check("data", _COLUMNS, _find)
