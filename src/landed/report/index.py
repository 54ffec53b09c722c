"""The overview of all releases, as one HTML page: verdict, main effect, link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import forest, units
from .html import environment
from .words import VERDICTS


def render_index(documents: Sequence[Mapping[str, Any]], title: str = "Releases") -> str:
    """Render one line a release, newest first.

    Args:
        documents: The latest document of each release, of schema `landed.report/1`.
        title: Heading of the page, e.g. the project's name.
    """
    lines = sorted(
        (_line(document) for document in documents),
        key=lambda line: (line["shipped_at"], line["release"]),
        reverse=True,
    )
    counts = {name: sum(line["decision"] == name for line in lines) for name in VERDICTS}
    page = environment().get_template("index.html.j2")
    return page.render(lines=lines, counts=counts, title=title)


def _line(document: Mapping[str, Any]) -> dict[str, Any]:
    about = document.get("about") or {}
    main = _main_effect(document["estimates"])
    good = document.get("last_good")
    return {
        "release": document["release"],
        "snapshot": document["snapshot"],
        "decision": document["verdict"]["decision"],
        "reason": document["verdict"]["reason"],
        "action": document["next"][0]["action"],
        "owner": about.get("owner", ""),
        "shipped_at": about.get("shipped_at", document["as_of"]),
        "as_of": document["as_of"],
        "main": main,
        "last_good": good,
        "age": units.age(good["as_of"], document["as_of"]) if good else None,
    }


def _main_effect(estimates: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first estimated success metric: the file's order is its owner's."""
    for row in estimates:
        if row["role"] == "success" and row["status"] == "estimated":
            digits = units.decimals_for(row)
            return {
                "label": row["label"],
                "tone": forest.tone(row),
                "effect": units.difference(row["absolute_effect"], row["value"], digits),
                "interval": units.interval(row["ci_lower"], row["ci_upper"], row["value"], digits),
            }
    return None
