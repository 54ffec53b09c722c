"""Rows that hold for a time: what dbt asks of a slowly changing model, said before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ..errors import Fault
from .definitions import Dimension, Entity, Measure
from .names import show
from .reading import Entry


def lint_validity(
    entry: Entry,
    entities: Mapping[str, Entity],
    dimensions: Mapping[str, Dimension],
    measures: Mapping[str, Measure],
    faults: list[Fault],
) -> None:
    """A natural entity and one start and end of validity come together, and alone."""
    said = [one["name"] for one in entry.data.get("dimensions", ()) if _params(one)]
    ends = sorted(one.validity or "" for one in dimensions.values() if one.name in said)
    natural = [name for name, one in entities.items() if one.kind == "natural"]
    if not said and not natural:
        return

    def fault(what: str, expected: str, fix: str, key: str) -> None:
        faults.append(entry.fault(what, expected, fix, "validity", key))

    if ends != ["end", "start"]:
        what = f"{len(said)} dimensions have validity_params"
        fix = "mark one time dimension is_start: true and another is_end: true."
        fault(what, "one start and one end", fix, "dimensions")
    for name in said:
        if name in dimensions and dimensions[name].kind != "time":
            what = f"the dimension {show(name)} has validity_params and is no time"
            fault(what, "type: time", "give it the type time.", "dimensions")
    if len(natural) != 1:
        what = f"rows hold for a time, and {len(natural)} entities are natural"
        fix = "make the key whose versions they are natural."
        fault(what, "one entity of type natural", fix, "entities")
    for name, one in entities.items():
        if one.kind in ("primary", "unique"):
            what = f"rows hold for a time, and the entity {show(name)} is {one.kind}"
            fix = "make it foreign, and name its dimensions by primary_entity:."
            fault(what, "a natural entity, others foreign", fix, "entities")
    if measures:
        what = "rows hold for a time, and it has measures"
        fix = "put them into a semantic model of their own, without validity_params."
        fault(what, "dimensions alone", fix, "measures")


def validity_of(raw: Mapping[str, Any]) -> Literal["start", "end"] | None:
    """Which end of a row's validity a dimension is; a dimension that says both is none."""
    params = raw.get("type_params", {}).get("validity_params", {})
    ends = (params.get("is_start", False), params.get("is_end", False))
    if ends == (True, False):
        return "start"
    return "end" if ends == (False, True) else None


def _params(raw: Mapping[str, object]) -> bool:
    params = raw.get("type_params", {})
    return isinstance(params, dict) and "validity_params" in params
