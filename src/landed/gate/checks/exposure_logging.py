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
    # units of a cluster lose theirs together, and those without an exposure name no cluster that
    # could be counted instead: one account would do
    is_clustered = subject.release.cluster is not None
    difference = found.certain_difference
    return Fact(
        {
            "exposure_logging_difference": 0.0 if is_clustered else difference,
            "exposure_logging_difference_of_clustered": difference if is_clustered else 0.0,
        },
        f"units with an arm's label but without an exposure: {found.text}"
        + (
            f", as if units of one `{subject.release.cluster}` were independent"
            if is_clustered
            else ""
        ),
        "the same share in every arm, or a difference below {limit} or within its bound",
        limit_as="share",
        details={"comparisons": found.details},
    )


CHECK = Check(
    "data", ("exposure_logging_difference", "exposure_logging_difference_of_clustered"), _find
)
