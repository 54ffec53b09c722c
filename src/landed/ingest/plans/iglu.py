"""Iglu: a registry folder of self-describing JSON Schemas, the latest version of each.

Source:
    Snowplow, Iglu: self-describing JSON Schema (`self`: vendor, name, format, version); static
    registry (`schemas/<vendor>/<name>/jsonschema/<version>`); SchemaVer (MODEL-REVISION-ADDITION).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import ContractError
from .common import ImportedPlan, files_below, not_a_plan, read_json_file, text_of
from .schemas import as_2020

_VERSION = re.compile(r"([1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})")
Version = tuple[int, int, int]


def read_iglu(folder: Path) -> ImportedPlan:
    """Read the schemas below a folder.

    Raises:
        ContractError: It is no folder, holds too many files, or no schema.
    """
    plan = ImportedPlan()
    if not folder.is_dir():
        raise not_a_plan(folder, "a folder with schemas/<vendor>/<name>/jsonschema/<version>")
    found: dict[tuple[str, str], dict[Version, Any]] = {}
    for path in files_below(folder):
        version = _version(path.name)
        if version is None or path.parent.name != "jsonschema":
            continue
        told = f"{path.parent.parent.parent.name}/{path.parent.parent.name}/{path.name}"
        try:
            schema = read_json_file(path)
        except ContractError as error:
            plan.lose(told, f"not carried: {next(iter(str(error).splitlines()), '')}")
            continue
        own = schema.get("self") if isinstance(schema, dict) else None
        if not isinstance(own, dict):
            plan.lose(told, "not carried: it does not describe itself (`self`)")
            continue
        name = (text_of(own.get("vendor")), text_of(own.get("name")))
        said = f"{name[0]}/{name[1]}/{text_of(own.get('version'))}"
        if said != told:
            plan.lose(told, f"not carried: it says that it is {said[:80]}")
            continue
        found.setdefault(name, {})[version] = schema
    if not found:
        raise not_a_plan(folder, "self-describing schemas in <vendor>/<name>/jsonschema/<version>")
    for (vendor, event), versions in sorted(found.items()):
        _add(plan, vendor, event, versions)
    return plan


def _add(plan: ImportedPlan, vendor: str, name: str, versions: dict[Version, Any]) -> None:
    last = max(versions)
    where = f"{vendor}/{name}"
    older = sorted({version[0] for version in versions if version[0] < last[0]})
    if older:
        models = ", ".join(f"{model}-*-*" for model in older)
        plan.lose(where, f"{models} left out: rows of it are held against {_text(last)}")
    if name in plan.schemas:
        plan.lose(where, "not carried: another vendor has a schema of this name")
        return
    schema = versions[last]
    found = as_2020(schema, schema, where, plan.lose)
    if found is None:
        return
    if found.setdefault("type", "object") != "object":
        plan.lose(where, "not carried: it is no object")
        return
    if found.pop("additionalProperties", True) is not True:
        plan.lose(where, "`additionalProperties` left out: rows hold the atomic fields too")
    plan.add(name, found)


def _version(name: str) -> Version | None:
    found = _VERSION.fullmatch(name.removesuffix(".json"))
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _text(version: Version) -> str:
    return "-".join(str(part) for part in version)
