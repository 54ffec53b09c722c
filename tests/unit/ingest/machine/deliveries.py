"""Records as senders write them: repeated, changed, skewed, late, local, broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

IDS = 7
BERLIN = ZoneInfo("Europe/Berlin")
#: The night in which Berlin's clocks go back, and the night in which they go forward.
BACK = datetime(2026, 10, 24, 23, 20, tzinfo=UTC)
FORWARD = datetime(2026, 3, 28, 23, 20, tzinfo=UTC)
SKEWS_SECONDS = (0, 5, 59, 60, 61, -61, 3_600, -86_400, 30 * 86_400, -30 * 86_400)
AHEAD_SECONDS = (59, 61, 86_399, 86_401)

_FORMS = ("utc", "utc", "offset", "milliseconds", "spaced", "seconds")
_CHANGES = ("none", "none", "none", "renamed", "moved", "counted", "true")
_APP_FAULTS = (
    "cut", "list", "no_id", "no_name", "no_time", "bad_time", "bad_sent", "no_unit", "early",
)  # fmt: skip
_ORDER_FAULTS = ("no_id", "no_time", "bad_time", "gap", "no_unit", "more_fields", "fewer_fields")


def _mostly(good: st.SearchStrategy[Any], bad: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return st.integers(0, 4).flatmap(lambda drawn: good if drawn else st.sampled_from(bad))


@st.composite
def app_lines(draw: st.DrawFn) -> str:
    """One line of the source `app`, without its end."""
    number = draw(st.integers(0, IDS - 1))
    fault = draw(_mostly(st.none(), _APP_FAULTS))
    change = draw(st.sampled_from(_CHANGES))
    clock = draw(st.sampled_from(("none", "none", "received", "pair", "ahead")))
    at = BACK + number * timedelta(minutes=37)
    if change == "moved":
        at += timedelta(hours=draw(st.sampled_from((-50, -1, 1, 30))))
    event: dict[str, Any] = {"event_id": f"e{number}", "event_name": f"step_{number % 3}"}
    if clock != "none":
        event["received_at"] = _text(at + timedelta(minutes=10), "utc")
    if clock == "pair":
        wrong = timedelta(seconds=draw(st.sampled_from(SKEWS_SECONDS)))
        event["sent_at"] = _text(at + timedelta(minutes=10) + wrong, "utc")
        at += wrong
    elif clock == "ahead":
        at += timedelta(seconds=600 + draw(st.sampled_from(AHEAD_SECONDS)))
    event["occurred_at"] = _text(at, draw(st.sampled_from(_FORMS)))
    event["user_id"] = f"u{number % 3}"
    event["properties"] = {"count": number, "seen": change == "true"}
    if change == "renamed":
        event["event_name"] = "renamed"
    elif change == "counted":
        event["properties"]["count"] = number + 1
    _spoil(event, fault)
    if draw(st.booleans()):  # the order of keys and the spaces between them say nothing
        event["properties"] = dict(reversed(event["properties"].items()))
        line = json.dumps(dict(reversed(event.items())), separators=(",", ":"))
    else:
        line = json.dumps(event)
    if fault == "list":
        line = f"[{line}]"
    return line[: -draw(st.integers(1, 9))] if fault == "cut" else line


def _spoil(event: dict[str, Any], fault: str | None) -> None:
    match fault:
        case "no_id":
            event["event_id"] = ""
        case "no_name":
            event["event_name"] = None
        case "no_time":
            del event["occurred_at"]
        case "bad_time":
            event["occurred_at"] = "11/03/2026 10:00"
        case "bad_sent":
            event["sent_at"] = "soon"
        case "no_unit":
            event["user_id"] = None
        case "early":
            # no skew brings it past 1970: repeats are sought within a week
            event["occurred_at"] = "1969-11-30T23:59:59Z"


@st.composite
def orders(draw: st.DrawFn) -> str:
    """One line of the source `berlin`, without its end."""
    number = draw(st.integers(0, IDS - 1))
    fault = draw(_mostly(st.none(), _ORDER_FAULTS))
    night = BACK if number % 2 else FORWARD
    at = night + number * timedelta(minutes=37)
    if draw(st.integers(0, 3)) == 0:
        at += timedelta(hours=draw(st.sampled_from((-49, -1, 1, 26))))
    form = draw(st.sampled_from(("local", "local", "local", "offset", "utc")))
    text = f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}" if form == "local" else _text(at, form)
    total = draw(st.sampled_from(("10", "10", "11", "")))
    fields = [f"b{number}", text, f"c{number % 3}", total]
    match fault:
        case "no_id":
            fields[0] = ""
        case "no_time":
            fields[1] = ""
        case "bad_time":
            fields[1] = "yesterday"
        case "gap":
            fields[1] = "2026-03-29T02:30:00"
        case "no_unit":
            fields[2] = ""
        case "more_fields":
            fields.append("more")
        case "fewer_fields":
            fields.pop()
    return ",".join(fields)


def _text(at: datetime, form: str) -> str:
    match form:
        case "offset":
            return at.astimezone(BERLIN).isoformat()
        case "milliseconds":
            return str(int(at.timestamp() * 1000))
        case "seconds":
            return str(int(at.timestamp()))
        case "spaced":
            return f"{at:%Y-%m-%d %H:%M:%S}.000Z"
        case _:
            return f"{at:%Y-%m-%dT%H:%M:%SZ}"
