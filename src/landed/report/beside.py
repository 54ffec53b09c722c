"""What stands beside a verdict: clusters, segments, trends, overlaps, first assignments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import units
from .clusters import cluster_table
from .rests_on import Table, make_table

Row = Mapping[str, Any]


def tables_beside(document: Mapping[str, Any]) -> list[Table]:
    """Tables of the parts that are there."""
    rows = {row["metric"]: row for row in document["estimates"]}
    clusters = cluster_table(document)
    found = [] if clusters is None else [clusters]
    if document["segments"]:
        found.append(_segments(document["segments"], rows))
    beside = document.get("exploratory") or {}
    if beside.get("trends"):
        found.append(_trends(beside["trends"], rows))
    if beside.get("overlaps"):
        found.append(_overlaps(beside["overlaps"], rows))
    if beside.get("first_assignments"):
        found.append(_first_assignments(beside["first_assignments"], rows))
    return found


def _segments(segments: list[Row], rows: Mapping[str, Row]) -> Table:
    is_final = any(one["p_adjusted"] is not None for one in segments)
    note = (
        "The effect in each level, pulled towards the release's by how little is known of it. "
        + (
            "Differs: the level differs from all others, one claim in twenty may be wrong."
            if is_final
            else "Nothing is claimed before the last look."
        )
    )
    lines = []
    for one in segments:
        metric = rows[one["metric"]]
        claim = "differs" if one["is_claimed"] else units.p_value(one["p_adjusted"])
        lines.append(
            (
                f"{metric['label']}, {one['segment']} {_level(one)}, {one['treatment']}",
                _amount(one["shrunken_effect"], metric),
                _amount(one["absolute_effect"], metric),
                f"{units.count(one['n_control'])} / {units.count(one['n_treatment'])}",
                claim if one["status"] == "estimated" else str(one["reason"]),
            )
        )
    head = ("Metric and level", "Shrunken effect", "Raw effect", "Units", "Adjusted p")
    return make_table("Segments", note, head, lines)


def _trends(trends: list[Row], rows: Mapping[str, Row]) -> Table:
    note = (
        "How the effect on units exposed at the end differs from that on those exposed first, by "
        "a line through what each look added. Exploratory."
    )
    lines = [
        (
            f"{rows[one['metric']]['label']}, {one['treatment']}",
            _amount(one["slope"], rows[one["metric"]]),
            units.p_value(one["p_value"]) if one["reason"] is None else one["reason"],
        )
        for one in trends
    ]
    return make_table("Novelty", note, ("Metric", "Change of the effect", "p"), lines)


def _overlaps(overlaps: list[Row], rows: Mapping[str, Row]) -> Table:
    note = (
        "Units that met another release too, and how much this effect differs between its "
        "variants. Exploratory."
    )
    lines = []
    for one in overlaps:
        name = str(one["release"])
        if one["metric"] is not None:
            metric = rows[one["metric"]]
            name = f"{name} {one['other_treatment']}: {metric['label']}, {one['treatment']}"
        effect = _amount(one["difference"], rows[one["metric"]]) if one["metric"] else units.NOTHING
        said = units.p_value(one["p_value"]) if one["reason"] is None else one["reason"]
        lines.append((name, units.count(one["n_both"]), effect, said))
    return make_table("Overlap", note, ("Release", "Units in both", "Difference", "p"), lines)


def _first_assignments(found: list[Row], rows: Mapping[str, Row]) -> Table:
    note = (
        "The verdict leaves out units that met a second variant. With them, each counted with its "
        "first one, the effect would be this."
    )
    lines = []
    for one in found:
        metric = rows[one["metric"]]
        lines.append(
            (
                f"{metric['label']}, {one['treatment']}",
                _amount(metric["absolute_effect"], metric),
                _amount(one["absolute_effect"], metric)
                if one["reason"] is None
                else str(one["reason"]),
                units.count(one["n_crossover"]),
            )
        )
    head = ("Metric", "Effect", "With crossovers", "Crossovers")
    return make_table("First assignment", note, head, lines)


def _amount(number: float | None, row: Row) -> str:
    if number is None:
        return units.NOTHING
    if row["status"] != "estimated":
        return f"{number:+.4g}"
    return units.difference(number, row["value"], units.decimals_for(row))


def _level(one: Row) -> str:
    if one["level_count"] > 1:
        return f"{one['level_count']} others"
    return "unknown" if one["level"] is None else str(one["level"])
