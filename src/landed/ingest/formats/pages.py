"""JSON as tools of vendors write it: pages of a list one after the other, or JSON Lines.

A page is an array, or an object that holds the array under a key (`{"tickets": […], "next_page":
…}`). What else such an object says is about the page and no record. An object without the array is
a record itself. A tool that follows the pages often writes them behind each other, as they came.
"""

from __future__ import annotations

import json as standard
from collections.abc import Iterator
from typing import Any

from . import json, jsonl
from .records import BrokenStream, InputFile, Records


def read(file: InputFile, within: str | None = None) -> Iterator[Records]:
    """Yield the records of a file.

    Args:
        file: The file.
        within: Key of the list in a page that is an object; None where pages are arrays.
    """
    if _is_lines(file, within):
        yield from jsonl.read(file)
    else:
        yield from json.read_within(file, within)


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
