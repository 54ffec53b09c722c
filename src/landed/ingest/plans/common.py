"""What all imports of tracking plans share: reading with bounds, names of files, writing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ...documents import read_json
from ...errors import ContractError

#: An export of a whole plan. Ten times the largest seen, and little enough to hold in memory.
MAX_BYTES = 16 * 1024 * 1024
MAX_FILES = 10_000  # of a folder
MAX_EVENTS = 10_000
_MAX_NAME = 200  # bytes; a file name may have 255


@dataclass(slots=True)
class ImportedPlan:
    """A plan as it was read.

    Args:
        schemas: JSON Schema of the properties, by event.
    """

    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    _losses: dict[str, None] = field(default_factory=dict)

    @property
    def losses(self) -> list[str]:
        """What is not carried, each line once, as it was met."""
        return list(self._losses)

    def lose(self, where: str, what: str) -> None:
        """Note what is not carried: where, what and why."""
        self._losses[f"{where}: {what}"] = None

    def add(self, event: str, schema: dict[str, Any]) -> None:
        """Take an event in, if a file can be called by its name and there is none yet."""
        problem = _name_problem(event)
        if problem:
            self.lose(f"`{event[:60]}`", f"not carried: {problem}")
        elif event in self.schemas:
            self.lose(f"`{event}`", "not carried: the plan has it twice; the first one is taken")
        elif len(self.schemas) >= MAX_EVENTS:
            self.lose(f"`{event}`", f"not carried: a plan may have {MAX_EVENTS:,} events")
        else:
            self.schemas[event] = schema


def _name_problem(event: str) -> str:
    """Why a file cannot be called by an event's name; empty where it can."""
    if not event.strip():
        return "it has no name"
    if event.startswith(".") or any(char in "/\\" or not char.isprintable() for char in event):
        return "no file can have its name"
    if len(event.encode("utf-8", "replace")) > _MAX_NAME:
        return f"its name is longer than {_MAX_NAME} bytes"
    return ""


def read_json_file(path: Path) -> Any:
    """Read a JSON file of another tool.

    Raises:
        ContractError: It is missing, too large, no text or no JSON.
    """
    return read_json(path, most_bytes=MAX_BYTES).data


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted; links are not followed.

    Raises:
        ContractError: There are too many.
    """
    count = 0
    for root, names, files in os.walk(folder, followlinks=False):
        names.sort()
        for name in sorted(files):
            path = Path(root) / name
            if path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise ContractError(
                    f"the folder holds more than {MAX_FILES:,} files",
                    where=str(folder),
                    fix="name the folder of the schemas itself.",
                    code="too_many_files",
                )
            yield path


def not_a_plan(path: Path, expected: str) -> ContractError:
    """The error of a document that is not what it was said to be."""
    return ContractError(
        "the document is no tracking plan of this tool",
        expected=expected,
        where=str(path),
        fix="export it as docs/how-to/tracking-plan.md says.",
        code="no_tracking_plan",
    )


def text_of(value: Any) -> str:
    """A text; empty where it is none."""
    return value if isinstance(value, str) else ""


def write_plan(plan: ImportedPlan, folder: Path, *, overwrite: bool) -> Mapping[str, str]:
    """Write a plan's schemas, one a file.

    Args:
        overwrite: Whether files that say something else are written anew.

    Returns:
        By event: written, unchanged, or kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = {}
    for event, schema in sorted(plan.schemas.items()):
        path = folder / f"{event}.json"
        raw = orjson.dumps(schema, option=orjson.OPT_INDENT_2) + b"\n"
        if path.is_file():
            try:
                is_same = orjson.loads(path.read_bytes()) == schema
            except orjson.JSONDecodeError:
                is_same = False
            if is_same or not overwrite:
                found[event] = "unchanged" if is_same else "kept"
                continue
        path.write_bytes(raw)
        found[event] = "written"
    return found
