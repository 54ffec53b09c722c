"""How names are shown and suggested in messages: one line, bounded, with the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ..errors import QueryRefused
from .definitions import RESERVED_NAMES

SHOWN = 60  # characters of a token in a message; longer ones hide the fix behind them


def show(token: object) -> str:
    """A token as one short printable line between backquotes."""
    text = " ".join(str(token).split())
    text = "".join(letter if letter.isprintable() and letter != "`" else "?" for letter in text)
    return f"`{text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'}`"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`write `x``: the nearest known name, or the known names where none is near."""
    choices = sorted(set(known))
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean {show(near[0])}?"
    if not choices:
        return "there is none yet."
    some = ", ".join(show(choice) for choice in choices[:8])
    return f"use one of {some}{', …' if len(choices) > 8 else ''}."


def short_names(full_names: Iterable[str]) -> dict[str, str]:
    """The shortest end of each full name that no other full name has: `plan` of `unit__plan`.

    A name of which every end is another's too has none.
    """
    ends: dict[str, list[str]] = {}
    known = set(full_names)
    for full in known:
        parts = full.split("__")
        for start in range(1, len(parts)):
            ends.setdefault("__".join(parts[start:]), []).append(full)
    found: dict[str, str] = {}
    for end, owners in ends.items():
        if len(owners) == 1 and end not in known and end not in RESERVED_NAMES:
            found[owners[0]] = min(end, found.get(owners[0], end), key=len)
    return found


def refused(what: str, fix: str, code: str) -> QueryRefused:
    """A refusal of one line: what is wrong with which token, then the fix."""
    return QueryRefused(f"{what}: {fix}", code=code)
