"""SQL over what people wrote and over the names of things, for feedback and releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SPACE = "' ' || chr(9) || chr(10) || chr(13)"
#: Elements of HTML after which text goes on in another line.
_BLOCKS = r"<br ?/?>|</(p|div|li|ul|ol|h[1-6]|tr|pre|blockquote)>"
_ENTITIES = {"&nbsp;": "' '", "&lt;": "'<'", "&gt;": "'>'", "&quot;": "chr(34)", "&#39;": "chr(39)"}


def lines(parts: Sequence[str]) -> str:
    """SQL of texts, one below the other; empty ones are left out."""
    return f"concat_ws(chr(10), {', '.join(trimmed(part) for part in parts)})"


def trimmed(text: str) -> str:
    """SQL of a text without spaces and line breaks around it; NULL where nothing is left."""
    return f"nullif(trim({text}, {_SPACE}), '')"


def from_html(text: str) -> str:
    """SQL of the text that a fragment of HTML shows: tags taken off, character references read."""
    broken = f"regexp_replace({text}, '{_BLOCKS}', chr(10), 'gi')"
    return unescaped(f"regexp_replace({broken}, '<[^>]*>', '', 'g')", _ENTITIES)


def unescaped(text: str, entities: Mapping[str, str]) -> str:
    """SQL of a text with character references read.

    Args:
        text: SQL of the text.
        entities: SQL of the character by reference; `&amp;` is read too, last.
    """
    for reference, character in {**entities, "&amp;": "'&'"}.items():
        text = f"replace({text}, '{reference}', {character})"
    return text


def made(members: Mapping[str, str]) -> str:
    """SQL of a JSON object.

    Args:
        members: SQL of a JSON text by name; NULL leaves the member out.
    """
    parts = ", ".join(f"'\"{name}\":' || {sql}" for name, sql in members.items())
    return f"concat('{{', concat_ws(',', {parts}), '}}')"


def repository(url: str) -> str:
    """SQL of `owner/name` within an address of GitHub's API; NULL where there is none."""
    return f"nullif(regexp_extract({url}, '/repos/([^/]+/[^/]+)', 1), '')"


def names(list_: str) -> str:
    """SQL of the JSON list of the names of objects; NULL where there are none.

    Args:
        list_: SQL of a JSON list of objects with a `name`.
    """
    found = f"json_extract_string({list_}, '$[*].name')"
    return f"case when len({found}) > 0 then cast(to_json({found}) as varchar) end"
