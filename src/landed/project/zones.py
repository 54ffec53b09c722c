"""Names of time zones that mean the same on every machine, and to the engine too."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Files beside the zones in a machine's folder: its own setting, and zones that count leap seconds.
_OF_THE_MACHINE = frozenset({"localtime", "posixrules"})
_COPIES = ("right/", "posix/")


def is_zone(name: str) -> bool:
    """Whether a text is the IANA name of a time zone.

    Examples:
        >>> [is_zone(name) for name in ("Europe/Berlin", "localtime", "right/UTC", "Mars")]
        [True, False, False, False]
    """
    if name in _OF_THE_MACHINE or name.startswith(_COPIES):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
