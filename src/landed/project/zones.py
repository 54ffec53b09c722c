"""Names of time zones that mean the same on every machine, and to the engine too."""

from __future__ import annotations

import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

#: Files beside the zones in a machine's folder: its own setting, and zones that count leap seconds.
_OF_THE_MACHINE = frozenset({"localtime", "posixrules"})
_COPIES = ("right/", "posix/")
#: Other names of UTC that people write.
_SAME_AS_UTC = frozenset(
    {"Etc/UTC", "Etc/UCT", "Etc/Zulu", "Etc/Universal", "UCT", "Zulu", "Universal"}
)


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


def canonical_zone(name: str) -> str:
    """The name of a zone, UTC having one alone."""
    return "UTC" if name in _SAME_AS_UTC else name


def nearest_zone(name: str) -> str | None:
    """The zone that a text which names none comes nearest to; None where none is near.

    Examples:
        >>> [nearest_zone(name) for name in ("berlin", "Europe/Berlim", "new york", "Mars")]
        ['Europe/Berlin', 'Europe/Berlin', 'America/New_York', None]
    """
    written = name.strip().lower().replace(" ", "_")
    zones = {zone.lower(): zone for zone in sorted(available_timezones()) if is_zone(zone)}
    cities = {lower.rpartition("/")[2]: lower for lower in reversed(zones) if "/" in lower}
    near = difflib.get_close_matches(written, [*zones, *cities], n=1, cutoff=0.7)
    return zones[cities.get(near[0], near[0])] if near else None
