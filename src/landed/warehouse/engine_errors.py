"""What an engine's error may say: its kind and its types, never a value of the data.

An error's text ends in reports, in Dagster's log and on terminals, beside numbers that are guarded.
So the engine's own words are kept only of errors that are about a statement, a file or memory; of
those that come up while rows are worked on, the kind, the types and the column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

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
#: Texts that name no value, of classes that can; all but a name or a path is the engine's.
_HARMLESS = re.compile(
    r"Cannot execute statement of type \"[A-Z_ ]+\" on database \"[^\"\n]+\" which is attached in"
    r" read-only mode!"
    r"|More than one row returned by a subquery used as an expression - scalar subqueries can only"
    r" return a single row\."
    r"|Lists larger than 2\^32 elements are not supported"
    r"|No magic bytes found at end of file '[^'\n]+'"
)
_TYPE = r"(?P<type>[A-Z][A-Z0-9_ ]*(?:\(\d+, ?\d+\))?(?:\[\d*\])*)"
# A value may hold anything, also an engine's words: it is matched as long as it can be, so that
# type and column are those which the engine wrote after it.
_REST = r"(?: when casting from source column (?P<column>\w+))?(?:\n\nLINE \d+: .*)?"
_CASTS = (
    re.compile(rf"Could not convert string ['\"].*['\"] to {_TYPE}{_REST}", re.DOTALL),
    re.compile(
        r"Type (?P<given>[A-Z0-9_]+) with value .* can't be cast (?:because the value is out of "
        rf"range for|to) the destination type {_TYPE}{_REST}",
        re.DOTALL,
    ),
    re.compile(rf"Could not cast value .* to {_TYPE}{_REST}", re.DOTALL),
    re.compile(
        r"(?:invalid )?(?P<type>date|time|timestamp) field (?:format|value out of range): \".*\","
        rf" expected format is \([^\n]+\){_REST}",
        re.DOTALL,
    ),
)
_OVERFLOW = re.compile(r"Overflow in (?P<what>[a-z]+) of (?P<type>[A-Z0-9]+) \(.*", re.DOTALL)


def without_values(error: duckdb.Error, sql: str, tables: Sequence[str] = ()) -> str:
    """One line: the engine's, or what is left of it without values.

    Args:
        error: What the engine raised.
        sql: The statement; names in it can be values where it turns rows into columns.
        tables: Tables that the statement reads, named where the engine's words are left out.
    """
    text = str(error).strip()
    kind, _, words = text.partition(": ")
    if isinstance(error, _WITHOUT_VALUES):
        return _first_line(text, with_hint="pivot" not in sql.lower())
    first = words.partition("\n")[0]
    if _HARMLESS.fullmatch(first):
        return f"{kind}: {first}"
    kind = re.sub(r"Exception$", "", type(error).__name__)
    reads = f"; the statement reads {', '.join(f'`{one}`' for one in tables)}" if tables else ""
    return f"{_words(kind)} Error: {_of_rows(words)}{reads}"


def _of_rows(words: str) -> str:
    for pattern in _CASTS:
        if found := pattern.fullmatch(words):
            facts = found.groupdict()
            where = f" of column `{facts['column']}`" if facts["column"] else ""
            given = facts.get("given")
            value = f"a value of type {given}" if given else "a text"
            return f"{value}{where} is not {facts['type'].upper()}"
    if words.startswith("Malformed JSON"):
        return "a text is malformed JSON"
    if found := _OVERFLOW.fullmatch(words):
        return f"overflow in {found['what']} of {found['type']}"
    return "the engine's words can hold values of the data and are left out"


def _first_line(text: str, *, with_hint: bool) -> str:
    first, _, rest = text.partition("\n")
    hint = rest.strip().splitlines()
    if not with_hint:  # columns of a pivot are values
        return re.sub(r"\s*Candidate bindings:.*", "", first)
    return first + (f" {hint[0].strip()}" if hint and hint[0].startswith("Candidate") else "")


def _words(name: str) -> str:
    """`OutOfRange` is `Out Of Range`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
