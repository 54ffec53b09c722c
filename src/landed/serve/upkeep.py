"""Commands over the lake and the quarantine: take in, look at, feed again, erase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ..project import Home
from .options import (
    HERE,
    FactsFormat,
    FactsOption,
    Format,
    FormatOption,
    HomeOption,
    ProjectOption,
    open_project,
    print_rows,
)
from .output import clean, console, print_json, print_table, progress_lines

#: Letters that are shown of a record, or of what it names. A terminal's width, twice.
RAW_WIDTH = 160

quarantine_app = typer.Typer(help="Look at refused records: which, why, and what to do.")

SourceArgument = Annotated[str, typer.Argument(help="The source.")]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="Only records refused for this reason.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    app.command()(ingest)
    app.add_typer(quarantine_app, name="quarantine")
    app.command()(requeue)
    app.command()(erase)


def ingest(
    sources: Annotated[list[str] | None, typer.Argument(help="Only these sources.")] = None,
    project: ProjectOption = HERE,
    home: HomeOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read the sources' files anew, e.g. after a new select.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Landing to lake only; prints the account of every record."""
    from ..ingest import Ledger
    from ..ingest import ingest as take_in
    from ..warehouse import run_lock

    found, state, settings = open_project(project, home)
    with run_lock(state), progress_lines(plain=settings.plain) as progress:
        result = take_in(
            found,
            state,
            settings,
            only=sources or (),
            again=again,
            progress=lambda detail: progress("ingest", detail),
        )
    counts = (
        "source",
        "files_new",
        "files_seen",
        "rows_in",
        "accepted",
        "duplicate",
        "conflict",
        "quarantined",
    )
    columns = (*counts, "reasons", "removed")
    rows = [
        (
            *(getattr(account, name) for name in counts),
            _listed(account.reasons),
            _listed(account.removed),
        )
        for account in result.accounts
    ]
    for relation in result.relations:  # nothing is taken in: every row stands where it stood
        new, checked = int(relation.is_new) * relation.files, f"one row per {relation.grain_text}"
        seen = relation.files - new
        counted = (relation.rows, relation.rows, 0, 0, 0)
        rows.append((relation.source, new, seen, *counted, checked, ""))
    print_rows(columns, rows, output)
    if output is Format.TABLE:
        for total in Ledger(state).accounts_total():
            if total.removed:
                console().print(clean(f"over the whole life: {total}"), markup=False)


@quarantine_app.callback(invoke_without_command=True)
def quarantine(context: typer.Context) -> None:
    """Look at refused records: which, why, and what to do. Alone it lists them."""
    if context.invoked_subcommand is None:
        quarantine_list()


@quarantine_app.command("list")
def quarantine_list(
    project: ProjectOption = HERE,
    home: HomeOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Refused records by source and reason, over the whole life of the home."""
    from ..ingest.quarantine import list_refused

    _, state, _ = open_project(project, home)
    columns = ("source", "reason", "rows", "kept", "files", "first_seen", "last_seen")
    rows = [tuple(getattr(one, name) for name in columns) for one in list_refused(state)]
    print_rows(columns, rows, output)


@quarantine_app.command("show")
def quarantine_show(
    source: SourceArgument,
    *,
    project: ProjectOption = HERE,
    home: HomeOption = None,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most records shown.")] = 20,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show their text too, which may be personal.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Refused records of one source: file, line and reason; with --raw their text."""
    from ..ingest.quarantine import show_refused

    _, state, _ = open_project(project, home)
    found = show_refused(state, source, reason=reason, limit=limit)
    columns = ["file", "line", "byte_offset", "reason", "detail", "batch_id", "arrived_at"]
    columns += ["raw"] if raw else []
    rows = [[getattr(one, name) for name in columns] for one in found]
    if output is Format.TABLE:  # an id may be as long as a record, and a file have any name
        rows = [[shortened(one) if isinstance(one, str) else one for one in row] for row in rows]
    print_rows(columns, rows, output)


@quarantine_app.command("explain")
def quarantine_explain(
    reason: Annotated[str, typer.Argument(help="The code, e.g. bad_time.")],
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """What a reason means, what usually causes it, and what to do."""
    from ..ingest.quarantine import explain

    found = explain(reason)
    facts = {
        "reason": found.code,
        "meaning": found.meaning,
        "cause": found.cause,
        "fix": found.fix,
        "can_be_requeued": found.is_whole,
    }
    _print_facts(facts, output)


def requeue(
    source: SourceArgument,
    *,
    project: ProjectOption = HERE,
    home: HomeOption = None,
    reason: ReasonOption = None,
    batch: Annotated[
        str | None, typer.Option("--batch", help="Only records of this batch, by its id.")
    ] = None,
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """Feed refused records again, after the mapping or the tracking plan was corrected."""
    from ..ingest.requeue import STAYS
    from ..ingest.requeue import requeue as feed

    found, state, settings = open_project(project, home)
    with progress_lines(plain=settings.plain) as progress:
        done = feed(
            found,
            state,
            settings,
            source,
            reason=reason,
            batch=batch,
            progress=lambda detail: progress("requeue", detail),
        )
    if output is FactsFormat.JSON:
        print_json(done.as_dict())
        return
    out = console()
    out.print(f"fed again: {_listed(done.taken) or 'no record'}", markup=False)
    if done.taken:
        out.print(clean(str(done.account)), markup=False)
    for (code, why), rows in sorted(done.stay.items()):
        out.print(f"left: {code} {rows}: {STAYS[why]}", markup=False)
    if done.is_remapped:
        out.print(
            f"the mapping of {source} changed since: its earlier rows came by the old one and stay."
            f" `landed ingest {source} --again` reads all files by the new one.",
            markup=False,
        )


def erase(
    user: Annotated[str, typer.Argument(help="The user id, as the sources give it.")],
    *,
    project: ProjectOption = HERE,
    home: HomeOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be erased.")
    ] = False,
    with_shared: Annotated[
        bool,
        typer.Option("--with-shared", help="Also anonymous ids that other users' rows name."),
    ] = False,
    output: FactsOption = FactsFormat.TABLE,
) -> None:
    """Take one person out of the lake and the quarantine, for good."""
    from ..ingest import load_sources
    from ..ingest.erasure import erase as take_out
    from ..ingest.holding import landed_files

    found, state, settings = open_project(project, home)
    sources = list(load_sources(found).values())
    done = take_out(
        state,
        settings,
        user,
        sources,
        now=datetime.now(UTC),
        with_shared=with_shared,
        dry_run=dry_run,
    )
    left = landed_files(state, sources, (user, *done.merged_ids, *done.anonymous_ids))
    facts = {
        **done.as_dict(),
        "landing_files": [
            {"source": source, "file": file, "records": records}
            for source, file, records in left.files
        ],
        "not_looked_into": [{"where": where, "why": why} for where, why in left.unread],
        "snapshots": _snapshots(state),
    }
    if output is FactsFormat.JSON:
        print_json(facts)
    else:
        _print_erased(facts)


def _print_erased(facts: Mapping[str, Any]) -> None:
    out = console()

    def line(text: str) -> None:
        out.print(clean(text), markup=False)

    verb = "would be erased" if facts["is_dry_run"] else "erased"
    rows = sum(one["rows"] for one in facts["lake_rows"])
    line(f"{verb}: {rows:,} row(s) of {facts['user_id']} in {facts['lake_files']:,} lake file(s)")
    for one in facts["lake_rows"]:
        line(f"  {one['source']}: {one['rows']:,} {one['kind']}")
    for name in facts["merged_ids"]:
        line(f"  with the user id {name}, which alias events merge with it")
    for name in facts["anonymous_ids"]:
        others = facts["shared_ids"].get(name)
        line(
            f"  with the anonymous id {name}" + (f", of {others} other user(s) too" * bool(others))
        )
    for name in facts["left_ids"]:
        line(
            f"left: the anonymous id {name}, which {facts['shared_ids'][name]} other user(s) share;"
            " --with-shared takes its rows without a user id too"
        )
    for source, records in facts["refused"].items():
        line(f"{verb}: the text of {records:,} refused record(s) of {source}")
    for one in facts["landing_files"]:
        line(
            f"still there: {one['records']:,} record(s) in {one['file']}, which landed never writes"
        )
    for one in facts["not_looked_into"]:
        line(f"not looked into: {one['where']}: {one['why']}")
    if facts["snapshots"]:
        line(
            f"published snapshots ({facts['snapshots']}) keep keyed digests of unit ids, no ids;"
            " the next `landed run` publishes one without the person"
        )


def _snapshots(home: Home) -> int:
    return sum(1 for _ in home.snapshots.glob("*/manifest.json"))


def shortened(text: str) -> str:
    """A text for a terminal: control characters as escapes, cut at RAW_WIDTH letters."""
    cut = text[:RAW_WIDTH] + ("…" if len(text) > RAW_WIDTH else "")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in cut
    )


def _print_facts(facts: Mapping[str, Any], output: FactsFormat) -> None:
    if output is FactsFormat.JSON:
        print_json(facts)
    else:
        print_table(("field", "value"), list(facts.items()))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {rows}" for name, rows in sorted(counts.items()))
