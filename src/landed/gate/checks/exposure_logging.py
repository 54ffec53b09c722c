"""Exposures are logged as often in one arm as in the other."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..passes.labelled import read_labelled
from ..two_arms import compare_arms


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    sums = {
        ("exposures", cell.variant, cell.day_at): (
            float(cell.units),
            float(cell.missing),
            float(cell.units),
            float(cell.missing),
            float(cell.units),
            float(cell.missing),
        )
        for cell in subject.once(read_labelled)
    }
    found = compare_arms(subject, sums, parameters)
    if not found:
        return NotApplicable("no unit of both arms carries a label of its arm a day long")
    return Fact(
        {"exposure_logging_difference": found.certain_difference},
        f"units with an arm's label but without an exposure: {found.text}",
        "the same share in every arm, or a difference below {limit} or within its bound",
        limit_as="share",
        details={"comparisons": found.details},
    )


CHECK = Check("data", ("exposure_logging_difference",), _find)
