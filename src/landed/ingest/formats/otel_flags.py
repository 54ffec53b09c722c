"""OpenTelemetry log records of feature flag evaluations, as JSON Lines.

A line is one log record, flattened as exporters and log stores write it, or one OTLP request with
its `resourceLogs`, whose log records are then records of their own: `raw` is a request with one
record, its resource and its scope, each as it stands in the line, so that it says all that it said
there; `byte_offset` is where the record starts. Attributes are an object or an array of key and
value.

Names have changed: `feature_flag.variant`, `feature_flag.provider_name` and the event
`feature_flag` are now `feature_flag.result.variant`, `feature_flag.provider.name` and
`feature_flag.evaluation`. Both are read. Records have no id: it is composed of time, name,
attributes, trace and span. Time is in nanoseconds, and 0 says that it is not known: then the time
of observation stands in.

Columns for a `select`: time, observed_time, event_name, attributes, resource, scope, trace_id,
span_id, severity, body.

Source:
    OpenTelemetry, Semantic conventions for feature flags in events; Semantic Conventions for
    Feature Flags in Logs (before 1.33); OTLP Specification, JSON Protobuf Encoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from . import jsonl
from .records import KEPT_BYTES, SCHEMA, InputFile, Records, json_fault, json_value
from .slices import NotThatShape, elements, members
from .sql import as_json, merged, quoted, select, within

__all__ = ["SELECTS", "read"]

#: Characters that the records of one request may have together, each with what is around it. In a
#: megabyte there is room for 100,000 records within a resource of 300 kilobytes: that is 30 GB.
MOST_TEXT = 32 * 1024 * 1024
#: Characters after which the records of a part are handed on.
PART_TEXT = 32 * 1024 * 1024
#: Spellings of a log record's fields: OTLP's JSON, SDKs' consoles, stores' columns.
_FIELDS = {
    "time": ("timeUnixNano", "time_unix_nano", "timestamp", "Timestamp", "time"),
    "observed_time": (
        *("observedTimeUnixNano", "observed_time_unix_nano", "observed_timestamp"),
        *("observedTimestamp", "ObservedTimestamp"),
    ),
    "event_name": ("eventName", "event_name", "EventName"),
    "attributes": ("attributes", "Attributes", "LogAttributes"),
    "resource": ("resource", "Resource", "resource_attributes", "ResourceAttributes"),
    "scope": ("scope", "instrumentation_scope", "InstrumentationScope", "ScopeName"),
    "trace_id": ("traceId", "trace_id", "TraceId"),
    "span_id": ("spanId", "span_id", "SpanId"),
    "severity": ("severityText", "severity_text", "SeverityText"),
    "body": ("body", "Body"),
}

_AT = within(
    '"attributes"',
    {
        "flag": "/feature_flag.key",
        "variant": "/feature_flag.result.variant",
        "old_variant": "/feature_flag.variant",
        "value": "/feature_flag.result.value",
        "context": "/feature_flag.context.id",
        "user": "/user.id",
        "end_user": "/enduser.id",
        "session": "/session.id",
        "event": "/event.name",
        "agent": "/user_agent.original",
    },
)
_VERSION = within('"resource"', {"version": "/service.version"})["version"]
_NAME = f'coalesce("event_name", {_AT["event"]})'
_EVENT_NAME = (
    f"case when {_AT['flag']} is not null and coalesce({_NAME}, 'feature_flag') = 'feature_flag'"
    f" then 'feature_flag.evaluation' else {_NAME} end"
)
_TIME = 'coalesce("time", "observed_time")'
_ID = (
    f'left(sha256(cast(json_array({_TIME}, {_EVENT_NAME}, "attributes", "trace_id",'
    ' "span_id") as varchar)), 32)'
)
_KNOWN = f"coalesce({_AT['user']}, {_AT['end_user']})"
_WHO = {
    "user_id": f"coalesce({_KNOWN}, {_AT['context']})",
    # the id that the flag was evaluated for, where it is another one than the user's
    "anonymous_id": f"case when {_AT['context']} <> {_KNOWN} then {_AT['context']} end",
}
_PROPERTIES = merged(
    '"attributes"',
    {
        "user_agent": quoted(_AT["agent"]),
        "resource": as_json("nullif(\"resource\", '{}')"),
        "scope": as_json('"scope"'),
        "trace_id": quoted("nullif(\"trace_id\", '')"),
        "span_id": quoted("nullif(\"span_id\", '')"),
        "severity": quoted('"severity"'),
        "body": as_json('"body"'),
    },
)

SELECTS = {
    "exposures": select(
        {
            "exposure_id": _ID,
            "exposed_at": _TIME,
            "flag": _AT["flag"],
            # a provider without variants gives the value only
            "variant": f"coalesce({_AT['variant']}, {_AT['old_variant']}, {_AT['value']})",
            **_WHO,
            "properties": _PROPERTIES,
        }
    ),
    "events": select(
        {
            "event_id": _ID,
            "event_name": _EVENT_NAME,
            "occurred_at": _TIME,
            "received_at": '"observed_time"',
            **_WHO,
            "session_id": _AT["session"],
            "app_version": _VERSION,
            "properties": _PROPERTIES,
        }
    ),
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the log records of a file; a request without any holds none.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.
    """
    for part in jsonl.read(file, delimiter=delimiter):
        found = _Gathered()
        for row in part.table.to_pylist():
            found.take(row["line"], row["byte_offset"], row["raw"].rstrip("\r\n"), row["reason"])
            if found.size >= PART_TEXT:
                yield found.records()
                found = _Gathered()
        if found.rows:
            yield found.records()


class _TooLong(ValueError):
    """The records of a request would be longer than MOST_TEXT."""


class _Gathered:
    """Log records of some lines."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, str, str | None]] = []
        self.size = 0
        self._fields: dict[str, list[str | None]] = {name: [] for name in _FIELDS}

    def take(self, line: int, offset: int, text: str, reason: str | None) -> None:
        """Add the records of one line, or the line itself with its reason."""
        try:
            self._take(line, offset, text, reason or json_fault(text))
        except RecursionError:  # nested deeper than Python's stack
            self._add(line, offset, text, "invalid_json", {})

    def _take(self, line: int, offset: int, text: str, reason: str | None) -> None:
        record = None if reason else json_value(text)
        if reason or not isinstance(record, dict):
            self._add(line, offset, text, reason or "not_an_object", {})
            return
        if "resourceLogs" not in record:
            self._add(line, offset, text, None, _flattened(record, {}))
            return
        try:
            found = list(_requested(text))
        except NotThatShape:
            self._add(line, offset, text, "not_an_object", {})
            return
        except _TooLong:
            self._add(line, offset, text[:KEPT_BYTES], "too_long", {})
            return
        before, at, passed = len(self.rows), offset, 0
        try:
            for one in found:
                fields = _flattened(json_value(text[one.start : one.end]), one.around)
                at, passed = at + len(text[passed : one.start].encode("utf-8")), one.start
                self._add(line, at, one.alone(text), None, fields)
        except RecursionError:
            self._take_back(before)
            raise

    def records(self) -> Records:
        """All of them."""
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*self.rows, strict=True), SCHEMA, strict=True)
        ]
        fields = {name: pa.array(texts, pa.string()) for name, texts in self._fields.items()}
        return Records(pa.Table.from_arrays(columns, schema=SCHEMA), pa.table(fields))

    def _add(
        self, line: int, offset: int, raw: str, reason: str | None, fields: Mapping[str, str | None]
    ) -> None:
        self.rows.append((line, offset, raw, reason))
        self.size += len(raw)
        for name, texts in self._fields.items():
            texts.append(fields.get(name))

    def _take_back(self, rows: int) -> None:
        """Keep only the first rows."""
        del self.rows[rows:]
        for texts in self._fields.values():
            del texts[rows:]


@dataclass(frozen=True, slots=True)
class _Requested:
    """A log record of a request.

    Args:
        start: Where it starts in the text of the request.
        end: Where it ends.
        places: Start and end of its resource and its scope, by name; only those that are given.
        around: Their values.
    """

    start: int
    end: int
    places: Mapping[str, tuple[int, int]]
    around: Mapping[str, Any]

    def alone(self, text: str) -> str:
        """A request with this record only, each part as it stands in the text."""
        given = {name: f'"{name}":{text[slice(*at)]},' for name, at in self.places.items()}
        logs = f'{given.get("scope", "")}"logRecords":[{text[self.start : self.end]}]'
        return f'{{"resourceLogs":[{{{given.get("resource", "")}"scopeLogs":[{{{logs}}}]}}]}}'


def _requested(text: str) -> Iterator[_Requested]:
    """Each log record of a request, with its resource and scope.

    Raises:
        NotThatShape: Something in it is no list or object where one has to be.
        _TooLong: The records would be longer than MOST_TEXT with what is around them.
    """
    size = 0
    for resource_start, _ in elements(text, members(text, 0)["resourceLogs"][0]):
        resource = members(text, resource_start)
        outer, outer_value = _given(text, resource, "resource")
        for scope_start, _ in _listed(text, resource, "scopeLogs"):
            scope = members(text, scope_start)
            inner, inner_value = _given(text, scope, "scope")
            places, around = {**outer, **inner}, {**outer_value, **inner_value}
            size_around = sum(end - start for start, end in places.values())
            for start, end in _listed(text, scope, "logRecords"):
                members(text, start)  # an object, or the line is refused
                size += end - start + size_around
                if size > MOST_TEXT:
                    raise _TooLong
                yield _Requested(start, end, places, around)


def _given(
    text: str, found: Mapping[str, tuple[int, int]], name: str
) -> tuple[dict[str, tuple[int, int]], dict[str, Any]]:
    """Place and value of a member by its name; none where it is not there, or null."""
    if name not in found or text[slice(*found[name])] == "null":
        return {}, {}
    return {name: found[name]}, {name: json_value(text[slice(*found[name])])}


def _listed(
    text: str, found: Mapping[str, tuple[int, int]], name: str
) -> Iterator[tuple[int, int]]:
    if name in found:
        yield from elements(text, found[name][0])


def _flattened(record: Mapping[str, Any], around: Mapping[str, Any]) -> dict[str, str | None]:
    """The fields of a log record as text; objects as JSON."""
    given: dict[str, Any] = dict(around)
    for name, spellings in _FIELDS.items():
        spelled = next((one for one in spellings if record.get(one) is not None), None)
        if spelled is not None:
            given[name] = record[spelled]
    resource = given.get("resource")
    if isinstance(resource, Mapping) and "attributes" in resource:
        given["resource"] = resource["attributes"]
    for name in ("attributes", "resource"):
        given[name] = _attributes(given.get(name))
    given["body"] = _plain(given.get("body"))
    for name in ("time", "observed_time"):
        if str(given.get(name)) == "0":
            given[name] = None
    return {
        name: _text(value, as_value=name in ("attributes", "resource", "scope", "body"))
        for name, value in given.items()
    }


def _text(value: Any, *, as_value: bool) -> str | None:
    if value is None:
        return None
    if as_value or not isinstance(value, str):
        # keys in their order: two exporters of one record give one id
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return value


def _attributes(value: Any) -> Any:
    """An object from an array of key and value; what is neither stays and is refused later."""
    if value is None:
        return {}
    if not isinstance(value, list):
        return value
    found: dict[str, Any] = {}
    for one in value:
        if not isinstance(one, Mapping) or not isinstance(one.get("key"), str):
            return value
        found[one["key"]] = _plain(one.get("value"))
    return found if len(found) == len(value) else value


def _plain(value: Any) -> Any:
    """The value within OTLP's AnyValue; a plain value is itself."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return None if value == {} else value
    ((kind, inner),) = value.items()
    if kind in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        return inner
    if kind == "intValue":
        # 64-bit integers are written as text
        return int(inner) if isinstance(inner, str) and inner.lstrip("-").isdecimal() else inner
    if kind == "arrayValue" and isinstance(inner, Mapping):
        return [_plain(one) for one in inner.get("values", [])]
    if kind == "kvlistValue" and isinstance(inner, Mapping):
        return _attributes(inner.get("values", []))
    return value
