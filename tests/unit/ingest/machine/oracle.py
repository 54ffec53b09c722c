"""What ingest must make of files, in plain Python: no SQL, no code of landed.

Two sources. `app`: JSON Lines by the envelope's names, times in UTC. `berlin`: CSV of local times.
Records come in the order of the files' names within one ingest; the first delivery of an id stays.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

NOW = datetime(2026, 11, 22)  # noqa: DTZ001 - all times here are UTC without saying so
FIRST = datetime(1970, 1, 1)  # noqa: DTZ001
CLOCK_TOLERANCE = timedelta(seconds=60)
SAME_WHEN_CORRECTED = timedelta(hours=1)
MOST_AHEAD = timedelta(days=1)
ZONES = {"app": UTC, "berlin": ZoneInfo("Europe/Berlin")}
OUTCOMES = ("rows_in", "accepted", "duplicate", "conflict", "quarantined")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the lake keeps it."""

    event_id: str
    name: str
    at: datetime
    received: datetime | None
    user: str | None
    clock: str | None
    properties: str

    def repeats(self, first: Row) -> bool:
        """Whether it says what the first delivery of its id said."""
        apart = abs(self.at - first.at)
        corrected = "corrected" in (self.clock, first.clock)
        return (
            (apart <= (SAME_WHEN_CORRECTED if corrected else timedelta(0)))
            and (self.name, self.user) == (first.name, first.user)
            and _value(self.properties) == _value(first.properties)
        )


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """One refused record: where it stood and why it is refused."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(slots=True)
class Kept:
    """What one source has kept so far."""

    digests: set[str] = field(default_factory=set)
    rows: dict[str, Row] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    #: Ids of all rows that could be read and were not erased, whatever the order they came in.
    ids: set[str] = field(default_factory=set)
    erased: int = 0


class Oracle:
    """The state that ingests of given files must lead to."""

    def __init__(self) -> None:
        self.kept = {source: Kept() for source in ZONES}
        self.erased: set[str] = set()

    def ingest(self, source: str, files: Mapping[str, bytes]) -> Counter[str]:
        """Take the files of a source as they lie there now; the account of this one ingest."""
        kept, account = self.kept[source], Counter[str]()
        for name in sorted(files):
            digest = sha256(files[name]).hexdigest()
            if digest in kept.digests:
                account["files_seen"] += 1
                continue
            kept.digests.add(digest)
            account["files_new"] += 1
            data = gzip.decompress(files[name]) if name.endswith(".gz") else files[name]
            for line, raw, fields in _records(source, data):
                judged = fields
                if not isinstance(fields, str):
                    is_erased = str(fields.get("user_id")) in self.erased
                    judged = "erased" if is_erased else _judge(fields, source)
                outcome, reason = self._place(kept, judged)
                account.update(("rows_in", outcome))
                if reason:
                    text = "" if reason == "erased" else raw
                    kept.refused.append(Refusal(name, line, reason, text))
        kept.counts.update(account)
        return account

    def erase(self, user: str) -> None:
        """Rows of the user are gone and never come back; refused records lose their text."""
        self.erased.add(user)
        names = re.compile(rf"(?<!\w){re.escape(user)}(?!\w)")
        for kept in self.kept.values():
            gone = {name for name, row in kept.rows.items() if row.user == user}
            kept.rows = {name: row for name, row in kept.rows.items() if name not in gone}
            kept.ids -= gone
            kept.erased += len(gone)
            kept.refused = [
                replace(one, raw="") if names.search(one.raw) else one for one in kept.refused
            ]

    @staticmethod
    def _place(kept: Kept, judged: Row | str) -> tuple[str, str | None]:
        if isinstance(judged, str):
            return "quarantined", judged
        kept.ids.add(judged.event_id)
        first = kept.rows.setdefault(judged.event_id, judged)
        if first is judged:
            return "accepted", None
        return ("duplicate", None) if judged.repeats(first) else ("conflict", "conflict")


def _records(source: str, data: bytes) -> list[tuple[int, str, dict[str, Any] | str]]:
    """Line, text and fields of each record, or the reason why it has none."""
    text = data.decode()
    found: list[tuple[int, str, dict[str, Any] | str]] = []
    if source == "app":
        for line, raw in enumerate(text.split("\n"), start=1):
            if raw.strip():
                found.append((line, raw, _object(raw)))
        return found
    lines = text.splitlines()
    for line, raw in enumerate(lines[1:], start=2):
        (row,) = csv.reader(io.StringIO(raw))
        names = ("event_id", "occurred_at", "user_id", "properties")
        if len(row) != len(names):
            found.append((line, raw, "field_count"))
            continue
        fields: dict[str, Any] = dict(zip(names, row, strict=True))
        fields["event_name"] = "order_placed"
        fields["properties"] = {"total": fields["properties"] or None}
        found.append((line, raw, fields))
    return found


def _object(raw: str) -> dict[str, Any] | str:
    try:
        found = json.loads(raw)
    except ValueError:
        return "invalid_json"
    return found if isinstance(found, dict) else "not_an_object"


def _judge(fields: Mapping[str, Any], source: str) -> Row | str:
    """The row of a record, or the first reason to refuse it."""
    given = {name: str(fields[name]) for name in fields if fields[name] not in (None, "")}
    for name, reason in (
        ("event_id", "no_id"), ("event_name", "no_event_name"), ("occurred_at", "no_time")
    ):  # fmt: skip
        if name not in given:
            return reason
    times: dict[str, datetime | None] = {}
    for name in ("occurred_at", "received_at", "sent_at"):
        times[name] = _instant(given[name], source) if name in given else None
        if name in given and times[name] is None:
            return "bad_time"
    at, received, sent = times["occurred_at"], times["received_at"], times["sent_at"]
    assert at is not None
    status = None
    skew = received - sent if received and sent else timedelta(0)
    if abs(skew) > CLOCK_TOLERANCE:
        at, status = at + skew, "corrected"
    elif at > (received or NOW) + CLOCK_TOLERANCE:
        status = "ahead"
    if at < FIRST:
        return "bad_time"
    if at > (received or NOW) + MOST_AHEAD:
        return "future_time"
    if "user_id" not in given and "anonymous_id" not in given:
        return "no_unit"
    properties = json.dumps(fields.get("properties") or {})
    return Row(
        given["event_id"], given["event_name"], at, received, given.get("user_id"), status,
        properties,
    )  # fmt: skip


def _instant(text: str, source: str) -> datetime | None:
    """UTC of an ISO form or an epoch; None for what is no instant, or two."""
    if re.fullmatch(r"\d{12,13}", text):
        return datetime.fromtimestamp(int(text) / 1000, UTC).replace(tzinfo=None)
    if re.fullmatch(r"\d{9,10}", text):
        return datetime.fromtimestamp(int(text), UTC).replace(tzinfo=None)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        # the same clock reading twice, or never: by fold 0 and 1 it is two instants, or comes
        # back from UTC as another reading
        readings = {found.replace(tzinfo=ZONES[source], fold=fold).astimezone(UTC)
                    for fold in (0, 1)}  # fmt: skip
        if len(readings) > 1:
            return None
        (found,) = readings
    return found.astimezone(UTC).replace(tzinfo=None)


def _value(text: str) -> Any:
    return _tagged(json.loads(text, parse_float=Decimal))


def _tagged(value: Any) -> Any:
    """True is not 1."""
    if isinstance(value, dict):
        return {key: _tagged(inner) for key, inner in value.items()}
    return ("boolean", value) if isinstance(value, bool) else value
