"""Conditions as small trees: written as text for the catalog, judged row by row by the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Condition = tuple[Any, ...]  # ("=", name, value), ("in", name, [values]), ("and", left, right) …
JOINED = ("and", "or")


def judged(condition: Condition, look: Callable[[str], Any]) -> bool | None:
    """Whether a row fulfils a condition; None where that is not known."""
    word = condition[0]
    if word in JOINED:
        parts = [judged(one, look) for one in condition[1:]]
        decisive = word == "or"
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if word == "not":
        inner = judged(condition[1], look)
        return None if inner is None else not inner
    value = look(condition[1])
    if word == "is null":
        return value is None
    if word == "is not null":
        return value is not None
    if value is None:
        return None
    wanted = condition[2]
    if word in ("in", "not in"):
        return (value in wanted) == (word == "in")
    if word == "between":
        return bool(_like(value, wanted) <= value <= _like(value, condition[3]))
    wanted = _like(value, wanted)
    return {
        "=": value == wanted,
        "<>": value != wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }[word]


def names(condition: Condition) -> Iterator[str]:
    """Every name that a condition looks at."""
    if condition[0] in (*JOINED, "not"):
        for one in condition[1:]:
            yield from names(one)
    else:
        yield condition[1]


def written(condition: Condition, name: Callable[[str], str]) -> str:
    """The condition as text; `name` writes what it looks at."""
    word = condition[0]
    if word in JOINED:
        return "(" + f" {word} ".join(written(one, name) for one in condition[1:]) + ")"
    if word == "not":
        return f"not ({written(condition[1], name)})"
    left = name(condition[1])
    if word.startswith("is"):
        return f"{left} {word}"
    if word in ("in", "not in"):
        return f"{left} {word} ({', '.join(_literal(one) for one in condition[2])})"
    if word == "between":
        return f"{left} between {_literal(condition[2])} and {_literal(condition[3])}"
    return f"{left} {word} {_literal(condition[2])}"


def as_template(name: str) -> str:
    """A name as the conditions of definitions write it."""
    entity, _, grain = name.partition("@")
    if grain == "entity":
        return f"{{{{ Entity('{entity}') }}}}"
    if grain:
        return f"{{{{ TimeDimension('{entity}', '{grain}') }}}}"
    path = name.split("__")[:-2]  # dbt takes the last entity alone in the name
    more = f", entity_path={path}" if path else ""
    return f"{{{{ Dimension('{'__'.join(name.split('__')[-2:])}'{more}) }}}}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return f"'{value}'"


def _like(value: Any, wanted: Any) -> Any:
    """A day compared with an instant is its midnight."""
    if isinstance(value, datetime) and isinstance(wanted, str):
        return datetime.fromisoformat(wanted)
    if (
        isinstance(value, datetime)
        and isinstance(wanted, date)
        and not isinstance(wanted, datetime)
    ):
        return datetime(wanted.year, wanted.month, wanted.day)  # noqa: DTZ001 - marts hold naive UTC
    return wanted
