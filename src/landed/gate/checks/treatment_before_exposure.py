"""Units that show the change before their exposure was logged: the exposure comes late."""

from __future__ import annotations

from typing import Any

from ..certain_share import UnitShare, judge_shares
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.promised_events import TOLERANCE_SECONDS, read_promised


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    release = subject.release
    if release.control is None or not release.has_concurrent_control:
        return NotApplicable("the release has no control: its events may be older than itself")
    found: list[UnitShare] = []
    cells = subject.once(read_promised).days
    for event in dict.fromkeys(cell.event for cell in cells):
        mine = [cell for cell in cells if cell.event == event]
        control = [cell for cell in mine if cell.variant == release.control]
        treated = [cell for cell in mine if cell.variant in release.treatments]
        in_control, in_treated = _did(control), _did(treated)
        if release.emit_rule(event).in_control or not treated or not control:
            continue
        if in_control > parameters["control_share"] * in_treated:
            continue  # control sends it too, so it says nothing of the change
        units = sum(cell.sent for cell in treated)
        early = sum(cell.early for cell in treated)
        found.append(UnitShare(event, early, units))
    if not found:
        return NotApplicable("no promised event (`must_emit`) is the treatment's alone")
    judged = judge_shares(subject, found, parameters, tests=len(release.must_emit))
    worst = judged.worst
    return Fact(
        {
            "treatment_before_exposure_share": judged.counted,
            "certain_treatment_before_exposure_share": judged.certain,
        },
        f"`{worst.name}`: {worst.events:,} of {worst.units:,} treatment units sent it"
        f" before their exposure ({share(worst.share)})",
        "at most {limit} of the units that send what only a treatment sends, more than"
        f" {TOLERANCE_SECONDS} seconds before the exposure"
        f" (fewer than {parameters['min_units']:g} units do not count)",
        limit_as="share",
        details={
            "by_event": [
                {"event": one.name, "early": one.events, "units": one.units, "share": one.share}
                for one in found
            ]
        },
    )


def _did(cells: list[Any]) -> float:
    units = sum(cell.units for cell in cells)
    return sum(cell.sent for cell in cells) / units if units else 0.0


CHECK = Check(
    "data",
    ("treatment_before_exposure_share", "certain_treatment_before_exposure_share"),
    _find,
)
