"""What a comparison that is not randomised rests on, as tables of text for every rendering."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import units

#: Longer tables stand in the report's JSON.
MOST_ROWS = 60


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        title: What it shows.
        note: How to read it.
        head: Names of the columns; the first holds text, the others numbers.
        rows: Cells as text.
    """

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(document: Mapping[str, Any]) -> list[Table]:
    """Placebo windows, group-time effects, synthetic controls and descriptions of a report."""
    labels = {row["metric"]: row["label"] for row in document["estimates"]}
    found = [_placebo(labels[one["metric"]], one) for one in document.get("placebo", ())]
    for one in document.get("designs", ()):
        make = _differences if one["method"] == "difference_in_differences" else _synthetic
        found.append(make(labels[one["metric"]], one))
    if document.get("descriptive"):
        found.append(_descriptive(document["descriptive"]))
    return found


def _placebo(label: str, one: Mapping[str, Any]) -> Table:
    words = f"{one['days_after']} days against the {one['days_before']} before"
    of_odds = " of the odds" if one["scale"] == "logit" else ""
    rows = [(f"{one['changed_on']}, the change", _moved(one["move"]))]
    rows += [(window["from"], _moved(window["move"])) for window in one["windows"]]
    rows += [(f"{day}, left out", units.NOTHING) for day in one["left_out"]]
    excluded = "; ".join(f"{entry['day']} {entry['why']}" for entry in one["excluded"])
    note = (
        f"How the mean{of_odds} moved, {words}. Such a window moves by {_moved(one['usual_move'])}"
        " on average without the change."
    )
    if excluded:
        note += f" Days that do not count: {excluded}."
    return make_table(f"{label}: the change and earlier windows", note, ("From", "Move"), rows)


def _differences(label: str, one: Mapping[str, Any]) -> Table:
    facts = one["facts"]
    rows = [
        (
            f"{cell['cohort']}, week of {cell['week']}",
            _effect(cell["effect"], one["scale"]),
            units.share(cell["weight"]),
            f"{cell['n_treated']} / {cell['n_comparison']}",
        )
        for cell in facts["cells"]
    ]
    note = (
        f"Each cohort's change since its last week without, less that of groups without it;"
        f" {facts['n_groups']} groups. Weeks before a cohort's own are placebos, of weight 0."
    )
    if "trials" in facts:
        note = _of_version(facts, one["scale"])
    head = ("Cohort and week", "Effect", "Weight", "Groups with / without")
    return make_table(f"{label}: effects by cohort and week", note, head, rows)


def _of_version(facts: Mapping[str, Any], scale: str) -> str:
    weeks = "; ".join(
        f"{week['week']}: {week['n_took']:,} took it, {week['n_others']:,} did not"
        f" ({week['n_later']:,} did later){', left out' if week['is_left_out'] else ''}"
        for week in facts["trials"]
    )
    against_later = _effect(facts["against_later"]["effect"], scale)
    return (
        "Units that took the version in a week, less others that were active in the same week and"
        " had not taken it; a cohort begins the week after. Against those of the others that took"
        f" it later the effect is {against_later}. Units by week, in {facts['n_groups']} groups."
        f" {weeks}. Weeks before a cohort's own are placebos, of weight 0."
    )


def _synthetic(label: str, one: Mapping[str, Any]) -> Table:
    facts = one["facts"]
    weights, ratios = facts["weights"], facts["placebo_ratios"]
    rows = [(f"{facts['region']}, the change", units.NOTHING, f"{facts['ratio']:.3g}")]
    rows += [
        (region, units.share(weights.get(region)), f"{ratio:.3g}")
        for region, ratio in ratios.items()
    ]
    note = (
        f"Weight of each region in the synthetic {facts['region']}, and how many times wider each"
        " region's gap to its own was after the change than before."
    )
    head = ("Region", "Weight", "Gap after / before")
    return make_table(f"{label}: the synthetic control", note, head, rows)


def _descriptive(entries: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for one in entries:
        for when in ("before", "after"):
            took, others = one[f"{when}_adopted"], one[f"{when}_others"]
            rows.append((f"{one['label']}, {when}", _plain(took), _plain(others)))
    note = (
        "Means of the 28 days before and of the time after. They chose it themselves: no"
        " difference here is an effect."
    )
    return make_table(
        "Who took the version, and who did not", note, ("Metric", "Took it", "Did not"), rows
    )


def make_table(
    title: str, note: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> Table:
    """A table of the first rows; the note says where the others stand."""
    kept = list(rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        kept.append((f"and {len(rows) - MOST_ROWS} more", *[units.NOTHING] * (len(head) - 1)))
    return Table(title, note, head, tuple(kept))


def _moved(log: float) -> str:
    return f"{math.expm1(log) * 100:+.1f} %"


def _effect(value: float, scale: str) -> str:
    return _moved(value) if scale == "log" else f"{value:+.4g}"


def _plain(value: float | None) -> str:
    return units.NOTHING if value is None else f"{value:.4g}"
