"""What may be repeated of an engine's error that came up while rows were worked on.

Its text quotes values of the data, and ends in reports, in Dagster's log and on terminals. Kind,
types and column are kept; who needs more finds the rows by a query of his own.
"""

from __future__ import annotations

import re

#: Texts that name no value, of kinds that can; all but a name or a path is the engine's.
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
_REST = r"(?: when casting from source column (?P<column>\w+))?(?:\n\s*\nLINE \d+: .*)?"
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
#: A line that begins an error of the engine, in what dbt says of a model.
_ENGINE = re.compile(r"^[ \t]*(?P<kind>[A-Z]\w*(?: \w+)* Error): ", re.MULTILINE)
#: They are raised before a row is read, or are about files, memory and locks.
_WITHOUT_VALUES = {
    "Binder Error", "Catalog Error", "Compilation Error", "Connection Error", "Dependency Error",
    "INTERRUPT Error", "IO Error", "Out of Memory Error", "Parser Error", "Permission Error",
    "Syntax Error",
}  # fmt: skip


def of_rows(words: str) -> str:
    """One line without a value.

    Args:
        words: The engine's text after the kind of error.

    Examples:
        >>> of_rows("Could not convert string 'bob@x.example' to INT64")
        'a text is not INT64'
        >>> of_rows("bob@x.example")
        "the engine's words can hold values of the data and are left out"
    """
    first = words.partition("\n")[0]
    if _HARMLESS.fullmatch(first):
        return first
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


def of_model(said: str) -> str:
    """What dbt says of a model that failed, without a value; whole where it is about a statement.

    Args:
        said: dbt's text: a line of its own, and the engine's below it, indented.
    """
    found = _ENGINE.search(said)
    if found is None or found["kind"] in _WITHOUT_VALUES:
        return said
    words = re.sub(r"^ {2}", "", said[found.end() :], flags=re.MULTILINE).strip()
    words = re.sub(r"\n\s*compiled code at [^\n]+$", "", words)
    return f"{found['kind']}: {of_rows(words)}"
