"""Keys of SSH servers: trusted are those that this machine knows, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SourceError

#: Where OpenSSH keeps what a person and a machine have accepted.
KNOWN_HOSTS = (Path("~/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))
SCHEMES = frozenset({"sftp", "ssh"})


def trusting_options(scheme: str) -> dict[str, Any]:
    """What fsspec is told of a scheme, so that it does not trust the key of whoever answers.

    Its own way is to trust any key it sees first: whoever sits between could hand out events of
    their own. Who has set `FSSPEC_SFTP_HOST_KEY_POLICY` has decided.
    """
    from fsspec.config import conf

    if scheme not in SCHEMES or "host_key_policy" in conf.get(scheme, {}):
        return {}
    import paramiko  # type: ignore[import-untyped]

    class Known(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
        """Accepts a key that a file of known hosts names."""

        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            """Refuse every other one, before anything of the person's is sent."""
            for path in KNOWN_HOSTS:
                file = path.expanduser()
                if file.is_file() and paramiko.HostKeys(str(file)).check(hostname, key):
                    return
            raise SourceError(
                f"the key of the server {hostname} is not known: {key.get_name()}"
                f" {key.fingerprint}",
                expected=f"its key in {KNOWN_HOSTS[0]}",
                fix="ask who runs the server for its fingerprint; if it is this one, connect once"
                " with `sftp`, or add the key with `ssh-keyscan`.",
                code="source_host_key",
            )

    return {"host_key_policy": Known}
