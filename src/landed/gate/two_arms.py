"""Shares of measurement compared between control and each treatment, at every daily look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .facts import Parameters, Subject, share
from .passes.exposures import look_days, look_fractions

if TYPE_CHECKING:
    from ..stats import DifferenceLook

#: Sums over the units that are new on a day (see `landed.stats.difference_looks.SUMS`), by what is
#: measured, variant and day.
Sums = Mapping[tuple[str, str, datetime], Sequence[float]]
_NOTHING = (0.0,) * 6


@dataclass(frozen=True, slots=True)
class ArmsCompared:
    """What comparing the arms came to.

    Args:
        certain_difference: The greatest difference at a look that crossed its bound; 0 where none
            crossed. Share, 0 to 1.
        text: The comparison it was found in, else the one that came nearest to its bound.
        details: Every comparison's last look.
    """

    certain_difference: float
    text: str
    details: list[dict[str, Any]]


def compare_arms(
    subject: Subject, sums: Sums, parameters: Parameters, *, delay_days: int = 0
) -> ArmsCompared | None:
    """Compare every treatment with control in everything that is measured.

    Alpha is shared out evenly among the comparisons. None where no arm and control both have the
    units that a look needs.

    Args:
        subject: The release under judgement.
        sums: What was measured.
        parameters: `alpha` of all comparisons and looks, and `least_units` an arm.
        delay_days: How much later than its exposure a unit is counted. Days.
    """
    from ..stats import difference_path  # scipy: reading the suites needs none

    control, days = subject.release.control, look_days(subject)
    if control is None or not days:
        return None
    measured = tuple(dict.fromkeys(key[0] for key in sums))
    pairs = [(name, arm) for name in measured for arm in subject.release.treatments]
    # without an end of exposure the one look is the last: nothing is planned that it could share
    fractions = look_fractions(subject, delay_days) or (*(0.0 for _ in days[1:]), 1.0)
    found = []
    for name, arm in pairs:
        path = difference_path(
            [sums.get((name, control, day), _NOTHING) for day in days],
            [sums.get((name, arm, day), _NOTHING) for day in days],
            fractions,
            alpha=parameters["alpha"] / len(pairs),
            least_units=parameters["least_units"],
        )
        if path[-1].units >= parameters["least_units"]:
            found.append(_compared(subject, name, arm, days, path))
    if not found:
        return None
    worst = max(found, key=lambda each: (each["certain_difference"], each["nearness"]))
    return ArmsCompared(worst["certain_difference"], worst["text"], found)


def _compared(
    subject: Subject, name: str, arm: str, days: Sequence[datetime], path: Sequence[DifferenceLook]
) -> dict[str, Any]:
    crossed = [at for at, look in enumerate(path) if look.is_crossed]
    bounded = [at for at, look in enumerate(path) if look.bound is not None]
    at = max(crossed, key=lambda each: abs(path[each].difference)) if crossed else len(path) - 1
    if not crossed and bounded:
        at = max(bounded, key=lambda each: abs(path[each].z) / (path[each].bound or 1.0))
    look = path[at]
    bound = "" if look.bound is None else f" against a bound of {look.bound:.2f}"
    return {
        "measured": name,
        "treatment": arm,
        "certain_difference": abs(look.difference) if crossed else 0.0,
        "nearness": abs(look.z) / look.bound if look.bound else 0.0,
        "on": str(days[at].date()),
        "text": (
            f"{share(look.control)} in {subject.release.control}, {share(look.treatment)} in {arm}"
            f" ({name}, {days[at].date()}, z = {abs(look.z):.2f}{bound})"
        ),
    }
