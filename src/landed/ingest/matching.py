"""Files that a pattern stands for; a folder that cannot be read is told, not taken for empty."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path


def matching(pattern: str) -> Iterator[tuple[str, os.stat_result]]:
    """Files that match an absolute path or glob, as `glob.glob(…, recursive=True)` finds them.

    Each comes by its real path, with its state: one call to the system a file, for a landing
    folder holds tens of thousands and is looked at every few seconds.

    `glob` passes over a folder that it may not list, or that the disk cannot: a source would have
    no files that day, and nobody would know.

    Args:
        pattern: Absolute; `*`, `?`, `[…]` and `**`. Hidden names match only where it says so.

    Raises:
        OSError: A folder cannot be listed; it bears the folder's name.
    """
    root, *parts = Path(pattern).parts
    real: dict[str, str] = {}
    for found in _below(root, parts):
        try:
            state = Path(found).stat() if isinstance(found, str) else found.stat()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                continue  # no such file, gone since it was listed, or a link to nowhere
            raise
        if not stat.S_ISREG(state.st_mode):
            continue
        if isinstance(found, str) or found.is_symlink():
            yield os.path.realpath(found), state
        else:
            folder = found.path[: -len(found.name)]
            if folder not in real:
                real[folder] = os.path.realpath(folder).rstrip("/")
            yield f"{real[folder]}/{found.name}", state


def written(path: str | os.PathLike[str]) -> str:
    """A path as text that can be stored and shown: bytes of a name that are no UTF-8 as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _below(folder: str, parts: Sequence[str]) -> Iterator[str | os.DirEntry[str]]:
    if not parts:
        yield folder
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        # no folder, or any number of them
        yield from _below(folder, rest or ["*"])
        for entry in _entries(folder, "*"):
            if entry.is_dir() and not _leads_back(entry):
                yield from _below(entry.path, parts)
    elif glob.has_magic(head):
        for entry in _entries(folder, head):
            if not rest:
                yield entry
            elif entry.is_dir():
                yield from _below(entry.path, rest)
    else:
        yield from _below(str(Path(folder) / head), rest)


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to the folder it stands in, or to one above it: below it is no end."""
    if not entry.is_symlink():
        return False
    target = Path(entry.path).resolve()
    return Path(entry.path).parent.resolve().is_relative_to(target)


def _entries(folder: str, pattern: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = re.compile(fnmatch.translate(pattern)).match
    takes_hidden = pattern.startswith(".")
    return [
        entry
        for entry in entries
        if matches(entry.name) and (takes_hidden or not entry.name.startswith("."))
    ]
