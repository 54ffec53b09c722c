"""`landed export`: the definitions in formats that other tools read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..project import load_project
from .options import HERE, ProjectOption
from .output import clean, console

export_app = typer.Typer(
    help="Write the definitions for other tools, with what they cannot carry.", no_args_is_help=True
)
OutOption = Annotated[
    Path | None, typer.Option("--out", help="A file, or a folder; default: standard output.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    app.add_typer(export_app, name="export")


@export_app.command("osi")
def export_osi(project: ProjectOption = HERE, out: OutOption = None) -> None:
    """Open Semantic Interchange (Apache Ossie): datasets, relationships, metrics in ANSI SQL."""
    from . import interchange

    _write(*interchange.osi(load_project(project)), out, "semantic_model.osi.yml")


@export_app.command("dbt")
def export_dbt(project: ProjectOption = HERE, out: OutOption = None) -> None:
    """dbt's semantic models and metrics, as `dbt parse` takes them."""
    from . import interchange

    _write(*interchange.dbt(load_project(project)), out, "semantic_models.yml")


def _write(text: str, notes: list[str], out: Path | None, name: str) -> None:
    """The document where it was asked for, and what it lacks on standard error."""
    if out is None:
        sys.stdout.write(text)
    else:
        place = out / name if out.is_dir() else out
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for note in notes:
        console(stderr=True).print(clean(note), markup=False)
