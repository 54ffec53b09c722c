"""A report as a comment for a pull request: GitHub Markdown, below its 65,536 characters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import units
from .beside import tables_beside
from .clusters import cluster_counts
from .rests_on import Table, tables_of
from .words import ACTIONS, ROLE_NOTES, ROLES, VERDICTS, clean, counts_of_arms, sentence, word

MAX_CHARACTERS = 65_535
_SIGNS: Mapping[str, str] = {
    "worked": "✅",
    "harmed": "❌",
    "blocked": "⛔",
    "no_effect": "➖",
    "inconclusive": "❔",
    "not_estimable": "❔",
}
_SPECIAL = re.compile(
    r"([\\`*_{}\[\]()|~>$]|^[#+=-]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|:(?=[a-z0-9_+-]+:))"
)
#: After these GitHub makes a mention, a reference or a link; a zero-width space keeps them text.
_ACTIVE = re.compile(r"@|#(?=\w)|(?<=[a-zA-Z]):(?=//)|(?<=www)\.|\bGH-(?=\d)")


def render_markdown(document: Mapping[str, Any], stale: str | None = None) -> str:
    """Render the document as GitHub Markdown, shorter than 65,536 characters.

    Text from files and events is escaped: it can't become markup, a mention, a link or a cell.

    Args:
        document: A document of schema `landed.report/1`.
        stale: Why it is no longer the release's verdict; None where it is.
    """
    parts = [f"> **{escape(stale)}**"] if stale else []
    parts.append(_head(document))
    if document["verdict"]["decision"] == "blocked":
        parts.append(_blocked(document))
    parts += [
        _table(role, title, document)
        for role, title in ROLES.items()
        if any(row["role"] == role for row in document["estimates"])
    ]
    parts += [_rests_on(one) for one in (*tables_beside(document), *tables_of(document))]
    parts += [_exposure(document), _caveats(document), _checks(document), _provenance(document)]
    kept, size = [], 0
    for part in filter(None, parts):
        if size + len(part) > MAX_CHARACTERS - 200:  # room for the line that says so
            kept.append("_The rest is too long for a comment; see the HTML report._")
            break
        kept.append(part)
        size += len(part) + 2
    return "\n\n".join(kept) + "\n"


def escape(text: object) -> str:
    """Text that renders as itself wherever it stands in GitHub Markdown."""
    shown = _ACTIVE.sub(lambda found: found[0] + "\u200b", clean(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", shown)


def _head(document: Mapping[str, Any]) -> str:
    verdict, look = document["verdict"], document["look"]
    decision, step = verdict["decision"], document["next"][0]
    planned = f" of {look['planned']}" if look["planned"] else ""
    lines = [
        f"## {_SIGNS[decision]} {VERDICTS[decision]}: {escape(document['release'])}",
        f"**{escape(sentence(verdict['reason']))}**",
        f"**Next: {escape(ACTIONS.get(step['action'], word(step['action'])))}.** "
        f"{escape(step['text'])}",
        f"As of {escape(units.moment(document['as_of']))}, look {look['number']}{planned}.",
    ]
    about = document.get("about") or {}
    if about.get("hypothesis"):
        lines.insert(1, f"> {escape(about['hypothesis'])}")
    return "\n\n".join(lines)


def _blocked(document: Mapping[str, Any]) -> str:
    lines = []
    for check in document["gate"]["checks"]:
        if check["severity"] == "critical" and not check["passed"]:
            lines.append(f"### Failed check: {escape(check['id'])}")
            lines += [
                f"- **{title}:** {escape(sentence(check[key]))}"
                for key, title in (
                    ("observed", "Observed"),
                    ("expected", "Expected"),
                    ("because", "Why it matters"),
                    ("fix", "Smallest repair"),
                )
            ]
    good = document.get("last_good")
    if good:
        old = units.age(good["as_of"], document["as_of"])
        lines.append(
            f"\nThe last good report stays up: {escape(word(good['decision']))}, as of "
            f"{escape(units.moment(good['as_of']))}, {old} old."
        )
    else:
        lines.append("\nThere is no earlier report of this release.")
    return "\n".join(lines)


def _table(role: str, title: str, document: Mapping[str, Any]) -> str:
    rows = [row for row in document["estimates"] if row["role"] == role]
    head = ("Metric", "Control", "Treatment", "Effect", "Interval", "Margin", "n", "Conclusion")
    lines = [f"### {title}", ROLE_NOTES[role], "", _row(head)]
    lines.append("|:--|--:|--:|--:|--:|--:|--:|:--|")
    several = len({row["treatment"] for row in document["estimates"]}) > 1
    for row in rows:
        name = f"{row['label']} ({row['treatment']})" if several else row["label"]
        if row["status"] != "estimated":
            why = f"{word(row['status'])}: {row['reason']}"
            lines.append(_row([name, *[units.NOTHING] * 6, why]))
            continue
        digits, value = units.decimals_for(row), row["value"]
        lines.append(
            _row(
                [
                    name,
                    units.level(row["mean_control"], value, digits),
                    units.level(row["mean_treatment"], value, digits),
                    units.difference(row["absolute_effect"], value, digits),
                    units.interval(row["ci_lower"], row["ci_upper"], value, digits),
                    units.magnitude(row["margin"], value),
                    f"{units.count(row['n_control'])} / {units.count(row['n_treatment'])}",
                    word(row["conclusion"]),
                ]
            )
        )
    return "\n".join(lines)


def _rests_on(table: Table) -> str:
    lines = [f"### {escape(table.title)}", escape(table.note), "", _row(table.head)]
    lines.append("|:--|" + "--:|" * (len(table.head) - 1))
    return "\n".join([*lines, *(_row(row) for row in table.rows)])


def _exposure(document: Mapping[str, Any]) -> str:
    exposure = document["exposure"]
    if not exposure["counts"]:
        return ""
    lines = ["### Exposure", _row([f"Exposed {exposure['unit']}s", "Count", "Planned share"])]
    lines.append("|:--|--:|--:|")
    planned = exposure["allocation"] or {}
    for variant, number in counts_of_arms(document).items():
        lines.append(_row([variant, units.count(number), units.share(planned.get(variant))]))
    if exposure["sample_ratio_p_value"] is not None:
        lines.append(f"\nSample ratio: {units.p_clause(exposure['sample_ratio_p_value'])}.")
    assigned = cluster_counts(document)
    if assigned:
        lines.append(f"\n{escape(assigned)}")
    left_out = [f"{word(key)} {units.count(n)}" for key, n in exposure["excluded_units"].items()]
    if left_out:
        lines.append(f"\nLeft out: {escape(', '.join(left_out))}.")
    return "\n".join(lines)


def _caveats(document: Mapping[str, Any]) -> str:
    if not document["caveats"]:
        return ""
    lines = [f"- {escape(caveat['text'])}" for caveat in document["caveats"]]
    return "\n".join(["### Caveats", *lines])


def _checks(document: Mapping[str, Any]) -> str:
    checks = document["gate"]["checks"]
    passed = sum(check["passed"] for check in checks)
    lines = [
        "<details>",
        f"<summary>Gate: {document['gate']['decision']}, "
        f"{passed} of {len(checks)} checks passed</summary>",
        "",
        _row(["Check", "Result", "Severity", "Observed", "Expected"]),
        "|:--|:--|:--|:--|:--|",
    ]
    for check in checks:
        result = "passed" if check["passed"] else "failed"
        cells = [check["id"], result, check["severity"], check["observed"], check["expected"]]
        lines.append(_row(cells))
    return "\n".join([*lines, "", "</details>"])


def _provenance(document: Mapping[str, Any]) -> str:
    parts = [f"snapshot {document['snapshot']}"]
    parts += [
        f"{name} {value[:16]}"
        for name in ("landed", "git", "catalog", "lake")
        if (value := document["provenance"].get(name))
    ]
    return f"<sub>{escape(', '.join(parts))}</sub>"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"
