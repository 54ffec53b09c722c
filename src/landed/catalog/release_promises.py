"""Events that a release promises to emit: which, from which version on, in which variants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .versions import version_key

Fault_ = Callable[..., None]


@dataclass(frozen=True, slots=True)
class EmitRule:
    """Who has to send an event that a release promises.

    Args:
        since_version: The first version that sends it; None for any.
        in_control: Whether control has to send it too.
    """

    since_version: str | None = None
    in_control: bool = False


def promises_of(data: dict[str, Any]) -> dict[str, EmitRule]:
    """Each promised event, in the order of the file, with who has to send it."""
    return dict(_promise(entry) for entry in data.get("must_emit", ()))


def lint_promises(data: dict[str, Any], fault: Fault_) -> None:
    """What a schema cannot say of `must_emit`."""
    seen: set[str] = set()
    for index, entry in enumerate(data.get("must_emit", ())):
        name, rule = _promise(entry)
        if name in seen:
            fault(
                f"the event `{name}` is promised twice",
                "each event once",
                "put what is said of it into one entry.",
                "must_emit",
                index,
            )
        seen.add(name)
        if rule.in_control and not data["rollout"].get("control"):
            fault(
                f"the event `{name}` is promised of control, and there is none",
                "in: treatments",
                "leave `in` out.",
                "must_emit",
                index,
            )
        if rule.since_version is not None and version_key(rule.since_version) is None:
            fault(
                f"since_version is `{rule.since_version}`",
                "a version that begins with a number, such as 4.2.0",
                "write it as the events do.",
                "must_emit",
                index,
            )


def _promise(entry: str | dict[str, Any]) -> tuple[str, EmitRule]:
    if isinstance(entry, str):
        return entry, EmitRule()
    return entry["event"], EmitRule(entry.get("since_version"), entry.get("in") == "all")
