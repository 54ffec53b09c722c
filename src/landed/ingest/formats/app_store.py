"""Customer reviews of the App Store, as the App Store Connect API answers: `{"data": […]}`.

Pages may follow each other; reviews as JSON Lines are read too. The API does not say which version
of the app a review is of, nor who wrote it beyond a nickname that anybody may choose: a source per
version has to name the version in its own `select`. The developer's response is another's word and
may come later, so that it is left out.

Source:
    App Store Connect API: CustomerReview; List All Customer Reviews for an App.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import quoted, select, within
from .texts import lines, made

__all__ = ["SELECTS", "read"]

_AT = within(
    '"attributes"',
    {
        "rating": "/rating",
        "title": "/title",
        "body": "/body",
        "nickname": "/reviewerNickname",
        "created": "/createdDate",
        "territory": "/territory",
    },
)

SELECTS = {
    "feedback": select(
        {
            "feedback_id": '"id"',
            "given_at": _AT["created"],
            "channel": "'app_store'",
            "rating": _AT["rating"],
            "text": lines([_AT["title"], _AT["body"]]),
            "properties": made(
                {name: quoted(_AT[name]) for name in ("title", "nickname", "territory")}
            ),
        }
    )
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the reviews of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file, within="data")
