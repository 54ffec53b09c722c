"""Every variant has met somebody."""

from __future__ import annotations

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count


def _find(subject: Subject, _: Parameters) -> Fact | NotApplicable:
    if subject.release.cohorts is not None:
        return NotApplicable("groups get it, and no unit is exposed on its own")
    counts = subject.units_by_variant
    observed = ", ".join(f"{variant}: {count(units, 'unit')}" for variant, units in counts.items())
    return Fact(
        {"exposed_units": min(counts.values(), default=0)},
        observed or "the release names no variant",
        "at least {limit} exposed unit in every variant",
        details={"exposed_units": counts},
    )


CHECK = Check("data", ("exposed_units",), _find)
