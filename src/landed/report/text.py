"""A report as plain terminal text: the verdict first, at most 60 lines."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import units
from .clusters import cluster_counts
from .words import ACTIONS, ROLES, VERDICTS, clean, counts_of_arms, sentence, word

MAX_LINES = 60
_COLOURS: Mapping[str, str] = {
    "worked": "32",
    "harmed": "31",
    "blocked": "35",
    "no_effect": "36",
    "inconclusive": "33",
    "not_estimable": "33",
}


def render_text(
    document: Mapping[str, Any],
    width: int = 88,
    color: bool = False,
    stale: str | None = None,
) -> str:
    """Render the document for a terminal.

    Args:
        document: A document of schema `landed.report/1`.
        width: Columns of the terminal. Count; below 40 is taken as 40.
        color: Whether to colour the verdict with ANSI codes.
        stale: Why it is no longer the release's verdict; None where it is.

    Returns:
        At most 60 lines, each at most `width` columns, ending with a line break.
    """
    width = max(40, width)
    verdict = document["verdict"]
    decision = verdict["decision"]
    head = f"{VERDICTS[decision].upper()}: {clean(document['release'])}"
    old = _wrap(stale, width) if stale else []
    top = [
        _cut(head, width),
        *old,
        *_wrap(sentence(verdict["reason"]), width),
        *_facts(document, width),
    ]
    bottom = [*_caveats(document, width), "", *_next(document, width)]
    room = MAX_LINES - len(top) - len(bottom)
    middle = _blocked(document, width) if decision == "blocked" else _tables(document, width)
    if len(middle) > room:
        hidden = len(middle) - room + 2
        middle = [
            *middle[: room - 2],
            "",
            _cut(f"… {hidden} more lines: landed report … --format html", width),
        ]
    lines = [*top, *middle, *bottom][:MAX_LINES]
    if color:
        lines[0] = f"\x1b[1;{_COLOURS[decision]}m{lines[0]}\x1b[0m"
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _facts(document: Mapping[str, Any], width: int) -> list[str]:
    checks = document["gate"]["checks"]
    passed = sum(check["passed"] for check in checks)
    look = document["look"]
    planned = f" of {look['planned']}" if look["planned"] else ""
    counts = counts_of_arms(document)
    arms = ", ".join(f"{variant} {units.count(number)}" for variant, number in counts.items())
    chance = document["exposure"]["sample_ratio_p_value"]
    ratio = "" if chance is None else f" (sample ratio {units.p_clause(chance)})"
    return [
        "",
        *_wrap(
            f"As of {units.moment(document['as_of'])}, look {look['number']}{planned}, "
            f"gate {document['gate']['decision']} with {passed} of {len(checks)} checks passed.",
            width,
        ),
        *_wrap(
            f"Exposed {word(document['exposure']['unit'])}s: {arms or 'none'}{ratio}. "
            f"{clean(cluster_counts(document))}",
            width,
        ),
    ]


def _tables(document: Mapping[str, Any], width: int) -> list[str]:
    estimates = document["estimates"]
    several = len({row["treatment"] for row in estimates}) > 1
    blocks: list[list[list[str]]] = []
    for role, title in ROLES.items():
        rows = [_cells(row, several) for row in estimates if row["role"] == role]
        if rows:
            head = ["control", "treatment", "effect", "interval", "conclusion"]
            blocks.append([[title, *(head if not blocks else [""] * 5)], *rows])
    widths = [
        max((_columns(row[index]) for block in blocks for row in block), default=0)
        for index in range(6)
    ]
    spare = width - sum(widths[1:]) - 2 * 5
    if spare < 16:  # too narrow for columns: two lines a metric
        return [line for block in blocks for line in ("", *_stacked(block, width))]
    widths[0] = min(widths[0] + 2, spare)
    return [line for block in blocks for line in ("", *_aligned(block, widths))]


def _cells(row: Mapping[str, Any], several: bool) -> list[str]:
    name = f"{row['label']} ({row['treatment']})" if several else row["label"]
    if row["status"] != "estimated":
        return [clean(name), "", "", "", "", _no_numbers(row)]
    digits, value = units.decimals_for(row), row["value"]
    return [
        clean(name),
        units.level(row["mean_control"], value, digits),
        units.level(row["mean_treatment"], value, digits),
        units.difference(row["absolute_effect"], value, digits),
        units.interval(row["ci_lower"], row["ci_upper"], value, digits),
        word(clean(row["conclusion"])),
    ]


def _no_numbers(row: Mapping[str, Any]) -> str:
    return "waiting" if row["status"] == "waiting" else "not estimable"


def _aligned(block: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterable[str]:
    for index, row in enumerate(block):
        first = _cut(row[0] if index == 0 else f"  {row[0]}", widths[0])
        numbers = [_pad(row[column], widths[column], left=True) for column in range(1, 5)]
        yield "  ".join([_pad(first, widths[0]), *numbers, row[5]])


def _stacked(block: Sequence[Sequence[str]], width: int) -> Iterable[str]:
    yield block[0][0]
    for row in block[1:]:
        yield _cut(f"  {row[0]}: {row[5]}", width)
        if row[3]:
            yield from _wrap(f"{row[3]} ({row[4]}), {row[1]} -> {row[2]}", width, "    ")


def _blocked(document: Mapping[str, Any], width: int) -> list[str]:
    failed = [
        check
        for check in document["gate"]["checks"]
        if check["severity"] == "critical" and not check["passed"]
    ]
    lines: list[str] = []
    for check in failed:
        lines += ["", *_wrap(f"Failed check: {check['id']}", width)]
        for name in ("observed", "expected", "because", "fix"):
            lines += _wrap(f"{name:<9} {sentence(check[name])}", width, "  ", "            ")
    good = document.get("last_good")
    lines.append("")
    if good:
        old = units.age(good["as_of"], document["as_of"])
        stays = (
            f"The last good report stays up: {word(good['decision'])}, as of "
            f"{units.moment(good['as_of'])}, {old} old (snapshot {good['snapshot']})."
        )
        return lines + _wrap(stays, width)
    return lines + _wrap("There is no earlier report of this release.", width)


def _caveats(document: Mapping[str, Any], width: int) -> list[str]:
    shown = document["caveats"][:4]
    lines = ["", "Caveats"] if shown else []
    for caveat in shown:
        wrapped = _wrap(caveat["text"], width, "- ", "  ")
        if len(wrapped) > 4:
            wrapped = [*wrapped[:3], _cut(f"{wrapped[3]} …", width)]
        lines += wrapped
    if len(document["caveats"]) > len(shown):
        lines.append(f"- and {len(document['caveats']) - len(shown)} more")
    return lines


def _next(document: Mapping[str, Any], width: int) -> list[str]:
    first = document["next"][0]
    title = ACTIONS.get(first["action"], word(first["action"]))
    return _wrap(f"Next: {title}. {first['text']}", width)[:6]


def _wrap(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    rest = first if rest is None else rest
    return [
        _cut(line, width)
        for line in textwrap.wrap(
            clean(text), width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )
    ]


def _columns(text: str) -> int:
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    kept = ""
    for letter in text:
        if _columns(kept + letter) > width - 1:
            break
        kept += letter
    return kept + "…"


def _pad(text: str, width: int, left: bool = False) -> str:
    space = " " * max(0, width - _columns(text))
    return space + text if left else text + space
