"""Reviews of Google Play, as the Play Console exports them by month: CSV in UTF-16.

The file of a month is written anew every day, with what came since. A review that its author
changes stands there again with another time of update: it is what was said then, and a row of its
own. The developer's reply is another's word and may come later, so that it is left out. A rating
without text has no link and so no id: it is known by its app, time, device and language.

Source:
    Play Console Help, Download and export monthly reports (UTF-16, CSV by month); Google Play
    Developer API, Reviews (reviewId, lastModified, reviewerLanguage, device).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import csv
from .columns import filled
from .records import InputFile, Records
from .sql import quoted, select
from .texts import lines, made

__all__ = ["SELECTS", "read"]

_COLUMNS = (
    *("Package Name", "App Version Code", "App Version Name", "Reviewer Language", "Device"),
    *("Review Submit Date and Time", "Review Submit Millis Since Epoch"),
    *("Review Last Update Date and Time", "Review Last Update Millis Since Epoch"),
    *("Star Rating", "Review Title", "Review Text", "Review Link"),
)
_SUBMITTED = '"Review Submit Millis Since Epoch"'
_GIVEN = f'coalesce("Review Last Update Millis Since Epoch", {_SUBMITTED})'
_REVIEW = "nullif(url_decode(regexp_extract(\"Review Link\", '[?&]reviewid=([^&#]+)', 1, 'i')), '')"
_RATING = (
    f'left(sha256(cast(json_array("Package Name", "App Version Code", {_SUBMITTED},'
    ' "Reviewer Language", "Device") as varchar)), 32)'
)

SELECTS = {
    "feedback": select(
        {
            "feedback_id": f"coalesce({_REVIEW}, {_RATING}) || ':' || coalesce({_GIVEN}, '')",
            "given_at": (
                f'coalesce({_GIVEN}, "Review Last Update Date and Time",'
                ' "Review Submit Date and Time")'
            ),
            "channel": "'google_play'",
            "rating": '"Star Rating"',
            "text": lines(['"Review Title"', '"Review Text"']),
            "app_version": 'coalesce("App Version Name", "App Version Code")',
            "properties": made(
                {
                    "product": quoted('"Package Name"'),
                    "title": quoted('"Review Title"'),
                    "language": quoted('"Reviewer Language"'),
                    "device": quoted('"Device"'),
                    "version_code": quoted('"App Version Code"'),
                    "submitted_at": quoted('"Review Submit Date and Time"'),
                    "url": quoted('"Review Link"'),
                }
            ),
        }
    )
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the reviews of a file.

    Args:
        file: The file.
        delimiter: The character between fields.
    """
    return filled(csv.read(file, delimiter=delimiter), _COLUMNS)
