"""Forms: the text that most JSON records of a source are, but for their values.

Machines write their records alike: the same keys in the same order, without a space. A record that
is, byte for byte, such a form filled with the values that were extracted from it holds each key
once, nothing else, and no escape; so it need not be parsed again for its keys, nor searched for
what is no JSON. Where records differ from their form nothing is lost but this short cut.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .selection import BARRIER, GIVEN_ID, ROW, Selection, first_of, folded

#: Records that are looked at, share of them that makes a form, and most forms held side by side.
SAMPLE = 200
LEAST_SHARE = 0.2
MOST_FORMS = 2
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_$. -]{1,100}")
_MOST_KEYS = 60
_SCALAR = r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?|true|false"
_NUMBER = r"-?(?:[0-9.]{20}|[0-9.]+[eE]|[nN][aA]|[iI][nN])"


@dataclass(frozen=True, slots=True)
class Form:
    """One form.

    Args:
        keys: Keys in their order, with what their values are: text, text or null, nested, scalar.
        end: What follows the closing brace: the end of the line.
    """

    keys: tuple[tuple[str, str], ...]
    end: str

    def sql(self, places: dict[str, int]) -> str:
        """SQL that holds where `raw` is this form filled with the values `_1`, `_2` …

        Args:
            places: Number of each key's value, from 1.
        """
        parts: list[str] = []
        conditions: list[str] = []
        text = "{"
        for at, (key, kind) in enumerate(self.keys):
            value = f"_{places[key]}"
            text += f'{"," if at else ""}"{key}":'
            if kind == "text":  # concat takes NULL for empty text, and that is not in the record
                parts += [_literal(f'{text}"'), value]
                text = '"'
                continue
            if kind == "text or null":
                quoted = f"concat('\"', {value}, '\"')"
                filled = f"case when {value} is null then 'null' else {quoted} end"
            else:
                filled = f"coalesce({value}, 'null')"
            if kind == "nested":
                # a bare NaN in its place has no mark before it that the patterns look for
                begins = f"(starts_with({value}, '{{') or starts_with({value}, '['))"
                nested = f"{begins} and not {_odd_number(value)}"
                conditions.append(f"coalesce({nested}, true)")
            elif kind == "scalar":
                conditions.append(f"coalesce(regexp_full_match({value}, '{_SCALAR}'), true)")
            parts += [_literal(text), filled]
            text = ""
        parts.append(_literal(text + "}" + self.end))
        # `||` would copy the growing text once a value
        return " and ".join([f"raw = concat({', '.join(parts)})", *conditions])


def learned(sample: Iterable[str]) -> tuple[Form, ...]:
    """The commonest forms of some records.

    Args:
        sample: Records as they stand, with the ends of their lines.
    """
    counted: Counter[tuple[tuple[str, ...], str]] = Counter()
    values: dict[tuple[str, ...], dict[str, list[Any]]] = {}
    total = 0
    for text in sample:
        total += 1
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            continue  # the careful way will say what is wrong with it
        if not isinstance(record, dict) or not 0 < len(record) <= _MOST_KEYS:
            continue
        keys = tuple(record)
        if not all(_PLAIN_KEY.fullmatch(key) for key in keys):
            continue
        counted[keys, text[len(text.rstrip("\r\n")) :]] += 1
        seen = values.setdefault(keys, {})
        for key, value in record.items():
            seen.setdefault(key, []).append(value)
    return tuple(
        Form(tuple((key, _kind(values[keys][key])) for key in keys), end)
        for (keys, end), count in counted.most_common(MOST_FORMS)
        if count >= total * LEAST_SHARE
    )


def formed(forms: Sequence[Form], selection: Selection, records: str, *, is_sure: bool) -> str:
    """SQL of the relation `raw` over the records that are one of the forms.

    Args:
        forms: The forms.
        selection: What needs the columns.
        records: SQL of a relation of `_row` and `raw`.
        is_sure: Whether every `raw` is taken for JSON, and the query fails where one is none.
    """
    keys = list(dict.fromkeys(key for form in forms for key, _ in form.keys))
    places = {key: at for at, key in enumerate(keys, start=1)}
    paths = ", ".join(_literal("/" + key) for key in keys)
    spelled: dict[str, list[int]] = {}
    for key in keys:
        name = folded(key)
        if name not in (ROW, GIVEN_ID) and (selection.takes_all or name in selection.names):
            spelled.setdefault(name, []).append(places[key])
    fields = "".join(
        f", {first_of([f'_{at}' for at in found])} as {_name(keys[found[0] - 1])}"
        for found in spelled.values()
    )
    missing = sorted(selection.names - set(spelled) - {ROW})
    fields += "".join(f", cast(null as varchar) as {_name(name)}" for name in missing)
    is_formed = " or ".join(f"({form.sql(places)})" for form in forms)
    value = f"json_extract_string(raw, [{paths}])"
    value = value if is_sure else f"try({value})"
    # taken out of their list once, below the filter: it and what follows name each several times
    values = ", ".join(f"v[{at}] as _{at}" for at in places.values())
    return (
        f"select {ROW}{fields} from (select {ROW}, raw, {values}, {BARRIER}"
        f" from (select {ROW}, raw, {value} as v from ({records})))"
        f" where case when _barrier < 0 then false else {is_formed} end"
    )


def _kind(values: list[Any]) -> str:
    found = [value for value in values if value is not None]
    if any(isinstance(value, dict | list) for value in found):
        return "nested"
    if any(not isinstance(value, str) for value in found):
        return "scalar"
    return "text" if len(found) == len(values) else "text or null"


def _odd_number(value: str) -> str:
    """SQL: a value of JSON without spaces holds NaN, an infinity or a number of many digits."""
    in_list = " or ".join(f"regexp_matches({value}, '{mark}{_NUMBER}')" for mark in (",", r"\["))
    return f"(regexp_matches({value}, ':{_NUMBER}') or (contains({value}, '[') and ({in_list})))"


def _literal(text: str) -> str:
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted.replace("\r", "' || chr(13) || '").replace("\n", "' || chr(10) || '")


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
