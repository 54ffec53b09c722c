"""One writer at a time below a home."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import HomeBusyError, WarehouseError
from ..project import Home

_held: dict[str, int] = {}
_guard = threading.Lock()
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def run_lock(home: Home, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the home's lock: whoever writes below it does so inside.

    Args:
        home: The state.
        wait_seconds: How long to wait for another process. Seconds; 0 refuses at once.

    The kernel frees the lock when its process ends, however it ends. A process that holds it may
    enter again (a run that calls ingest), and lets go when the outermost block ends.

    Raises:
        HomeBusyError: Another process holds it; the error names that process and its command.
        WarehouseError: The home cannot be written, or the disk fails inside the block.
    """
    key = str(home.lock)
    with _guard:
        depth = _held.get(key, 0)
        handle = None if depth else _take(home, wait_seconds)
        _held[key] = depth + 1
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        raise WarehouseError(
            f"the disk failed: {error.strerror or error}{place}",
            where=str(home.root),
            fix="check its space, its health and the permissions, then run again.",
            code="disk",
        ) from error
    finally:
        with _guard:
            _held[key] -= 1
            if handle is not None:
                del _held[key]
                _let_go(handle)


def _take(home: Home, wait_seconds: float) -> int:
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        handle = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WarehouseError(
            f"cannot write the home: {error.strerror or error}",
            where=str(home.root),
            fix="check its permissions, or choose another with --home.",
            code="home_unwritable",
        ) from error
    try:
        _lock(handle, time.monotonic() + wait_seconds)
    except OSError as error:
        holder = _holder(handle)
        os.close(handle)
        raise HomeBusyError(
            f"another process works here: {holder or 'unknown'}",
            expected="one writer at a time",
            where=str(home.lock),
            fix="wait until it has finished, or choose another home with --home.",
            code="home_busy",
        ) from error
    command = shlex.join([Path(sys.argv[0] or "python").name, *sys.argv[1:]])[:400]
    # on a disk that is full or failing the lock holds all the same, only without a name
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()}: {command}\n".encode("utf-8", "replace"), 0)
    return handle


def _holder(handle: int) -> str:
    """Who holds the lock; it writes its name right after it has taken it."""
    for _ in range(5):
        name = os.pread(handle, 1024, 0).decode("utf-8", "replace").strip()
        if name:
            return name
        time.sleep(0.01)
    return ""


def _let_go(handle: int) -> None:
    with contextlib.suppress(OSError):  # a name that stays is of a process that is gone
        os.ftruncate(handle, 0)
    os.close(handle)


def _lock(handle: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return
