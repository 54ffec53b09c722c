"""PostHog's batch export and file download export of events, as JSON Lines.

`properties` is an object; older exports hold it as a text of JSON, and both are read. PostHog has
one id a row, `distinct_id`, for people before and after they are known: it is the anonymous id
where the event says that nobody is identified (`$is_identified`), or where it is the device's id,
else the user's. `$identify`, `$create_alias` and `$merge_dangerously` tie two ids. `timestamp` is
PostHog's: it corrects the client's clock when it takes an event in.

`kind: exposures` takes the `$feature_flag_called` events, with `$feature_flag` and
`$feature_flag_response`.

Source:
    PostHog, S3 destination for batch exports (events model); Identifying users; Timestamps.
"""

from __future__ import annotations

from .jsonl import read
from .sql import as_json, merged, quoted, select, utc, within

__all__ = ["COLUMNS", "SELECTS", "read"]

#: Columns that the selects read.
COLUMNS = (
    *("uuid", "event", "distinct_id", "person_id", "properties", "person_properties"),
    *("elements_chain", "timestamp", "created_at"),
)

_AT = within(
    '"properties"',
    {
        "session": "/$session_id",
        "version": "/$app_version",
        "is_identified": "/$is_identified",
        "device": "/$device_id",
        "anonymous": "/$anon_distinct_id",
        "alias": "/alias",
        "library": "/$lib",
        "system": "/$os",
        "system_name": "/$os_name",
        "country": "/$geoip_country_code",
        "agent": "/$raw_user_agent",
        "flag": "/$feature_flag",
        "variant": "/$feature_flag_response",
    },
)
_PLAN = within('"person_properties"', {"plan": "/plan"})["plan"]

_ALIASES = "'$create_alias', '$merge_dangerously'"
# where an event does not say it, an id that is the device's own is nobody's yet
_IS_ANONYMOUS = (
    f"\"event\" not in ('$identify', {_ALIASES}) and coalesce("
    f"{_AT['is_identified']} = 'false', {_AT['device']} = \"distinct_id\", false)"
)
_WHO = {
    "user_id": f'case when not ({_IS_ANONYMOUS}) then "distinct_id" end',
    "anonymous_id": (
        f"case when \"event\" = '$identify' then {_AT['anonymous']}"
        f' when "event" in ({_ALIASES}) then {_AT["alias"]}'
        f' when {_IS_ANONYMOUS} then "distinct_id" end'
    ),
}
_SYSTEM = f"lower(coalesce({_AT['system_name']}, {_AT['system']}))"
_PROPERTIES = merged(
    '"properties"',
    {
        "platform": quoted(f"case when {_AT['library']} = 'web' then 'web' else {_SYSTEM} end"),
        "country": quoted(_AT["country"]),
        "plan": quoted(_PLAN),
        "user_agent": quoted(_AT["agent"]),
        "person_id": quoted('"person_id"'),
        "elements_chain": quoted("nullif(\"elements_chain\", '')"),
        "person_properties": as_json('"person_properties"'),
    },
)

_EXPOSURES = select(
    {
        "exposure_id": '"uuid"',
        "exposed_at": utc('"timestamp"'),
        "flag": _AT["flag"],
        "variant": _AT["variant"],
        **_WHO,
        "properties": _PROPERTIES,
    }
)
SELECTS = {
    "events": select(
        {
            "event_id": '"uuid"',
            "event_name": '"event"',
            "occurred_at": utc('"timestamp"'),
            "received_at": utc('"created_at"'),
            **_WHO,
            "session_id": _AT["session"],
            "app_version": _AT["version"],
            "properties": _PROPERTIES,
        }
    ),
    "exposures": f"{_EXPOSURES}\nwhere \"event\" = '$feature_flag_called'",
}
