"""Faults of the instrumentation: events and properties that stop, move or change shape."""

from __future__ import annotations

from dataclasses import replace

from landed.catalog.releases import EmitRule

from .case import Case
from .data_kinds import MIDWAY
from .kinds import Kind, edit, some

_SINCE = f"occurred_at >= {MIDWAY}"
_NEWER = "app_version >= '2.3.0'"


def _property(event: str, pattern: str, becomes: str, where: str) -> str:
    return (
        "update lake.events set properties = regexp_replace(properties,"
        f" '{pattern}', '{becomes}') where event_name = '{event}' and {where}"
    )


def _promised_of_both(case: Case) -> None:
    case.release = replace(
        case.release,
        must_emit=(*case.release.must_emit, "start_shown"),
        emit_rules={**case.release.emit_rules, "start_shown": EmitRule(in_control=True)},
    )


INSTRUMENTATION = (
    Kind("must_emit_missing", "`guide_shown` never arrives", ("must_emit",),
         edit("delete from lake.events where event_name = 'guide_shown'")),
    Kind("must_emit_stops_by_version", "`guide_shown` missing since version 2.3.0",
         ("must_emit",),
         edit(f"delete from lake.events where event_name = 'guide_shown' and {_NEWER}")),
    Kind("must_emit_missing_in_one_arm", "`start_shown`, promised of both arms, missing in one",
         ("must_emit",),
         edit("delete from lake.events where event_name = 'start_shown' and occurred_at >="
              " timestamp '2026-10-01' and user_id in (select user_id from truth where"
              " is_treated)"),
         after=_promised_of_both),
    Kind("event_stopped", "`search_performed` stops midway", ("metric_events",),
         edit(f"delete from lake.events where event_name = 'search_performed' and {_SINCE}")),
    Kind("event_renamed", "`request_served` is called `request_done` since midway",
         ("metric_events",),
         edit("update lake.events set event_name = 'request_done'"
              f" where event_name = 'request_served' and {_SINCE}")),
    Kind("schema_rename", "`has_click` is called `clicked` since midway",
         ("schema_drift", "model_tests"),
         edit(_property("search_performed", '"has_click"', '"clicked"', _SINCE)), tested=True),
    Kind("required_property_lost", "`latency_ms` missing since version 2.3.0",
         ("schema_drift", "model_tests"),
         edit(_property("request_served", ',"latency_ms":[0-9.]+', "", _NEWER)), tested=True),
    Kind("type_changed", "`has_click` is yes or no instead of true or false since midway",
         ("schema_drift",),
         edit(_property("search_performed", '"has_click":true', '"has_click":"yes"', _SINCE),
              _property("search_performed", '"has_click":false', '"has_click":"no"', _SINCE))),
    Kind("enumeration_changed", "`/sync` is called `/v2/sync` since midway",
         ("value_drift", "schema_drift"),
         edit(_property("request_served", '"/sync"', '"/v2/sync"', _SINCE)), means="warn"),
    Kind("null_burst", "40 % of one day's searches without `has_click`",
         ("model_tests",),
         edit(_property("search_performed", '"has_click":(true|false)', '"has_click":null',
                        f"event_on = date '2026-10-20' and {some(0.4, 'event_id')}")),
         tested=True),
)  # fmt: skip
