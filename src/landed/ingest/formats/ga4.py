"""Google Analytics 4's export to BigQuery, extracted as newline-delimited JSON.

Parameters stand in arrays of key and value; they become members of the properties, each with the
one value that is set. Integers arrive as JSON strings; `event_timestamp` is in microseconds, UTC.

Rows have no id. What identifies one is composed: stream, person, time, name, and the numbers of its
batch (`batch_page_id`, `batch_ordering_id`, `batch_event_index`; exports from before July 2024 lack
them, so there the parameters take part). A digest of the whole row would not do: the daily table
repeats the intraday one with other values of `user_ltv`, `is_active_user` and
`session_traffic_source_last_click`. These three are left out of the properties for the same reason.

`ga_session_id` is unique for a person only, so the person stands in front. Without consent
`user_pseudo_id` is null, and the row names nobody.

Source:
    Google Analytics Help, [GA4] BigQuery Export schema; BigQuery, Exporting table data (JSON).
"""

from __future__ import annotations

from .jsonl import read
from .sql import as_json, merged, number, quoted, select, within

__all__ = ["SELECTS", "read"]


def _object(column: str) -> str:
    """SQL of a JSON object from an array of parameters; anything else stays as it is."""
    at = within(
        "p",
        {
            "key": "/key",
            "text": "/value/string_value",
            "int": "/value/int_value",
            "double": "/value/double_value",
            "float": "/value/float_value",
        },
    )
    numbers = ", ".join(number(at[kind]) for kind in ("int", "double", "float"))
    member = f"{quoted(at['key'])} || ':' || coalesce({quoted(at['text'])}, {numbers}, 'null')"
    # a parameter without a key makes the text invalid, and the row is refused
    members = f"list_transform(json_extract({column}, '$[*]'), lambda p: coalesce({member}, '?'))"
    is_array = f"json_valid({column}) and starts_with({column}, '[')"
    return (
        f"case when {column} is null then '{{}}' when {is_array}"
        f" then concat('{{', array_to_string({members}, ','), '}}') else {column} end"
    )


_PARAMETERS = _object('"event_params"')
_USER_PROPERTIES = _object('"user_properties"')
_SESSION = within(_PARAMETERS, {"session": "/ga_session_id"})["session"]
_PLAN = within(_USER_PROPERTIES, {"plan": "/plan"})["plan"]
_COUNTRY = within('"geo"', {"country": "/country"})["country"]
_VERSION = within('"app_info"', {"version": "/version"})["version"]
_OBJECTS = (
    *("items", "ecommerce", "device", "geo", "app_info", "traffic_source"),
    *("collected_traffic_source", "privacy_info"),
)
_IDENTITY = (
    *('"stream_id"', '"user_pseudo_id"', '"user_id"', '"event_timestamp"', '"event_name"'),
    *('"event_bundle_sequence_id"', '"batch_page_id"', '"batch_ordering_id"'),
    *('"batch_event_index"', 'case when "batch_event_index" is null then "event_params" end'),
)

SELECTS = {
    "events": select(
        {
            "event_id": f"left(sha256(cast(json_array({', '.join(_IDENTITY)}) as varchar)), 32)",
            "event_name": '"event_name"',
            "occurred_at": '"event_timestamp"',
            "user_id": '"user_id"',
            "anonymous_id": '"user_pseudo_id"',
            "session_id": f'coalesce("user_pseudo_id", "user_id") || \'.\' || {_SESSION}',
            "app_version": _VERSION,
            "properties": merged(
                _PARAMETERS,
                {
                    "platform": quoted('lower("platform")'),
                    "country": quoted(_COUNTRY),
                    "plan": quoted(_PLAN),
                    "stream_id": quoted('"stream_id"'),
                    "event_value_in_usd": number('"event_value_in_usd"'),
                    "event_server_timestamp_offset": number('"event_server_timestamp_offset"'),
                    "user_properties": f"nullif({_USER_PROPERTIES}, '{{}}')",
                    **{name: as_json(f'"{name}"') for name in _OBJECTS},
                },
            ),
        }
    )
}
