"""Every metric means what it meant at the release's first look, or says when that changed."""

from __future__ import annotations

from ...impact import ReleaseLooks, Revised, revised_metrics
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    looks = subject.looks()
    if looks is None or not (looks.taken or looks.decided):
        return NotApplicable("no look was taken yet: until then definitions may change")
    found = revised_metrics(looks, subject.catalog)
    drifted = [one for one in found if one.since is None]
    told = [one for one in found if one.since is not None]
    observed = f"{count(len(looks.definitions), 'metric')} as at the first look"
    if found:
        observed = "; ".join(_said(one, looks) for one in (*drifted, *told))
    return Fact(
        {"drifted_metrics": len(drifted), "revised_metrics": len(told)},
        observed,
        "every metric as it was defined at the first look, or a revision that says what changed",
        details={
            "drifted": [one.metric for one in drifted],
            "revised": {one.metric: one.since for one in told},
            "effects_before": {one.metric: _effects(one, looks) for one in found},
        },
    )


def _said(one: Revised, looks: ReleaseLooks) -> str:
    """One metric for people: what changed, since when, and what was seen before."""
    since = f"revision {one.since}" if one.since else "without a revision"
    before = "".join(
        f"; {effect:+.4g} in {treatment} at look {number} under the definition before"
        for treatment, (number, effect) in _effects(one, looks).items()
    )
    at = one.was.cutoff_at.date().isoformat()
    return f"`{one.metric}`: {one.what} since the look of {at}, {since}{before}"


def _effects(one: Revised, looks: ReleaseLooks) -> dict[str, tuple[int, float]]:
    """By treatment: number and effect of the last look that was taken at it."""
    return {
        treatment: (taken[-1].number, taken[-1].effect)
        for (metric, treatment), taken in sorted(looks.taken.items())
        if metric == one.metric and taken
    }


CHECK = Check("data", ("drifted_metrics", "revised_metrics"), _find)
