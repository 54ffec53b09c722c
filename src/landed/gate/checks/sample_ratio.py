"""The exposed counts fit the planned allocation, each stage of a ramp against its own."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    from ...stats import (
        staged_sample_ratio,  # scipy: reading the suites, as `landed check` does, needs none
    )

    plan = subject.stages
    if not plan:
        return NotApplicable("the release plans no allocation")
    stages = []
    unplanned = 0  # units of a variant in a stage that gave it no traffic
    for index, stage in enumerate(plan):
        cells = {cell.variant: cell.units for cell in subject.assigned if cell.stage == index}
        unplanned += sum(n for variant, n in cells.items() if not stage.shares.get(variant))
        shares = {variant: planned for variant, planned in stage.shares.items() if planned > 0}
        if len(shares) > 1:
            counts = {variant: cells.get(variant, 0) for variant in shares}
            if sum(counts.values()):
                stages.append((counts, shares))
    if not stages and not unplanned:
        return NotApplicable("no unit was exposed in a stage that splits its traffic")
    found = staged_sample_ratio(stages) if stages else None
    p_value = 0.0 if unplanned or found is None else found.p_value
    observed = ", ".join(
        f"{variant} {units:,} of {total:,} ({share(units / total)})"
        for variant, units in subject.assigned_by_variant.items()
        if (total := sum(subject.assigned_by_variant.values()))
    )
    what = "unit" if subject.release.cluster is None else "cluster"
    if subject.release.cluster is not None:  # units of one cluster are not independent
        observed = f"clusters: {observed}"
    if unplanned:
        observed += f", {count(unplanned, what)} exposed where the plan gave no traffic"
    planned_text = ", then ".join(
        " : ".join(f"{variant} {share(value)}" for variant, value in stage.shares.items())
        for stage in plan
    )
    return Fact(
        {"sample_ratio_p_value": p_value},
        f"{observed}; p = {p_value:.3g}",
        f"{planned_text}, with p of at least {{limit}}",
        details={
            "p_value": p_value,
            "observed": dict(found.observed) if found else {},
            "planned": dict(found.expected) if found else {},
            "unplanned_units": unplanned,
        },
    )


CHECK = Check("data", ("sample_ratio_p_value",), _find)
