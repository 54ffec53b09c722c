"""`landed gate`: why a release's numbers may be shown or not, check by check."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import (
    HERE,
    HomeOption,
    ProjectOption,
    TextFormat,
    TextOption,
    open_project,
)
from .output import Finished, clean, console, print_json

if TYPE_CHECKING:
    from ..gate import CheckResult, GateRecord, JudgedRelease

#: `landed report` ends with the same where the release is blocked.
BLOCKED = 2
_SHOWN_HISTORY = 8
_LABEL = 10
_STATES = ("failed", "exempted", "warned", "passed")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("gate")(show_gate)


def show_gate(  # noqa: PLR0917 - the options of the command
    release: Annotated[str, typer.Argument(help="The release's name.")],
    project: ProjectOption = HERE,
    home: HomeOption = None,
    check: Annotated[
        str | None, typer.Option("--check", help="One check, with its whole history.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="An earlier decision: the day its data end, YYYY-MM-DD."),
    ] = None,
    output: TextOption = TextFormat.TEXT,
) -> None:
    """Why a release passed the gate or not: every check, its history, what would have to change.

    Exit code 0 if it passed, 2 if it is blocked.
    """
    _, state, _ = open_project(project, home)
    record, judged = explained(state, release, check=check, at=at)
    if output is TextFormat.JSON:
        print_json(as_document(record, judged, check))
    else:
        out = console()
        for line in as_text(record, judged, check, width=min(out.width, 100)):
            out.print(clean(line), markup=False, highlight=False, soft_wrap=True)
    if judged.decision != "pass":
        raise Finished(BLOCKED)


def explained(
    home: Any, release: str, *, check: str | None = None, at: str | None = None
) -> tuple[GateRecord, JudgedRelease]:
    """The record of a release and the decision that is asked for.

    Raises:
        WarehouseError: The gate has not judged the release, not at that day, or made no such check.
    """
    from ..catalog.names import did_you_mean, show
    from ..errors import WarehouseError
    from ..publish.gates import judged_releases, read_gate_record

    known = judged_releases(home)
    record = read_gate_record(home, release) if release in known else None
    if record is None or record.latest is None:
        raise WarehouseError(
            f"the gate has not judged {show(release)}",
            expected=f"one of {', '.join(known)}" if known else "a run",
            where=str(home.gates),
            fix=did_you_mean(release, known) or "check the name, or run `landed run`.",
            code="gate_not_judged",
        )
    judged = record.latest if at is None else _judged_at(record, at)
    if check is not None and judged.of(check) is None and check not in judged.skipped:
        made = sorted([*(one.check_id for one in judged.checks), *judged.skipped])
        raise WarehouseError(
            f"no check {show(check)} was made of `{release}`",
            expected=f"one of {', '.join(made)}",
            fix=did_you_mean(check, made),
            code="unknown_check",
        )
    return record, judged


def _judged_at(record: GateRecord, at: str) -> JudgedRelease:
    from ..errors import WarehouseError

    days = [one.cutoff_at.date() for one in record.judged]
    try:
        asked = date.fromisoformat(at)
        return record.judged[days.index(asked)]
    except ValueError:
        raise WarehouseError(
            f"there is no decision of `{record.release}` on data until {at[:20]!r}",
            expected=f"one of {', '.join(day.isoformat() for day in days)}",
            fix="choose another day, or leave it out for the latest.",
            code="gate_not_judged",
        ) from None


def as_document(record: GateRecord, judged: JudgedRelease, check: str | None) -> dict[str, Any]:
    """The decision as JSON: the record's own words, and the history of what is shown."""
    found = next(
        one
        for one in record.as_dict()["judged"]
        if one["cutoff_at"] == judged.cutoff_at.isoformat()
    )
    shown = [one for one in found["checks"] if check in (None, one["id"])]
    return {
        "schema": "landed.gate/1",
        "release": record.release,
        **found,
        "checks": [{**one, "history": _history(record, one["id"])} for one in shown],
        "skipped": {
            name: reason for name, reason in found["skipped"].items() if check in (None, name)
        },
    }


def _history(record: GateRecord, check_id: str) -> list[dict[str, Any]]:
    return [
        {
            "cutoff_at": cutoff_at.isoformat(),
            "passed": check.passed,
            "values": dict(check.values),
            "observed": check.observed,
        }
        for cutoff_at, check in record.history(check_id)
    ]


def as_text(
    record: GateRecord, judged: JudgedRelease, check: str | None, *, width: int = 100
) -> Iterator[str]:
    """The decision as lines for people: what failed first, what passed last."""
    word = "PASSED" if judged.decision == "pass" else "BLOCKED"
    yield f"GATE: {record.release}: {word}"
    yield (
        f"Data until {judged.cutoff_at:%Y-%m-%d %H:%M}, judged {judged.judged_at:%Y-%m-%d %H:%M}"
        f" (UTC); {len(judged.checks)} checks made, {len(judged.skipped)} do not apply."
    )
    by_state: dict[str, list[CheckResult]] = {state: [] for state in _STATES}
    for one in judged.checks:
        if check in (None, one.check_id):
            by_state[one.state].append(one)
    for state in _STATES:
        for one in by_state[state]:
            if state != "passed" or check is not None:
                yield ""
                yield from _whole(record, one, width, whole_history=check is not None)
    if check is None and by_state["passed"]:
        yield ""
        yield "Passed"
        longest = max(len(one.check_id) for one in by_state["passed"])
        for one in by_state["passed"]:
            yield from _wrapped(one.check_id, one.observed, longest + 2, width)
    skipped = {name: why for name, why in judged.skipped.items() if check in (None, name)}
    if skipped:
        yield ""
        yield "Does not apply"
        longest = max(len(name) for name in skipped)
        for name, reason in skipped.items():
            yield from _wrapped(name, reason, longest + 2, width)


def _whole(
    record: GateRecord, check: CheckResult, width: int, *, whole_history: bool
) -> Iterator[str]:
    """One check with everything known about it."""
    yield f"{check.state.upper()}  {check.check_id} ({check.severity})"
    yield from _wrapped("observed", check.observed, _LABEL, width)
    yield from _wrapped("expected", check.expected, _LABEL, width)
    if not check.passed:
        yield from _wrapped("because", check.because, _LABEL, width)
        yield from _wrapped("to pass", check.fix, _LABEL, width)
    for row in check.sample:
        facts = ", ".join(f"{name} {value}" for name, value in row.items())
        yield from _wrapped("row", facts, _LABEL, width)
    history = record.history(check.check_id)
    shown = history if whole_history else history[-_SHOWN_HISTORY:]
    if len(history) > 1 or whole_history:
        text = ", ".join(
            f"{cutoff_at:%m-%d} {_values(one.values)}{'' if one.passed else ' (not passed)'}"
            for cutoff_at, one in shown
        )
        earlier = len(history) - len(shown)
        yield from _wrapped(
            "history", text + (f"; {earlier} earlier" if earlier else ""), _LABEL, width
        )


def _values(values: Mapping[str, float]) -> str:
    return " / ".join(f"{value:.4g}" for value in values.values()) or "–"


def _wrapped(label: str, text: str, indent: int, width: int) -> Iterator[str]:
    """`label  text`, continued under the text."""
    lines = textwrap.wrap(text, max(width - indent - 2, 20)) or [""]
    for position, line in enumerate(lines):
        yield f"  {(label if position == 0 else ''):<{indent}}{line}"
