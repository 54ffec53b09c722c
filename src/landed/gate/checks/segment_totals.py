"""The levels of every segment add up to all units."""

from __future__ import annotations

import math
from collections.abc import Hashable

from ..facts import Check, Fact, NotApplicable, Parameters, Subject, count, listed

_COUNTS = ("n", "n_missing", "n_immature")
_SUMS = ("sum_y", "sum_d")


def _find(subject: Subject, parameters: Parameters) -> Fact | NotApplicable:
    segments = subject.release.segments
    if not segments and not subject.by_segment:
        return NotApplicable("the release is cut into no segment")
    totals = {(row["metric"], row["variant"]): row for row in subject.moments}
    levels: dict[tuple[Hashable, ...], dict[str, list[float]]] = {}
    for row in subject.by_segment:
        parts = levels.setdefault((row["segment"], row["metric"], row["variant"]), {})
        for name in (*_COUNTS, *_SUMS):
            if row[name] is not None:
                parts.setdefault(name, []).append(row[name])
    wrong = [
        f"every level of {metric} in {variant} by {segment}"
        for segment in segments
        for (metric, variant), total in totals.items()
        if total["n"]
        and (segment, metric, variant) not in levels
        and subject.catalog.rank_form(metric) is None  # quantiles are not cut
    ]
    if not levels and not wrong:
        return NotApplicable("no metric of the release is cut by segment")
    for (segment, metric, variant), parts in levels.items():
        total = totals.get((str(metric), str(variant)), {})
        for name, values in parts.items():
            whole, added = float(total.get(name) or 0.0), math.fsum(values)
            scale = max(math.fsum(map(abs, values)), abs(whole))
            allowed = 0.0 if name in _COUNTS else parameters["tolerance"] * scale
            if abs(whole - added) > allowed:
                wrong.append(f"{name} of {metric} in {variant} by {segment}")
    return Fact(
        {"segments_off": len(wrong)},
        f"levels do not add up to the total: {listed(wrong)}"
        if wrong
        else f"the levels of {count(len(levels), 'row')} of moments add up",
        "units and sums of all levels together, unknown ones included, equal to the total",
        details={"off": wrong},
    )


CHECK = Check("results", ("segments_off",), _find)
