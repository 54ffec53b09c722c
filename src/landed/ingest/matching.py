"""Files that a pattern stands for; a folder that cannot be read is told, not taken for empty."""

from __future__ import annotations

import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


def matching(pattern: str) -> Iterator[Path]:
    """Files that match an absolute path or glob, as `glob.glob(…, recursive=True)` finds them.

    `glob` passes over a folder that it may not list, or that the disk cannot: a source would have
    no files that day, and nobody would know.

    Args:
        pattern: Absolute; `*`, `?`, `[…]` and `**`. Hidden names match only where it says so.

    Raises:
        OSError: A folder cannot be listed; it bears the folder's name.
    """
    root, *parts = Path(pattern).parts
    return (Path(path) for path in _below(root, parts) if Path(path).is_file())


def _below(folder: str, parts: Sequence[str]) -> Iterator[str]:
    if not parts:
        yield folder
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        # no folder, or any number of them
        yield from _below(folder, rest or ["*"])
        for entry in _entries(folder, "*"):
            if entry.is_dir():
                yield from _below(entry.path, parts)
    elif glob.has_magic(head):
        for entry in _entries(folder, head):
            if not rest or entry.is_dir():
                yield from _below(entry.path, rest)
    else:
        yield from _below(str(Path(folder) / head), rest)


def _entries(folder: str, pattern: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        entry
        for entry in entries
        if fnmatch.fnmatchcase(entry.name, pattern)
        and (pattern.startswith(".") or not entry.name.startswith("."))
    ]
