"""How the address of a remote file is shown and kept: without what may be a secret.

A query may hold a password under any name (`?code=…`), so none is written anywhere: neither into an
error, nor into the ledger, the quarantine or a memory. Two files of one path are told apart by a
digest of their queries.
"""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

WEB = ("http", "https")
#: Schemes whose address may name a user (or a container) in front of the host.
NAMES_A_USER = frozenset({"abfs", "abfss", "sftp", "ssh", "ftp", "smb", "hdfs", "hf", "github"})
#: Names that say that a secret follows: parts of a name, and whole ones.
_SECRET = re.compile(
    r"[?&;#]([^=&;#]*(?:token|secret|signature|sig|passw|pwd|key|auth|credential|session|jwt|sas"
    r"|hmac)[^=&;#]*|code|ticket|pin|otp|access|delegation)=",
    re.IGNORECASE,
)
_HIDDEN = "***"


def shown(url: str) -> str:
    """An address without what may be a secret: no user, no password, no query."""
    return _plain(url)[0]


def known_as(url: str) -> str:
    """The name of a remote file: its address, with a digest in the place of a query."""
    name, query = _plain(url)
    return name + (hashlib.sha256(query.encode()).hexdigest()[:12] if query else "")


def secret_name(rest: str) -> str | None:
    """The name in an address, behind its scheme, that says that a secret follows; None without."""
    hit = _SECRET.search(unquote(rest))
    return hit[1] if hit else None


def _plain(url: str) -> tuple[str, str]:
    """What may be shown of an address; and what was hidden behind its path."""
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    if slash:
        end = re.search(r"[?#;]", path)
    else:  # no path, perhaps a query
        end = re.search(r"[?#]", place)
        place, path = (place[: end.start()], place[end.start() :]) if end else (place, "")
        end = re.search(r"[?#]", path)
    head, sep, host = place.rpartition("@")
    keeps = scheme in NAMES_A_USER and ":" not in head
    place = place if keeps else f"{_HIDDEN}{sep}{host}" if sep else place
    hidden = path[end.start() :] if end else ""
    # where there is no query `?` is a pattern, or in the name of a file
    if scheme.lower() not in WEB and "=" not in hidden.partition("/")[0]:
        hidden = ""
    if not hidden:
        return f"{scheme}://{place}{slash}{path}", ""
    path = path[: len(path) - len(hidden)] + hidden[0] + _HIDDEN
    return f"{scheme}://{place}{slash}{path}", hidden
