"""The command line. `landed --help` is the manual; each command is one call and one print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import ContractError, LandedError
from ..project import load_project
from . import asking_command, diff, export, gate, importing, lineage, plan, saved, upkeep
from .options import (
    HERE,
    FactsFormat,
    FactsOption,
    Format,
    FormatOption,
    HomeOption,
    ProjectOption,
    ReportFormat,
    open_project,
    print_rows,
)
from .output import Finished, clean, console, print_json, print_table
from .scaffold import make_project

app = typer.Typer(
    name="landed",
    help="For every release: did it work, will it survive, what next. "
    "On checked data, or not at all.\n\n"
    "Exit codes: 0 fine (worked, no_effect) · 1 harmed, or faults found · "
    "2 inconclusive, not_estimable, blocked · 3 any error.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
serve_app = typer.Typer(help="Open doors for BI tools.", no_args_is_help=True)
app.add_typer(serve_app, name="serve")

EXIT_CODE_OF_VERDICT = {"worked": 0, "no_effect": 0, "harmed": 1}
ERROR = 3


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Make a project of your own: a complete tree with a demo product to replace."""
    name = make_project(folder)
    console().print(
        f"made the project {name} in {folder}\nnext: landed demo --project {folder}"
        "   (simulated data), or replace sources/ by your own and run `landed run`",
        markup=False,
    )


@app.command()
def run(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    release: Annotated[
        list[str] | None, typer.Option("--release", help="Assess only this one; may repeat.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Build everything anew.")] = False,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Verdicts that end with 1, e.g. harmed,blocked.")
    ] = "",
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """The main job: ingest, build, measure, gate, report, publish."""
    from . import main_job, queries

    fatal = _verdicts(fail_on)
    found, state, settings = open_project(project, home)
    facts = main_job.run(found, state, settings, only=release or (), full=full)
    main_job.print_overview(found, state, facts, as_json=output is FactsFormat.JSON)
    if any(line["verdict"] in fatal for line in queries.overview(found, state)):
        raise Finished(1)


@app.command()
def demo(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    users: Annotated[int, typer.Option(min=1000, help="People in the simulated app.")] = 20_000,
    days: Annotated[int, typer.Option(min=60, help="Days of history.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    events: Annotated[
        int | None, typer.Option(min=100_000, max=50_000_000, help="Scale to about this many.")
    ] = None,
) -> None:
    """Simulate a product whose truth is known, run the main job, compare with the truth."""
    from . import main_job

    found, state, settings = open_project(project, home)
    code = main_job.demo(found, state, settings, users=users, days=days, seed=seed, events=events)
    if code:
        raise Finished(code)


@app.command()
def dev(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Dagster has no login: keep it local.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
) -> None:
    """The same job under the Dagster UI, with sensors and schedules."""
    from . import main_job

    found, state, _ = open_project(project, home)
    main_job.dev(found, state, host=host, port=port)


upkeep.register(app)
export.register(app)
importing.register(app)
diff.register(app)
lineage.register(app)
plan.register(app)
gate.register(app)
saved.register(app)


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="Only these pulls.")] = None,
    project: ProjectOption = HERE,
    home: HomeOption = None,
) -> None:
    """Pull services (pulls/*.py) into the landing folder; `landed ingest` takes it from there."""
    from . import main_job

    main_job.pull(*open_project(project, home), names or ())


@app.command()
def check(
    project: ProjectOption = HERE,
    base: Annotated[
        str | None, typer.Option("--base", help="Also: nothing broke since this git revision.")
    ] = None,
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """Lint metrics, releases, sources, tracking plan and expectations; every fault at once."""
    from . import queries

    found = load_project(project)
    faults, warnings = queries.checked(found)
    if base is not None and not faults:  # definitions that do not load cannot be compared
        faults = diff.faults_since(found, base)
    if output is FactsFormat.JSON:
        both = {"faults": faults, "warnings": warnings}
        print_json({name: [one.as_dict() for one in listed] for name, listed in both.items()})
    else:
        for fault in faults:
            console().print(clean(str(fault)), markup=False)
        for warning in warnings:
            console().print(clean(f"warning: {warning}"), markup=False)
        more = f", {len(warnings)} warning(s)" if warnings else ""
        console().print(f"{len(faults)} fault(s){more}")
    if faults:
        raise Finished(1)


@app.command()
def report(
    release: Annotated[str, typer.Argument(help="The release's name.")],
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.TEXT,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", help="An earlier one; default: the latest.")
    ] = None,
) -> None:
    """The impact report of one release. The exit code is the verdict (see --help)."""
    from ..report import render_html, render_markdown, render_text
    from . import queries

    _, state, _ = open_project(project, home)
    document = queries.report_document(state, release, snapshot)
    stale = queries.stale_note_of(state, document)
    if output is ReportFormat.JSON:
        if stale is not None:  # the document says what was true of its snapshot
            console(stderr=True).print(f"warning: {stale}", markup=False)
        print_json(document)
    elif output is ReportFormat.HTML:
        sys.stdout.write(render_html(document, stale))
    elif output is ReportFormat.MD:
        sys.stdout.write(render_markdown(document, stale))
    else:
        out = console()
        sys.stdout.write(
            render_text(document, width=min(out.width, 100), color=out.is_terminal, stale=stale)
            + "\n"
        )
    raise Finished(EXIT_CODE_OF_VERDICT.get(document["verdict"]["decision"], 2))


asking_command.register(app)


@app.command()
def metrics(
    name: Annotated[str | None, typer.Argument(help="One metric; default: all.")] = None,
    project: ProjectOption = HERE,
    output: FormatOption = Format.TABLE,
) -> None:
    """The catalogue of governed metrics."""
    from . import queries

    found = queries.metrics(load_project(project), name)
    if output is Format.JSON:
        print_json(found)
    elif name:
        print_rows(
            ("field", "value"), [(key, _plain(value)) for key, value in found[0].items()], output
        )
    else:
        columns = ("name", "kind", "value", "direction", "owner", "tier", "label")
        print_rows(columns, [tuple(row[key] for key in columns) for row in found], output)


@app.command()
def doctor(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """Find and explain what is wrong with the installation and the state."""
    from . import queries

    found, state, settings = open_project(project, home)
    findings = queries.diagnose(found, state, settings)
    if output is FactsFormat.JSON:
        print_json(findings)
    else:
        rows = [
            (
                "ok" if item["ok"] else "LOOK",
                item["subject"],
                item["observed"],
                "" if item["ok"] else item["fix"],
            )
            for item in findings
        ]
        print_table(("", "subject", "observed", "fix"), rows)
    if not all(item["ok"] for item in findings):
        raise Finished(1)


@serve_app.command("bi")
def serve_bi(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Start, fill, print the address and return.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the embedded server.")] = False,
) -> None:
    """PostgreSQL for BI tools: governed views, filled from the current snapshot, read-only."""
    from . import bi

    found, state, settings = open_project(project, home)
    bi.serve(found, state, settings, once=once, stop=stop, out=console())


@app.command()
def version() -> None:
    """Print the version."""
    console().print(f"landed {__version__}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: its own code, or 3 for any error, usage errors included."""
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="landed")
    except Finished as finished:
        code = finished.code
    except LandedError as error:
        out = console(stderr=True)
        for fault in error.faults:
            out.print(clean(str(fault)), markup=False)
        code = ERROR
    except SystemExit as finished:
        # the parser ends usage errors with 2, which here would read as "cannot tell"
        code = ERROR if finished.code not in (0, None) else 0
    except BrokenPipeError:
        code = ERROR
    except OSError as error:
        text = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        console(stderr=True).print(clean(text), markup=False)
        code = ERROR
    else:
        code = 0
    sys.exit(code)


def _verdicts(text: str) -> set[str]:
    """Names of `--fail-on`, each a verdict."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    known = ("worked", "no_effect", "harmed", "inconclusive", "blocked", "not_estimable")
    wrong = sorted(names - set(known))
    if wrong:
        raise ContractError(
            f"--fail-on names {', '.join(wrong)}", expected=f"verdicts: {', '.join(known)}"
        )
    return names


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value.isoformat() if isinstance(value, date) else value
