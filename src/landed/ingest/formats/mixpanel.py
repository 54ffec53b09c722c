"""Mixpanel's Raw Event Export: JSON Lines of `{"event": …, "properties": {…}}`.

`time` is the project's wall clock written as if it were UTC, in seconds (or milliseconds, with
`time_in_ms`). So it is handed on without a zone: the source's `timezone` has to name the project's,
and UTC is right for projects made in 2023 or later. The times of receipt are UTC.

The export holds what was taken in, repeats included. Mixpanel calls events the same that agree in
name, `distinct_id`, time and `$insert_id`; the id is composed of these without `distinct_id`, since
an export made after two people were merged has another one. A `distinct_id` that starts with
`$device:` is a device's. `$merge` names two ids in a list.

Source:
    Mixpanel, Raw Event Export; Exporting Raw Data; Managing Timezones for Projects; Event
    Deduplication; Identifying Users (Simplified), (Original).
"""

from __future__ import annotations

from .jsonl import read
from .sql import merged, quoted, select, within

__all__ = ["ID_PREFIXES", "SELECTS", "read"]

#: What stands before an id in the lake, and in a record.
ID_PREFIXES = (("", "$device:"),)

_AT = within(
    '"properties"',
    {
        "time": "/time",
        "insert_id": "/$insert_id",
        "distinct": "/distinct_id",
        "user": "/$user_id",
        "device": "/$device_id",
        "identified": "/$identified_id",
        "anonymous": "/$anon_id",
        "alias": "/alias",
        "kept": "/$distinct_ids/0",
        "merged": "/$distinct_ids/1",
        "received": "/$mp_api_timestamp_ms",
        "processed": "/mp_processing_time_ms",
        "version": "/$app_version_string",
        "release": "/$app_version",
        "library": "/mp_lib",
        "system": "/$os",
        "country": "/mp_country_code",
        "agent": "/$user_agent",
    },
)
_TIME, _DISTINCT = _AT["time"], _AT["distinct"]
_IS_DEVICE = f"(starts_with({_DISTINCT}, '$device:') or {_DISTINCT} = {_AT['device']})"
_MERGE = "case when \"event\" = '$merge'"
_SECONDS = r"\d{9,10}(\.\d+)?"
_MILLISECONDS = r"\d{12,13}"
_MICROSECONDS = (
    f"case when regexp_full_match({_TIME}, '{_SECONDS}') then 1000000"
    f" when regexp_full_match({_TIME}, '{_MILLISECONDS}') then 1000 end"
)
_WALL_CLOCK = (
    f"make_timestamp(try_cast(trunc(try_cast({_TIME} as decimal(38, 9)) * {_MICROSECONDS})"
    " as bigint))"
)


def _device(text: str) -> str:
    return f"regexp_replace({text}, '^\\$device:', '')"


SELECTS = {
    "events": select(
        {
            "event_id": (
                f"coalesce(\"event\", '') || ':' || coalesce({_TIME}, '') || ':' ||"
                f" nullif({_AT['insert_id']}, '')"
            ),
            "event_name": '"event"',
            "occurred_at": f"coalesce(strftime({_WALL_CLOCK}, '%Y-%m-%d %H:%M:%S.%f'), {_TIME})",
            "received_at": f"coalesce({_AT['received']}, {_AT['processed']})",
            "user_id": (
                f"coalesce({_MERGE} then {_AT['kept']} end, {_AT['identified']}, {_AT['user']},"
                f" case when not coalesce({_IS_DEVICE}, false) then {_DISTINCT} end)"
            ),
            "anonymous_id": (
                f"coalesce({_MERGE} then {_AT['merged']} end, {_device(_AT['anonymous'])},"
                f" {_device(_AT['device'])},"
                f" case when \"event\" = '$create_alias' then {_AT['alias']}"
                f" when {_IS_DEVICE} then {_device(_DISTINCT)} end)"
            ),
            "app_version": f"coalesce({_AT['version']}, {_AT['release']})",
            "properties": merged(
                '"properties"',
                {
                    "platform": quoted(
                        f"case when {_AT['library']} = 'web' then 'web'"
                        f" else lower({_AT['system']}) end"
                    ),
                    "country": quoted(_AT["country"]),
                    "user_agent": quoted(_AT["agent"]),
                },
            ),
        }
    )
}
