"""`landed lineage`: where a metric's number comes from, down to fields of the sources."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..catalog import load_catalog
from ..catalog.lineage import Lineage, Node, NodeId, lineage_of
from ..catalog.lineage_models import Models
from ..catalog.lineage_sources import SourceMap
from ..project import Home, Project, core_root
from .options import HERE, HomeOption, ProjectOption, open_project
from .output import clean, console, print_json

_SAID = 80  # letters of an expression that a line shows; JSON has all


class LineageFormat(StrEnum):
    """How a lineage is printed."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("lineage")(show)


def show(
    metric: Annotated[str, typer.Argument(help="The metric's name.")],
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: Annotated[
        LineageFormat, typer.Option("--format", help="text, json or mermaid.")
    ] = LineageFormat.TEXT,
) -> None:
    """Where a metric's number comes from: measures, columns of marts and models, source fields."""
    found_project, state, _ = open_project(project, home)
    found = trace(found_project, state, metric)
    if output is LineageFormat.JSON:
        print_json(_facts(found, found_project))
        return
    lines = _mermaid(found) if output is LineageFormat.MERMAID else _text(found)
    for line in lines:
        console().print(clean(line), markup=False)


def trace(project: Project, home: Home, metric: str) -> Lineage:
    """The lineage of a metric of a project.

    Raises:
        ContractError: The definitions have faults, or there is no such metric.
    """
    models = Models((core_root() / "models", project.models), home.dbt / "target" / "compiled")
    sources = SourceMap(project.sources, project.releases)
    return lineage_of(metric, load_catalog(project), models, sources)


def _facts(found: Lineage, project: Project) -> dict[str, Any]:
    return {
        "metric": found.root.name,
        "nodes": [
            {
                "kind": node.id.kind,
                "name": node.id.name,
                "said": node.said,
                "file": _file(node.file, project),
                "reads": [{"kind": one.kind, "name": one.name} for one in node.reads],
            }
            for node in sorted(found.nodes.values(), key=lambda one: one.id)
        ],
        "ends": [{"kind": one.kind, "name": one.name} for one in found.ends()],
        "unread": [node.id.name for node in found.unread()],
    }


def _file(text: str, project: Project) -> str:
    for root in (project.root, core_root()):
        if text and Path(text).is_relative_to(root):
            return Path(text).relative_to(root).as_posix()
    return text


def _text(found: Lineage) -> Iterator[str]:
    yield from _branch(found, found.root, 0, set())
    for node in found.unread():
        yield f"not read: {node.id.name}"


def _branch(found: Lineage, at: NodeId, depth: int, shown: set[NodeId]) -> Iterator[str]:
    node, indent = found.nodes[at], "  " * depth
    if at.kind == "rows":  # of rows it is said what chooses them; their columns are not followed
        chosen = ", ".join(one.name for one in node.reads if one.kind != "rows")
        further = ", ".join(one.name for one in node.reads if one.kind == "rows")
        yield (
            f"{indent}rows {at.name}"
            + (f", chosen by {chosen}" if chosen else "")
            + (f"; of {further}" if further else "")
        )
        return
    again = at in shown and bool(node.reads)
    yield f"{indent}{_line(node)}" + ("  (above)" if again else "")
    if again:
        return
    shown.add(at)
    for one in node.reads:
        yield from _branch(found, one, depth + 1, shown)


def _line(node: Node) -> str:
    said = " ".join(node.said.split())
    said = said if len(said) <= _SAID else said[: _SAID - 1] + "…"
    return f"{node.id.kind} {node.id.name}" + (f": {said}" if said else "")


def _mermaid(found: Lineage) -> Iterator[str]:
    """A flow chart from sources to the metric; text in it is quoted, so that it stays text."""
    names = {one: f"n{index}" for index, one in enumerate(found.nodes)}
    yield "flowchart LR"
    for one, name in names.items():
        label = f"{one.kind}: {one.name}".replace("&", "#amp;").replace('"', "#quot;")
        label = label.replace("<", "#lt;").replace(">", "#gt;")
        yield f'  {name}["{label}"]'
    for node in found.nodes.values():
        for one in node.reads:
            yield f"  {names[one]} --> {names[node.id]}"
