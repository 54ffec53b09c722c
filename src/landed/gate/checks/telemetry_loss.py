"""Clients lose as much telemetry in one arm as in the other."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..passes.telemetry import read_lost
from ..two_arms import compare_arms


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    window_days = int(parameters["window_days"])
    sums = {
        (cell.signal, cell.variant, cell.day_at): cell.sums
        for cell in read_lost(subject, window_days)
    }
    if not sums:
        return NotApplicable(
            "no exposed unit sends what `[telemetry]` of landed.toml names, if it names anything"
        )
    found = compare_arms(subject, sums, parameters, delay_days=window_days)
    if not found:
        return NotApplicable("too few units of both arms send telemetry for a comparison")
    return Fact(
        {"telemetry_loss_difference": found.certain_difference},
        f"lost of the telemetry of exposed units: {found.text}",
        "the same share lost in every arm, or a difference below {limit} or within its bound",
        limit_as="share",
        details={"comparisons": found.details},
    )


CHECK = Check("data", ("telemetry_loss_difference",), _find)
