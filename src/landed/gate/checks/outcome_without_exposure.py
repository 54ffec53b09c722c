"""Units with an arm's label and an outcome that were never exposed: their outcomes are lost."""

from __future__ import annotations

from ..certain_share import UnitShare, judge_shares
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.outcomes import read_outcomes


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("no event of the release carries an arm's label")
    acted = subject.once(read_outcomes)
    if not acted:
        return NotApplicable("the release names no success metric")
    found = [UnitShare(one.metric, one.never_exposed, one.assigned) for one in acted]
    judged = judge_shares(subject, found, parameters, tests=len(found))
    worst = judged.worst
    return Fact(
        {
            "never_exposed_share": judged.counted,
            "certain_never_exposed_share": judged.certain,
        },
        f"{worst.name}: {worst.events:,} of {worst.units:,} units "
        f"with an outcome were never exposed ({share(worst.share)})",
        "at most {limit} of the units with an outcome and an arm's label never exposed"
        f" (fewer than {parameters['min_units']:g} units do not count)",
        limit_as="share",
        details={
            "by_metric": {
                one.name: {"units": one.units, "never_exposed": one.events, "share": one.share}
                for one in found
            }
        },
    )


CHECK = Check("data", ("never_exposed_share", "certain_never_exposed_share"), _find)
