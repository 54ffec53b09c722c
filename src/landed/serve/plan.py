"""`landed plan`: before a release ships, what it can show, by when, and which events lack."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import (
    HERE,
    HomeOption,
    ProjectOption,
    TextFormat,
    TextOption,
    open_project,
)
from .output import clean, console, print_json


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("plan")(show_plan)


def show_plan(  # noqa: PLR0917 - the options of the command
    release: Annotated[str, typer.Argument(help="The release's name; shipped or not.")],
    project: ProjectOption = HERE,
    home: HomeOption = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, help="Days of history to take it as running on."),
    ] = None,
    exposed_by: Annotated[
        str | None,
        typer.Option("--exposed-by", help="The event whose first one stands for the exposure."),
    ] = None,
    output: TextOption = TextFormat.TEXT,
) -> None:
    """Before shipping: power, detectable effects by day, days to a decision, missing events."""
    # what this needs costs other commands nothing
    from .planning import as_document, as_text, planned

    found = planned(*open_project(project, home), release, days=days, exposed_by=exposed_by)
    if output is TextFormat.JSON:
        print_json(as_document(found))
        return
    for line in as_text(found):
        console().print(clean(line), markup=False)
