"""Segment Protocols: the rules of a tracking plan, from its Public API or as Typewriter keeps it.

Source:
    Twilio Segment, Public API: List Rules from Tracking Plan (`data.rules[]`: key, type, version,
    jsonSchema); Protocols Tracking Plan, common JSON Schema; Config API (`rules.events[]`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .calls import EVENT_OF_CALL, add_call
from .common import ImportedPlan, not_a_plan, read_json_file, text_of

_EXPECTED = "the rules of a plan: {data: {rules: [{key, type, version, jsonSchema}]}}"


def read_segment(path: Path) -> ImportedPlan:
    """Read a plan from a JSON file.

    Raises:
        ContractError: The file cannot be read, or holds no plan.
    """
    document, plan = read_json_file(path), ImportedPlan()
    rules = _rules(document)
    if rules is None:
        raise not_a_plan(path, _EXPECTED)
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for rule in rules:
        if not isinstance(rule, dict):
            plan.lose("a rule", "not carried: it is no object")
            continue
        key = (text_of(rule.get("type")).lower() or "track", text_of(rule.get("key")))
        other = latest.get(key)
        if other is None or _version(rule) >= _version(other):
            latest[key] = rule
        if other is not None:
            plan.lose(f"`{key[1] or key[0]}`", "older versions of its rule are left out")
    for (kind, name), rule in latest.items():
        schema = rule.get("jsonSchema", rule.get("json_schema"))
        if kind == "track":
            add_call(plan, name, schema, text_of(_member(schema, "description")))
        elif kind in EVENT_OF_CALL:
            add_call(plan, name or EVENT_OF_CALL[kind], schema, "")
        else:
            why = "it holds for every event" if kind == "common" else "such calls are no events"
            plan.lose(f"the rule for {kind}", f"not carried: {why}")
    return plan


def _rules(document: Any) -> list[Any] | None:
    """Rules in the Public API's form, from whichever of the forms the document has."""
    if isinstance(document, list):
        return document if all(_member(one, "key") is not None or
                               _member(one, "type") for one in document) else None  # fmt: skip
    for part in (_member(document, "data"), document, _member(document, "trackingPlan")):
        rules = _member(part, "rules")
        if isinstance(rules, list):
            return rules
        events = _member(rules, "events")
        if isinstance(events, list):  # the Config API's form
            found = [
                {
                    "type": "TRACK",
                    "key": _member(one, "name"),
                    "version": _member(one, "version"),
                    "jsonSchema": _member(one, "rules"),
                }
                for one in events
            ]
            others = ("global", "identify", "group", "identify_traits", "group_traits")
            return found + [
                {"type": "common" if name == "global" else name.partition("_")[0], "key": ""}
                for name in others
                if _member(_member(rules, name), "rules") or _member(rules, name)
            ]
    return None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _version(rule: dict[str, Any]) -> float:
    version = rule.get("version")
    return float(version) if isinstance(version, int | float) else 0.0
