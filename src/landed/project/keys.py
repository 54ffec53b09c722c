"""The key of the digests that stand for user ids."""

from __future__ import annotations

import os
import secrets

from ..errors import WarehouseError
from ..project import Home

KEY_BYTES = 32


def secret_key(home: Home) -> bytes:
    """The home's key; made once, mode 0600, and never changed: digests must stay comparable.

    Raises:
        WarehouseError: The file is there and is no key, or others may read it.
    """
    path = home.secret_key
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".tmp-{path.name}-{os.getpid()}")
    if not path.exists():
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, secrets.token_bytes(KEY_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(aside, path)  # unlike a rename, this never replaces another's key
        except FileExistsError:
            pass  # another process was first; its key is the key
        finally:
            aside.unlink()
    key = path.read_bytes()
    mode = path.stat().st_mode & 0o777
    if len(key) != KEY_BYTES or mode & 0o077:
        raise WarehouseError(
            f"the key has {len(key)} bytes and mode {mode:o}",
            expected=f"{KEY_BYTES} bytes and mode 600",
            where=str(path),
            fix=f"run `chmod 600 {path}`; restore it from a backup if it was cut.",
            code="secret_key",
        )
    return key
