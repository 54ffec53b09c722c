"""As many units of every arm have an outcome just before their exposure: none is logged late."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..passes.outcomes import HOURS_BEFORE, read_outcomes
from ..two_arms import compare_arms


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    # stages hold other shares of the arms: units that came early would stand for one arm's
    is_one = len(subject.stages) < 2
    sums = {
        (
            one.metric if is_one else f"{one.metric}, stage {one.stage + 1}",
            one.variant,
            one.day_at,
        ): one.sums
        for metric in subject.once(read_outcomes)
        for one in metric.early
    }
    if not sums:
        return NotApplicable("no success metric has outcomes with an instant")
    found = compare_arms(subject, sums, parameters)
    if not found:
        return NotApplicable(
            f"fewer than {parameters['least_units']:g} units of an arm were exposed"
        )
    return Fact(
        {"outcome_before_exposure_difference": found.certain_difference},
        f"units with an outcome within {HOURS_BEFORE} hour before their exposure: {found.text}",
        "the same share in every arm, or a difference below {limit} or within its bound",
        limit_as="share",
        details={"comparisons": found.details},
    )


CHECK = Check("data", ("outcome_before_exposure_difference",), _find)
