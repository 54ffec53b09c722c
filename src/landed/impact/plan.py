"""Before a release ships: what it can show, by when, from its product's traffic and variance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from ..catalog import Catalog
from ..catalog.definitions import Metric
from ..catalog.planned_events import unknown_properties
from ..catalog.releases import FLAG_EVENT, Release, RoleOfMetric
from ..stats.placebo import LEAST_WINDOWS
from .alpha import Test, share_alpha
from .group_panel import last_monday
from .history import History, Seen, planned_days
from .look_plan import LookPlan, plan_looks
from .plan_metric import MetricPlan, Units, information, plan_metric
from .plan_rule import RULE_DRAWS, MetricPath, RulePower, simulate_rule
from .trials import LEAST_UNITS, WEEKS_AFTER, WEEKS_BEFORE, planned_trials

_RECENT_DAYS = 7
#: An event that was not seen for so long is told of: each weekday four times.
SILENT_DAYS = 28


@dataclass(frozen=True, slots=True)
class Instrument:
    """An event that the release needs.

    Args:
        event: Its name.
        needed_for: exposure, must_emit, or the name of the metric that reads it.
        seen: What history has of it; of a flag's evaluations, those of the release's flag.
        has_schema: Whether the tracking plan knows it.
        flag: The flag whose evaluations count; None for other events, and where it is not known
            which flags were evaluated.
        is_silent: Whether it was seen, but not in the last 28 days of history.
        unknown_properties: Those that the metric reads and no schema names.
    """

    event: str
    needed_for: str
    seen: Seen
    has_schema: bool
    flag: str | None = None
    is_silent: bool = False
    unknown_properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a release can show.

    Args:
        looks: Looks planned. Count.
        days: Days in which it exposes units. Count.
        decides_after_days: Days from shipping to the verdict.
        shares: Alpha by test: (planned, reserved), one-sided, of one metric in one treatment.
        units: Units expected by the end of exposure, of all variants. Count.
        units_a_day: By day since shipping. Counts.
        metrics: A plan a metric and treatment.
        rule: Power of the whole rule by treatment.
        instruments: Events it needs.
    """

    release: Release
    history: History
    looks: int
    days: int
    decides_after_days: int
    shares: Mapping[Test, tuple[float, float]]
    units: int
    units_a_day: tuple[float, ...]
    metrics: tuple[MetricPlan, ...]
    rule: Mapping[str, RulePower]
    instruments: tuple[Instrument, ...]


def plan_release(
    release: Release,
    catalog: Catalog,
    history: History,
    rng: np.random.Generator,
    *,
    known_events: Sequence[str] = (),
    flag_seen: Seen | None = None,
    draws: int = RULE_DRAWS,
) -> ReleasePlan:
    """Say what a release can show, when, and with which chance.

    Args:
        release: The release, shipped or not.
        catalog: Definitions of its metrics.
        history: The release replayed on the days before (`replay`).
        rng: Source of randomness of the simulated rule.
        known_events: Events of the tracking plan.
        flag_seen: Evaluations of the release's flag; None where nobody looked.
        draws: Simulated releases. Count.

    Raises:
        ContractError: The release has no horizon, or names an unknown metric.
    """
    looks = plan_looks(release, catalog) if release.has_concurrent_control else None
    days = planned_days(release) or len(history.arrivals)
    a_day = _units_a_day(history, days)
    shares = share_alpha(release, catalog)
    if looks is None:
        note = _without_control(release, history)
        metrics = [_told(catalog.metric(role.metric), role, note) for role in release.roles]
        rule: dict[str, RulePower] = {}
    else:
        metrics, rule = _by_units(release, catalog, looks, history, a_day, rng, draws)
    decides_at = catalog.decides_at(release) or history.ends_at
    return ReleasePlan(
        release,
        history,
        1 if looks is None else looks.planned,
        days,
        max(math.ceil((decides_at - release.shipped_at) / timedelta(days=1)), 0),
        {test: (share.planned, share.reserved) for test, share in shares.items()},
        round(sum(a_day)),
        tuple(a_day),
        tuple(metrics),
        rule,
        _instruments(release, catalog, history, known_events, flag_seen),
    )


def _by_units(  # noqa: PLR0917 - what is planned, on what
    release: Release,
    catalog: Catalog,
    looks: LookPlan,
    history: History,
    a_day: Sequence[float],
    rng: np.random.Generator,
    draws: int,
) -> tuple[list[MetricPlan], dict[str, RulePower]]:
    """What each metric shows in each treatment, and the power of the whole rule."""
    rows = {str(row["metric"]): row for row in history.rows}
    metrics: list[MetricPlan] = []
    rule: dict[str, RulePower] = {}
    for treatment in release.treatments:
        arms = _arms(release, treatment, a_day)
        shares = np.maximum(arms[:, -1] / max(sum(a_day), 1.0), 1e-9)
        paths: list[MetricPath] = []
        for role in release.roles:
            found, path = plan_metric(looks, catalog, role, treatment, rows, arms, shares)
            metrics.append(found)
            if path is not None:
                paths.append(path)
        needed = release.with_role("success", "guardrail", "survival")
        # without a path of each, the rule cannot be followed
        if len([path for path in paths if path.role != "diagnostic"]) == len(needed):
            entered = information(arms)
            rule[treatment] = simulate_rule(rng, paths, entered / entered[-1], draws=draws)
    return metrics, rule


def _units_a_day(history: History, days: int) -> list[float]:
    """New units on each day since shipping; beyond the replay as in its last week."""
    known = [float(units) for units in history.arrivals[:days]]
    recent = known[-_RECENT_DAYS:]
    return known + [sum(recent) / len(recent)] * (days - len(known))


def _arms(release: Release, treatment: str, a_day: Sequence[float]) -> Units:
    """Units of control and treatment that were exposed by the end of each day; (2, days)."""
    found = np.zeros((2, len(a_day)))
    stages = sorted(release.allocation, key=lambda stage: stage.starts_at)
    for day, units in enumerate(a_day):
        at = release.shipped_at + timedelta(days=day)
        stage = next((one for one in reversed(stages) if one.starts_at <= at), stages[0])
        found[0, day] = units * stage.shares.get(release.control or "", 0.0)
        found[1, day] = units * stage.shares.get(treatment, 0.0)
    return np.cumsum(found, axis=1)


def _without_control(release: Release, history: History) -> str:
    """Why units do not decide what it can show, and what does."""
    if release.kind == "version":
        return _of_version(release, history)
    if release.kind != "everyone":
        return "no concurrent control: units do not decide what it can show"
    windows = release.windows
    needed = windows.days_before + LEAST_WINDOWS * windows.days_after
    there = math.floor((history.ends_at - history.begins_at) / timedelta(days=1))
    return (
        f"no concurrent control: judged by its days against {LEAST_WINDOWS} earlier windows and"
        f" more, which take {needed} whole days of history; there are {there}"
    )


def _of_version(release: Release, history: History) -> str:
    """What a version that units take themselves can show, by its calendar and the history."""
    needs = (
        f"at least {LEAST_UNITS} units, known {WEEKS_BEFORE} weeks before, that take it in a"
        " week, as many that are active then and do not, and of them as many that do later"
    )
    if release.ends_at is None:
        return (
            "no declared end: described only. With `horizon: {exposure_ends_at: …}` those who take"
            f" it are compared with others that are active in the same week, which takes {needs}"
        )
    weeks = len(planned_trials(release, last_monday(release.ends_at, release.time_zone)))
    there = (history.ends_at - history.begins_at) // timedelta(days=7)
    if not weeks:
        return (
            f"it ends too early: {1 + WEEKS_AFTER} whole weeks are needed, from Monday of the week"
            " it ships in on"
        )
    return (
        f"no concurrent control: judged by those who take it in {weeks}"
        f" {'week' if weeks == 1 else 'weeks'}, against others that are active in the same week;"
        f" that takes {needs}; there are {there} weeks of history"
    )


def _told(metric: Metric, role: RoleOfMetric, note: str) -> MetricPlan:
    facts = (metric.name, role.role, "", metric.value, metric.direction, metric.window_days)
    return MetricPlan(*facts, note=note)


def _instruments(
    release: Release,
    catalog: Catalog,
    history: History,
    known_events: Sequence[str],
    flag_seen: Seen | None,
) -> tuple[Instrument, ...]:
    found = []
    rule = release.exposure
    if rule is not None:
        seen = history.seen.get(rule.event, Seen(0, None))
        flag = rule.flag if rule.event == FLAG_EVENT and flag_seen is not None else None
        if flag is not None and flag_seen is not None:
            seen = flag_seen
        is_known = rule.event in known_events or rule.event == FLAG_EVENT
        found.append(Instrument(rule.event, "exposure", seen, is_known, flag))
    for event in dict.fromkeys(release.must_emit):
        seen = history.seen.get(event, Seen(0, None))
        found.append(
            Instrument(
                event, "must_emit", seen, event in known_events, None, _is_silent(seen, history)
            )
        )
    for metric in release.metrics:
        found.extend(_of_metric(metric, catalog, history, known_events))
    return tuple(found)


def _of_metric(
    metric: str, catalog: Catalog, history: History, known_events: Sequence[str]
) -> Iterator[Instrument]:
    """Events that a metric reads; of names for the same those that there are, else all."""
    if metric not in catalog.metrics or catalog.sql_folders is None:
        return
    unknown = unknown_properties(catalog, metric)
    told: set[str] = set()
    for one in catalog.events_of(metric):
        there = {name for name in one.events if name in known_events or name in history.seen}
        for event in sorted((there or one.events) - told):
            told.add(event)
            seen = history.seen.get(event, Seen(0, None))
            lacks = tuple(name for name, owners in unknown.items() if event in owners)
            silent = _is_silent(seen, history)
            yield Instrument(event, metric, seen, event in known_events, None, silent, lacks)


def _is_silent(seen: Seen, history: History) -> bool:
    """Whether an event that there was has not been seen for four weeks."""
    latest = max((one.last_at for one in history.seen.values() if one.last_at), default=None)
    if seen.last_at is None or latest is None:
        return False
    return seen.last_at < latest - timedelta(days=SILENT_DAYS)
