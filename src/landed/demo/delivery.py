"""How events reach the landing folder: late, twice, or broken, as from any real client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import design
from .columns import Columns, Ints, mix, stream

_LATE_SHARE = 0.008  # phones without a network
_DUPLICATE_EVERY = 331  # one line in 331 is sent again: 0.3 %
_EVENT_KEYS = 1 << 32  # ids of one batch of users; a batch has far fewer events


@dataclass(frozen=True, slots=True)
class Delivered:
    """The lines of one kind, sorted by when they were written to a file.

    Args:
        row: Which of the kind's rows; an index that comes twice is a duplicate; (m,).
        key: Number behind the event's id, unique in the whole product; (m,).
        received_at: Milliseconds since the epoch; (m,).
        written_at: Milliseconds since the epoch, ascending; (m,).
        duplicates: Count of lines sent again.
        late: Count of events that arrived six hours late or more.
    """

    row: Ints
    key: NDArray[np.uint64]
    received_at: Ints
    written_at: Ints
    duplicates: int
    late: int

    def on_day(self, day: int) -> slice:
        """Lines written on one day. Day 0 is the first."""
        start = design.START_MS + day * design.DAY_MS
        low, high = np.searchsorted(self.written_at, (start, start + design.DAY_MS))
        return slice(int(low), int(high))


def deliver(columns: Columns, days: int, seed: int) -> Mapping[str, Delivered]:
    """Decide when each event arrives, and which arrive twice.

    What would arrive after the last day is lost, as it would be for any reader at that time.

    Args:
        columns: One batch.
        days: Length of the simulation. Days.
        seed: The demo's seed; >= 0.
    """
    end = design.START_MS + days * design.DAY_MS
    salt = mix(np.array([seed], np.uint64))[0]
    base = np.uint64(columns.first_user) * np.uint64(_EVENT_KEYS)
    found = {}
    taken = 0
    for name, rows in columns.kinds.items():
        rng = stream(seed, columns.first_user, f"delivery {name}")
        key = mix((base + np.arange(taken, taken + len(rows), dtype=np.uint64)) ^ salt)
        taken += len(rows)
        is_late = (rng.random(len(rows)) < _LATE_SHARE) & (rows.session >= 0)
        wait = 150 + rng.exponential(2_500, len(rows))
        offline = rng.uniform(design.DAY_MS / 4, 2 * design.DAY_MS, len(rows))
        received = rows.at + (wait + np.where(is_late, offline, 0.0)).astype(np.int64)
        again = np.flatnonzero(key % np.uint64(_DUPLICATE_EVERY) == 0)
        retry = rng.exponential(design.DAY_MS / 8, len(again)).astype(np.int64)
        row = np.concatenate([np.arange(len(rows)), again])
        written = np.concatenate([received, received[again] + 1 + retry])
        inside = (written < end) & (rows.at[row] >= design.START_MS)
        row, written = row[inside], written[inside]
        order = np.argsort(written, kind="stable")
        row = row[order]
        found[name] = Delivered(
            row=row,
            key=key[row],
            received_at=received[row],
            written_at=written[order],
            duplicates=len(row) - len(np.unique(row)),
            late=int(is_late[np.unique(row)].sum()),
        )
    return found


def broken_lines(day: int) -> tuple[str, ...]:
    """Lines that no reader should accept; a few in the whole simulation.

    Args:
        day: Day of the file; 0 is the first.
    """
    on = f"{np.datetime64(design.STARTED_AT.date()) + day}"
    properties = '"properties":{"platform":"web","country":"US","plan":"free"}'
    task = properties.replace("}", ',"is_assigned":false}')
    if day % 12 == 5:  # an upload that was cut
        return (f'{{"event_id":"cut{day:013d}","event_name":"page_viewed","occurred_at":"{on}T1\n',)
    if day % 12 == 8:  # an early build of an importer forgot the name
        return (
            f'{{"event_id":"nameless{day:08d}","occurred_at":"{on}T11:00:00.000Z",'
            f'"user_id":"u-0000001",{properties}}}\n',
        )
    if day % 24 == 18:  # somebody's script
        return (
            f'{{"event_id":"script{day:010d}","event_name":"task_created",'
            f'"occurred_at":"yesterday","user_id":"u-0000002",{task}}}\n',
            "TRUNCATED\n",
        )
    return ()
