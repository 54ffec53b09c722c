"""A share lies between 0 and 1."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    shares = {
        (estimate.metric, variant): mean
        for estimate in subject.estimates
        if estimate.value == "share"
        for variant, mean in (
            (subject.release.control or "control", estimate.mean_control),
            (estimate.treatment, estimate.mean_treatment),
        )
        if mean is not None
    }
    if not shares:
        return NotApplicable("no metric of the release is a share")
    wrong = {place: mean for place, mean in shares.items() if not 0 <= mean <= 1}
    observed = f"all {len(shares)} shares between 0 and 1"
    if wrong:
        observed = ", ".join(
            f"`{metric}` is {'below 0' if mean < 0 else 'above 1'} in {variant}"
            for (metric, variant), mean in wrong.items()
        )
    return Fact(
        {"shares_out_of_range": len(wrong)},
        observed,
        "every share between 0 and 1",
        # places, not values: what a gate refuses is not shown by its notice either
        details={"shares": [f"{metric} in {variant}" for metric, variant in wrong]},
    )


CHECK = Check("results", ("shares_out_of_range",), _find)
