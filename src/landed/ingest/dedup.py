"""Re-deliveries: the same id with the same content is a duplicate, with other content a conflict.

The same id means the same source and the same full id; the 64-bit hash only finds candidates.
The same content means equal typed columns (`Envelope.content_columns`), with properties compared
as JSON values: key order and spacing do not matter. The first delivery stays in the lake.

Two rows of an id are held against each other where their days are at most seven apart. A
re-delivery carries the time of the event, so it falls on the day of the first delivery however
late it comes; the window only bounds how far a *changed* time is still seen as a conflict. It is
the same within a batch and between two: how files were cut makes no difference.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..warehouse import Engine
from .envelope import Envelope
from .formats.records import int64s
from .storing import listed_in

WINDOW = timedelta(days=7)
#: What corrected times of two deliveries of one event may differ by. Seconds.
CORRECTED_TOLERANCE_SECONDS = 3600


def event_hash(id_column: str) -> str:
    """SQL of the 64-bit hash of an id within `$source`: quick, and the engine's own.

    An engine of another version may hash otherwise; the ledger keeps a probe to tell.
    """
    return f"hash($source || chr(31) || {id_column})"


def mark_repeats(
    engine: Engine,
    envelope: Envelope,
    source: str,
    history: Sequence[Path],
    *,
    has_hashes: bool = True,
) -> dict[str, int]:
    """Write `repeats(row_no, outcome)`: every row of `staged` that must not enter the lake.

    Args:
        engine: Holds the table `staged`.
        envelope: Columns of its kind.
        source: Name of the source; ids of another source are other ids.
        history: Lake files of the window.
        has_hashes: Whether their hashes are the engine's: one that hashes otherwise than the
            engine that wrote them reads the ids instead.

    Returns:
        Rows by outcome: duplicate, conflict.
    """
    digest = "event_hash" if has_hashes else event_hash(envelope.id_column)
    if not _find_candidates(engine, envelope, source, history, digest):
        engine.execute("create or replace temp table repeats (row_no bigint, outcome varchar)")
        return {"duplicate": 0, "conflict": 0}
    same = " and ".join(
        _same_time(envelope)
        if name == envelope.time_column and envelope.has_clock
        else f"s.{name} is not distinct from f.{name}"
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
        from firsts join gathered s using (row_no)
        join gathered f on f.row_no = firsts.first_row
        where firsts.row_no <> firsts.first_row
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
    engine: Engine, envelope: Envelope, source: str, history: Sequence[Path], digest: str
) -> int:
    """`gathered`: staged rows whose hash is not alone, and the lake's rows with such a hash, whose
    numbers are below 0; `firsts(row_no, first_row)`: which row each of them repeats, or itself.

    Returns:
        How many staged ones there are; without any neither table is made.
    """
    clock = ("clock_status",) if envelope.has_clock else ()
    id_column, time = envelope.id_column, envelope.time_column
    names = ", ".join((id_column, *envelope.content_columns, *clock))
    held = _files_with_hits(engine, source, history, digest)
    if held:
        engine.execute(
            f"""
            create or replace temp table known as
            select -row_number() over (order by {time} desc, {id_column}) as row_no,
                {digest} as event_hash, {names}
            from read_parquet({listed_in(held)}, hive_partitioning = false)
            where source = $source and {digest} in (select event_hash from staged)
            """,
            {"source": source},
        )
    counted = engine.one(
        f"""
        create or replace temp table gathered as
        select row_no, {names} from staged where event_hash in (
            select event_hash from staged group by event_hash having count(*) > 1
            {"union all select event_hash from known" if held else ""}
        )
        """
    )
    found = int(counted[0]) if counted else 0
    if not found:
        return 0
    if held:
        engine.execute("insert into gathered by name select * exclude (event_hash) from known")
    engine.execute(
        f"""
        create or replace temp table firsts as
        select row_no, {id_column} as id, cast({time} as date) as day,
            min(row_no) over same_id as first_row,
            max({time}::date) over same_id - min({time}::date) over same_id as days_apart
        from gathered window same_id as (partition by {id_column})
        """
    )
    _part_distant(engine)
    return found


def _part_distant(engine: Engine) -> None:
    """Of ids whose rows lie far apart, find which row each repeats: one by one, as few do."""
    rows = engine.rows(
        f"select id, row_no, day from firsts where days_apart > {WINDOW.days} order by id, row_no"
    )
    firsts: list[tuple[int, int]] = []
    for _, same_id in itertools.groupby(rows, key=lambda row: row[0]):
        stay: list[tuple[int, date]] = []
        for _, row_no, day in same_id:
            first = next((at for at, other in stay if abs(day - other) <= WINDOW), row_no)
            if first == row_no or row_no < 0:  # what is in the lake stays there
                stay.append((row_no, day))
                first = row_no
            firsts.append((row_no, first))
    if not firsts:
        return
    numbers = [np.array(column, dtype=np.int64) for column in zip(*firsts, strict=True)]
    parted = pa.table(dict(zip(("row_no", "first_row"), map(int64s, numbers), strict=True)))
    engine.register("parted", parted)
    engine.execute(
        "update firsts set first_row = parted.first_row from parted"
        " where firsts.row_no = parted.row_no"
    )
    engine.unregister("parted")


def _files_with_hits(
    engine: Engine, source: str, history: Sequence[Path], digest: str
) -> list[Path]:
    """Files that hold a hash of the batch: most hold none, and of those one column is read."""
    if not history:
        return []
    found = engine.rows(
        f"""
        select distinct filename
        from read_parquet({listed_in(history)}, hive_partitioning = false, filename = true)
        where source = $source and {digest} in (select event_hash from staged)
        """,
        {"source": source},
    )
    return sorted(Path(name) for (name,) in found)


def _same_time(envelope: Envelope) -> str:
    """SQL: the same time, or two that were corrected: a retry is sent later, by another skew."""
    time = envelope.time_column
    seconds = f"abs(epoch(s.{time}) - epoch(f.{time}))"
    return (
        f"(s.{time} is not distinct from f.{time} or (coalesce('corrected' in (s.clock_status,"
        f" f.clock_status), false) and {seconds} <= {CORRECTED_TOLERANCE_SECONDS}))"
    )


def _equal(one: str, other: str) -> bool:
    try:
        return bool(_value(one) == _value(other))
    except RecursionError:  # nested deeper than Python's stack, and the texts differ
        return False


def _value(text: str) -> Any:
    """The JSON value, with numbers exact: 9007199254740993 is not 9007199254740992."""
    return _tagged(json.loads(text, parse_float=Decimal, parse_int=Decimal))


def _tagged(value: Any) -> Any:
    if isinstance(value, bool):
        return ("boolean", value)  # else true would equal 1
    if isinstance(value, dict):
        return {key: _tagged(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tagged(inner) for inner in value]
    return value
