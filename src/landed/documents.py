"""Reads project files (YAML, TOML, JSON) as hostile text: never executed, bounded, with lines.

YAML is read by PyYAML's safe composer, then built here, because three habits of YAML 1.1 turn
good files into wrong data: `on`, `off`, `yes`, `no` become booleans, dates become objects and a
repeated key silently wins. All three are faults or plain text here.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import yaml
from yaml.composer import Composer

from .errors import ContractError, Fault, LandedError

MAX_BYTES = 256 * 1024  # a definition file is written by hand; ten times the longest seen
MAX_DEPTH = 32
MAX_DIGITS = 18  # of an integer: more may not fit into 64 bits, as JSON's readers want it
_YAML_11_BOOLEANS = {"on", "off", "yes", "no", "y", "n"}

Path_ = tuple[str | int, ...]


def _loader() -> Any:
    """libyaml's scanner and parser, ten times as fast, below PyYAML's composer, where it is there.

    libyaml's own composer recurses on the machine's stack: 256 kB of `[` end the process. PyYAML's
    raises RecursionError.
    """
    if not yaml.__with_libyaml__:
        return yaml.SafeLoader

    class Loader(Composer, yaml.CSafeLoader):
        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)

    return Loader


_LOADER = _loader()


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its data, and the line every key stands on.

    Args:
        path: The file.
        data: Plain dicts, lists, strings, numbers, booleans and None.
        lines: Line (1-based) by key path.
    """

    path: Path
    data: Any
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def where(self, *key: str | int) -> str:
        """`file:line: key` of the nearest known ancestor of `key`."""
        for end in range(len(key), -1, -1):
            line = self.lines.get(key[:end])
            if line is not None:
                dotted = ".".join(str(part) for part in key)
                return f"{self.path}:{line}" + (f" ({dotted})" if dotted else "")
        return str(self.path)


def read_yaml(path: Path) -> Document:
    """Read one YAML file.

    Raises:
        ContractError: Missing, too large, not UTF-8, malformed, or one of the refused habits;
            all faults of the file at once.
    """
    text = _read_text(path)
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except RecursionError:
        raise ContractError(
            "nested too deeply",
            expected=f"at most {MAX_DEPTH} levels",
            where=str(path),
            fix="correct it.",
            code="malformed_yaml",
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ContractError(
            f"malformed YAML: {problem}",
            expected="one YAML document",
            where=f"{path}{line}",
            fix="correct the line; quote text that holds `:` or `#`.",
            code="malformed_yaml",
        ) from None
    builder = _Builder(path)
    data = builder.build(node, (), 0) if node is not None else None
    if builder.faults:
        raise ContractError(builder.faults)
    return Document(path, data, builder.lines)


def read_toml(path: Path) -> Document:
    """Read one TOML file. Raises ContractError like `read_yaml`."""
    text = _read_text(path)
    try:
        return Document(path, tomllib.loads(text), {(): 1})
    except (ValueError, RecursionError) as error:  # the first of thousands of digits, too
        raise ContractError(
            f"malformed TOML: {error}", where=str(path), fix="correct it.", code="malformed_toml"
        ) from None


def read_json(path: Path, *, most_bytes: int = MAX_BYTES) -> Document:
    """Read one JSON file, of at most so many bytes. Raises ContractError like `read_yaml`."""
    text = _read_text(path, most_bytes)
    try:
        return Document(path, orjson.loads(text), {(): 1})
    except orjson.JSONDecodeError as error:
        raise ContractError(
            f"malformed JSON: {error}", where=str(path), fix="correct it.", code="malformed_json"
        ) from None


def validate(document: Document, schema: Mapping[str, Any]) -> list[Fault]:
    """Check a document against a JSON Schema (2020-12); every fault with file, line and key."""
    validator = jsonschema.Draft202012Validator(dict(schema))
    faults = []
    for error in sorted(validator.iter_errors(document.data), key=lambda e: list(e.absolute_path)):
        for leaf in _leaves(error):
            key = tuple(leaf.absolute_path)
            what, expected = _explain(leaf, key)
            fix = str(leaf.schema.get("description", "")) if isinstance(leaf.schema, dict) else ""
            faults.append(Fault(what, expected, document.where(*key), fix, "schema"))
    return list(dict.fromkeys(faults))


def collect(faults: list[Fault], error: LandedError) -> None:
    """Add an error's faults to the list that is shown all at once."""
    faults.extend(error.faults)


@functools.cache
def packaged_schema(package: str, name: str) -> Mapping[str, Any]:
    """A JSON Schema that ships with the package, e.g. ("landed.catalog", "release")."""
    file = importlib.resources.files(package) / "schemas" / f"{name}.schema.json"
    loaded: Mapping[str, Any] = orjson.loads(file.read_bytes())
    return loaded


def canonical_json(value: Any) -> bytes:
    """One spelling of a JSON value: sorted keys, no spaces. NaN and infinity are refused.

    Raises:
        ContractError: The value holds NaN or infinity.
    """
    _refuse_non_finite(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def digest(value: Any) -> str:
    """SHA-256 of `canonical_json`, hexadecimal, 64 characters."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _refuse_non_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ContractError(
            f"{value} is not a JSON number", expected="a finite number or null", code="non_finite"
        )
    if isinstance(value, Mapping):
        for inner in value.values():
            _refuse_non_finite(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_non_finite(inner)


def _read_text(path: Path, most_bytes: int = MAX_BYTES) -> str:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= most_bytes else b""
    except OSError as error:
        raise ContractError(
            f"cannot read the file: {error.strerror or error}",
            where=str(path),
            fix="check the path and its permissions.",
            code="unreadable_file",
        ) from None
    if size > most_bytes:
        raise ContractError(
            f"the file has {size} bytes",
            expected=f"at most {most_bytes}",
            where=str(path),
            fix="split it: one definition a file.",
            code="file_too_large",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(
            f"byte {error.start} is not UTF-8",
            expected="UTF-8 text",
            where=str(path),
            fix="save the file as UTF-8.",
            code="not_utf8",
        ) from None


def _leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """The innermost errors of the best-fitting branch of an anyOf/oneOf."""
    if not error.context:
        yield error
        return
    best = jsonschema.exceptions.best_match([error])
    yield best if best is not None else error


def _explain(error: jsonschema.ValidationError, key: Path_) -> tuple[str, str]:
    name = f"`{'.'.join(str(part) for part in key)}`" if key else "the document"
    value = repr(error.instance)
    short = value if len(value) <= 80 else value[:77] + "..."
    rule = error.validator
    wanted: Any = error.validator_value
    schema: Any = error.schema
    if rule == "additionalProperties" and isinstance(error.instance, dict):
        known = sorted(schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        return f"{name} has unknown key(s) {', '.join(unknown)}", f"one of {', '.join(known)}"
    if rule == "required":
        present: Any = error.instance
        missing = [key for key in wanted if key not in present]
        return f"{name} lacks {', '.join(missing)}", "all required keys"
    if rule == "enum":
        return f"{name} is {short}", "one of " + ", ".join(str(choice) for choice in wanted)
    if rule == "type":
        kind = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"{name} is {short}", f"a value of type {kind}"
    if rule == "pattern":
        return f"{name} is {short}", schema.get("title") or f"text that matches {wanted}"
    return f"{name}: {error.message[:160]}", ""


def _is_utf8(text: str) -> bool:
    """Whether a text can be written: the escape of half a surrogate pair cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


class _Builder:
    """Builds plain data from a YAML node tree and notes lines and faults on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Path_, int] = {}
        self.faults: list[Fault] = []
        self._seen: set[int] = set()

    def build(self, node: yaml.Node, key: Path_, depth: int) -> Any:
        line = node.start_mark.line + 1
        if key in self.lines and isinstance(node, yaml.ScalarNode):
            line = self.lines[key]
        self.lines.setdefault(key, line)
        if depth > MAX_DEPTH:
            self._fault("nested too deeply", f"at most {MAX_DEPTH} levels", line, key)
            return None
        if id(node) in self._seen:  # a few aliases of aliases unfold to gigabytes
            self._fault("an alias (*name) repeats a part", "the part written out", line, key)
            return None
        self._seen.add(id(node))
        if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
            self._fault(f"the tag {node.tag} is not allowed", "plain YAML", line, key)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(item, (*key, index), depth + 1) for index, item in enumerate(node.value)
            ]
        if not isinstance(node, yaml.ScalarNode):
            raise TypeError(f"unknown YAML node {type(node).__name__}")
        return self._scalar(node, line, key)

    def _mapping(self, node: yaml.MappingNode, key: Path_, depth: int) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            is_text = isinstance(name_node, yaml.ScalarNode) and (
                name_node.style  # None or empty where nothing quotes it
                or (
                    name_node.tag == "tag:yaml.org,2002:str"
                    and name_node.value not in _YAML_11_BOOLEANS
                )
            )
            if not is_text:
                shown = getattr(name_node, "value", "?")
                self._fault(f"the key {shown!r} is not text to YAML", "a quoted key", line, key)
                continue
            name = str(name_node.value)
            if not _is_utf8(name):
                self._fault(f"the key {name!r} holds half a character", "whole ones", line, key)
                continue
            if name in built:
                self._fault(f"the key `{name}` stands twice", "each key once", line, key)
                continue
            self.lines[(*key, name)] = line
            built[name] = self.build(value_node, (*key, name), depth + 1)
        return built

    def _scalar(self, node: yaml.ScalarNode, line: int, key: Path_) -> Any:
        text = str(node.value)
        if not _is_utf8(text):
            self._fault("half a character, such as \\ud800", "whole characters", line, key)
            return None
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if not node.style and text.lower() in _YAML_11_BOOLEANS:
            self._fault(f"{text} is a boolean to YAML 1.1", f'"{text}" or true/false', line, key)
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        if kind == "int":
            return self._integer(text, line, key)
        if kind == "float":
            return self._float(text, line, key)
        return text  # text, and timestamps left as text: their reader knows the zone

    def _integer(self, text: str, line: int, key: Path_) -> int | None:
        digits = text.replace("_", "").lstrip("+-")
        if digits.isdecimal() and (digits == "0" or not digits.startswith("0")):
            if len(digits) <= MAX_DIGITS:
                return int(text.replace("_", ""))
            self._fault(f"a number of {len(digits)} digits", f"at most {MAX_DIGITS}", line, key)
            return None
        self._fault(f"{text} is an octal, hex or base-60 number", "decimal digits", line, key)
        return None

    def _float(self, text: str, line: int, key: Path_) -> float | None:
        try:
            number = float(text.replace("_", ""))
        except ValueError:  # .inf, .nan and base-60 numbers have no other spelling in Python
            number = math.nan
        if math.isfinite(number):
            return number
        self._fault(f"{text} is not a finite number", "decimal digits", line, key)
        return None

    def _fault(self, what: str, expected: str, line: int, key: Path_) -> None:
        dotted = ".".join(str(part) for part in key)
        where = f"{self.path}:{line}" + (f" ({dotted})" if dotted else "")
        self.faults.append(Fault(what, expected, where, "quote it or correct it.", "yaml"))
