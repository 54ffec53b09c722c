"""The tracking plan: one JSON Schema an event, compiled to one SQL condition a row.

Rows by the million meet the plan in the engine. A schema that says more than the engine can
judge is held against its own event's rows one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import orjson

from ..documents import Document, collect, read_json
from ..errors import ContractError, Fault

_ANNOTATIONS = {"$schema", "$id", "title", "description", "examples", "default", "$comment",
                "deprecated"}  # fmt: skip
_TYPES = {
    "string": "{kind} = 'VARCHAR'",
    "boolean": "{kind} = 'BOOLEAN'",
    "object": "{kind} = 'OBJECT'",
    "array": "{kind} = 'ARRAY'",
    "null": "{kind} = 'NULL'",
    "integer": "({kind} in ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT') or ({kind} = 'DOUBLE'"
    " and {number} = trunc({number})))",
    "number": "{kind} in ('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')",
}
_BOUNDS = {
    "minimum": "{number} < {bound}",
    "maximum": "{number} > {bound}",
    "exclusiveMinimum": "{number} <= {bound}",
    "exclusiveMaximum": "{number} >= {bound}",
}
_NUMBERS = "('BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')"


@dataclass(frozen=True, slots=True)
class TrackingPlan:
    """What the events of a project must look like. An event without a schema is accepted.

    Args:
        conditions: SQL that holds for a row that breaks the plan, by event name; it reads the
            column `properties`.
        validators: For schemas that SQL cannot judge: the validator, by event name.
    """

    conditions: Mapping[str, str] = field(default_factory=dict)
    validators: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)

    def violation(self) -> str | None:
        """SQL over `event_name` and `properties` of a row that breaks the plan; None without."""
        if not self.conditions:
            return None
        branches = " ".join(
            f"when {_quote(name)} then {condition}" for name, condition in self.conditions.items()
        )
        return f"case event_name {branches} else false end"


def load_tracking_plan(folder: Path) -> TrackingPlan:
    """Read every `tracking/<event_name>.json`.

    Raises:
        ContractError: A file is no JSON Schema; all faults of all files at once.
    """
    faults: list[Fault] = []
    conditions: dict[str, str] = {}
    validators: dict[str, Callable[[str], bool]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            document = read_json(path)
            _check_schema(document)
        except ContractError as error:
            collect(faults, error)
            continue
        found = _compile(document.data)
        if found is None:
            validators[path.stem] = _validator(document.data)
        elif found:
            conditions[path.stem] = " or ".join(f"coalesce({part}, false)" for part in found)
    if faults:
        raise ContractError(faults)
    return TrackingPlan(conditions, validators)


def _check_schema(document: Document) -> None:
    if not isinstance(document.data, dict):
        raise ContractError(
            "the tracking plan is no object",
            expected="a JSON Schema of the event's properties",
            where=str(document.path),
            fix='start with {"type": "object"}.',
            code="tracking",
        )
    try:
        jsonschema.Draft202012Validator.check_schema(document.data)
    except jsonschema.SchemaError as error:
        raise ContractError(
            f"the tracking plan is no JSON Schema: {error.message[:160]}",
            expected="JSON Schema 2020-12",
            where=str(document.path),
            fix="correct it.",
            code="tracking",
        ) from None


def _validator(schema: Mapping[str, Any]) -> Callable[[str], bool]:
    validator = jsonschema.Draft202012Validator(dict(schema))
    return lambda text: bool(validator.is_valid(orjson.loads(text)))


def _compile(schema: Mapping[str, Any]) -> list[str] | None:
    """Conditions of a broken row; None where the schema says more than SQL can judge here."""
    known = _ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}
    if set(schema) - known or schema.get("type", "object") != "object":
        return None
    if schema.get("additionalProperties", True) not in (True, False):
        return None
    found = [
        f"not json_exists(properties, {_pointer(name)})" for name in schema.get("required", ())
    ]
    for name, rules in schema.get("properties", {}).items():
        parts = list(_property(name, rules))
        if None in parts:
            return None
        found += [part for part in parts if part is not None]
    if schema.get("additionalProperties") is False:
        allowed = ", ".join(_quote(name) for name in schema.get("properties", {}))
        keys = "json_keys(properties)"
        found.append(f"len({keys}) > 0 and not list_has_all([{allowed}]::varchar[], {keys})")
    return found


def _property(name: str, rules: Any) -> Iterator[str | None]:
    if rules is True:
        return
    if not isinstance(rules, Mapping) or (
        set(rules) - _ANNOTATIONS - set(_BOUNDS) - {"type", "enum", "const", "minLength"}
    ):
        yield None
        return
    pointer = _pointer(name)
    kind = f"json_type(properties, {pointer})"
    text = f"json_extract_string(properties, {pointer})"
    number = f"try_cast({text} as double)"
    there = f"json_exists(properties, {pointer})"
    if "type" in rules:
        kinds = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
        fits = " or ".join(_TYPES[one].format(kind=kind, number=number) for one in kinds)
        yield f"{there} and not ({fits})"
    choices = rules["enum"] if "enum" in rules else [rules["const"]] if "const" in rules else None
    if choices is not None:
        if not all(isinstance(choice, str) for choice in choices):
            yield None
            return
        listed = ", ".join(_quote(choice) for choice in choices)
        yield f"{there} and not ({kind} = 'VARCHAR' and {text} in ({listed}))"
    for rule, template in _BOUNDS.items():
        if rule in rules:
            breaks = template.format(number=number, bound=repr(float(rules[rule])))
            yield f"{kind} in {_NUMBERS} and {breaks}"
    if "minLength" in rules:
        yield f"{kind} = 'VARCHAR' and length({text}) < {int(rules['minLength'])}"


def _pointer(name: str) -> str:
    return _quote("/" + name.replace("~", "~0").replace("/", "~1"))


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
