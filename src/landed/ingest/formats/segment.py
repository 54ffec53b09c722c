"""Segment's JSON Lines: track, page, screen, identify and alias calls as events."""

from __future__ import annotations

from .jsonl import read

__all__ = ["SELECT", "read"]

#: A page or screen call has no event name of its own: its type is the name.
SELECT = """
select
    "messageId" as event_id,
    coalesce("event", "type") as event_name,
    coalesce("timestamp", "originalTimestamp") as occurred_at,
    "receivedAt" as received_at,
    "userId" as user_id,
    "anonymousId" as anonymous_id,
    json_extract_string("context", '$.sessionId') as session_id,
    json_extract_string("context", '$.app.version') as app_version,
    coalesce("properties", "traits") as properties
from raw
""".strip()
