"""RudderStack's JSON Lines, as its object storage destinations write them: one call a line.

The calls have Segment's form. Between versions and pipelines the common fields are spelled in camel
case or in snake case (`messageId`, `message_id`; `receivedAt`, `received_at`); both are read, camel
case first. `timestamp` is RudderStack's own correction (receivedAt − (sentAt − originalTimestamp)).
`rudderId` and `request_ip`, which it adds, are kept within the properties.

Rows of a warehouse table have the properties of an event as columns: they need a `select`.

Source:
    RudderStack, Common Fields (event specification); Warehouse Schema.
"""

from __future__ import annotations

from .jsonl import read
from .segment import calls

__all__ = ["SELECTS", "read"]

_FIELDS = {
    # `event` of a warehouse row is a name of a table; the event's own name stands in event_text
    "event": 'coalesce("event_text", "event")',
    "messageId": 'coalesce("messageId", "message_id", "id")',
    "originalTimestamp": 'coalesce("originalTimestamp", "original_timestamp")',
    "sentAt": 'coalesce("sentAt", "sent_at")',
    "receivedAt": 'coalesce("receivedAt", "received_at")',
    "userId": 'coalesce("userId", "user_id")',
    "anonymousId": 'coalesce("anonymousId", "anonymous_id")',
    "previousId": 'coalesce("previousId", "previous_id")',
    "groupId": 'coalesce("groupId", "group_id")',
}

SELECTS = {"events": calls(_FIELDS, ("rudderId", "request_ip", "channel"))}
