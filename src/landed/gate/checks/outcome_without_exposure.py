"""Units with an arm's label and an outcome that were never exposed: their outcomes are lost."""

from __future__ import annotations

from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, share
from ..passes.outcomes import read_outcomes


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("no event of the release carries an arm's label")
    worst: dict[str, Any] | None = None
    by_metric = {}
    for acted in subject.once(read_outcomes):
        units, never = acted.assigned, acted.never_exposed
        rate = never / units if units and never >= parameters["min_units"] else 0.0
        found = {"metric": acted.metric, "units": units, "never_exposed": never, "share": rate}
        by_metric[acted.metric] = found
        if worst is None or (rate, never) > (worst["share"], worst["never_exposed"]):
            worst = found
    if worst is None:
        return NotApplicable("the release names no success metric")
    return Fact(
        {"never_exposed_share": worst["share"]},
        f"{worst['metric']}: {worst['never_exposed']:,} of {worst['units']:,} units "
        "with an outcome were never exposed",
        "at most {limit} of the units with an outcome and an arm's label never exposed"
        f" (fewer than {parameters['min_units']:g} units do not count)",
        limit_as="share",
        details={"by_metric": by_metric, "share_text": share(worst["share"])},
    )


CHECK = Check("data", ("never_exposed_share",), _find)
