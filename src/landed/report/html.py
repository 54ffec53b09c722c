"""A report as one self-contained HTML page: no script, nothing loaded, light and dark."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import forest, units
from .beside import tables_beside
from .rests_on import tables_of
from .words import ACTIONS, ROLE_NOTES, ROLES, VERDICTS, clean, counts_of_arms, sentence, word

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render_html(document: Mapping[str, Any], stale: str | None = None) -> str:
    """Render the document as one page. All of its text is escaped, wherever it stands.

    Args:
        document: A document of schema `landed.report/1`.
        stale: Why it is no longer the release's verdict; None where it is.
    """
    estimates = document["estimates"]
    groups = [
        {
            "role": role,
            "title": title,
            "note": ROLE_NOTES[role],
            "rows": [_line(row) for row in estimates if row["role"] == role],
            "confidence": _confidence([row for row in estimates if row["role"] == role]),
        }
        for role, title in ROLES.items()
    ]
    failed = [
        check
        for check in document["gate"]["checks"]
        if check["severity"] == "critical" and not check["passed"]
    ]
    page = environment().get_template("report.html.j2")
    return page.render(
        report=document,
        stale=stale,
        groups=[group for group in groups if group["rows"]],
        plot=forest.draw(estimates),
        failed=failed,
        passed=sum(check["passed"] for check in document["gate"]["checks"]),
        arms=_arms(document),
        several=len({row["treatment"] for row in estimates}) > 1,
        confidence=_confidence(estimates),
        tests=_tests(estimates),
        rests_on=[*tables_beside(document), *tables_of(document)],
        title=VERDICTS[document["verdict"]["decision"]],
        step=document["next"][0],
    )


def _tests(estimates: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One line a metric and test: bound, z and interval at the last look."""
    return [
        {
            "label": row["label"],
            "treatment": row["treatment"],
            "test": test,
            "alpha": f"{ends['alpha']:.2%}",
            "bound": f"{ends['bound']:.3f}",
            "z": f"{row['absolute_effect'] / row['standard_error']:+.2f}",
            "interval": units.interval(
                ends["lower"], ends["upper"], row["value"], units.decimals_for(row)
            ),
            "look": f"{row['looks']['number']} ({row['looks']['fraction']:.0%} of the time)",
        }
        for row in estimates
        if row["status"] == "estimated" and row.get("looks")
        for test, ends in (row.get("intervals") or {}).items()
    ]


@functools.cache
def environment() -> Environment:
    """The template environment: autoescape on, unknown names are errors, control codes shown."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("landed.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    made.globals.update(units=units, verdicts=VERDICTS, actions=ACTIONS)
    made.filters.update(word=word, sentence=sentence, commands=_commands)
    return made


def _commands(text: str) -> Markup:
    """Text with what stands between backticks as code; every part is escaped."""
    from markupsafe import Markup, escape

    parts = clean(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is text
        return escape("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def _visible(value: object) -> object:
    """Make control and reordering characters of text visible; markup made by Jinja stays."""
    return clean(value) if type(value) is str else value


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """One estimate with its numbers as text."""
    digits, value = units.decimals_for(row), row["value"]
    return {
        **row,
        "tone": forest.tone(row),
        "control": units.level(row["mean_control"], value, digits),
        "mean": units.level(row["mean_treatment"], value, digits),
        "effect": units.difference(row["absolute_effect"], value, digits),
        "interval": units.interval(row["ci_lower"], row["ci_upper"], value, digits),
        "limit": units.magnitude(row["margin"], value),
        "missing": (row["n_missing_control"] or 0) + (row["n_missing_treatment"] or 0),
    }


def _arms(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    counts = counts_of_arms(document)
    total = sum(counts.values())
    planned = document["exposure"]["allocation"] or {}
    return [
        {
            "variant": variant,
            "count": number,
            "observed": number / total if total else None,
            "planned": planned.get(variant),
        }
        for variant, number in counts.items()
    ]


def _confidence(estimates: Sequence[Mapping[str, Any]]) -> str:
    levels = {row["confidence_level"] for row in estimates if row["confidence_level"]}
    return f"{levels.pop() * 100:.4g}% interval" if len(levels) == 1 else "Interval"
