"""What several commands share: their options, how they open a project, how they print facts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..project import Home, Project, home_of, load_project
from ..settings import Settings
from .output import print_csv, print_json, print_table

if TYPE_CHECKING:
    import pyarrow as pa


class Format(StrEnum):
    """How facts are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


class FactsFormat(StrEnum):
    """How facts that are no table are printed."""

    TABLE = "table"
    JSON = "json"


class TextFormat(StrEnum):
    """How an explanation is printed."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    MD = "md"


ProjectOption = Annotated[
    Path, typer.Option("--project", help="The project's folder.", show_default="here")
]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The folder of all state. Default: LANDED_HOME, else .landed."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="table, json, csv or arrow.")]
FactsOption = Annotated[FactsFormat, typer.Option("--format", help="table or json.")]
TextOption = Annotated[TextFormat, typer.Option("--format", help="text or json.")]
HERE = Path()


def open_project(project: Path, home: Path | None) -> tuple[Project, Home, Settings]:
    """The project, its home and the settings of this call."""
    settings = Settings.from_environment()
    found = load_project(project)
    return found, home_of(found, home, settings), settings


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], output: Format) -> None:
    """Columns and rows in the format that was asked for."""
    if output is Format.JSON:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif output is Format.CSV:
        print_csv(columns, rows)
    elif output is Format.ARROW:
        import pyarrow as pa

        arrays = {name: pa.array([row[i] for row in rows]) for i, name in enumerate(columns)}
        print_arrow(pa.table(arrays))
    else:
        print_table(columns, rows)


def print_arrow(table: pa.Table) -> None:
    """An Arrow IPC stream on standard output."""
    import pyarrow as pa

    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)
