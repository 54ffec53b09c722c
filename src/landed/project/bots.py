"""`[bots]` of `landed.toml`: what makes a unit a bot, beside what the core knows by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import Fault

_PROPERTY = re.compile(r"[A-Za-z0-9_$.-]{1,100}")
_AGENT = re.compile(r"[a-z0-9 ._/+-]{1,100}")
_UNIT = re.compile(r"[A-Za-z0-9_.:@*-]{1,200}")


@dataclass(frozen=True, slots=True)
class Bots:
    """What makes a unit a bot. A unit is one if any of it holds.

    Args:
        properties: Properties that an event of a bot carries with the value true.
        user_agents: Texts in lower case; a client whose user agent holds one is a bot.
        units: Ids of units, `*` standing for any text.
        events_a_minute: More than so many events in one minute are a machine's. Count; 0 is off.
        events_a_day: More than so many events on one UTC day are a machine's. Count; 0 is off.
    """

    properties: tuple[str, ...] = ("is_bot",)
    user_agents: tuple[str, ...] = ("bot", "crawler", "spider")
    units: tuple[str, ...] = ()
    # five a second for a whole minute: no hand is that fast, and pages that report every scroll
    # stay below 100. A lower limit takes people out who click fast; with a higher one a script
    # that waits a little between its calls counts as a person.
    events_a_minute: int = 300
    # one every three seconds for eight hours on end: a lower limit takes out who works in the
    # product all day, a higher one keeps slow pollers in
    events_a_day: int = 10_000

    def variables(self) -> dict[str, Any]:
        """The same as variables of the core's dbt models."""
        agents = "|".join(re.escape(text) for text in self.user_agents)
        return {
            "bot_properties": list(self.properties),
            "bot_user_agents": agents,
            "bot_units": [".*".join(map(re.escape, one.split("*"))) for one in self.units],
            "bot_events_a_minute": self.events_a_minute,
            "bot_events_a_day": self.events_a_day,
        }

    def facts(self) -> Mapping[str, Any]:
        """Plain values, for digests."""
        return asdict(self)


def read_bots(table: Any, where: str, faults: list[Fault]) -> Bots:
    """Read the table `[bots]`; what is wrong with it is added to `faults`."""
    if not isinstance(table, dict):
        faults.append(Fault("bots is no table", "[bots]", where, "write it as a table."))
        return Bots()
    readers: dict[str, Callable[[str, Any], Any]] = {
        "properties": lambda key, value: _texts(key, value, _PROPERTY, where, faults),
        "user_agents": lambda key, value: _texts(key, value, _AGENT, where, faults),
        "units": lambda key, value: _texts(key, value, _UNIT, where, faults),
        "events_a_minute": lambda key, value: _count(key, value, where, faults),
        "events_a_day": lambda key, value: _count(key, value, where, faults),
    }
    unknown = sorted(set(table) - set(readers))
    if unknown:
        expected = ", ".join(readers)
        what = f"unknown key(s) {', '.join(unknown)} in [bots]"
        faults.append(Fault(what, expected, where, "remove it."))
    return Bots(**{key: read(key, table[key]) for key, read in readers.items() if key in table})


def _texts(
    key: str, value: Any, allowed: re.Pattern[str], where: str, faults: list[Fault]
) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    for one in texts:
        if not (isinstance(one, str) and allowed.fullmatch(one)):
            what = f"bots.{key} holds {one!r}"
            expected = f"a list of texts of {allowed.pattern.split('{')[0]}"
            faults.append(Fault(what, expected, where, "correct or remove it.", "bad_bot_rule"))
    return tuple(map(str, texts))


def _count(key: str, value: Any, where: str, faults: list[Fault]) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    what = f"bots.{key} is {value!r}"
    expected = "a whole number, 0 to switch the rule off"
    faults.append(Fault(what, expected, where, "correct it.", "bad_bot_rule"))
    return 0
