"""Finds and reads definition files: the core's, then the project's in their place by name.

Files are checked for what dbt would execute or drop without a word (templates outside conditions,
unknown top-level keys) before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..documents import Document, collect, packaged_schema, read_yaml, validate
from ..errors import ContractError, Fault
from .names import did_you_mean, show

#: Top-level keys of the files below metrics/; models/ holds dbt's other properties too.
METRIC_KEYS = frozenset(
    {"version", "metrics", "product_metrics", "semantic_models", "saved_queries", "models"}
)
MODEL_KEYS = METRIC_KEYS | {
    "analyses",
    "data_tests",
    "exposures",
    "groups",
    "macros",
    "seeds",
    "snapshots",
    "sources",
    "unit_tests",
}
_KINDS = ("metrics", "product_metrics", "semantic_models", "saved_queries")
_SCHEMAS = {
    "metrics": "metric",
    "product_metrics": "metric",
    "semantic_models": "semantic_model",
    "saved_queries": "saved_query",
}
_TEMPLATES = ("{{", "{%", "{#")
_CONDITIONS = ("filter", "where")


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition as written: its data, and the document it stands in (rooted at itself)."""

    kind: str
    name: str
    document: Document
    is_sound: bool

    @property
    def data(self) -> dict[str, Any]:
        """The definition's keys."""
        data: dict[str, Any] = self.document.data
        return data

    def fault(self, what: str, expected: str, fix: str, code: str, *key: str | int) -> Fault:
        """A fault that stands at a key of this definition."""
        return Fault(what, expected, self.document.where(*key), fix, code)


@dataclass(slots=True)
class Definitions:
    """Everything read, by name. `metrics` holds product metrics too: they share one name space."""

    metrics: dict[str, Entry] = field(default_factory=dict)
    semantic_models: dict[str, Entry] = field(default_factory=dict)
    saved_queries: dict[str, Entry] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    exposures: list[tuple[Document, int, dict[str, Any]]] = field(default_factory=list)
    unique: dict[str, frozenset[str]] = field(default_factory=dict)

    def replaced_by(self, over: Definitions) -> Definitions:
        """These, with the other's added or in their place."""
        return Definitions(
            self.metrics | over.metrics,
            self.semantic_models | over.semantic_models,
            self.saved_queries | over.saved_queries,
            self.columns | over.columns,
            exposures=self.exposures + over.exposures,
            unique=self.unique | over.unique,
        )


def read_definitions(metrics: Path, models: Path, faults: list[Fault]) -> Definitions:
    """Read every YAML file below two folders; faults are added to the list."""
    found = Definitions()
    for folder, keys in ((metrics, METRIC_KEYS), (models, MODEL_KEYS)):
        for path in _files(folder):
            try:
                document = read_yaml(path)
            except ContractError as error:
                collect(faults, error)
                continue
            _read(document, keys, found, faults)
    return found


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yml", ".yaml"))


def _read(
    document: Document, keys: frozenset[str], found: Definitions, faults: list[Fault]
) -> None:
    data = document.data
    if data is None:
        return
    if not isinstance(data, dict):
        where = document.where()
        faults.append(Fault("the document is no mapping", "keys", where, "see docs.", "schema"))
        return
    for key in data:
        if key not in keys:
            what, fix = f"unknown top-level key {show(key)}", did_you_mean(key, keys)
            faults.append(Fault(what, "", document.where(key), fix, "unknown_key"))
    faults.extend(_templates(document))
    for kind in _KINDS:
        for index, raw in _entries(document, kind, faults):
            _add(_entry(document, kind, index, raw, faults), found, faults)
    for index, raw in _entries(document, "models", faults):
        _columns(document, index, raw, found)
    for index, raw in _entries(document, "exposures", faults):
        found.exposures.append((document, index, raw))


def _entries(
    document: Document, kind: str, faults: list[Fault]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The entries of one top-level key that are mappings with a name."""
    listed = document.data.get(kind)
    if listed is None:
        return
    if not isinstance(listed, list):
        what, where = f"{kind} is {type(listed).__name__}", document.where(kind)
        faults.append(Fault(what, "a list", where, "start entries with `- name:`.", "schema"))
        return
    for index, raw in enumerate(listed):
        if isinstance(raw, dict) and isinstance(raw.get("name"), str):
            yield index, raw
        else:
            where = document.where(kind, index)
            faults.append(Fault("an entry has no name", "name: …", where, "name it.", "schema"))


def _entry(
    document: Document, kind: str, index: int, raw: dict[str, Any], faults: list[Fault]
) -> Entry:
    start = (kind, index)
    lines = {key[2:]: line for key, line in document.lines.items() if key[:2] == start}
    rooted = Document(document.path, raw, lines)
    broken = validate(rooted, packaged_schema("landed.catalog", _SCHEMAS[kind]))
    faults.extend(
        Fault(fault.what, fault.expected, fault.where, fault.fix, fault.code) for fault in broken
    )
    return Entry(kind, raw["name"], rooted, not broken)


def _add(entry: Entry, found: Definitions, faults: list[Fault]) -> None:
    by_name = {
        "metrics": found.metrics,
        "product_metrics": found.metrics,
        "semantic_models": found.semantic_models,
        "saved_queries": found.saved_queries,
    }[entry.kind]
    first = by_name.get(entry.name)
    if first is not None:
        what = f"the name {show(entry.name)} is declared twice"
        expected = f"once ({first.document.where('name')})"
        faults.append(entry.fault(what, expected, "rename one of them.", "duplicate_name", "name"))
        return
    by_name[entry.name] = entry


def _columns(document: Document, index: int, raw: dict[str, Any], found: Definitions) -> None:
    """Column types of a model's contract; dbt itself judges the rest of the entry."""
    listed = raw.get("columns")
    columns = listed if isinstance(listed, list) else []
    found.columns[raw["name"]] = {
        str(column["name"]): str(column.get("data_type", ""))
        for column in columns
        if isinstance(column, dict) and "name" in column
    }
    found.unique[raw["name"]] = frozenset(
        str(column["name"])
        for column in columns
        if isinstance(column, dict) and "name" in column and _is_tested_unique(column)
    )


def _is_tested_unique(column: dict[str, Any]) -> bool:
    """Whether a data test (or a contract's constraint) says that no value comes twice."""
    tests = column.get("data_tests", column.get("tests"))
    constraints = column.get("constraints")
    declared = [*(tests if isinstance(tests, list) else ())]
    declared += [
        one.get("type")
        for one in (constraints if isinstance(constraints, list) else ())
        if isinstance(one, dict)
    ]
    return any(
        one in ("unique", "primary_key") or (isinstance(one, dict) and "unique" in one)
        for one in declared
    )


def _templates(document: Document) -> list[Fault]:
    """Every template outside the conditions of definitions: dbt would execute it."""
    faults = []
    for key, text in _texts(document.data, ()):
        is_condition = key[0] in _KINDS and (
            key[-1] in _CONDITIONS or (len(key) > 1 and key[-2] in _CONDITIONS)
        )
        for mark in _TEMPLATES:
            if mark in text and not is_condition:
                what = f"the template {show(text)} stands in {'.'.join(map(str, key))}"
                fix = "write it out; templates stand in filter and where only."
                faults.append(Fault(what, "plain text", document.where(*key), fix, "template"))
                break
    return faults


def _texts(value: Any, key: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*key, name), name
            yield from _texts(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*key, index))
