"""JSON as tools of vendors write it: pages of a list one after the other, or JSON Lines.

A page is an array, or an object that holds the array under a key (`{"tickets": […], "next_page":
…}`). What else such an object says is about the page and no record. An object without the array is
a record itself. A tool that follows the pages often writes them behind each other, as they came.
"""

from __future__ import annotations

import json as standard
import re
from collections.abc import Generator, Iterator
from typing import Any

from . import json, jsonl
from .json import Element
from .records import KEPT_BYTES, BrokenStream, InputFile, Records

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = standard.JSONDecoder(parse_int=str)  # an integer may have any number of digits

# where the value ends; None after a fault, which is the last record of a file
_End = Generator[Element, None, int | None]


def read(file: InputFile, within: str | None = None) -> Iterator[Records]:
    """Yield the records of a file.

    Args:
        file: The file. As JSON Lines it may be of any size.
        within: Key of the list in a page that is an object; None where pages are arrays.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    if _is_lines(file, within):
        yield from jsonl.read(file)
    else:
        yield from json.read_whole(file, lambda text, broken: _pages(text, broken, within))


def _is_lines(file: InputFile, within: str | None) -> bool:
    """Whether each line is an object that is no page: judged by the first two."""
    try:
        head = next(file.chunks(), b"").removeprefix(b"\xef\xbb\xbf").strip()
    except BrokenStream:
        return False
    line, _, after = head.partition(b"\n")
    if not (line.rstrip().endswith(b"}") and after.lstrip().startswith(b"{")):
        return False
    return line.startswith(b"{") and not _is_page(line, within)


def _is_page(line: bytes, within: str | None) -> bool:
    try:
        value: Any = standard.loads(line, parse_int=str)
    except (ValueError, RecursionError):
        return False  # a broken line costs itself only
    return isinstance(value, dict) and isinstance(value.get(within), list)


def _pages(text: str, broken: str, within: str | None) -> Iterator[Element]:
    """Records of all pages; a fault ends the file with one last record."""
    at: int | None = _skip(text, 0)
    if at == len(text) and broken != "invalid_json":
        yield len(text), "", broken
    while at is not None and at < len(text):
        if text[at] == "[":
            at = yield from _array(text, at, broken)
        elif text[at] == "{" and within is not None:
            at = yield from _page(text, at, broken, within)
        else:
            at = yield from _value(text, at, broken)
        at = None if at is None else _skip(text, at)


def _page(text: str, start: int, broken: str, within: str) -> _End:
    """Records of an object that holds a list, or the object itself where it holds none."""
    at = _skip(text, start + 1)
    has_list = False
    while text[at : at + 1] != "}":
        member = at
        try:
            name, end = _DECODER.raw_decode(text, at)
            colon = _skip(text, end)
            at = _skip(text, colon + 1)
            if text[member] != '"' or text[colon : colon + 1] != ":":
                raise ValueError
            if name != within or text[at : at + 1] != "[":
                _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield _fault(text, member if has_list else start, broken)
            return None
        if name == within and text[at] == "[":
            has_list = True
            after = yield from _array(text, at, broken)
            if after is None:
                return None
            end = after
        at = _skip(text, end)
        mark = text[at : at + 1]
        following = _skip(text, at + 1)
        if mark == "," and text[following : following + 1] == '"':
            at = following
        elif mark != "}":
            yield _fault(text, at if has_list else start, broken)
            return None
    if not has_list:
        yield json.element(text, start, at + 1)
    return at + 1


def _array(text: str, start: int, broken: str) -> _End:
    at = _skip(text, start + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        end = yield from _value(text, at, broken)
        if end is None:
            return None
        at = _skip(text, end)
        mark = text[at : at + 1]
        if mark == "]":
            return at + 1
        if mark != ",":
            yield _fault(text, at, broken)
            return None
        at = _skip(text, at + 1)


def _value(text: str, at: int, broken: str) -> _End:
    try:
        _, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        yield _fault(text, at, broken)
        return None
    yield json.element(text, at, end)
    return end


def _fault(text: str, at: int, broken: str) -> Element:
    return at, text[at : at + KEPT_BYTES], broken


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
