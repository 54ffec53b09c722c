"""Responses of a form as Typeform exports them: CSV, one column a question.

The columns are the form's own questions, so that a source needs a `select` that says which is the
rating and which the text. `#` identifies the response. `Submit Date (UTC)` is what its name says.

A form asks `Other` after many a question, and may ask the same twice or have a question without
words: a repeated name gets a number (`Other`, `Other 2`), an empty one the number of its column
(`column 5`). Tags of HTML and line breaks within a name are taken out of it.

Source:
    Typeform Help Center, Download and export your form responses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from . import csv
from .records import InputFile, Records

#: None: the questions of a form are known to its author only.
SELECTS: Mapping[str, str] = {}
EVENT_ID = "#"

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the responses of a file.

    Args:
        file: The file.
        delimiter: The character between fields.
    """
    return csv.read(file, delimiter=delimiter, rename=_distinct)


def _distinct(row: list[str]) -> list[str]:
    """Names by which each column can be told from the others."""
    found: list[str] = []
    taken: set[str] = set()
    for number, text in enumerate(row, start=1):
        name = " ".join(_TAG.sub("", text).split()) or f"column {number}"
        chosen, at = name, 1
        while chosen.casefold() in taken:
            at += 1
            chosen = f"{name} {at}"
        taken.add(chosen.casefold())
        found.append(chosen)
    return found
