"""What a release file says about a comparison that is not randomised, and its calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS_AFTER, DAYS_BEFORE = 14, 28  # whole weeks, so that weekdays cancel
HARM_LOOK_DAY = 7

#: Reports one fault: what, expected, fix, and the key it stands under.
Tell = Callable[..., None]


@dataclass(frozen=True, slots=True)
class PlaceboWindows:
    """Windows of the daily series around a release to everyone.

    Args:
        days_after: Whole days after the change that are compared. A multiple of 7.
        days_before: Whole days before it. A multiple of 7.
        harm_look_day: Whole day after which harm alone is looked for; None: no such look.
    """

    days_after: int = DAYS_AFTER
    days_before: int = DAYS_BEFORE
    harm_look_day: int | None = None


@dataclass(frozen=True, slots=True)
class Cohorts:
    """Groups of units that get a change at declared times, none of them at random.

    Args:
        by: The dimension whose values are the groups.
        starts: When each group got it, UTC; groups that are not named never did.
    """

    by: str
    starts: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Incident:
    """Days on which something else moved the product's numbers, both ends included."""

    first_on: date
    last_on: date
    reason: str

    def days(self) -> tuple[date, ...]:
        """Each of its days."""
        span = (self.last_on - self.first_on).days + 1
        return tuple(self.first_on + timedelta(days=day) for day in range(span))


def shipped_on(shipped_at: datetime, time_zone: str) -> date:
    """The project's day on which something shipped."""
    return shipped_at.astimezone(ZoneInfo(time_zone)).date()


def first_whole_day(shipped_at: datetime, time_zone: str) -> date:
    """The first of the project's days that had the change from its first instant on."""
    local = shipped_at.astimezone(ZoneInfo(time_zone))
    at_midnight = local.time() == time(0)
    return local.date() if at_midnight else local.date() + timedelta(days=1)


def day_starts_at(day: date, time_zone: str) -> datetime:
    """The instant at which a project's day begins. UTC."""
    return datetime.combine(day, time(0), ZoneInfo(time_zone)).astimezone(UTC)


def windows_of(horizon: Mapping[str, Any]) -> PlaceboWindows:
    """The windows a `horizon` declares."""
    return PlaceboWindows(
        horizon.get("days_after", DAYS_AFTER),
        horizon.get("days_before", DAYS_BEFORE),
        HARM_LOOK_DAY if horizon.get("harm_look") == "day_7" else None,
    )


def incidents_of(data: Mapping[str, Any]) -> tuple[Incident, ...]:
    """The incidents a release file declares."""
    return tuple(
        Incident(date.fromisoformat(one["from"]), date.fromisoformat(one["to"]), one["reason"])
        for one in data.get("incidents", ())
    )


def cohorts_of(rollout: Mapping[str, Any]) -> Cohorts | None:
    """The cohorts a `rollout` declares; None without any."""
    declared = rollout.get("cohorts")
    if declared is None:
        return None
    starts = {
        group: datetime.fromisoformat(text).astimezone(UTC)
        for group, text in declared["starts"].items()
    }
    return Cohorts(declared["by"], starts)


def lint_cohorts(data: Mapping[str, Any], tell: Tell) -> None:
    """Refuse cohorts beside random shares, and starts before the release shipped."""
    rollout = data["rollout"]
    found = cohorts_of(rollout)
    if found is None:
        return
    if rollout["kind"] != "staged":
        tell(
            f"cohorts in a rollout of kind {rollout['kind']}",
            "them in a rollout of kind staged",
            "change the kind.",
            "rollout",
            "cohorts",
        )
    for key in ("exposure", "control", "treatments", "allocation"):
        if key in rollout:
            tell(
                f"rollout names cohorts and {key}",
                "either: units are assigned by their group, or at random",
                "remove one of them.",
                "rollout",
                key,
            )
    shipped_at = datetime.fromisoformat(data["shipped_at"]).astimezone(UTC)
    for group, start in found.starts.items():
        if start < shipped_at:
            tell(
                f"{group} starts before the release shipped",
                f"{data['shipped_at']} or later",
                "correct the instants.",
                "rollout",
                "cohorts",
                "starts",
                group,
            )


def lint_adoption(data: Mapping[str, Any], tell: Tell) -> None:
    """Refuse a version that is to be judged by anything but who took it."""
    rollout = data["rollout"]
    if rollout["kind"] != "version" or "horizon" not in data or "cohorts" in rollout:
        return
    if "app_version" not in data:
        tell(
            "a rollout of kind version names no app_version",
            "app_version: <version>, as the events spell it",
            "add it; units take part by their first event of it.",
            "rollout",
        )
    for key in ("exposure", "control", "treatments", "allocation"):
        if key in rollout:
            tell(
                f"{key} in a rollout of kind version with a horizon",
                "none: units that took the version are compared with those that did not",
                "remove it, or change the kind.",
                "rollout",
                key,
            )


def lint_windows(kind: str, horizon: Mapping[str, Any], tell: Tell) -> None:
    """Refuse a horizon that its rollout has no use for, and windows that are no whole weeks."""
    windowed = [key for key in ("days_after", "days_before", "harm_look") if key in horizon]
    if kind != "everyone":
        for key in windowed:
            tell(
                f"{key} in a rollout of kind {kind}",
                "it in a rollout of kind everyone",
                "remove it.",
                "horizon",
                key,
            )
        if horizon and "exposure_ends_at" not in horizon:
            tell(
                "the horizon has no end",
                "exposure_ends_at",
                "say when exposure ends.",
                "horizon",
            )
        return
    if horizon.get("looks") == "daily":
        tell(
            "looks is daily",
            "once: a change that everybody got at once has one verdict, at the end of its window",
            "remove it, or declare `harm_look: day_7`.",
            "horizon",
            "looks",
        )
    for key in ("days_after", "days_before"):
        days = horizon.get(key, 7)
        if days % 7:
            tell(
                f"{key} is {days}", "a multiple of 7, so whole weeks", "change it.", "horizon", key
            )
    if "harm_look" in horizon and horizon.get("days_after", DAYS_AFTER) <= HARM_LOOK_DAY:
        tell(
            "the look for harm on day 7 is no earlier than the verdict",
            "days_after of 14 or more",
            "remove harm_look.",
            "horizon",
            "harm_look",
        )


def lint_incidents(data: Mapping[str, Any], tell: Tell) -> None:
    """Refuse days that are none, and incidents that end before they begin."""
    for index, one in enumerate(data.get("incidents", ())):
        try:
            ends = {key: date.fromisoformat(one[key]) for key in ("from", "to")}
        except ValueError:
            tell(
                f"an incident from {one['from']} to {one['to']}",
                "days of the calendar, as 2026-11-03",
                "correct them.",
                "incidents",
                index,
            )
            continue
        if ends["to"] < ends["from"]:
            tell(
                f"an incident ends on {one['to']}, before it begins",
                f"{one['from']} or later",
                "correct the days.",
                "incidents",
                index,
            )
