"""GitHub's events: an array as the API answers, or JSON Lines as GH Archive keeps them.

The Events API nests what happened in `payload`, whose members become the properties, beside the
actor, repository and organisation. Events of issues, which the API lists elsewhere, have no payload
and name themselves in `event`; both are read. The user is the actor's number: a login can change.
An account whose login ends in `[bot]` is a bot. A deleted account is null, and so names nobody.

Source:
    GitHub Docs, GitHub event types; REST API endpoints for issue events; GH Archive.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import json, jsonl
from .records import BrokenStream, InputFile, Records
from .sql import as_json, merged, quoted, select, true_if, within

__all__ = ["SELECTS", "read"]

_ACTOR = within('"actor"', {"id": "/id", "login": "/login"})
_OBJECTS = (
    *("actor", "repo", "org", "issue", "label", "assignee", "assigner", "milestone", "rename"),
    *("review_requester", "requested_reviewer", "requested_team", "dismissed_review"),
    *("project_card", "performed_via_github_app"),
)
_TEXTS = ("commit_id", "commit_url", "node_id", "url", "lock_reason", "state_reason")

SELECTS = {
    "events": select(
        {
            "event_id": '"id"',
            "event_name": 'coalesce("type", "event")',
            "occurred_at": '"created_at"',
            "user_id": _ACTOR["id"],
            "properties": merged(
                '"payload"',
                {
                    "is_bot": true_if(f"ends_with({_ACTOR['login']}, '[bot]')"),
                    "public": as_json('"public"'),
                    **{name: as_json(f'"{name}"') for name in _OBJECTS},
                    **{name: quoted(f'"{name}"') for name in _TEXTS},
                },
            ),
        }
    )
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the events of a file, which is one array where it starts with a bracket.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: An array is larger than the format `json` allows.
    """
    reader = json if _starts_with_a_bracket(file) else jsonl
    yield from reader.read(file, delimiter=delimiter)


def _starts_with_a_bracket(file: InputFile) -> bool:
    try:
        for chunk in file.chunks():
            text = chunk.removeprefix(b"\xef\xbb\xbf").lstrip()
            if text:
                return text.startswith(b"[")
    except BrokenStream:
        # the reader says where it breaks
        return False
    return False
