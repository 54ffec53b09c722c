"""`landed import`: what other tools know, as files of the project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..project import load_project
from .options import HERE, ProjectOption
from .output import clean, console

import_app = typer.Typer(
    help="Take over what other tools know, with every loss named.", no_args_is_help=True
)


class PlanFormat(StrEnum):
    """Whose tracking plan it is."""

    SEGMENT = "segment"
    RUDDERSTACK = "rudderstack"
    IGLU = "iglu"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    app.add_typer(import_app, name="import")


@import_app.command("tracking")
def import_tracking(
    source: Annotated[Path, typer.Argument(help="The exported file, or the folder.")],
    plan_format: Annotated[PlanFormat, typer.Option("--format", help="Whose plan it is.")],
    project: ProjectOption = HERE,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also files that say something else now.")
    ] = False,
) -> None:
    """A tracking plan as tracking/EVENT.json, one file an event."""
    from ..ingest import plans

    readers = {
        PlanFormat.SEGMENT: plans.read_segment,
        PlanFormat.RUDDERSTACK: plans.read_rudderstack,
        PlanFormat.IGLU: plans.read_iglu,
    }
    found = load_project(project)
    plan = readers[plan_format](source)
    done = plans.write_plan(plan, found.tracking, overwrite=overwrite)
    out = console()
    for event, what in done.items():
        if what != "unchanged":
            out.print(clean(f"{what}: tracking/{event}.json"), markup=False)
    for loss in plan.losses:
        console(stderr=True).print(clean(loss), markup=False)
    kept = sum(what == "kept" for what in done.values())
    out.print(
        f"{len(done)} event(s), {sum(what == 'written' for what in done.values())} written,"
        f" {len(plan.losses)} loss(es)" + (f", {kept} kept: see --overwrite" if kept else "")
    )
