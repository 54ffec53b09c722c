"""Tickets of Zendesk Support: pages of the API's `{"tickets": […]}`, or JSON Lines of tickets.

The incremental export gives a ticket again whenever it changes. What changes in the work on it
(status, priority, tags, assignee, times) is left out, so that the ticket comes again as the same
one. Its type and the customer's rating of the support are kept as they stood first; a later change
of them shows as a conflict. `good` and `bad` are no numbers, and so no `rating`. A ticket that was
deleted has lost its text and is not selected.

Source:
    Zendesk Developer Docs, Tickets (JSON format); Incremental Exports (pages, deleted tickets);
    Zendesk Help, Exporting data to a JSON, CSV, or XML file.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import quoted, select, within
from .texts import lines, made

__all__ = ["ID_PREFIXES", "SELECTS", "read"]

#: What stands before an id in the lake, and in a record.
ID_PREFIXES = (("zendesk:", ""),)

_VIA = within('"via"', {"channel": "/channel"})["channel"]
_RATING = within('"satisfaction_rating"', {"score": "/score", "comment": "/comment"})
_IS_RATED = f"lower({_RATING['score']}) in ('good', 'bad')"

SELECTS = {
    "feedback": select(
        {
            "feedback_id": '"id"',
            "given_at": '"created_at"',
            # the id is Zendesk's own: without a name before it, it could be that of another person
            "user_id": "'zendesk:' || \"requester_id\"",
            "channel": "'zendesk'",
            "text": lines(['"subject"', '"description"']),
            "properties": made(
                {
                    "subject": quoted('"subject"'),
                    "type": quoted('"type"'),
                    "via": quoted(_VIA),
                    "satisfaction": quoted(f"case when {_IS_RATED} then {_RATING['score']} end"),
                    "satisfaction_comment": quoted(
                        f"case when {_IS_RATED} then {_RATING['comment']} end"
                    ),
                    "external_id": quoted('"external_id"'),
                    "organization_id": quoted('"organization_id"'),
                    "brand_id": quoted('"brand_id"'),
                    "url": quoted('"url"'),
                }
            ),
        }
    )
    + "\nwhere \"status\" is distinct from 'deleted'"
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the tickets of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file, within="tickets")
