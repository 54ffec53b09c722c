"""Where the parts of a JSON text stand in it, so that a part can be kept as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_int=str)  # an integer may have any number of digits


class NotThatShape(ValueError):
    """The text has another kind of value there."""


def members(text: str, at: int) -> dict[str, tuple[int, int]]:
    """Start and end of each value of the object that starts at a place.

    Args:
        text: Valid JSON.
        at: Where the object starts, perhaps after spaces.

    Raises:
        NotThatShape: There is no object.
    """
    at = _opened(text, at, "{")
    found: dict[str, tuple[int, int]] = {}
    while text[at] != "}":
        key, end = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, end) + 1)  # past the colon
        _, end = _DECODER.raw_decode(text, start)
        found[key] = (start, end)
        at = _next(text, end)
    return found


def elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Start and end of each element of the array that starts at a place.

    Args:
        text: Valid JSON.
        at: Where the array starts, perhaps after spaces.

    Raises:
        NotThatShape: There is no array.
    """
    at = _opened(text, at, "[")
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        yield at, end
        at = _next(text, end)


def _opened(text: str, at: int, bracket: str) -> int:
    at = _skip(text, at)
    if text[at] != bracket:
        raise NotThatShape(text[at : at + 40])
    return _skip(text, at + 1)


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
