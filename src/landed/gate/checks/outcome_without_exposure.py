"""Units with an arm's label and an outcome that were never exposed: their outcomes are lost."""

from __future__ import annotations

from typing import Any

from ..certain_share import is_certain
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.outcomes import read_outcomes


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("no event of the release carries an arm's label")
    acted = subject.once(read_outcomes)
    if not acted:
        return NotApplicable("the release names no success metric")
    found: list[dict[str, Any]] = [
        {
            "metric": one.metric,
            "units": one.assigned,
            "never_exposed": one.never_exposed,
            "share": one.never_exposed / one.assigned if one.assigned else 0.0,
            "is_certain": is_certain(
                subject, one.never_exposed, one.assigned, parameters, tests=len(acted)
            ),
        }
        for one in acted
    ]
    counted = [one for one in found if one["never_exposed"] >= parameters["min_units"]]
    certain = [one for one in found if one["is_certain"]]
    worst = max(
        certain or counted or found, key=lambda each: (each["share"], each["never_exposed"])
    )
    return Fact(
        {
            "never_exposed_share": max((one["share"] for one in counted), default=0.0),
            "certain_never_exposed_share": max((one["share"] for one in certain), default=0.0),
        },
        f"{worst['metric']}: {worst['never_exposed']:,} of {worst['units']:,} units "
        f"with an outcome were never exposed ({share(worst['share'])})",
        "at most {limit} of the units with an outcome and an arm's label never exposed"
        f" (fewer than {parameters['min_units']:g} units do not count)",
        limit_as="share",
        details={"by_metric": {one["metric"]: one for one in found}},
    )


CHECK = Check("data", ("never_exposed_share", "certain_never_exposed_share"), _find)
