"""The planned split holds within days, stages, platforms, countries and versions too."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed
from ..passes.exposures import read_assigned

Counts = dict[int, dict[str, int]]  # units by stage and variant


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    from ...stats import (  # scipy: reading the suites needs none
        false_discovery_p_values,
        staged_sample_ratio,
    )

    plan = subject.stages
    if not plan:
        return NotApplicable("the release plans no allocation")
    tested: list[tuple[str, float]] = []
    for name, counts in _slices(subject).items():
        stages = []
        for stage, units in counts.items():
            planned = {variant: part for variant, part in plan[stage].shares.items() if part > 0}
            total = sum(units.get(variant, 0) for variant in planned)
            # Pearson's chi-squared holds where every variant is expected to have a few units
            if len(planned) > 1 and total * min(planned.values()) >= parameters["least_expected"]:
                stages.append(({variant: units.get(variant, 0) for variant in planned}, planned))
        if stages:
            tested.append((name, staged_sample_ratio(stages).p_value))
    if not tested:
        return NotApplicable("no day, platform, country or version has enough units")
    adjusted = false_discovery_p_values([p_value for _, p_value in tested])
    off = [
        name
        for (name, _), p_value in zip(tested, adjusted, strict=True)
        if p_value < parameters["discovery_rate"]
    ]
    return Fact(
        {"slices_off": len(off)},
        f"off the plan: {listed(off)}" if off else f"{count(len(tested), 'slice')} as planned",
        "the planned split in every slice, at a false discovery rate of"
        f" {parameters['discovery_rate']:g}",
        details={"off": off, "p_values": dict(tested)},
    )


def _slices(subject: Subject) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for name, stage, variant, units in _cells(subject):
        by_variant = found.setdefault(name, {}).setdefault(stage, {})
        by_variant[variant] = by_variant.get(variant, 0) + units
    return found


def _cells(subject: Subject) -> Iterator[tuple[str, int, str, int]]:
    exposures = subject.once(read_assigned)
    for day in exposures.days:
        yield f"day {day.day_at.date()}", day.stage, day.variant, day.units
        if len(subject.stages) > 1:
            yield f"stage {day.stage + 1}", day.stage, day.variant, day.units
    for cell in exposures.slices:
        yield f"{cell.by} {cell.level}", cell.stage, cell.variant, cell.units


CHECK = Check("data", ("slices_off",), _find)
