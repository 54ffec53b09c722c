"""`[telemetry]` of `landed.toml`: by what one can tell that events of a client were lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import Fault

_PROPERTY = re.compile(r"[A-Za-z0-9_$.-]{1,100}")
_EVENT = re.compile(r"[A-Za-z0-9_ :$./-]{1,200}")
_MOST_PAIRS = 20
_KEYS = ("sequence", "heartbeat", "heartbeat_seconds", "pairs")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What a client sends regularly. What is missing of it was lost.

    Args:
        sequence: Property with a number that a client counts up by one an event, anew in every
            session. None: there is none.
        heartbeat: Event that a client sends all the while a session lasts. None: there is none.
        heartbeat_seconds: How often. Seconds.
        pairs: Events that start something, each with the event that ends it.
    """

    sequence: str | None = None
    heartbeat: str | None = None
    heartbeat_seconds: int = 60
    pairs: tuple[tuple[str, str], ...] = ()

    def variables(self) -> dict[str, Any]:
        """The same as variables of the core's dbt models."""
        return {
            "telemetry_sequence": self.sequence or "",
            "telemetry_heartbeat": self.heartbeat or "",
            "telemetry_heartbeat_seconds": self.heartbeat_seconds,
            "telemetry_pairs": [list(pair) for pair in self.pairs],
        }

    def facts(self) -> Mapping[str, Any]:
        """Plain values, for digests."""
        return asdict(self)


def read_telemetry(table: Any, where: str, faults: list[Fault]) -> Telemetry:
    """Read the table `[telemetry]`; what is wrong with it is added to `faults`."""
    if not isinstance(table, dict):
        what = "telemetry is no table"
        faults.append(Fault(what, "[telemetry]", where, "write it as a table."))
        return Telemetry()
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        what = f"unknown key(s) {', '.join(unknown)} in [telemetry]"
        faults.append(Fault(what, ", ".join(_KEYS), where, "remove it."))
    before = len(faults)

    def check(key: str, is_right: bool, expected: str) -> None:
        if key in table and not is_right:
            what = f"telemetry.{key} is {table[key]!r}"
            faults.append(Fault(what, expected, where, "correct or remove it.", "bad_telemetry"))

    sequence, heartbeat = table.get("sequence"), table.get("heartbeat")
    seconds, pairs = table.get("heartbeat_seconds", 60), table.get("pairs", [])
    check("sequence", _is_text(sequence, _PROPERTY), "the name of a property")
    check("heartbeat", _is_text(heartbeat, _EVENT), "the name of an event")
    is_count = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 86_400
    check("heartbeat_seconds", is_count, "whole seconds, 1 to 86400")
    is_list = isinstance(pairs, list) and len(pairs) <= _MOST_PAIRS and all(map(_is_pair, pairs))
    check("pairs", is_list, f"at most {_MOST_PAIRS} pairs of events: [[start, end], …]")
    if len(faults) > before:
        return Telemetry()
    return Telemetry(sequence, heartbeat, seconds, tuple((start, end) for start, end in pairs))


def _is_text(value: Any, allowed: re.Pattern[str]) -> bool:
    return isinstance(value, str) and allowed.fullmatch(value) is not None


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_text(one, _EVENT) for one in value)
        and value[0] != value[1]
    )
