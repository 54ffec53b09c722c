"""The order of an app's versions, as far as their names tell one."""

from __future__ import annotations

import itertools
import re

#: What stands for a version among others: parts, each a number or, before all numbers, a word.
VersionKey = tuple[tuple[int, int, str], ...]
_PARTS = re.compile(r"\d+|[A-Za-z]+")
_VERSION = re.compile(r"v?\d+(?:[.\-_+][0-9A-Za-z]+)*")
#: Ends a version: after `4.2.0-beta`, before `4.2.0.1`.
_END = (1, -1, "")


def version_key(version: str | None) -> VersionKey | None:
    """What versions are sorted by; None of a name that tells no order, such as `canary`.

    Numbers count as numbers, a word after them comes before the version without it, and zeros at
    the end of its numbers say nothing.

    Examples:
        >>> names = ["4.10", "4.2.0", "4.2.0-beta.1", "4.9.3"]
        >>> sorted(names, key=version_key)
        ['4.2.0-beta.1', '4.2.0', '4.9.3', '4.10']
        >>> version_key("canary") is None
        True
    """
    if version is None or not _VERSION.fullmatch(version.strip()):
        return None
    found = _PARTS.findall(version.strip().removeprefix("v"))
    numbers = list(itertools.takewhile(str.isdigit, found))
    rest = found[len(numbers) :]
    while len(numbers) > 1 and not int(numbers[-1]):
        numbers.pop()
    parts = [
        (2, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in (*numbers, *rest)
    ]
    return (*parts, _END)
