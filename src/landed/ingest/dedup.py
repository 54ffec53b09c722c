"""Re-deliveries: the same id with the same content is a duplicate, with other content a conflict.

The same id means the same source and the same full id; the 64-bit hash only finds candidates.
The same content means equal typed columns (`Envelope.content_columns`), with properties compared
as JSON values: key order and spacing do not matter. The first delivery stays in the lake.

A batch is held against the lake's days from seven before its first to seven after its last. A
re-delivery carries the time of the event, so it falls on the day of the first delivery however
late it comes; the window only bounds how far a *changed* time is still seen as a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..warehouse import Engine
from .envelope import Envelope

WINDOW = timedelta(days=7)


def mark_repeats(
    engine: Engine, envelope: Envelope, source: str, history: Sequence[Path]
) -> dict[str, int]:
    """Write `repeats(row_no, outcome)`: every row of `staged` that must not enter the lake.

    Args:
        engine: Holds the table `staged`.
        envelope: Columns of its kind.
        source: Name of the source; ids of another source are other ids.
        history: Lake files of the window.

    Returns:
        Rows by outcome: duplicate, conflict.
    """
    _find_candidates(engine, envelope, source, history)
    same = " and ".join(
        f"s.{name} is not distinct from f.{name}"
        for name in envelope.content_columns
        if name != "properties"
    )
    engine.execute(
        f"""
        create or replace temp table repeats as
        select s.row_no,
            case when not ({same}) then 'conflict'
                when s.properties = f.properties then 'duplicate' else 'look' end as outcome,
            s.properties as given, f.properties as first_properties
        from candidates s join firsts f using ({envelope.id_column})
        where s.row_no <> f.row_no
        """
    )
    looks = engine.rows(
        "select row_no, given, first_properties from repeats where outcome = 'look'"
    )
    if looks:
        outcomes = ["duplicate" if _equal(one, other) else "conflict" for _, one, other in looks]
        table = pa.table(
            {"row_no": pa.array([row[0] for row in looks], pa.int64()), "outcome": outcomes}
        )
        engine.register("looked", table)
        engine.execute(
            "update repeats set outcome = looked.outcome from looked"
            " where repeats.row_no = looked.row_no"
        )
        engine.unregister("looked")
    counted = dict(engine.rows("select outcome, count(*) from repeats group by outcome"))
    return {name: int(counted.get(name, 0)) for name in ("duplicate", "conflict")}


def _find_candidates(
    engine: Engine, envelope: Envelope, source: str, history: Sequence[Path]
) -> None:
    """`candidates`: staged rows whose hash is not alone; `firsts`: the first row of each id."""
    names = ", ".join((envelope.id_column, *envelope.content_columns))
    engine.execute(
        f"create or replace temp table known as"
        f" select cast(-1 as bigint) as row_no, event_hash, {names} from staged where false"
    )
    if history:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in history)
        engine.execute(
            f"""
            insert into known by name
            select -1 as row_no, event_hash, {names}
            from read_parquet([{files}], hive_partitioning = false)
            where source = ? and event_hash in (select event_hash from staged)
            """,
            [source],
        )
    engine.execute(
        f"""
        create or replace temp table candidates as
        select row_no, event_hash, {names} from staged where event_hash in (
            select event_hash from staged group by event_hash having count(*) > 1
            union all select event_hash from known
        )
        """
    )
    engine.execute(
        f"""
        create or replace temp table firsts as
        select * from (select * from known union all by name select * from candidates)
        qualify row_number() over (partition by {envelope.id_column} order by row_no) = 1
        """
    )


def _equal(one: str, other: str) -> bool:
    return bool(_value(one) == _value(other))


def _value(text: str) -> Any:
    """The JSON value, with numbers exact: 9007199254740993 is not 9007199254740992."""
    return _tagged(json.loads(text, parse_float=Decimal))


def _tagged(value: Any) -> Any:
    if isinstance(value, bool):
        return ("boolean", value)  # else true would equal 1
    if isinstance(value, dict):
        return {key: _tagged(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tagged(inner) for inner in value]
    return value
