"""Rules for calls of Segment's form: `properties`, `context` and `traits`, as an event's own."""

from __future__ import annotations

from typing import Any

from .common import ImportedPlan
from .schemas import as_2020

#: What the formats `segment` and `rudderstack` put beside an event's own properties.
BESIDE = ("name", "category", "groupId", "platform", "country", "plan", "user_agent", "context",
          "rudderId", "request_ip", "channel")  # fmt: skip
SECTIONS = frozenset({"properties", "context", "traits"})
#: Types of calls by what rows of them are called; the formats give a call without a name its type.
EVENT_OF_CALL = {"page": "page", "screen": "screen"}


def add_call(plan: ImportedPlan, event: str, schema: Any, description: str) -> None:
    """Take in the rule of one event: what it says of properties, and within them of the context.

    Args:
        schema: A JSON Schema of the call, with the sections of `SECTIONS`, or of the properties.
    """
    where = f"`{event[:60]}`"
    if not isinstance(schema, dict):
        plan.lose(where, "not carried: its rule is no JSON Schema")
        return
    named = schema.get("properties")
    is_call = isinstance(named, dict) and bool(named) and set(named) <= SECTIONS
    inner = named.get("properties", {}) if is_call and isinstance(named, dict) else schema
    found = as_2020(inner, schema, where, plan.lose)
    if found is None:
        return
    if is_call and isinstance(named, dict):
        _sections(plan, where, schema, named, found)
    found = {"type": "object", **found}
    if found["type"] != "object":
        plan.lose(where, "not carried: its properties are no object")
        return
    if found.get("additionalProperties") is False:
        own = found.get("properties", {})
        found["properties"] = {**own, **{name: True for name in BESIDE if name not in own}}
    if description and "description" not in found:
        found["description"] = description
    plan.add(event, found)


def _sections(
    plan: ImportedPlan,
    where: str,
    schema: dict[str, Any],
    named: dict[str, Any],
    found: dict[str, Any],
) -> None:
    """The context is kept within the properties; traits of an event go nowhere."""
    context = named.get("context")
    if _says_something(context):
        inner = as_2020(context, schema, f"{where}.context", plan.lose)
        own = found.setdefault("properties", {})
        if inner and "context" not in own:
            own["context"] = inner
            needed = schema.get("required")
            if isinstance(needed, list) and "context" in needed:
                found["required"] = [*found.get("required", []), "context"]
    if _says_something(named.get("traits")):
        plan.lose(where, "rules for `traits` left out: an event keeps none")


def _says_something(section: Any) -> bool:
    """Whether a section is more than the empty one that tools write everywhere."""
    return isinstance(section, dict) and bool(set(section) - {"type", "description", "$schema"})
