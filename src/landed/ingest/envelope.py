"""The envelopes: what columns a row of each kind has, and when it is refused.

Everything arrives as text. Types are declared here and a value that does not fit is a reason in
the quarantine, never a NULL that looks like data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Columns that landed adds to every row of the lake, after the envelope's own.
ADDED = {"source": "varchar", "batch_id": "varchar", "event_hash": "ubigint"}
#: SQL of the rule that properties have to be JSON.
NOT_JSON = "not json_valid(t.properties)"
#: What clocks may differ by without a word. Seconds: the network's delay is no skew.
CLOCK_TOLERANCE_SECONDS = 60

_ZONED = (
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?"
    r"([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
)
_PLAIN = ("____-__-__T__:__:__Z", "____-__-__T__:__:__.___Z")
_ZONELESS = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
# digits before the point -> microseconds in one unit. 11, 14 and 17 digits are in no unit between
# 1973 and 2286 and stay refused: 20261103091500 is a date written as a number, not an epoch.
_EPOCHS = {r"\d{9,10}": "1000000", r"\d{12,13}": "1000", r"\d{15,16}": "1", r"\d{18,19}": "0.001"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The declared columns of one kind.

    Args:
        kind: events, feedback, exposures or releases.
        id_column: Identifies a row within its source.
        time_column: When it happened; its UTC day is the row's partition.
        day_column: Name of that day in the lake.
        columns: SQL type by column, in the order of the lake.
        required: Reason code by column that must not be empty.
        inputs: SQL type by column that a select may give and the lake does not keep.
    """

    kind: str
    id_column: str
    time_column: str
    day_column: str
    columns: Mapping[str, str]
    required: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def view(self) -> str:
        """Its view in the schema `lake`, where `releases` are those that files declare."""
        return "release_events" if self.kind == "releases" else self.kind

    @property
    def given_columns(self) -> dict[str, str]:
        """SQL type by column that a select may give."""
        return {**self.columns, **self.inputs}

    @property
    def judged_columns(self) -> dict[str, str]:
        """SQL type by column of a judged row: the envelope's own and what landed says of them."""
        return {**self.columns, "clock_status": "varchar"} if self.has_clock else {**self.columns}

    @property
    def lake_columns(self) -> dict[str, str]:
        """SQL type by column of a lake file."""
        return {**self.judged_columns, **ADDED, self.day_column: "date"}

    @property
    def has_clock(self) -> bool:
        """Whether rows carry the collector's clock beside the client's."""
        return "received_at" in self.columns

    @property
    def content_columns(self) -> tuple[str, ...]:
        """Columns that make up a row's content: two deliveries are the same when these agree.

        Neither the id nor `received_at`: a client that retries gets another time of receipt.
        """
        left_out = (self.id_column, "received_at")
        return tuple(name for name in self.columns if name not in left_out)

    @property
    def sort_key(self) -> str:
        """SQL by which the rows of a lake file are sorted: unit, then time."""
        people = [name for name in ("user_id", "anonymous_id") if name in self.columns]
        unit = f"coalesce({', '.join(people)}), " if people else ""
        return f"{unit}{self.time_column}"

    @property
    def has_unit(self) -> bool:
        """Whether a row must name somebody."""
        return "anonymous_id" in self.columns


ENVELOPES: Mapping[str, Envelope] = {
    "events": Envelope(
        kind="events",
        id_column="event_id",
        time_column="occurred_at",
        day_column="event_on",
        columns={
            "event_id": "varchar",
            "event_name": "varchar",
            "occurred_at": "timestamp",
            "received_at": "timestamp",
            "user_id": "varchar",
            "anonymous_id": "varchar",
            "session_id": "varchar",
            "app_version": "varchar",
            "properties": "json",
        },
        required={"event_name": "no_event_name"},
        inputs={"sent_at": "timestamp"},
    ),
    "feedback": Envelope(
        kind="feedback",
        id_column="feedback_id",
        time_column="given_at",
        day_column="given_on",
        columns={
            "feedback_id": "varchar",
            "given_at": "timestamp",
            "user_id": "varchar",
            "channel": "varchar",
            "rating": "double",
            "text": "varchar",
            "app_version": "varchar",
            "properties": "json",
        },
        required={"channel": "no_channel"},
    ),
    "exposures": Envelope(
        kind="exposures",
        id_column="exposure_id",
        time_column="exposed_at",
        day_column="exposed_on",
        columns={
            "exposure_id": "varchar",
            "exposed_at": "timestamp",
            "flag": "varchar",
            "variant": "varchar",
            "user_id": "varchar",
            "anonymous_id": "varchar",
            "properties": "json",
        },
        required={"flag": "no_flag", "variant": "no_variant"},
    ),
    "releases": Envelope(
        kind="releases",
        id_column="release_id",
        time_column="released_at",
        day_column="released_on",
        columns={
            "release_id": "varchar",
            "name": "varchar",
            "version": "varchar",
            "released_at": "timestamp",
            "environment": "varchar",
            "status": "varchar",
            "url": "varchar",
            "notes": "varchar",
            "properties": "json",
        },
        required={"name": "no_name"},
    ),
}


def instant(column: str, zone: str) -> str:
    """SQL of a naive UTC timestamp from text; NULL where the text is no instant.

    Args:
        column: SQL of the text. ISO 8601 with `T` or a space, or an epoch in s, ms, us or ns.
        zone: IANA name for text without a zone. A local time that a clock change skips or
            repeats is NULL: it names no instant, or two.
    """
    # a cast to timestamp drops the offset without a word; only timestamptz applies it
    zoned = f"timezone('UTC', try_cast({column} as timestamptz))"
    local = f"try_cast({column} as timestamp)"
    if zone == "UTC":
        zoneless = local
    else:
        name = zone.replace("'", "''")
        there = f"timezone('{name}', {local})"
        # the same reading by the clock of the day before and of the day after: whatever the shift,
        # a time that it repeats is shown by both, and they are not one instant
        others = [
            f"{there} + ({local} - timezone('{name}', {there} {sign} interval 1 day)"
            f" {sign} interval 1 day)"
            for sign in ("-", "+")
        ]
        is_one = " and ".join(
            f"({other} = {there} or timezone('{name}', {other}) <> {local})" for other in others
        )
        zoneless = (
            f"case when timezone('{name}', {there}) = {local} and {is_one}"
            f" then timezone('UTC', {there}) end"
        )
    epochs = " ".join(
        f"when regexp_full_match({column}, '{digits}(\\.\\d+)?') then make_timestamp("
        f"try_cast(trunc(try_cast({column} as decimal(38, 9)) * {factor}) as bigint))"
        for digits, factor in _EPOCHS.items()
    )
    return (
        # by far the most common form, told by a scan of bytes; the cast takes a final Z as UTC
        f"case when ({column} like '{_PLAIN[0]}' or {column} like '{_PLAIN[1]}')"
        f" and not contains({column}, ' ') then {local}"
        f" when regexp_full_match({column}, '{_ZONED}') then {zoned}"
        f" when regexp_full_match({column}, '{_ZONELESS}') then {zoneless} {epochs} end"
    )


def typed(envelope: Envelope, given: Mapping[str, str]) -> dict[str, str]:
    """SQL of the envelope's columns from the text columns that a select gave, but for times.

    Times that were given are left to `instants`, over `text_of` them.

    Args:
        envelope: The kind's envelope.
        given: SQL type by column that the select gives; the others are NULL.
    """
    out: dict[str, str] = {}
    for name, kind in envelope.columns.items():
        if name not in given:
            out[name] = "'{}'" if kind == "json" else f"cast(null as {kind})"
        elif kind == "json":
            out[name] = f"coalesce({text_of(name, given)}, '{{}}')"
        elif kind == "double":
            out[name] = f"try_cast({text_of(name, given)} as double)"
        elif kind != "timestamp":
            out[name] = text_of(name, given)
    return out


def text_of(name: str, given: Mapping[str, str]) -> str:
    """SQL of a given column as text; NULL where it is empty."""
    nested = given[name].startswith(("STRUCT", "MAP"))
    text = f'to_json("{name}")' if nested else f'"{name}"'
    return f"nullif(cast({text} as varchar), '')"


def instants(envelope: Envelope, given: Mapping[str, str], zone: str) -> dict[str, str]:
    """SQL of the times that were given, over a row with their texts as `_text_<column>`.

    Args:
        envelope: The kind's envelope.
        given: SQL type by column that the select gives.
        zone: IANA name for times without one.
    """
    return {
        name: instant(f"t._text_{name}", zone)
        for name, kind in envelope.given_columns.items()
        if name in given and kind == "timestamp"
    }


def refusals(envelope: Envelope, given: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Conditions on a typed row (alias `t`), as (condition, reason, column); the first one counts.

    The text of a time or a number stands beside it as `_text_<column>`. `$now` is the ingest's
    clock, for rows that do not say when they were received.
    """
    id_column, time_column = envelope.id_column, envelope.time_column
    found = [(f"t.{id_column} is null", "no_id", id_column)]
    found += [(f"t.{name} is null", reason, name) for name, reason in envelope.required.items()]
    found.append((f"t._text_{time_column} is null", "no_time", time_column))
    for name, kind in envelope.given_columns.items():
        if name not in given:
            continue
        text = f"t._text_{name}"
        if kind == "timestamp":
            # before 1970 there was no product that could have sent an event
            early = f"t.{name} < timestamp '1970-01-01'"
            missing = f"t.{name} is null and {text} is not null"
            found.append((f"({missing}) or {early}", "bad_time", name))
        elif kind == "double":
            finite = f"coalesce(isfinite(t.{name}), false)"
            found.append((f"{text} is not null and not {finite}", "bad_number", name))
    # a day of tolerance: clocks are wrong by hours, zones by up to 14; more is no clock
    limit = "$now + interval 1 day"
    if "received_at" in envelope.columns:
        found.append((f"t.received_at > {limit}", "future_time", "received_at"))
        limit = "coalesce(t.received_at, $now) + interval 1 day"
    found.append((f"t.{time_column} > {limit}", "future_time", time_column))
    if envelope.has_unit:
        found.append(("t.user_id is null and t.anonymous_id is null", "no_unit", "user_id"))
    if "text" in envelope.columns:
        found.append(("t.text is null and t.rating is null", "no_content", "text"))
    if "properties" in envelope.columns:
        found.append((NOT_JSON, "bad_properties", "properties"))
        no_object = "not starts_with(ltrim(t.properties), '{')"
        found.append((no_object, "bad_properties", "properties"))
    return found


def clocked(envelope: Envelope, given: Mapping[str, str]) -> dict[str, str]:
    """SQL of the columns that the pair of clocks changes or adds, over a typed row (alias `t`).

    Where the client says when it sent (`sent_at`) and the collector when it received, their
    difference is what the client's clock is wrong by, and it is taken out of the time of the
    event, as Segment documents for `timestamp`. Differences below CLOCK_TOLERANCE_SECONDS are
    the network's and stay. A time that is ahead of its receipt all the same is marked.
    """
    if not envelope.has_clock:
        return {}
    time = f"t.{envelope.time_column}"
    limit = f"interval {CLOCK_TOLERANCE_SECONDS} second"
    ahead = f"case when {time} > coalesce(t.received_at, $now) + {limit} then 'ahead' end"
    if not {"sent_at", "received_at"} <= set(given):
        return {"clock_status": ahead}
    skew = "(t.received_at - t.sent_at)"
    is_skewed = f"abs(epoch({skew})) > {CLOCK_TOLERANCE_SECONDS}"
    return {
        envelope.time_column: f"case when {is_skewed} then {time} + {skew} else {time} end",
        "clock_status": f"case when {is_skewed} then 'corrected' else {ahead} end",
    }
