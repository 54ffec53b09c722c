"""Segment's JSON Lines, as its object storage destinations write them: one call a line.

track, page, screen, identify, group and alias calls are events. `timestamp` is what Segment has
corrected by its own clock (receivedAt − (sentAt − originalTimestamp)), so it is taken as it is; a
call that has only `originalTimestamp` goes by the client's clock and is corrected here.

The whole `context` is kept within the properties: campaign, page, device, operating system, locale
and traits go nowhere else. What models read of a unit stands beside it under the core's names.

Source:
    Twilio Segment, Spec: Common Fields (timestamps, context); Spec: Alias; Spec: Page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .jsonl import read
from .sql import intact, merged, quoted, select, within

__all__ = ["SELECTS", "calls", "read"]

_CONTEXT = {
    "version": "/app/version",
    "session": "/sessionId",
    "device": "/device/type",
    "page": "/page/url",
    "agent": "/userAgent",
    "country": "/location/country",
    "plan": "/traits/plan",
}


def calls(fields: Mapping[str, str], kept: Sequence[str] = ()) -> str:
    """The select over calls of Segment's form.

    Args:
        fields: SQL by Segment's name of a field, where it is more than the field itself.
        kept: Further fields of a call, texts, that the properties keep.
    """

    def field(name: str) -> str:
        return fields.get(name, f'"{name}"')

    context = within(field("context"), _CONTEXT)
    web = f"case when {context['page']} is not null then 'web' end"
    extras = {
        # page, screen and group calls say these beside their properties
        "name": quoted(field("name")),
        "category": quoted(field("category")),
        "groupId": quoted(field("groupId")),
        "platform": quoted(f"coalesce(lower({context['device']}), {web})"),
        "country": quoted(context["country"]),
        "plan": quoted(context["plan"]),
        "user_agent": quoted(context["agent"]),
        **{name: quoted(f'"{name}"') for name in kept},
        "context": intact(field("context")),
    }
    timestamp = field("timestamp")
    anonymous = field("anonymousId")
    before = f"coalesce({field('previousId')}, {anonymous})"
    return select(
        {
            "event_id": field("messageId"),
            # a page or screen call has no event name of its own: its type is the name
            "event_name": f"coalesce({field('event')}, {field('type')})",
            "occurred_at": f"coalesce({timestamp}, {field('originalTimestamp')})",
            "sent_at": f"case when {timestamp} is null then {field('sentAt')} end",
            "received_at": field("receivedAt"),
            "user_id": field("userId"),
            # an alias call ties the id from before to the one from now on
            "anonymous_id": (
                f"case when {field('type')} = 'alias' then {before} else {anonymous} end"
            ),
            "session_id": context["session"],
            "app_version": context["version"],
            "properties": merged(f"coalesce({field('properties')}, {field('traits')})", extras),
        }
    )


SELECTS = {"events": calls({})}
