"""The data of the ingest benchmark: seeded events as JSON Lines, written once and kept.

Every value of a line is a function of (seed, day, number of the event), so that two runs, any
number of threads and any number of days give the same bytes.

Shape: users by a power law (one tenth as many as lines; the first tenth of them makes 46 % of the
sessions), sessions of six events on average, 12 event names, six properties an event, lines in the
order of their receipt. Of the lines 1 % repeat an event with another time of receipt; a fifth of
these repeat one of the day before, as a client does that was offline over midnight.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

import duckdb
import numpy as np
import pyarrow as pa

#: UTC day of the first events. A Monday, and long past: no row is in the ingest's future.
FIRST_DAY = date(2025, 6, 2)
#: Change it with anything that changes a byte: what is kept under another number is not read.
VERSION = 1
#: One line in so many repeats an event.
REPEATS = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """What is generated.

    Args:
        events: Lines of all days together. Count.
        days: UTC days they are spread over evenly. Count.
        seed: Another seed gives other events.
        late: Share of a day's lines whose event happened one to three days earlier.
        users: People; None for one tenth of the lines. Count.
    """

    events: int
    days: int = 28
    seed: int = 7
    late: float = 0.0
    users: int | None = None

    @property
    def people(self) -> int:
        """People behind the events. Count."""
        return self.users or max(self.events // 10, 1)

    def lines(self, day: int) -> int:
        """Lines received on a day, 0 for the first."""
        return self.events * (day + 1) // self.days - self.events * day // self.days

    @property
    def name(self) -> str:
        """Names its files."""
        late = f"_late{self.late:g}" if self.late else ""
        return (
            f"v{VERSION}_n{self.events}_d{self.days}_s{self.seed}_u{self.people}{late}"
            f"_duckdb{duckdb.__version__}"
        )


def one_file(folder: Path, shape: Shape, *, packed: bool) -> Path:
    """All days in one file; written where it is not there yet.

    Args:
        folder: Where files are kept.
        shape: What to generate.
        packed: Whether it is gzip at level 6.
    """
    path = folder / f"{shape.name}.jsonl{'.gz' if packed else ''}"
    if not path.exists():
        _write(path, (part for day in range(shape.days) for part in _day(shape, day)))
    return path


def daily_files(
    folder: Path, shape: Shape, *, packed: bool = True, days: range | None = None
) -> list[Path]:
    """One file a day; written where it is not there yet.

    Args:
        folder: Where files are kept.
        shape: What to generate.
        packed: Whether they are gzip at level 6.
        days: Which of the days; None for all.
    """
    found = []
    for day in days or range(shape.days):
        name = f"{on(day):%Y-%m-%d}.jsonl{'.gz' if packed else ''}"
        path = folder / shape.name / name
        if not path.exists():
            _write(path, _day(shape, day))
        found.append(path)
    return found


def on(day: int) -> date:
    """UTC day by its number."""
    return FIRST_DAY + timedelta(days=day)


def _write(path: Path, parts: Iterator[memoryview]) -> None:
    """Under another name until it is whole: a file that is there is finished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with _Packed(aside) if path.suffix == ".gz" else aside.open("wb") as file:
        for part in parts:
            file.write(part)
    aside.replace(path)


class _Packed:
    """gzip level 6 as the program writes it; `gzip.open` would copy and stamp the time."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._packer = zlib.compressobj(6, zlib.DEFLATED, 31)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.write(self._packer.flush())
        self._file.close()

    def write(self, part: memoryview) -> None:
        self._file.write(self._packer.compress(part))


def _day(shape: Shape, day: int) -> Iterator[memoryview]:
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": True}) as engine:
        engine.execute("set TimeZone = 'UTC'")
        for batch in engine.sql(_sql(shape, day)).to_arrow_reader(65_536):
            yield _bytes(batch.column(0))


def _bytes(lines: pa.Array) -> memoryview:
    """The text of all values without a copy: they stand one after the other."""
    _, ends, text = lines.buffers()
    where = np.frombuffer(ends, np.int64 if lines.type == pa.large_string() else np.int32)
    return memoryview(text)[where[lines.offset] : where[lines.offset + len(lines)]]


def _sql(shape: Shape, day: int) -> str:
    """Lines received on a day, in that order, each with its newline."""
    count = shape.lines(day)
    repeats = count // REPEATS
    firsts = count - repeats
    before = shape.lines(day - 1) - shape.lines(day - 1) // REPEATS if day else 0
    start = int(datetime.combine(on(day), datetime.min.time(), UTC).timestamp()) * 1000
    seed = shape.seed

    def draw(what: str, *of: str) -> str:
        return f"(hash({', '.join((str(seed), repr(what), *of))}) >> 11)::bigint"

    def part(what: str, *of: str) -> str:
        return f"({draw(what, *of)} / 9007199254740992.0)"  # 2^53: from 0 to under 1

    late_below = int(shape.late * 1_000_000)
    return f"""
    with numbered as (
        select {day} as of_day, range as i, 0 as again from range({firsts})
        union all
        -- every fifth repeats one of the day before, where there is one
        select if({before} > 0 and range % 5 = 0, {day - 1}, {day}),
            if({before} > 0 and range % 5 = 0,
                {draw("old", str(day), "range")} % {max(before, 1)},
                {draw("same", str(day), "range")} % {max(firsts, 1)})::bigint,
            range + 1
        from range({repeats})
    ),
    in_session as (
        -- twelve events are two sessions: one of 1 to 11, and the rest
        select *, i // 12 as pair, i % 12 as place,
            1 + {draw("cut", "of_day", "i // 12")} % 11 as cut
        from numbered
    ),
    placed as (
        select *, pair * 2 + (place >= cut)::bigint as session,
            if(place >= cut, place - cut, place) as step
        from in_session
    ),
    people as (
        select *, floor({shape.people} * {part("who", "of_day", "session")} ** 3)::bigint as person,
            {draw("start", "of_day", "session")} % 84600000 as start_ms,
            {draw("what", "of_day", "i")} as what, {draw("value", "of_day", "i")} as value,
            md5(concat_ws('-', {seed}, of_day, i)) as event_id
        from placed
    ),
    timed as (
        select *, {draw("device", "person")} as device,
            {start} + (of_day - {day}) * 86400000::bigint + start_ms::bigint + step * 140000
                + (what % 130000)::bigint
                - if({draw("late", "of_day", "i")} % 1000000 < {late_below},
                    1 + {draw("by", "of_day", "i")} % 3, 0)::bigint * 86400000 as occurred_ms,
            -- most arrive within seconds; a repeat minutes later, or the next morning
            {start} + start_ms::bigint + step * 140000 + (what % 130000)::bigint
                + 40 + (-400 * ln(1 - {part("lag", "of_day", "i", "again")}))::bigint
                + if(again > 0, 30000 + (value % 400000)::bigint, 0) as received_ms
        from people
    )
    select concat(
        '{{"event_id":"', event_id,
        '","event_name":"', if(step = 0, 'session_started', ['page_view', 'page_view', 'page_view',
            'screen_view', 'screen_view', 'search', 'search', 'item_viewed', 'item_viewed',
            'item_added', 'item_removed', 'checkout_started', 'order_completed', 'message_sent',
            'file_uploaded', 'setting_changed'][1 + what % 16]),
        '","occurred_at":"', strftime(make_timestamp_ms(occurred_ms), '%Y-%m-%dT%H:%M:%S.%gZ'),
        '","received_at":"', strftime(make_timestamp_ms(received_ms), '%Y-%m-%dT%H:%M:%S.%gZ'),
        -- a third of the sessions is not signed in
        if({draw("in", "of_day", "session")} % 3 = 0, '","user_id":null,',
            concat('","user_id":"u', person, '",')),
        '"anonymous_id":"', 'a', lpad(person::varchar, 8, '0'),
        '","session_id":"', left(md5(concat_ws('s', {seed}, of_day, session)), 10),
        '","app_version":"', ['4.9.0', '4.9.1', '4.10.0', '4.10.2', '5.0.0'][1 + device % 5],
        '","properties":{{"page":"', ['/', '/pricing', '/docs', '/cart', '/home', '/settings'][
            1 + value % 6],
        '","country":"', ['DE', 'FR', 'US', 'GB', 'IN', 'BR', 'JP', 'PL'][1 + device % 8],
        '","platform":"', ['web', 'ios', 'android'][1 + device % 3],
        if(step = 0, concat('","plan":"', ['free', 'team'][1 + device % 2], '","variant":"',
            ['control', 'ranked'][1 + device // 2 % 2], '"'),
            concat('","usd":', (value % 20000) / 100.0, ',"ms":', 20 + (value % 9001) / 10.0)),
        ',"n":', 1 + value % 5, '}}}}', chr(10))
    from timed order by received_ms, event_id, again
    """


def main() -> None:
    """Write a file by hand: python -m benchmarks.ingest_data '{"events": 1000}' folder."""
    shape = Shape(**json.loads(sys.argv[1]))
    for packed in (True, False):
        path = one_file(Path(sys.argv[2]), shape, packed=packed)
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
