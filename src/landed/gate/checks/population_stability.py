"""Whoever is exposed lately is of the same kinds as whoever was exposed first."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject
from ..passes.exposed_weeks import Level, read_exposed_weeks
from .value_drift import stability_index


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    if not subject.release.has_concurrent_control:
        return NotApplicable("the release has no control to compare with")
    weeks = read_exposed_weeks(subject)
    if weeks is None:
        return NotApplicable("units were exposed for less than two weeks")
    found: dict[str, float] = {}
    moved: dict[str, dict[str, str | float]] = {}
    for name, levels in weeks.levels.items():
        first, latest = sum(one.first for one in levels), sum(one.latest for one in levels)
        if min(first, latest) < parameters["least_units"]:
            continue
        index = stability_index(
            {one.level: one.first for one in levels}, {one.level: one.latest for one in levels}
        )
        # of the same people it is about (levels - 1) * (1/first + 1/latest), not zero
        noise = (len(levels) - 1) * (1 / first + 1 / latest)
        found[name] = max(index - 3 * noise, 0.0)
        moved[name] = _most_moved(name, levels, first, latest)
    if not found:
        return NotApplicable(f"a week exposed fewer than {parameters['least_units']:g} units")
    order = sorted(found, key=lambda name: -found[name])
    since = weeks.latest_from.date()
    return Fact(
        {"population_stability": found[order[0]]},
        "population stability index of the week from "
        f"{since} against the first: " + ", ".join(f"{name} {found[name]:.2f}" for name in order),
        "at most {limit} beyond what chance makes it, of every attribute",
        details={"index": found},
        sample=[moved[name] for name in order],
    )


def _most_moved(
    name: str, levels: tuple[Level, ...], first: int, latest: int
) -> dict[str, str | float]:
    """The level whose share changed most."""
    most = max(levels, key=lambda one: abs(one.latest / latest - one.first / first))
    return {
        "attribute": name,
        "level": most.level or "not known",
        "first_share": round(most.first / first, 4),
        "latest_share": round(most.latest / latest, 4),
    }


CHECK = Check("data", ("population_stability",), _find)
