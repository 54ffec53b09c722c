"""No effect points one way over all units and the other way within every part of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed

Row = Mapping[str, Any]


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    control = subject.release.control
    if control is None or not subject.by_segment:
        return NotApplicable("the release is cut into no segment, or has no control")
    totals = {(row["metric"], row["variant"]): row for row in subject.moments}
    cells: dict[tuple[str, str], dict[Any, dict[str, Row]]] = {}
    for row in subject.by_segment:
        levels = cells.setdefault((row["segment"], row["metric"]), {})
        levels.setdefault(row["level"], {})[row["variant"]] = row
    turned, compared = [], 0
    for (segment, metric), levels in cells.items():
        for treatment in subject.release.treatments:
            whole = _difference(totals.get((metric, control)), totals.get((metric, treatment)))
            units = sum(_units(arms, control, treatment) for arms in levels.values())
            large = [
                _difference(arms.get(control), arms.get(treatment))
                for arms in levels.values()
                if _units(arms, control, treatment) >= parameters["least_share"] * units
            ]
            parts = [part for part in large if part is not None]
            if whole is None or len(parts) < 2:
                continue
            compared += 1
            if whole and all(part * whole < 0 for part in parts):
                turned.append(f"{metric} of {treatment} by {segment}")
    if not compared:
        return NotApplicable("no segment has two levels with units of both arms")
    return Fact(
        {"reversals": len(turned)},
        f"another sign within every large level than over all: {listed(turned)}"
        if turned
        else f"{count(compared, 'effect')} with the sign of one of its levels at least",
        "an effect over all units with the sign of one of its large levels at least",
        details={"reversals": turned},
    )


def _units(arms: Mapping[str, Row], control: str, treatment: str) -> float:
    return float(sum(arms[name]["n"] or 0 for name in (control, treatment) if name in arms))


def _difference(control: Row | None, treatment: Row | None) -> float | None:
    """Treatment's mean minus control's; None where one has none."""
    means = []
    for row in (control, treatment):
        divisor = 0 if row is None else row["sum_d"] if row["form"] == "ratio" else row["n"]
        if row is None or not divisor:
            return None
        means.append(float(row["sum_y"]) / float(divisor))
    return means[1] - means[0]


CHECK = Check("results", ("reversals",), _find)
