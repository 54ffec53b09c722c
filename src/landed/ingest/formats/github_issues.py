"""GitHub issues as the REST API lists them: arrays, one after the other, or JSON Lines.

The API calls pull requests issues too; they are no feedback and not selected. What the work on an
issue changes (state, comments, assignees, times) is left out, so that an issue listed anew comes
again as the same one; its labels are kept as they stood first, and a later change of them, or of
the text, shows as a conflict. A deleted account is null, and so names nobody.

Source:
    GitHub Docs, REST API endpoints for issues (List repository issues: `pull_request`).
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import as_json, quoted, select, within
from .texts import lines, made, names, repository

__all__ = ["ID_PREFIXES", "SELECTS", "read"]

#: What stands before an id in the lake, and in a record.
ID_PREFIXES = (("github:", ""),)

_USER = within('"user"', {"id": "/id", "login": "/login", "kind": "/type"})
_TYPE = within('"type"', {"name": "/name"})["name"]

SELECTS = {
    "feedback": select(
        {
            "feedback_id": '"id"',
            "given_at": '"created_at"',
            # the number is GitHub's own: without a name before it, it could be another person's
            "user_id": f"'github:' || {_USER['id']}",
            "channel": "'github_issues'",
            "text": lines(['"title"', '"body"']),
            "properties": made(
                {
                    "product": quoted(repository('coalesce("repository_url", "url")')),
                    "type": quoted(f"lower({_TYPE})"),
                    "title": quoted('"title"'),
                    "number": quoted('"number"'),
                    "labels": names(as_json('"labels"')),
                    "author": quoted(_USER["login"]),
                    "author_type": quoted(_USER["kind"]),
                    "author_association": quoted('"author_association"'),
                    "url": quoted('"html_url"'),
                }
            ),
        }
    )
    + '\nwhere "pull_request" is null'
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the issues of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file)
