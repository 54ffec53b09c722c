"""GitHub releases as the REST API lists them: arrays, one after the other, or JSON Lines.

A draft was not released: it has no `published_at`, and is not selected. `name` is the title, or the
tag where there is none. A release that is edited later shows as a conflict. What changes by itself
(downloads, reactions) is left out.

Source:
    GitHub Docs, REST API endpoints for releases (List releases).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import as_json, quoted, select, within
from .texts import made, names, repository, trimmed

__all__ = ["SELECTS", "read"]

_NAME, _TAG = '"name"', '"tag_name"'
_AUTHOR = within('"author"', {"login": "/login"})["login"]

SELECTS = {
    "releases": select(
        {
            "release_id": '"id"',
            "name": f"coalesce({trimmed(_NAME)}, {_TAG})",
            "version": _TAG,
            "released_at": '"published_at"',
            "status": "case when \"prerelease\" = 'true' then 'prerelease' else 'released' end",
            "url": '"html_url"',
            "notes": trimmed('"body"'),
            "properties": made(
                {
                    "product": quoted(repository('"url"')),
                    "commit": quoted('"target_commitish"'),
                    "author": quoted(_AUTHOR),
                    "assets": names(as_json('"assets"')),
                }
            ),
        }
    )
    + "\nwhere \"draft\" is distinct from 'true'"
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the releases of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file)
