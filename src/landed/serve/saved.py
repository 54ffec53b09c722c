"""`landed saved`: the questions that a project asks again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ..catalog import load_catalog
from ..compiler.saved import saved_sql
from ..project import Home, Project
from ..settings import Settings
from .options import HERE, Format, FormatOption, HomeOption, ProjectOption, open_project, print_rows
from .queries import Answer, metric_query


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("saved")(show)


def show(
    name: Annotated[str | None, typer.Argument(help="One saved query; default: list all.")] = None,
    *,
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: FormatOption = Format.TABLE,
    show_sql: Annotated[
        bool, typer.Option("--sql", help="Show it as a query for `landed query`.")
    ] = False,
    snapshot: Annotated[str | None, typer.Option("--snapshot", help="An earlier one.")] = None,
) -> None:
    """List the saved queries of the project, or answer one from the current snapshot."""
    found, state, settings = open_project(project, home)
    if name is None:
        columns = ("name", "metrics", "by", "owner", "label")
        rows = [tuple(one[key] for key in columns) for one in listed(found)]
        print_rows(columns, rows, output)
    elif show_sql:
        typer.echo(sql_of(found, name))
    else:
        answer = saved_answer(found, state, name, settings, snapshot=snapshot)
        print_rows(answer.columns, answer.rows, output)


def listed(project: Project) -> list[Mapping[str, Any]]:
    """Every saved query as plain facts."""
    return [
        {
            "name": one.name,
            "label": one.label,
            "owner": one.owner,
            "metrics": ", ".join(one.metrics),
            "by": ", ".join((*one.group_by, *([f"by {one.grain}"] if one.grain else []))),
        }
        for one in load_catalog(project).saved_queries.values()
    ]


def sql_of(project: Project, name: str) -> str:
    """A saved query as SQL over metrics.

    Raises:
        ContractError: There is no such query.
    """
    from ..publish.exports import saved_named

    return saved_sql(saved_named(load_catalog(project), name))


def saved_answer(
    project: Project, home: Home, name: str, settings: Settings, *, snapshot: str | None = None
) -> Answer:
    """The answer of a saved query, by the same door as any other query.

    Raises:
        ContractError: There is no such query.
        LandedError: Whatever `landed query` refuses.
    """
    return metric_query(project, home, sql_of(project, name), settings, snapshot=snapshot)
