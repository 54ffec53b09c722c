"""Conversations of Intercom: pages of the API's `{"conversations": […]}`, or JSON Lines of them.

The text is what opened the conversation where a customer wrote it, HTML shown as text, and what was
said with the rating: 1 to 5, of the whole conversation. A conversation that the company opened is
feedback only where it was rated. State, tags, assignees and counts change in the work on it and are
left out; a rating that comes later shows as a conflict. `user_id` is the id that the product gave
Intercom.

Source:
    Intercom Developers, Conversations: Conversation, Conversation source, Conversation rating,
    Contact reference (external_id).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import quoted, select, within
from .texts import from_html, lines, made

__all__ = ["SELECTS", "read"]

_SOURCE = within(
    '"source"',
    {
        "subject": "/subject",
        "body": "/body",
        "author": "/author/type",
        "author_id": "/author/id",
        "via": "/type",
        "delivered_as": "/delivered_as",
        "url": "/url",
    },
)
_RATING = within('"conversation_rating"', {"rating": "/rating", "remark": "/remark"})
_CONTACT = within('"contacts"', {"now": "/contacts/0/external_id", "old": "/0/external_id"})
_IS_CUSTOMER = f"{_SOURCE['author']} in ('user', 'lead', 'contact', 'visitor')"


def _if_customer(text: str) -> str:
    return f"case when {_IS_CUSTOMER} then {text} end"


SELECTS = {
    "feedback": select(
        {
            "feedback_id": '"id"',
            "given_at": '"created_at"',
            "user_id": f"coalesce({_CONTACT['now']}, {_CONTACT['old']})",
            "channel": "'intercom'",
            "rating": _RATING["rating"],
            "text": lines(
                [
                    _if_customer(from_html(_SOURCE["subject"])),
                    _if_customer(from_html(_SOURCE["body"])),
                    _RATING["remark"],
                ]
            ),
            "properties": made(
                {
                    "via": quoted(_SOURCE["via"]),
                    "delivered_as": quoted(_SOURCE["delivered_as"]),
                    "author": quoted(_SOURCE["author"]),
                    "contact_id": quoted(_if_customer(_SOURCE["author_id"])),
                    "url": quoted(f"nullif({_SOURCE['url']}, '')"),
                    "remark": quoted(_RATING["remark"]),
                }
            ),
        }
    )
    + f"\nwhere coalesce({_SOURCE['author']}, 'user') not in ('admin', 'bot', 'team', 'operator')"
    + f"\n    or {_RATING['rating']} is not null"
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the conversations of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file, within="conversations")
