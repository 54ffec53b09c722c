"""SQL that the selects of vendors' exports have in common.

Exports hold objects within objects, and a function of JSON that meets a text that is none ends the
whole query. So nothing here reads a text before it is known to be JSON; what is none reads as NULL,
or stays as it is and is refused as properties.
"""

from __future__ import annotations

from collections.abc import Mapping

_SPACE = "' ' || chr(9) || chr(10) || chr(13)"
_ZONELESS = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?"
_NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?"


def select(columns: Mapping[str, str]) -> str:
    """A select over raw from SQL by column."""
    listed = ",\n".join(f"    {sql} as {name}" for name, sql in columns.items())
    return f"select\n{listed}\nfrom raw"


def within(column: str, pointers: Mapping[str, str]) -> dict[str, str]:
    """SQL of the texts that stand at JSON pointers of a column, by the same names.

    Args:
        column: SQL of a text, e.g. `"context"`.
        pointers: JSON pointers, e.g. `/app/version`; unlike paths they take a dot as it is.
    """
    text = as_json(column)
    return {name: f"json_extract_string({text}, '{at}')" for name, at in pointers.items()}


def as_json(column: str) -> str:
    """SQL of a column, or NULL where it is no JSON."""
    return f"case when json_valid({column}) then {column} end"


def intact(text: str) -> str:
    """SQL of the JSON value that a text is; one that is none stays none, so that it is refused.

    A text such as `1,"plan":"pro"` would else add members to the object that it is put into.
    """
    return f"case when json_valid({text}) then {text} else '?' || {text} end"


def quoted(text: str) -> str:
    """SQL of the JSON string that holds a text; NULL stays NULL."""
    return f"cast(to_json({text}) as varchar)"


def number(text: str) -> str:
    """SQL of the JSON number that a text is, or else of a JSON string; NULL stays NULL."""
    return f"case when regexp_full_match({text}, '{_NUMBER}') then {text} else {quoted(text)} end"


def boolean(text: str) -> str:
    """SQL of true or false, as a text or a digit says it, or else of a JSON string."""
    return (
        f"case lower({text}) when 'true' then 'true' when '1' then 'true' when 'false' then"
        f" 'false' when '0' then 'false' else {quoted(text)} end"
    )


def true_if(condition: str) -> str:
    """SQL of true where a condition holds; NULL elsewhere, so that the member is left out."""
    return f"case when {condition} then 'true' end"


def merged(own: str, extras: Mapping[str, str]) -> str:
    """SQL of a JSON object: a text's own members as they stand, then members that it lacks.

    The text is spliced, not read and written anew: nulls, long numbers and repeated keys stay, for
    the tracking plan and the refusals to see. What is no object stays as it is.

    Args:
        own: SQL of a text; NULL is an empty object.
        extras: SQL of a JSON value by name; NULL leaves the member out.
    """
    compact = "starts_with(own, '{') and ends_with(own, '}')"
    members = "case when len(names) > 0 then substr(own, 2, length(own) - 2) end"
    added = "".join(
        f", case when not list_contains(names, '{name}') then '\"{name}\":' || {sql} end"
        for name, sql in extras.items()
    )
    spliced = f"concat('{{', concat_ws(',', {members}{added}), '}}')"
    # JSON within braces is an object
    is_object = f"json_valid(own) and {compact}"
    trimmed = f"case when {compact} then own else trim(own, {_SPACE}) end"
    result = f"case when {is_object} then {_let('names', 'json_keys(own)', spliced)} else own end"
    return _let("own", f"coalesce({own}, '{{}}')", _let("own", trimmed, result))


def _let(name: str, value: str, result: str) -> str:
    """SQL over a name that stands for a value: it is computed once."""
    return f"list_transform([{value}], lambda {name}: {result})[1]"


def utc(text: str) -> str:
    """SQL of an instant's text, with Z behind it where it has no zone: the vendor writes UTC."""
    trimmed = f"regexp_replace(trim({text}), ' UTC$', 'Z')"
    is_zoneless = f"regexp_full_match({trimmed}, '{_ZONELESS}')"
    return f"case when {is_zoneless} then {trimmed} || 'Z' else {trimmed} end"
