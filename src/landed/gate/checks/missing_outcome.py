"""Units without an outcome are no more common in one variant than in another."""

from __future__ import annotations

from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, chance


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    from ...stats import (
        fisher_exact,  # scipy: reading the suites, as `landed check` does, needs none
    )

    control = subject.release.control
    if control is None or not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    cells = {
        (row["metric"], row["variant"]): (int(row["n_missing"]), int(row["n"] + row["n_missing"]))
        for row in subject.moments
        if row["form"] == "unit_mean"
    }
    found: list[dict[str, Any]] = []
    for metric in dict.fromkeys(metric for metric, _ in cells):
        for treatment in subject.release.treatments:
            missing_c, units_c = cells.get((metric, control), (0, 0))
            missing_t, units_t = cells.get((metric, treatment), (0, 0))
            if units_c and units_t:
                p_value = fisher_exact(missing_c, units_c, missing_t, units_t).p_value
                text = (
                    f"{metric}: {missing_c:,} of {units_c:,} units without a value in {control}, "
                    f"{missing_t:,} of {units_t:,} in {treatment}; {chance(p_value)}"
                )
                found.append(
                    {"metric": metric, "treatment": treatment, "p_value": p_value, "text": text}
                )
    if not found:
        return NotApplicable("no metric of the release leaves units without a value out")
    worst = min(found, key=lambda each: each["p_value"])
    return Fact(
        {"missing_outcome_p_value": worst["p_value"]},
        worst["text"],
        "the same share of units without a value in every variant, with p of at least {limit}",
        details={"comparisons": found},
    )


CHECK = Check("results", ("missing_outcome_p_value",), _find)
