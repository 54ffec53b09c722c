"""Plain words for what the numbers say: caveats, the smallest repair, the one next action."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import units

if TYPE_CHECKING:
    from ..catalog.releases import Exemption

#: What a verdict means, for a reader who meets it for the first time.
VERDICTS: Mapping[str, str] = {
    "worked": "Worked",
    "no_effect": "No effect that matters",
    "harmed": "Harmed",
    "inconclusive": "Inconclusive",
    "blocked": "Blocked",
    "not_estimable": "Not estimable",
}

ACTIONS: Mapping[str, str] = {
    "expand": "Expand",
    "continue": "Continue",
    "iterate": "Iterate",
    "roll_back": "Roll back",
    "repair_measurement": "Repair the measurement",
}

ROLES: Mapping[str, str] = {
    "success": "Success",
    "guardrail": "Guardrails",
    "survival": "Survival",
    "diagnostic": "Diagnostics",
}

#: What each role is for, one line under its heading.
ROLE_NOTES: Mapping[str, str] = {
    "success": "What the release was meant to move.",
    "guardrail": "What it must not make worse by more than the margin.",
    "survival": "Whether it runs well enough to stay.",
    "diagnostic": "For understanding only; no part of the verdict.",
}

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: object) -> str:
    """Text that can't steer a terminal, a browser or the reader's eye.

    Control characters, surrogates and the invisible marks that reorder text become visible
    escapes; line breaks and tabs become single spaces.
    """
    shown = []
    for letter in str(text):
        if letter in "\n\r\t":
            shown.append(" ")
        elif unicodedata.category(letter) in _INVISIBLE:
            code = ord(letter)
            shown.append(f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")
        else:
            shown.append(letter)
    return "".join(shown)


def word(name: str) -> str:
    """A snake_case name as words: `non_inferior` is `non inferior`."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """The text with its full stop."""
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?", "…")) else f"{text}."


def smallest_repair(checks: Sequence[Mapping[str, Any]]) -> str:
    """Why a release is blocked, from the failed critical checks; the first one in full."""
    failed = [check for check in checks if check["severity"] == "critical" and not check["passed"]]
    if not failed:
        return "The gate is blocked and names no failed check."
    first = failed[0]
    text = (
        f"The check {first['id']} failed: observed {first['observed']}, "
        f"expected {first['expected']}"
    )
    if len(failed) > 1:
        others = ", ".join(check["id"] for check in failed[1:])
        return f"{sentence(text)} Also failed: {others}."
    return sentence(text)


def caveats_of(
    document: Mapping[str, Any], exemptions: Sequence[Exemption], plan_changes: Sequence[str] = ()
) -> list[dict[str, str]]:
    """What a careful reader must know: failed warnings, exemptions, estimates left out."""
    found: list[dict[str, str]] = []
    for check in document["gate"]["checks"]:
        if check["severity"] == "warning" and not check["passed"]:
            text = (
                f"The check {check['id']} warns: observed {check['observed']}, "
                f"expected {check['expected']}"
            )
            found.append(_caveat(check["id"], f"{sentence(text)} {sentence(check['because'])}"))
    as_of = datetime.fromisoformat(document["as_of"])
    for exemption in exemptions:
        if exemption.expires_at > as_of:
            until = exemption.expires_at.date().isoformat()
            text = (
                f"The check {exemption.check} may fail until {until}, "
                f"by {exemption.owner}: {exemption.reason}"
            )
            found.append(_caveat(f"exemption_{exemption.check}", sentence(text)))
    for what in plan_changes:
        text = (
            f"The release's file now says otherwise {what}; the plan of the first look holds, "
            "as a plan that follows what was seen would err more often than it states"
        )
        found.append(_caveat("plan_changed", sentence(text)))
    for row in document["estimates"]:
        if row["status"] == "waiting":
            continue
        if row["status"] == "not_estimable":
            text = f"{row['label']} could not be estimated for {row['treatment']}: {row['reason']}"
            found.append(_caveat("not_estimable", sentence(text)))
            continue
        moved = _moved_since_look(row)
        if moved:
            found.append(_caveat("look_revised", sentence(moved)))
        missing = _most_missing(row)
        if missing >= 0.05:  # a twentieth without an outcome can move a mean past most margins
            text = (
                f"{row['label']}: up to {missing:.1%} of the exposed units of an arm have no value"
            )
            found.append(_caveat("missing_outcomes", sentence(text)))
    rests_on = (*document.get("placebo", ()), *document.get("designs", ()))
    assumed = (text for one in rests_on for text in one["assumptions"])
    found.extend(_caveat("assumption", f"Assumed: {text}") for text in dict.fromkeys(assumed))
    return found


def _moved_since_look(row: Mapping[str, Any]) -> str:
    """Late rows can move a number after its look was taken; the look stands."""
    look = row.get("looks")
    if not look or not row.get("standard_error"):
        return ""
    now = row["absolute_effect"] / row["standard_error"]
    if abs(now - look["z"]) < 0.05:  # a twentieth of a standard error moves no reading of it
        return ""
    return (
        f"{row['label']}: look {look['number']} was taken at z {look['z']:+.2f}, rows that came "
        f"late make it {now:+.2f}; the look stands as it was taken"
    )


def counts_of_arms(document: Mapping[str, Any]) -> dict[str, int]:
    """Exposed units by variant: control first, then the treatments as the release names them."""
    counts: Mapping[str, int] = document["exposure"]["counts"]
    about = document.get("about") or {}
    named = [about.get("control"), *about.get("treatments", ())]
    order = dict.fromkeys([*named, *sorted(counts)])
    return {variant: counts[variant] for variant in order if variant in counts}


def stale_note(as_of: str) -> str:
    """What stands above a report of which a later look was blocked.

    Args:
        as_of: Data up to this instant were blocked. UTC, ISO 8601.
    """
    return (
        f"Stale: the gate blocked this release on data until {units.moment(as_of)}."
        " The verdict below is withdrawn until it passes again."
    )


def next_step(document: Mapping[str, Any]) -> dict[str, str]:
    """The one next action, in words that say what to do."""
    verdict = document["verdict"]
    action, name = verdict["next_action"], document["release"]
    if action == "repair_measurement":
        failed = [
            check
            for check in document["gate"]["checks"]
            if check["severity"] == "critical" and not check["passed"]
        ]
        if not failed and "too little history" in verdict["reason"]:
            return {
                "action": action,
                "text": "Days before it cannot be measured any more. Give the next change like it "
                "to a random share or to groups first, or declare shorter windows before it ships.",
            }
        fix = sentence(failed[0]["fix"]) if failed else "Repair what keeps it from being measured."
        again = f"Then run `landed run --release {name}`."
        return {"action": action, "text": f"{fix} {again}"}
    texts = {
        "expand": f"Expand {name} to everybody it was meant for.",
        "continue": f"Keep {name} as it is and let it collect data until its verdict is due.",
        "iterate": f"Change {name} before spending more on it; this version did not move enough.",
        "roll_back": f"Roll {name} back; what it hurts outweighs what it helps.",
    }
    if document.get("about", {}).get("rollout") == "everyone":
        texts["expand"] = f"Keep {name}: everybody has it."
    return {"action": action, "text": texts[action]}


def _caveat(code: str, text: str) -> dict[str, str]:
    return {"code": code, "text": text}


def _most_missing(row: Mapping[str, Any]) -> float:
    shares = [0.0]
    for arm in ("control", "treatment"):
        entered, missing = row[f"n_{arm}"] or 0, row[f"n_missing_{arm}"] or 0
        if entered + missing:
            shares.append(missing / (entered + missing))
    return max(shares)
