"""What an engine's error may say: its kind and its types, never a value of the data.

An error's text ends in reports, in Dagster's log and on terminals, beside numbers that are guarded.
So the engine's own words are kept only of errors that are about a statement, a file or memory; of
those that come up while rows are worked on, what `of_rows` leaves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from ..project.engine_words import of_rows

#: They are raised before a row is read, or are about files, memory and locks.
_WITHOUT_VALUES = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConnectionException,
    duckdb.DependencyException,
    duckdb.InterruptException,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.ParserException,
    duckdb.PermissionException,
    duckdb.SyntaxException,
)


def without_values(error: duckdb.Error, sql: str, tables: Sequence[str] = ()) -> str:
    """One line: the engine's, or what is left of it without values.

    Args:
        error: What the engine raised.
        sql: The statement; names in it can be values where it turns rows into columns.
        tables: Tables that the statement reads, named where the engine's words are left out.
    """
    text = str(error).strip()
    words = text.partition(": ")[2]
    if isinstance(error, _WITHOUT_VALUES):
        return _first_line(text, with_hint="pivot" not in sql.lower())
    kind = re.sub(r"Exception$", "", type(error).__name__)
    reads = f"; the statement reads {', '.join(f'`{one}`' for one in tables)}" if tables else ""
    return f"{_words(kind)} Error: {of_rows(words)}{reads}"


def _first_line(text: str, *, with_hint: bool) -> str:
    first, _, rest = text.partition("\n")
    hint = rest.strip().splitlines()
    if not with_hint:  # columns of a pivot are values
        return re.sub(r"\s*Candidate bindings:.*", "", first)
    return first + (f" {hint[0].strip()}" if hint and hint[0].startswith("Candidate") else "")


def _words(name: str) -> str:
    """`OutOfRange` is `Out Of Range`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
