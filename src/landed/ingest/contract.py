"""What a relation promised, held against its rows in the engine: columns, types and grain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..warehouse import Engine

#: Rows or values that a message shows.
_EXAMPLES = 3
#: Types that round or cut what does not fit, and the wider one in which that shows.
_WIDER = (
    (re.compile(r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)"), "decimal(38, 9)"),
    (re.compile(r"DECIMAL.*"), "decimal(38, 12)"),
    (re.compile(r"DATE"), "timestamp"),
)
_NUMBERS = re.compile(r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)")

Violation = tuple[str, str, str]  # what, expected, fix


def violations(
    engine: Engine,
    relation: str,
    *,
    grain: Sequence[str],
    columns: Mapping[str, str],
    has: Mapping[str, str],
    wanted: Mapping[str, str],
) -> list[Violation]:
    """Everything that breaks the contract, at once.

    Args:
        engine: Holds the relation.
        relation: Its name there.
        grain: Columns of which there must be one row each, none of them NULL.
        columns: Declared SQL type by column.
        has: SQL type by column that it has.
        wanted: SQL type by lower-case column that it is cast to.
    """
    known = {name.lower() for name in has}
    absent = [name for name in dict.fromkeys((*columns, *grain)) if name.lower() not in known]
    found: list[Violation] = []
    if absent:
        found.append(
            (f"no column {', '.join(absent)}", f"columns among {', '.join(has)}",
             "correct `columns` and `grain`, or the table.")
        )  # fmt: skip
    found += _casts(engine, relation, has, wanted)
    keys = [name for name in grain if name.lower() in known]
    if len(keys) == len(grain):
        found += _grain(engine, relation, keys)
    return found


def cast_columns(has: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """The columns of a select, each of its type, in the relation's order."""
    parts = []
    for name in has:
        kind = wanted.get(name.lower())
        column = quoted(name)
        parts.append(f"cast({column} as {kind}) as {column}" if kind else column)
    return ", ".join(parts)


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _casts(
    engine: Engine, relation: str, has: Mapping[str, str], wanted: Mapping[str, str]
) -> list[Violation]:
    misfits: dict[str, str] = {}
    for name, kind in has.items():
        if name.lower() not in wanted:
            continue
        asked = wanted[name.lower()]
        row = engine.one(f"select typeof(cast(null as {asked}))")
        real = str(row[0]) if row else asked
        if real == kind:
            continue
        misfits[name] = _misfit(quoted(name), kind, real, asked)
    if not misfits:
        return []
    counts = ", ".join(f"count(*) filter (where {sql})" for sql in misfits.values())
    counted = engine.one(f"select count(*), {counts} from {relation}") or (0,)
    found: list[Violation] = []
    for (name, sql), rows in zip(misfits.items(), counted[1:], strict=True):
        if not rows:
            continue
        shown = engine.rows(
            f"select distinct left(cast({quoted(name)} as varchar), 40) as value from {relation}"
            f" where {sql} order by value limit {_EXAMPLES}"
        )
        examples = ", ".join(repr(value) for (value,) in shown)
        found.append(
            (f"{rows:,} of {counted[0]:,} values of {name} do not fit {wanted[name.lower()]},"
             f" e.g. {examples}", f"{name} {wanted[name.lower()]} without loss",
             "correct the values, or declare a type that holds them.")
        )  # fmt: skip
    return found


def _misfit(column: str, kind: str, real: str, asked: str) -> str:
    """SQL that holds where a cast fails, rounds or cuts."""
    cast = f"try_cast({column} as {asked})"
    fails = f"{column} is not null and {cast} is null"
    for pattern, wider in _WIDER:
        if pattern.fullmatch(real):
            wide = f"try_cast({column} as {wider})"
            return f"({fails}) or {wide} is distinct from try_cast({cast} as {wider})"
    if _NUMBERS.fullmatch(kind) and real in ("FLOAT", "DOUBLE"):
        return f"({fails}) or try_cast({cast} as {kind}) is distinct from {column}"
    return fails


def _grain(engine: Engine, relation: str, grain: Sequence[str]) -> list[Violation]:
    names = ", ".join(quoted(name) for name in grain)
    shown = ", ".join(grain)
    empty = " or ".join(f"{quoted(name)} is null" for name in grain)
    found: list[Violation] = []
    row = engine.one(f"select count(*) filter (where {empty}) from {relation}")
    if row and row[0]:
        found.append(
            (f"{row[0]:,} rows lack a value of {shown}", f"one row per {shown}",
             "leave such rows out where the table is made, or correct `grain`.")
        )  # fmt: skip
    engine.execute(
        f"create or replace temp table repeated as select {names}, count(*) as _rows"
        f" from {relation} where not ({empty}) group by {names} having count(*) > 1"
    )
    row = engine.one("select count(*), sum(_rows) from repeated")
    if row and row[0]:
        texts = ", ".join(f"cast({quoted(name)} as varchar)" for name in grain)
        rows = engine.rows(f"select {texts}, _rows from repeated order by all limit {_EXAMPLES}")
        examples = ", ".join(
            f"({', '.join(str(value) for value in values)}) {count:,} times"
            for *values, count in rows
        )
        found.append(
            (f"{row[0]:,} values of {shown} stand in {row[1]:,} rows, e.g. {examples}",
             f"one row per {shown}", "remove the repeats where the table is made, or correct"
             " `grain`.")
        )  # fmt: skip
    return found
