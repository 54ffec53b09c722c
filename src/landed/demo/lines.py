"""Columns to JSON lines, a day at a time, by joining columns of text in Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import design
from .columns import ANONYMOUS, KNOWN, Bools, Columns, Ints, Labelled, Property, mix
from .delivery import Delivered
from .voices import CHANNELS, THEMES, wording

_HEX = np.array([list(f"{number:02x}".encode()) for number in range(256)], np.uint8)
_SESSION_SALT = np.uint64(0x5E5510)
_FEEDBACK_SALT = np.uint64(0xFEEDBACC)


class LineWriter:
    """Builds the lines of one batch of users.

    Args:
        columns: The batch.
        delivered: How its events arrived, by kind.
        days: Length of the simulation. Days.
    """

    def __init__(self, columns: Columns, delivered: Mapping[str, Delivered], days: int) -> None:
        self.columns = columns
        self.delivered = delivered
        sessions = columns.sessions
        first = columns.first_user
        numbers = np.arange(len(sessions), dtype=np.uint64) + np.uint64(first << 32)
        visitors = int(-sessions.device.min(initial=0)) - first
        self._session_ids = _hex(mix(numbers ^ _SESSION_SALT))
        self._users = pa.array(
            [f'"u-{first + user:07d}"' for user in range(columns.users)] + ["null"]
        )
        self._devices = pa.array(
            [f'"a-{first + user:07d}"' for user in range(columns.users)]
            + [f'"v-{first + number:07d}"' for number in range(visitors)]
            + ["null"]
        )
        self._no_device = columns.users + visitors
        self._dates = pa.array(
            [f"{np.datetime64(design.STARTED_AT.date()) + day}T" for day in range(days + 1)]
        )
        seconds = range(86_400)
        self._clock = pa.array(
            [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}." for s in seconds]
        )
        self._milli = pa.array([f"{number:03d}Z" for number in range(1000)])
        self._versions = pa.array([f'"{version}"' for version in design.VERSIONS] + ["null"])
        self._contexts = pa.array(_contexts())

    def events(self, day: int) -> bytes:
        """All event lines of one day, in the order they were written."""
        parts = [
            (name, arrived, span)
            for name, arrived in self.delivered.items()
            if (span := arrived.on_day(day)).stop > span.start
        ]
        if not parts:
            return b""
        kinds = self.columns.kinds
        picked = [arrived.row[span] for _, arrived, span in parts]
        gathered = list(zip(parts, picked, strict=True))
        written = np.concatenate([arrived.written_at[span] for _, arrived, span in parts])
        order = np.argsort(written, kind="stable")

        def gather(column: str) -> Ints:
            values = [getattr(kinds[name], column)[rows] for (name, _, _), rows in gathered]
            ordered: Ints = np.concatenate(values)[order]
            return ordered

        at, user, session, identity = map(gather, ("at", "user", "session", "identity"))
        received = np.concatenate([arrived.received_at[span] for _, arrived, span in parts])[order]
        key = np.concatenate([arrived.key[span] for _, arrived, span in parts])[order]
        kind = np.repeat(np.arange(len(parts)), [len(rows) for rows in picked])[order]
        names = pa.array([f'","event_name":"{name}","occurred_at":"' for name, _, _ in parts])
        own = pa.concat_arrays(
            [_properties(kinds[name].properties, rows) for (name, _, _), rows in gathered]
        )
        lines = _join(
            '{"event_id":"',
            _hex(key),
            names.take(pa.array(kind)),
            *self._instant(at),
            '","received_at":"',
            *self._instant(received),
            '","user_id":',
            self._user(user, identity != ANONYMOUS),
            ',"anonymous_id":',
            self._device(session, identity != KNOWN),
            ',"session_id":',
            self._session(session),
            ',"app_version":',
            self._version(session),
            ',"properties":{',
            self._context(session),
            own.take(pa.array(order)),
            "}}\n",
        )
        return _text(lines)

    def feedback(self, first_day: int, last_day: int) -> bytes:
        """All feedback lines given from one day to another (left out), in order of time."""
        feedback, sessions = self.columns.feedback, self.columns.sessions
        start = design.START_MS + first_day * design.DAY_MS
        end = design.START_MS + last_day * design.DAY_MS
        mine = np.flatnonzero((feedback.at >= start) & (feedback.at < end))
        if not len(mine):
            return b""
        mine = mine[np.argsort(feedback.at[mine], kind="stable")]
        session, theme = feedback.session[mine], feedback.theme[mine]
        channel, rating = feedback.channel[mine], feedback.rating[mine]
        texts = pa.array(
            [wording(t, n) for t, n in zip(theme, feedback.wording[mine], strict=True)]
        )
        names = pa.array([f'","channel":"{name}","rating":' for name in CHANNELS])
        kinds = pa.array([f',"properties":{{"type":"{theme.kind}",' for theme in THEMES])
        ratings = pa.array(["null", *map(str, range(1, 6))])
        number = mine.astype(np.uint64) + np.uint64(self.columns.first_user << 32)
        lines = _join(
            '{"feedback_id":"',
            _hex(mix(number ^ _FEEDBACK_SALT)),
            '","given_at":"',
            *self._instant(feedback.at[mine]),
            '","user_id":',
            self._user(sessions.user[session], channel != CHANNELS.index("review")),
            ',"app_version":',
            self._version(session),
            ',"text":"',
            texts,
            names.take(pa.array(channel)),
            ratings.take(pa.array(rating)),
            kinds.take(pa.array(theme)),
            self._context(session),
            "}}\n",
        )
        return _text(lines)

    def _instant(self, at: Ints) -> tuple[Any, Any, Any]:
        since = at - design.START_MS
        second = since // 1000
        return (
            self._dates.take(pa.array(second // 86_400)),
            self._clock.take(pa.array(second % 86_400)),
            self._milli.take(pa.array(since % 1000)),
        )

    def _user(self, user: Ints, shown: Bools) -> Any:
        return self._users.take(pa.array(np.where(shown & (user >= 0), user, self.columns.users)))

    def _device(self, session: Ints, shown: Bools) -> Any:
        first, users = self.columns.first_user, self.columns.users
        device = self.columns.sessions.device[session]
        index = np.where(device >= 0, device - first, users - 1 - device - first)
        return self._devices.take(
            pa.array(np.where(shown & (session >= 0), index, self._no_device))
        )

    def _session(self, session: Ints) -> Any:
        ids = _join('"', self._session_ids.take(pa.array(np.maximum(session, 0))), '"')
        return pc.if_else(pa.array(session >= 0), ids, "null")

    def _version(self, session: Ints) -> Any:
        version = np.where(
            session >= 0, self.columns.sessions.version[session], len(design.VERSIONS)
        )
        return self._versions.take(pa.array(version))

    def _context(self, session: Ints) -> Any:
        sessions = self.columns.sessions
        code = sessions.platform[session] * len(design.COUNTRIES) + sessions.country[session]
        code = (code * len(design.PLANS) + sessions.plan[session]) * 2 + sessions.is_bot[session]
        return self._contexts.take(pa.array(np.where(session >= 0, code, len(self._contexts) - 1)))


def _contexts() -> list[str]:
    texts = [
        f'"platform":"{platform}","country":"{country}","plan":"{plan}"{bot}'
        for platform in design.PLATFORMS
        for country in design.COUNTRIES
        for plan in design.PLANS
        for bot in ("", ',"is_bot":true,"user_agent":"uptime-bot/1.2"')
    ]
    return [*texts, '"platform":"back_office"']


def _properties(properties: Mapping[str, Property], rows: Ints) -> Any:
    """`,"name":value` of all properties of a kind, one text a row."""
    if not properties:
        return pa.array([""]).take(pa.array(np.zeros(len(rows), np.int64)))
    pieces: list[Any] = []
    for name, column in properties.items():
        if isinstance(column, Labelled):
            texts = [f',"{name}":{orjson.dumps(label).decode()}' for label in column.labels]
            pieces.append(pa.array(texts).take(pa.array(column.codes[rows])))
        elif column.dtype == np.bool_:
            pair = pa.array([f',"{name}":false', f',"{name}":true'])
            pieces.append(pair.take(pa.array(column[rows].astype(np.int64))))
        else:
            pieces += [f',"{name}":', pa.array(column[rows]).cast(pa.string())]
    return _join(*pieces)


def _join(*pieces: Any) -> Any:
    return pc.binary_join_element_wise(*pieces, "")


def _text(lines: Any) -> bytes:
    """The text of all lines: an Arrow column of strings is one buffer of them."""
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32, len(lines) + 1, lines.offset * 4)
    return memoryview(data)[int(ends[0]) : int(ends[-1])].tobytes()


def _hex(numbers: NDArray[np.uint64]) -> Any:
    """64-bit numbers as text of 16 hexadecimal digits."""
    digits = _HEX[numbers.astype(">u8").view(np.uint8)].tobytes()
    ends = np.arange(0, 16 * (len(numbers) + 1), 16, dtype=np.int32)
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(digits))
