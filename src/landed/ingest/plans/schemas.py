"""A JSON Schema of another tool, of whatever draft, as one of 2020-12 without references."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema

MAX_DEPTH = 32
MAX_NODES = 20_000  # of one event's schema, references written out

#: Kept as they are.
_KEPT = frozenset({
    "type", "enum", "const", "minimum", "maximum", "minLength", "maxLength", "minItems",
    "maxItems", "uniqueItems", "multipleOf", "required", "minProperties", "maxProperties",
    "description", "title", "default", "examples", "pattern", "dependentRequired",
    "minContains", "maxContains", "deprecated", "$comment",
})  # fmt: skip
#: Say nothing of a value.
_IGNORED = frozenset({
    "$schema", "$id", "id", "self", "labels", "definitions", "$defs", "readOnly", "writeOnly",
    "$supersedes", "$supersededBy",
})  # fmt: skip
_ONE = frozenset({"not", "if", "then", "else", "contains", "propertyNames"})
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "dependentSchemas", "patternProperties"})
_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})

Lose = Callable[[str, str], None]


def as_2020(schema: Any, root: Any, where: str, lose: Lose) -> dict[str, Any] | None:
    """The schema, or None where nothing of it holds.

    Args:
        schema: A part of `root`.
        root: What references in it point into.
        where: What to call it in what is lost.
        lose: Takes where and what is lost.
    """
    lost: list[tuple[str, str]] = []
    try:
        found = _Converter(root, lambda *line: lost.append(line)).of(schema, where, 0, ())
    except _TooLargeError:
        lose(where, f"not carried: written out it has more than {MAX_NODES:,} parts")
        return None
    for line in lost:
        lose(*line)
    if not isinstance(found, dict):
        return {} if found else None
    try:
        jsonschema.Draft202012Validator.check_schema(found)
    except jsonschema.SchemaError as error:
        lose(where, f"not carried: no JSON Schema: {error.message[:120]}")
        return None
    return found


class _TooLargeError(Exception):
    """References multiply a schema beyond what anybody could read."""


class _Converter:
    """Rewrites one document's schemas; what it cannot is left out and named."""

    def __init__(self, root: Any, lose: Lose) -> None:
        self._root = root
        self._lose = lose
        self._nodes = 0

    def of(self, schema: Any, where: str, depth: int, via: tuple[str, ...]) -> Any:
        """A schema; True (anything) where it cannot be carried."""
        if isinstance(schema, bool):
            return schema
        self._nodes += 1
        if not isinstance(schema, dict):
            self._lose(where, "left out: it is no schema")
            return True
        if self._nodes > MAX_NODES:
            raise _TooLargeError
        if depth > MAX_DEPTH:
            self._lose(where, "left out: it is nested too deeply")
            return True
        if "$ref" in schema:
            return self._referred(schema, where, depth, via)
        found: dict[str, Any] = {}
        for key, value in schema.items():
            self._key(key, value, schema, found, where, depth, via)
        return found

    def _key(  # noqa: PLR0917 - one keyword of a schema, and where it stands
        self,
        key: str,
        value: Any,
        schema: Mapping[str, Any],
        found: dict[str, Any],
        where: str,
        depth: int,
        via: tuple[str, ...],
    ) -> None:
        if key in _KEPT:
            if key == "pattern" and not _is_pattern(value):
                self._lose(where, "`pattern` left out: it is no regular expression of Python")
            elif key == "required" and isinstance(value, bool):
                self._lose(where, "`required` left out: draft 3 says it of the property itself")
            elif key == "type":
                self._type(value, found, where)
            else:
                found[key] = value
        elif key in ("exclusiveMinimum", "exclusiveMaximum"):
            _exclusive(key, value, schema, found)
        elif key in _ONE:
            found[key] = self.of(value, f"{where}.{key}", depth + 1, via)
        elif key in _SEVERAL and isinstance(value, list):
            found[key] = [
                self.of(one, f"{where}.{key}[{n}]", depth + 1, via) for n, one in enumerate(value)
            ]
        elif key in _NAMED and isinstance(value, dict):
            found[key] = {
                name: self.of(one, f"{where}.{name}", depth + 1, via)
                for name, one in value.items()
                if key != "patternProperties" or self._is_named(name, where)
            }
        elif key == "additionalProperties":
            found[key] = self.of(value, f"{where}.*", depth + 1, via)
        elif key == "items":
            self._items(value, schema, found, where, depth, via)
        elif key == "dependencies" and isinstance(value, dict):
            for name, one in value.items():
                if isinstance(one, list):
                    found.setdefault("dependentRequired", {})[name] = one
                else:
                    inner = self.of(one, f"{where}.{name}", depth + 1, via)
                    found.setdefault("dependentSchemas", {})[name] = inner
        elif key == "format":
            self._lose(where, f"`format: {str(value)[:40]}` left out: formats are not judged")
        elif key not in _IGNORED and key != "additionalItems":
            self._lose(where, f"`{key[:40]}` left out: it is not known here")

    def _type(self, value: Any, found: dict[str, Any], where: str) -> None:
        listed = value if isinstance(value, list) else [value]
        if not listed or any(one == "any" for one in listed):
            return  # draft 3: anything
        if all(isinstance(one, str) and one in _TYPES for one in listed):
            found["type"] = value
        else:
            self._lose(where, f"`type: {str(value)[:40]}` left out: it is no type of JSON")

    def _items(  # noqa: PLR0917 - as above
        self,
        value: Any,
        schema: Mapping[str, Any],
        found: dict[str, Any],
        where: str,
        depth: int,
        via: tuple[str, ...],
    ) -> None:
        """Of a list of schemas: one for each place, and `additionalItems` for what follows."""
        if not isinstance(value, list):
            found["items"] = self.of(value, f"{where}[]", depth + 1, via)
            return
        found["prefixItems"] = [
            self.of(one, f"{where}[{n}]", depth + 1, via) for n, one in enumerate(value)
        ]
        if "additionalItems" in schema:
            found["items"] = self.of(schema["additionalItems"], f"{where}[]", depth + 1, via)

    def _is_named(self, name: str, where: str) -> bool:
        if _is_pattern(name):
            return True
        self._lose(where, f"the pattern `{name[:40]}` left out: no regular expression of Python")
        return False

    def _referred(
        self, schema: Mapping[str, Any], where: str, depth: int, via: tuple[str, ...]
    ) -> Any:
        """What a reference into the same document points at, written out in its place."""
        pointer = schema["$ref"]
        if not isinstance(pointer, str) or not pointer.startswith("#"):
            self._lose(where, f"`$ref: {str(pointer)[:60]}` left out: it is another document")
            return True
        if pointer in via:
            self._lose(where, f"`$ref: {pointer[:60]}` left out: it leads back to itself")
            return True
        target: Any = self._root
        for part in pointer.lstrip("#").strip("/").split("/") if pointer != "#" else []:
            name = part.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        if target is None:
            self._lose(where, f"`$ref: {pointer[:60]}` left out: there is nothing")
            return True
        found = self.of(target, where, depth + 1, (*via, pointer))
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if not beside or not isinstance(found, dict):
            return found
        return {**found, **self.of(beside, where, depth + 1, via)}


def _exclusive(key: str, value: Any, schema: Mapping[str, Any], found: dict[str, Any]) -> None:
    """Draft 4 says `exclusiveMinimum: true` beside the minimum; since then it is the bound."""
    if isinstance(value, bool):
        bound = schema.get("minimum" if key == "exclusiveMinimum" else "maximum")
        if value and bound is not None:
            found[key] = bound
    else:
        found[key] = value


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return True
