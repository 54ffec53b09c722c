"""Messages of a Slack export: a folder a channel, in it a JSON array a day.

A message does not say its channel: the folder that the file is in does. `ts` is unique within the
channel only, so that both make the id. Messages that Slack writes (joins, topics, …) or a bot does
are no feedback and not selected; nor are the lists of users and channels beside the folders. What
comes later (reactions, replies counted) is left out.

Source:
    Slack Help Center, How to read Slack data exports; Slack API, message event (subtypes, ts);
    Formatting text: escaping.
"""

from __future__ import annotations

import json as standard
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import pyarrow as pa

from . import pages
from .records import InputFile, Records, json_fault
from .slices import NotThatShape, members
from .sql import as_json, quoted, select, true_if
from .texts import made, trimmed, unescaped

__all__ = ["ID_PREFIXES", "SELECTS", "read"]

#: What stands before an id in the lake, and in a record.
ID_PREFIXES = (("slack:", ""),)

#: Column that holds the channel's folder; no field of Slack's has such a name.
CHANNEL = "_folder"
_FIELDS = (
    *("type", "subtype", "ts", "thread_ts", "user", "text", "files", "bot_id", "edited", "team"),
    "client_msg_id",
)
_FILES = as_json('"files"')
#: Subtypes of messages that people write.
_WRITTEN = "'file_share', 'me_message', 'thread_broadcast', 'file_comment'"

SELECTS = {
    "feedback": select(
        {
            "feedback_id": f'"{CHANNEL}" || \':\' || "ts"',
            "given_at": '"ts"',
            # the id is Slack's own: without a name before it, it could be that of another person
            "user_id": "'slack:' || \"user\"",
            "channel": "'slack'",
            "text": trimmed(unescaped('"text"', {"&lt;": "'<'", "&gt;": "'>'"})),
            "properties": made(
                {
                    "channel": quoted(f'"{CHANNEL}"'),
                    "thread_ts": quoted('"thread_ts"'),
                    "is_reply": true_if('"thread_ts" <> "ts"'),
                    "subtype": quoted('"subtype"'),
                    "team": quoted('"team"'),
                    "file_count": f"cast(json_array_length({_FILES}) as varchar)",
                }
            ),
        }
    )
    + '\nwhere "type" = \'message\' and "bot_id" is null'
    + f'\n    and ("subtype" is null or "subtype" in ({_WRITTEN}))'
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the messages of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: The file is larger than the format `json` allows.
    """
    folder = PurePosixPath(file.name or file.path.as_posix()).parent.name
    for records in pages.read(file):
        yield _with_fields(records, folder)


def _with_fields(records: Records, folder: str) -> Records:
    """The same records with their fields as columns, and the folder beside them."""
    raws = records.table.column("raw").to_pylist()
    reasons = records.table.column("reason").to_pylist()
    rows: list[dict[str, str | None]] = []
    for at, raw in enumerate(raws):
        row: dict[str, str | None] | None = None
        if reasons[at] is None:
            reasons[at] = json_fault(raw)
        if reasons[at] is None:
            try:
                row = _fields(raw)
            except NotThatShape:
                reasons[at] = "not_an_object"
            else:
                reasons[at] = "duplicate_key" if row is None else None
        rows.append(row or {})
    names = dict.fromkeys([*_FIELDS, *(name for row in rows for name in row if name)])
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    columns[CHANNEL] = pa.array([folder] * len(rows), pa.string())
    at = records.table.schema.get_field_index("reason")
    table = records.table.set_column(at, "reason", pa.array(reasons, pa.string()))
    return replace(records, table=table, columns=pa.table(columns))


def _fields(raw: str) -> dict[str, str | None] | None:
    """Text of each field: of a text what it says, of anything else how it is written.

    Names are in lower case, as SQL takes them; None where two of them are the same then.
    """
    found: dict[str, str | None] = {}
    values = members(raw, 0)
    for name, (start, end) in values.items():
        text = raw[start:end]
        value = standard.loads(text) if text.startswith('"') else text
        found[name.casefold()] = None if text == "null" else value
    return found if len(found) == len(values) else None
