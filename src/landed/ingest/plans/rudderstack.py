"""RudderStack: a plan of its Data Catalog API, or the YAML files of a Rudder CLI project.

Source:
    RudderStack, Data Catalog API: Tracking Plans (events: name, eventType, identitySection,
    rules); Rudder CLI: Data Catalog and Tracking Plans YAML reference, versions rudder/0.1
    (kind `tp`, `propConfig`) and rudder/v1 (kind `tracking-plan`, `config`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...documents import read_yaml
from .calls import EVENT_OF_CALL, add_call
from .common import ImportedPlan, files_below, not_a_plan, read_json_file, text_of

_CONFIG = {
    "min_length": "minLength", "max_length": "maxLength", "multiple_of": "multipleOf",
    "exclusive_minimum": "exclusiveMinimum", "exclusive_maximum": "exclusiveMaximum",
    "min_items": "minItems", "max_items": "maxItems", "unique_items": "uniqueItems",
}  # fmt: skip
_ITEMS = frozenset({"itemTypes", "item_types", "item_type"})
_MAX_NESTED = 16


def read_rudderstack(path: Path) -> ImportedPlan:
    """Read a JSON file of the API, or a folder of the command line's YAML.

    Raises:
        ContractError: It cannot be read, or holds no plan.
    """
    plan = ImportedPlan()
    if path.is_dir():
        _Project(path, plan).read()
        return plan
    document = read_json_file(path)
    events = _events(document)
    if events is None:
        raise not_a_plan(path, "a plan of the API ({events: [{name, eventType, rules}]}), or a "
                         "folder of the command line's YAML")  # fmt: skip
    for event in events:
        if not isinstance(event, dict):
            plan.lose("an event", "not carried: it is no object")
            continue
        kind = text_of(event.get("eventType")) or "track"
        _add(plan, kind, text_of(event.get("name")), event.get("rules"),
             text_of(event.get("description")))  # fmt: skip
    return plan


def _events(document: Any) -> list[Any] | None:
    for name in ("events", "data"):
        found = document.get(name) if isinstance(document, dict) else None
        if isinstance(found, list):
            return found
    rules = document.get("rules") if isinstance(document, dict) else None
    found = rules.get("events") if isinstance(rules, dict) else document
    return found if isinstance(found, list) else None


def _add(plan: ImportedPlan, kind: str, name: str, schema: Any, description: str) -> None:
    if kind in EVENT_OF_CALL:
        add_call(plan, name or EVENT_OF_CALL[kind], schema, description)
    elif kind == "track":
        add_call(plan, name, schema, description)
    else:
        plan.lose(f"the rule for {kind[:20]}", "not carried: such calls are no events")


class _Project:
    """The resources of a project by kind and id, and the schemas that rules make of them."""

    def __init__(self, folder: Path, plan: ImportedPlan) -> None:
        self._folder = folder
        self._plan = plan
        self._of: dict[str, dict[str, dict[str, Any]]] = {
            "event": {}, "property": {}, "custom-type": {}
        }  # fmt: skip
        self._rules: list[dict[str, Any]] = []

    def read(self) -> None:
        """Read every file, then write the rules out."""
        kinds = {"events": ("event", "events"), "properties": ("property", "properties"),
                 "custom-types": ("custom-type", "types")}  # fmt: skip
        for path in files_below(self._folder):
            if path.suffix not in (".yml", ".yaml"):
                continue
            data = read_yaml(path).data
            kind, spec = _get(data, "kind"), _get(data, "spec")
            if kind in kinds:
                resource, key = kinds[kind]
                for one in _dicts(_get(spec, key)):
                    self._of[resource][text_of(one.get("id"))] = one
            elif kind in ("tp", "tracking-plan"):
                self._rules += _dicts(_get(spec, "rules"))
        if not self._rules:
            raise not_a_plan(self._folder, "a file of kind tracking-plan (or tp) with rules")
        for rule in self._rules:
            self._rule(rule)

    def _rule(self, rule: dict[str, Any]) -> None:
        event_ref = rule.get("event")
        old = event_ref if isinstance(event_ref, dict) else {}
        reference = text_of(old.get("$ref") if old else event_ref)
        event = self._named("event", reference)
        where = f"the rule `{text_of(rule.get('id'))[:60]}`"
        if event is None:
            self._plan.lose(where, f"not carried: there is no event {reference[:60]}")
            return
        kind = text_of(event.get("event_type")) or "track"
        name = text_of(event.get("name"))
        schema = self._object(rule.get("properties"), name or kind, ())
        allowed = rule.get("additional_properties", old.get("allow_unplanned", False))
        if allowed is not True:
            schema["additionalProperties"] = False
        if rule.get("variants"):
            self._plan.lose(f"`{name or kind}`", "its variants are left out")
        _add(self._plan, kind, name, schema, text_of(event.get("description")))

    def _object(self, listed: Any, where: str, via: tuple[str, ...]) -> dict[str, Any]:
        """The schema of an object with the listed properties."""
        found: dict[str, Any] = {"type": "object", "properties": {}}
        needed = []
        for one in _dicts(listed):
            reference = text_of(one.get("property") or one.get("$ref"))
            known = self._named("property", reference)
            if known is None:
                self._plan.lose(f"`{where[:60]}`", f"there is no property {reference[:60]}")
                continue
            name = text_of(known.get("name")) or reference
            schema = self._property(known, f"{where}.{name}", via)
            if one.get("properties"):
                nested = self._object(one["properties"], f"{where}.{name}", via)
                if one.get("additional_properties") is False:
                    nested["additionalProperties"] = False
                if "array" in (schema.get("type") or ()):
                    schema["items"] = nested
                else:
                    schema |= nested
            found["properties"][name] = schema
            if one.get("required") is True:
                needed.append(name)
        if needed:
            found["required"] = needed
        return found

    def _property(self, known: dict[str, Any], where: str, via: tuple[str, ...]) -> dict[str, Any]:
        config = _get(known, "config") or _get(known, "propConfig") or _get(known, "prop_config")
        types = known.get("types") or known.get("type")
        found = self._typed(types, where, via)
        for key, value in (config or {}).items():
            if key not in _ITEMS:
                found[_CONFIG.get(key, key)] = value
        listed = known.get("item_types") or known.get("item_type")
        for name in ("itemTypes", "item_types"):
            listed = listed or _get(config, name)
        if listed and "items" not in found:
            found["items"] = self._typed(listed, f"{where}[]", via)
        if text_of(known.get("description")):
            found["description"] = known["description"]
        return found

    def _typed(self, types: Any, where: str, via: tuple[str, ...]) -> dict[str, Any]:
        """The schema of a type, of several, or of a type of the project's own."""
        listed = types if isinstance(types, list) else [
            one.strip() for one in text_of(types).split(",")
        ]  # fmt: skip
        names = [text_of(_get(one, "$ref") or one) for one in listed]
        own = [name for name in names if name.startswith("#")]
        if not own:
            plain = [name for name in names if name]
            return {"type": plain[0] if len(plain) == 1 else plain} if plain else {}
        known = self._named("custom-type", own[0])
        if len(names) > 1 or known is None or own[0] in via or len(via) > _MAX_NESTED:
            why = "it leads back to itself" if own[0] in via else "it cannot be resolved"
            self._plan.lose(f"`{where[:80]}`", f"the type {own[0][:60]} left out: {why}")
            return {}
        inner = (*via, own[0])
        found = self._property(known, where, inner)
        if known.get("properties"):
            found |= self._object(known["properties"], where, inner)
        if known.get("variants"):
            self._plan.lose(f"`{where[:80]}`", "variants of its type are left out")
        return found

    def _named(self, kind: str, reference: str) -> dict[str, Any] | None:
        """A resource by `#event:id`, or by `#/events/group/id`."""
        after = reference.rpartition("/" if reference.startswith("#/") else ":")[2]
        return self._of[kind].get(after)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
