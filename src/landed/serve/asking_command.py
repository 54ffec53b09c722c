"""`landed query`: the command line's door to the metrics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PlanError
from ..project import load_project
from .options import (
    HERE,
    Format,
    FormatOption,
    HomeOption,
    ProjectOption,
    open_project,
    print_arrow,
    print_rows,
)
from .output import clean, console, print_json

if TYPE_CHECKING:
    from .asking import Answer

_HELP = """Ask for governed metrics in SQL (Postgres dialect); the statement is generated anew.

\b
landed query "SELECT plan, MEASURE(activation_rate) FROM metrics GROUP BY plan"
landed query "SELECT date_trunc('week', metric_time) AS week, MEASURE(revenue)
              FROM metrics WHERE plan = 'pro' GROUP BY 1 ORDER BY 1"
landed query "SELECT variant, MEASURE(revenue) FROM metrics
              WHERE release = 'new-search' GROUP BY variant"

MEASURE(m) FILTER (WHERE …), HAVING, WITH, joins and OVER (…) work around metrics too:
docs/reference/sql.md has the grammar. `landed metrics` lists metrics and their dimensions.
Warnings go to standard error. Exit codes: 0, or 3 for a refusal or any error.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(help=_HELP)(query)


def query(
    sql: Annotated[str, typer.Argument(help="SELECT MEASURE(m), dimension FROM metrics …")],
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: FormatOption = Format.TABLE,
    file: Annotated[
        Path | None, typer.Option("--output", help="Write there instead of standard output.")
    ] = None,
    details: Annotated[
        bool,
        typer.Option("--details", help="With json: an object with warnings, sql and snapshot too."),
    ] = False,
    show_sql: Annotated[bool, typer.Option("--sql", help="Show what would run.")] = False,
    dialect: Annotated[
        str, typer.Option("--dialect", help="With --sql: the engine it is written for.")
    ] = "duckdb",
    snapshot: Annotated[str | None, typer.Option("--snapshot", help="An earlier one.")] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", min=0.1, help="Seconds. Default: LANDED_QUERY_TIMEOUT_SECONDS, else 60."
        ),
    ] = None,
    memory_limit: Annotated[
        int | None,
        typer.Option(
            "--memory-limit", min=128, help="Megabytes. Default: LANDED_MEMORY_LIMIT_MB, else 4096."
        ),
    ] = None,
) -> None:
    """Ask for governed metrics in SQL."""
    from . import asking

    if dialect != "duckdb" and not show_sql:
        raise PlanError(
            f"--dialect {clean(dialect)[:40]} without --sql",
            expected="--sql with it: snapshots are asked in DuckDB",
            fix="add --sql, or leave --dialect out.",
        )
    if show_sql:
        statement, warnings = asking.compiled_sql(load_project(project), sql, dialect)
        _warn(warnings)
        sys.stdout.write(statement + "\n")
        return
    found, state, settings = open_project(project, home)
    settings = asking.limited(settings, time_limit, memory_limit)
    answer = asking.metric_query(found, state, sql, settings, snapshot=snapshot)
    _warn(answer.warnings)
    for column, error in answer.relative_errors.items():
        note = f"note: {column} is made of a sketch, relative error {error:.1%} (see its kind)"
        console(stderr=True).print(clean(note), markup=False)
    if file is None:
        _write(answer, output, details=details)
        return
    with file.open("w", encoding="utf-8", newline="") as stream, redirect_stdout(stream):
        _write(answer, output, details=details)


def _write(answer: Answer, output: Format, *, details: bool) -> None:
    """The answer in the format that was asked for, on standard output."""
    if output is Format.ARROW:
        print_arrow(answer.to_arrow())
    elif output is Format.JSON and details:
        print_json(
            {
                "columns": answer.columns,
                "relative_errors": dict(answer.relative_errors),
                "rows": answer.to_dicts(),
                "snapshot": answer.snapshot,
                "sql": answer.sql,
                "warnings": answer.warnings,
            }
        )
    else:
        print_rows(answer.columns, answer.rows, output)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        console(stderr=True).print(clean(f"warning: {warning}"), markup=False)
