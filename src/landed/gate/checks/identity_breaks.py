"""Units keep their ids: in every event the same spelling, and from day to day the same id."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..passes.known_units import ActiveDay, known_units, misspelt_units

_WEEK = timedelta(days=7)
_RUN = 3  # days: whoever comes back with a new id is known again on the next visit


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    exposed, misspelt = subject.once(misspelt_units)
    if misspelt < parameters["min_units"]:  # random ids may look alike now and then
        misspelt = 0
    days = subject.once(known_units)
    breaks = [
        found
        for day in sorted(days)
        if day >= subject.dates.shipped_at.date() and (found := _lost_at(days, day, parameters))
    ]
    if not exposed and not days:
        return NotApplicable("no unit was seen on a whole day")
    day, lost, new = max(breaks, key=lambda found: found[1], default=(None, 0.0, 0))
    observed = "units keep their ids"
    if misspelt:
        observed = (
            f"{count(misspelt, 'exposed unit')} of {exposed:,} ({share(misspelt / exposed)}) have"
            " an id that differs from another unit's in capitals or blanks only"
        )
    elif day is not None:
        observed = (
            f"{share(lost)} fewer known units from {day.isoformat()} on, as {new:,} more new ones"
            " came"
        )
    return Fact(
        {"misspelt_share": misspelt / exposed if exposed else 0.0, "renewed_share": lost},
        observed,
        "each unit under one id: less than {limit} of units spelled twice or known no more",
        limit_as="share",
        details={
            "misspelt": misspelt,
            "exposed": exposed,
            "renewed_on": None if day is None else day.isoformat(),
        },
    )


def _lost_at(
    days: Mapping[date, ActiveDay], day: date, parameters: Parameters
) -> tuple[date, float, int] | None:
    """(day, share of known units that are gone, new ones beyond usual) where ids were made anew.

    Three days are held against the same weekdays before. Fewer known units are a holiday, more new
    ones a campaign; only both, and about as many, are people who come back as others.
    """
    run = [day + timedelta(days=n) for n in range(_RUN)]
    if any(one not in days or one - _WEEK not in days for one in run):
        return None
    known = sum(days[one].known for one in run)
    known_before = sum(days[one - _WEEK].known for one in run)
    new = sum(days[one].new for one in run)
    new_before = sum(days[one - _WEEK].new for one in run)
    gone, came = known_before - known, new - new_before
    if (
        gone <= 0
        or came <= 0
        or not 1 / parameters["matched"] <= came / gone <= parameters["matched"]
    ):
        return None
    least = parameters["standard_errors"]
    if gone < least * math.sqrt(known + known_before) or came < least * math.sqrt(new + new_before):
        return None
    return day, gone / known_before, came


CHECK = Check("data", ("misspelt_share", "renewed_share"), _find)
