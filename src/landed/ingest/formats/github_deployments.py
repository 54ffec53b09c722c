"""GitHub deployments: as the REST API lists them, or as webhooks tell them; arrays or JSON Lines.

A deployment says what was asked for, and when; it is pending until a status says more. A status
(of the API's list of statuses, or in the body of the webhook `deployment_status`) says what became
of a deployment, and when; it is a row of its own, with the deployment's id in front. A status from
the API's list names its deployment and not the ref. `name` is the repository, as `owner/name`.

Source:
    GitHub Docs, REST API endpoints for deployments, and for deployment statuses; Webhook events and
    payloads (deployment, deployment_status).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import pages
from .records import InputFile, Records
from .sql import as_json, quoted, select, within
from .texts import made, repository

__all__ = ["SELECTS", "read"]

_DEPLOYMENT = {
    "id": "/id",
    "ref": "/ref",
    "sha": "/sha",
    "task": "/task",
    "environment": "/environment",
    "created_at": "/created_at",
    "description": "/description",
    "repository_url": "/repository_url",
    "production_environment": "/production_environment",
    "transient_environment": "/transient_environment",
    "creator": "/creator/login",
}
_STATUS = {
    "id": "/id",
    "state": "/state",
    "environment": "/environment",
    "created_at": "/created_at",
    "environment_url": "/environment_url",
    "log_url": "/log_url",
    "description": "/description",
}
_IN_HOOK = within('"deployment"', _DEPLOYMENT)
_STATUS_IN_HOOK = within('"deployment_status"', _STATUS)
_CREATOR = within('"creator"', {"login": "/login"})["login"]

# a record of the API's lists: a status where it has a state, else a deployment
_LISTED_ID = (
    'case when "state" is null then "id" else'
    " nullif(regexp_extract(\"deployment_url\", '/deployments/(\\d+)', 1), '') end"
)
_LISTED_STATUS_ID = 'case when "state" is not null then "id" end'
_STATUS_ID = f"coalesce({_STATUS_IN_HOOK['id']}, {_LISTED_STATUS_ID})"


def _first(name: str, *others: Mapping[str, str]) -> str:
    """SQL of a field: of the first of the others that has it, else of the record itself."""
    found = ", ".join(f"nullif({one[name]}, '')" for one in others)
    return f"coalesce({found}, nullif(\"{name}\", ''))"


SELECTS = {
    "releases": select(
        {
            "release_id": (
                f"coalesce({_IN_HOOK['id']}, {_LISTED_ID}) || coalesce(':' || {_STATUS_ID}, '')"
            ),
            "name": repository(
                f'coalesce({_IN_HOOK["repository_url"]}, "repository_url", "deployment_url")'
            ),
            "version": _first("ref", _IN_HOOK),
            "released_at": _first("created_at", _STATUS_IN_HOOK, _IN_HOOK),
            "environment": _first("environment", _STATUS_IN_HOOK, _IN_HOOK),
            "status": f"coalesce({_first('state', _STATUS_IN_HOOK)}, 'pending')",
            "url": _first("environment_url", _STATUS_IN_HOOK),
            "notes": _first("description", _STATUS_IN_HOOK, _IN_HOOK),
            "properties": made(
                {
                    "commit": quoted(_first("sha", _IN_HOOK)),
                    "task": quoted(_first("task", _IN_HOOK)),
                    "creator": quoted(f"coalesce({_IN_HOOK['creator']}, {_CREATOR})"),
                    **{
                        f"is_{name}": as_json(_first(f"{name}_environment", _IN_HOOK))
                        for name in ("production", "transient")
                    },
                    "log_url": quoted(_first("log_url", _STATUS_IN_HOOK)),
                }
            ),
        }
    )
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the deployments and statuses of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file)
