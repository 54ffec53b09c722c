"""CDEvents of services: bare, or as the data of a CloudEvent; JSON Lines, an array or one object.

A service that was deployed, upgraded, rolled back or published is a release; other events are not
selected. `version` is the version that the artifact's package URL names. An event's id is unique
within its source only, so that both make the id.

Source:
    CDEvents specification: Spec (context, subject), Continuous Deployment Events (service
    deployed, upgraded, rolledback, published), CloudEvents Binding; Package URL specification.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import pages
from .records import InputFile, Records
from .sql import as_json, quoted, select, within
from .texts import made

__all__ = ["SELECTS", "read"]

_DATA = within('"data"', {"context": "/context", "subject": "/subject", "custom": "/customData"})
_CONTEXT = within(
    f'coalesce("context", {_DATA["context"]})',
    {"id": "/id", "source": "/source", "type": "/type", "at": "/timestamp", "chain": "/chainId"},
)
_SUBJECT = within(
    f'coalesce("subject", {_DATA["subject"]})',
    {
        "id": "/id",
        "environment": "/content/environment/id",
        "artifact": "/content/artifactId",
        "url": "/content/url",
    },
)
_TYPE = _CONTEXT["type"]
_SERVICE = r"^dev\.cdevents\.service\.(deployed|upgraded|rolledback|published)(\.|$)"

SELECTS = {
    "releases": select(
        {
            "release_id": f"{_CONTEXT['source']} || '#' || {_CONTEXT['id']}",
            "name": _SUBJECT["id"],
            # pkg:type/namespace/name@version?qualifiers#subpath
            "version": (
                f"nullif(url_decode(regexp_extract({_SUBJECT['artifact']}, '@([^@?#]+)', 1)), '')"
            ),
            "released_at": _CONTEXT["at"],
            "environment": _SUBJECT["environment"],
            "status": f"nullif(regexp_extract({_TYPE}, '{_SERVICE}', 1), '')",
            "url": _SUBJECT["url"],
            "properties": made(
                {
                    "type": quoted(_TYPE),
                    "event_source": quoted(_CONTEXT["source"]),
                    "chain_id": quoted(_CONTEXT["chain"]),
                    "artifact": quoted(_SUBJECT["artifact"]),
                    "custom": as_json(f'coalesce("customData", {_DATA["custom"]})'),
                }
            ),
        }
    )
    + f"\nwhere regexp_matches({_TYPE}, '{_SERVICE}')"
}


def read(file: InputFile, *, delimiter: str = ",") -> Iterator[Records]:
    """Yield the events of a file.

    Args:
        file: The file.
        delimiter: Not used: JSON has none.

    Raises:
        SourceError: Pages are larger than the format `json` allows.
    """
    return pages.read(file)
