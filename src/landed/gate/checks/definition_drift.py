"""Every metric means what it meant at the release's first look, or says when that changed."""

from __future__ import annotations

from ...impact import Revised, revised_metrics
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    looks = subject.looks()
    if looks is None or not looks.has_begun:
        return NotApplicable("no look was taken yet: until then definitions may change")
    found = revised_metrics(looks, subject.catalog)
    drifted = [one for one in found if one.since is None]
    told = [one for one in found if one.since is not None]
    observed = f"{count(len(looks.definitions), 'metric')} as at the first look"
    if found:
        observed = "; ".join(_said(one) for one in (*drifted, *told))
    return Fact(
        {"drifted_metrics": len(drifted), "revised_metrics": len(told)},
        observed,
        "every metric as it was defined at the first look, or a revision that says what changed",
        details={
            "drifted": [one.metric for one in drifted],
            "revised": {one.metric: one.since for one in told},
        },
    )


def _said(one: Revised) -> str:
    """One metric for people. Both values stand in the report: a notice must not show either."""
    since = f"revision {one.since}" if one.since else "without a revision"
    at = one.was.cutoff_at.date().isoformat()
    return f"`{one.metric}`: {one.what} since the look of {at}, {since}"


CHECK = Check("data", ("drifted_metrics", "revised_metrics"), _find)
