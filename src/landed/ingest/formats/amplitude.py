"""Amplitude's Export API: gzip files of JSON Lines, unpacked from the archive it answers with.

`event_time` is Amplitude's: the client's time moved by server_received_time − client_upload_time.
Times carry no zone and are UTC. Amplitude takes a device's `$insert_id` once, and so the two
together are the id; a row without one has its `uuid`. Session −1 means outside of a session. The
row's own `plan` is the tracking plan's; a customer's is read from `user_properties`.

Source:
    Amplitude, Export API (considerations, response schema); HTTP V2 API (event deduplication).
"""

from __future__ import annotations

from .jsonl import read
from .sql import as_json, merged, number, quoted, select, utc, within

__all__ = ["SELECTS", "read"]

_PLAN = within('"user_properties"', {"plan": "/plan"})["plan"]
_EVENT_TIME, _CLIENT_TIME = '"event_time"', '"client_event_time"'
_UPLOADED, _RECEIVED = '"client_upload_time"', '"server_received_time"'
_TEXTS = (
    *("os_name", "os_version", "device_type", "device_family", "device_brand", "language"),
    *("region", "city", "library", "ip_address", "start_version", "device_manufacturer"),
    *("device_model", "device_carrier", "dma", "paying"),
)
_NUMBERS = ("amplitude_id", "event_id", "sample_rate", "location_lat", "location_lng")
_OBJECTS = ("user_properties", "group_properties", "groups")

SELECTS = {
    "events": select(
        {
            "event_id": (
                'case when "$insert_id" is not null then concat_ws(\':\', "device_id",'
                ' "$insert_id") else "uuid" end'
            ),
            "event_name": '"event_type"',
            "occurred_at": f"coalesce({utc(_EVENT_TIME)}, {utc(_CLIENT_TIME)})",
            "sent_at": f'case when "event_time" is null then {utc(_UPLOADED)} end',
            "received_at": utc(_RECEIVED),
            "user_id": '"user_id"',
            "anonymous_id": '"device_id"',
            "session_id": "nullif(\"session_id\", '-1')",
            "app_version": '"version_name"',
            "properties": merged(
                '"event_properties"',
                {
                    "platform": quoted('lower("platform")'),
                    "country": quoted('"country"'),
                    "plan": quoted(_PLAN),
                    **{name: quoted(f'"{name}"') for name in _TEXTS},
                    **{name: number(f'"{name}"') for name in _NUMBERS},
                    **{name: as_json(f'"{name}"') for name in _OBJECTS},
                },
            ),
        }
    )
}
