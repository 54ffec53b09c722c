"""What was assigned as a whole, as a table of text for every rendering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import units
from .rests_on import Table, make_table


def cluster_table(document: Mapping[str, Any]) -> Table | None:
    """Clusters an arm and their design effect, a row a metric; None where units were assigned."""
    clusters = (document.get("exposure") or {}).get("clusters")
    rows = [row for row in document["estimates"] if row.get("clusters")]
    if clusters is None or not rows:
        return None
    note = (
        f"Whole clusters were assigned (by `{clusters['property']}`), so intervals count clusters "
        "and not their units. Design effect: the variance as a multiple of what it were with "
        "independent units. Nothing is adjusted by the pre-period."
    )
    lines = [
        (
            f"{row['label']}, {row['treatment']}",
            *(units.count(row["clusters"][f"n_{arm}"]) for arm in ("control", "treatment")),
            _number(row["clusters"]["design_effect"], 1),
            _number(row["clusters"]["intracluster_correlation"], 3),
        )
        for row in rows
    ]
    head = ("Metric", "Clusters of control", "Of treatment", "Design effect", "Correlation within")
    return make_table("Clusters", note, head, lines)


def cluster_counts(document: Mapping[str, Any]) -> str:
    """Clusters by variant in one line; empty where units were assigned."""
    clusters = (document.get("exposure") or {}).get("clusters")
    if clusters is None:
        return ""
    arms = ", ".join(f"{name} {units.count(number)}" for name, number in clusters["counts"].items())
    left_out = f", {units.count(clusters['crossover'])} in both" if clusters["crossover"] else ""
    return f"Assigned by {clusters['property']}: {arms}{left_out}."


def _number(value: float | None, digits: int) -> str:
    return units.NOTHING if value is None else f"{value:.{digits}f}"
