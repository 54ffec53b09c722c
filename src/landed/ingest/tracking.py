"""The tracking plan: one JSON Schema an event, compiled to one SQL condition a row.

Rows by the million meet the plan in the engine. A schema that says more than the engine can
judge is held against its own event's rows one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        events: Names of the events that each condition of a broken row is for. The SQL reads the
            columns of `looks`.
        pointers: JSON pointers that the conditions look at, as SQL text, in their order.
        validators: For schemas that SQL cannot judge: the validator, by event name.
    """

    events: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pointers: Sequence[str] = ()
    validators: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)

    def looks(self) -> list[dict[str, str]]:
        """Columns that `violation` needs, SQL by name, each dict over a row with those before it.

        Types and texts at all pointers of all events: two parses a row, however many properties
        there are. A branch an event would cost more than looking for what is not there.
        """
        if not self.pointers:
            return []
        listed = ", ".join(self.pointers)
        lists = {
            "_kinds": f"try(json_type(t.properties, [{listed}]))",
            "_values": f"try(json_extract_string(t.properties, [{listed}]))",
        }
        places = range(1, len(self.pointers) + 1)
        kinds = {f"_kind_{place}": f"t._kinds[{place}]" for place in places}
        values = {f"_value_{place}": f"t._values[{place}]" for place in places}
        return [lists, kinds | values]

    def violation(self) -> str | None:
        """SQL of a row that breaks the plan, over a row with `looks` (alias `t`); None without."""
        if not self.events:
            return None
        return " or ".join(
            f"(t.event_name in ({', '.join(map(_quote, names))}) and coalesce({condition}, false))"
            for condition, names in self.events.items()
        )


def load_tracking_plan(folder: Path) -> TrackingPlan:
    """Read every `tracking/<event_name>.json`.

    Raises:
        ContractError: A file is no JSON Schema; all faults of all files at once.
    """
    faults: list[Fault] = []
    events: dict[str, list[str]] = {}
    pointers: list[str] = []
    validators: dict[str, Callable[[str], bool]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            document = read_json(path)
            _check_schema(document)
        except ContractError as error:
            collect(faults, error)
            continue
        seen = list(pointers)
        found = _compile(document.data, seen)
        if found is None:
            validators[path.stem] = _validator(document.data)
            continue
        pointers = seen
        for condition in found:
            events.setdefault(condition, []).append(path.stem)
    if faults:
        raise ContractError(faults)
    return TrackingPlan(events, pointers, validators)


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

    def is_valid(text: str) -> bool:
        try:
            return bool(validator.is_valid(orjson.loads(text)))
        except (ValueError, RecursionError):  # nested deeper than any schema says
            return False

    return is_valid


def _compile(schema: Mapping[str, Any], seen: list[str]) -> list[str] | None:
    """Conditions of a broken row; None where the schema says more than SQL can judge here.

    `seen` gets the pointers that they look at.
    """
    known = _ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}
    if set(schema) - known or schema.get("type", "object") != "object":
        return None
    if schema.get("additionalProperties", True) not in (True, False):
        return None
    found = [f"t._kind_{_place(name, seen)} is null" for name in schema.get("required", ())]
    for name, rules in schema.get("properties", {}).items():
        parts = list(_property(name, rules, seen))
        if None in parts:
            return None
        found += [part for part in parts if part is not None]
    if schema.get("additionalProperties") is False:
        allowed = ", ".join(_quote(name) for name in schema.get("properties", {}))
        keys = "try(json_keys(t.properties))"
        found.append(f"len({keys}) > 0 and not list_has_all([{allowed}]::varchar[], {keys})")
    return found


def _property(name: str, rules: Any, seen: list[str]) -> Iterator[str | None]:
    if rules is True:
        return
    if not isinstance(rules, Mapping) or (
        set(rules)
        - _ANNOTATIONS
        - set(_BOUNDS)
        - {"type", "enum", "const", "minLength", "maxLength"}
    ):
        yield None
        return
    place = _place(name, seen)
    kind, text = f"t._kind_{place}", f"t._value_{place}"
    number = f"try_cast({text} as double)"
    there = f"{kind} is not null"
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
    if "maxLength" in rules:
        yield f"{kind} = 'VARCHAR' and length({text}) > {int(rules['maxLength'])}"


def _place(name: str, seen: list[str]) -> int:
    """Number of a property among those that its event's conditions look at, from 1."""
    pointer = _quote("/" + name.replace("~", "~0").replace("/", "~1"))
    if pointer not in seen:
        seen.append(pointer)
    return seen.index(pointer) + 1


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
