"""Exposed counts fit the planned allocation at every daily look, stage by stage of a ramp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from ...catalog.releases import AllocationStage
from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, share
from ..passes.exposures import Exposures, look_days, look_fractions, read_assigned


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    from ...stats import (
        sample_ratio_path,  # scipy: reading the suites, as `landed check` does, needs none
    )

    plan = subject.stages
    if not plan:
        return NotApplicable("the release plans no allocation")
    exposures = subject.once(read_assigned)
    unplanned = sum(
        cell.units
        for cell in exposures.cells
        if not plan[cell.stage].shares.get(cell.variant)  # a stage that gave it no traffic
    )
    days = look_days(subject)
    is_split = [len([1 for planned in stage.shares.values() if planned > 0]) > 1 for stage in plan]
    if not unplanned and not any(cell.units for cell in exposures.cells if is_split[cell.stage]):
        return NotApplicable("no unit was exposed in a stage that splits its traffic")
    path = sample_ratio_path(
        _by_look(exposures, days, plan),
        [dict(stage.shares) for stage in plan],
        look_fractions(subject),
        alpha=parameters["alpha"],
        concentration=parameters["concentration"],
        e_value_limit=parameters["e_value_limit"],
    )
    at = path.worst if path.crossed is None else path.crossed
    look = path.looks[at]
    evidence = f"e-value {_e_value(look.log_e_value)}"
    if look.bound is not None:
        evidence = f"z = {abs(look.z):.2f} against a bound of {look.bound:.2f}, {evidence}"
    when = f"look {at + 1}, {days[at].date()}"
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
    elif path.crossed is None:
        observed += f"; nearest at {when}: {evidence}"
    else:
        observed += f"; crossed at {when}: {evidence}"
    return Fact(
        {"sample_ratio_excess": path.excess},
        observed,
        f"{_planned_text(plan)}; at every daily look z below its bound"
        f" and an e-value below {parameters['e_value_limit']:,.0f}",
        details={
            "excess": path.excess,
            "crossed_on": None if path.crossed is None else str(days[path.crossed].date()),
            "unplanned_units": unplanned,
            "looks": [
                {
                    "on": str(day.date()),
                    "units": each.units,
                    "variant": each.variant,
                    "z": round(each.z, 4),
                    "bound": None if each.bound is None else round(each.bound, 4),
                    "log10_e_value": round(each.log_e_value / math.log(10), 3),
                }
                for day, each in zip(days, path.looks, strict=True)
            ],
        },
    )


def _by_look(
    exposures: Exposures, days: Sequence[datetime], plan: Sequence[AllocationStage]
) -> list[list[dict[str, int]]]:
    """Units first exposed since the look before: by look, stage and variant."""
    counts: list[list[dict[str, int]]] = [[{} for _ in plan] for _ in days]
    place = {day: at for at, day in enumerate(days)}
    for cell in exposures.days:
        in_stage = counts[place[cell.day_at]][cell.stage]
        in_stage[cell.variant] = in_stage.get(cell.variant, 0) + cell.units
    return counts


def _planned_text(plan: Sequence[AllocationStage]) -> str:
    return ", then ".join(
        " : ".join(f"{variant} {share(value)}" for variant, value in stage.shares.items())
        for stage in plan
    )


def _e_value(logarithm: float) -> str:
    """An e-value as people read it; what is above a million is told by its power of ten."""
    power = logarithm / math.log(10)
    return f"{math.exp(logarithm):,.3g}" if power < 6 else f"1e{power:.0f}"


CHECK = Check("data", ("sample_ratio_excess",), _find)
