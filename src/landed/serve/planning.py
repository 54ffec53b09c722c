"""A release's plan on the current snapshot's history, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..catalog import load_catalog
from ..catalog.names import did_you_mean, show
from ..catalog.releases import ExposureRule
from ..errors import PlanError
from ..impact.history import HISTORY, Seen, attach_history, flag_evaluations, replay
from ..impact.plan import Instrument, ReleasePlan, plan_release
from ..impact.plan_metric import HOPELESS, MetricPlan
from ..impact.plan_rule import RulePower
from ..ingest import Ledger, attach_lake
from ..project import Home, Project
from ..publish.readers import current, require_published
from ..report import units
from ..settings import Settings
from ..warehouse import Engine

SCHEMA = "landed.plan/1"
#: Of the simulated rule: the same plan gives the same numbers.
SEED = 20261128


def planned(
    project: Project,
    home: Home,
    settings: Settings,
    name: str,
    *,
    days: int | None = None,
    exposed_by: str | None = None,
) -> ReleasePlan:
    """The plan of a release, on the history of the current snapshot.

    Raises:
        PlanError: There is no such release, or not enough history.
        ContractError: The definitions have faults, or the release has no horizon.
        WarehouseError: Nothing was published yet.
    """
    catalog = load_catalog(project)
    release = catalog.releases.get(name)
    if release is None:
        raise PlanError(
            f"unknown release {show(name)}",
            expected="a file releases/NAME.yml",
            where=str(project.releases),
            fix=did_you_mean(name, catalog.releases),
            code="unknown_release",
        )
    published = require_published(home, current(home))
    with Engine.open(None, settings=settings) as engine:
        engine.attach(published.duckdb, HISTORY)
        attach_history(engine, published.catalog["models"])
        history = replay(engine, catalog, release, days=days, exposed_by=exposed_by)
    return plan_release(
        release,
        catalog,
        history,
        np.random.default_rng(SEED),
        known_events=sorted(catalog.planned_events),
        flag_seen=_flag_seen(home, settings, release.exposure),
    )


def _flag_seen(home: Home, settings: Settings, rule: ExposureRule | None) -> Seen | None:
    """Evaluations of the release's flag; None where it has none, or no record tells of flags.

    A snapshot keeps no flags of releases that it does not know, so the lake is asked.
    """
    if rule is None or rule.flag is None or not Ledger(home).files("events"):
        return None
    with Engine.open(None, settings=settings) as engine:
        attach_lake(engine, home, since_sequence=0)
        return flag_evaluations(engine, rule.flag)


def as_document(plan: ReleasePlan) -> dict[str, Any]:
    """The plan as JSON."""
    history = plan.history
    return {
        "schema": SCHEMA,
        "release": plan.release.release,
        "looks": plan.looks,
        "exposure_days": plan.days,
        "decides_after_days": plan.decides_after_days,
        "alpha": {
            test: {"planned": planned, "reserved": reserved}
            for test, (planned, reserved) in plan.shares.items()
        },
        "history": {
            "starts_at": history.starts_at,
            "ends_at": history.ends_at,
            "replayed_days": len(history.arrivals),
            "pre_period_days": history.pre_period_days,
            "exposed_by": history.exposed_by,
            "is_after_shipping": history.is_after_shipping,
        },
        "units": plan.units,
        "units_a_day": list(plan.units_a_day),
        "metrics": [_metric(one) for one in plan.metrics],
        "rule": {name: _rule(one) for name, one in plan.rule.items()},
        "instruments": [
            {
                "event": one.event,
                "flag": one.flag,
                "needed_for": one.needed_for,
                "count": one.seen.count,
                "last_at": one.seen.last_at,
                "has_schema": one.has_schema,
                "is_silent": one.is_silent,
                "unknown_properties": list(one.unknown_properties),
            }
            for one in plan.instruments
        ],
    }


def _metric(one: MetricPlan) -> dict[str, Any]:
    return {
        "metric": one.metric,
        "role": one.role,
        "treatment": one.treatment,
        "value": one.value,
        "direction": one.direction,
        "window_days": one.window_days,
        "mean": one.mean,
        "standard_deviation": one.standard_deviation,
        "limit": one.limit,
        "n_control": one.n_control,
        "n_treatment": one.n_treatment,
        "standard_error": one.standard_error,
        "looks": one.looks,
        "alpha": dict(one.alpha or {}),
        "detectable": {str(day): effect for day, effect in (one.detectable or {}).items()},
        "detectable_at_end": one.detectable_at_end,
        "power": one.power,
        "explained_share": one.explained_share,
        "detectable_adjusted": one.detectable_adjusted,
        "cannot_move_in_time": one.cannot_move_in_time,
        "note": one.note,
    }


def _rule(one: RulePower) -> dict[str, Any]:
    return {
        "worked": one.worked,
        "worked_error": one.worked_error,
        "harmed": one.harmed,
        "no_effect": one.no_effect,
        "days": one.days,
        "unresolved": one.unresolved,
        "unchanged": dict(one.unchanged),
        "unchanged_days": one.unchanged_days,
        "draws": one.draws,
        "correlation": one.correlation,
    }


def as_text(plan: ReleasePlan) -> Iterator[str]:
    """The plan as lines for people."""
    yield f"PLAN: {plan.release.release}"
    yield ""
    yield from _frame(plan)
    yield ""
    yield from _tables(plan)
    yield from _rules(plan)
    yield from _warnings(plan)


def _frame(plan: ReleasePlan) -> Iterator[str]:
    history = plan.history
    unit = plan.release.unit
    met = "had any event" if history.exposed_by is None else f"had `{history.exposed_by}`"
    yield (
        f"{_count(plan.looks, 'look')} over {_count(plan.days, 'day')} of exposure; the verdict"
        f" is due {_count(plan.decides_after_days, 'day')} after shipping."
    )
    yield (
        f"About {units.count(plan.units)} {unit}s by then, {units.count(plan.units_a_day[0])}"
        f" on the first day, {units.count(plan.units_a_day[-1])} on the last: those who {met} in"
        f" {_count(len(history.arrivals), 'day')} from {history.starts_at:%Y-%m-%d} on."
    )
    if history.exposed_by is None and plan.release.exposure is not None:
        yield (
            "A change that fewer meet exposes fewer: name the event before it with --exposed-by."
        )
    if len(history.arrivals) < plan.days:
        yield "Later days are taken to be like the last week replayed."
    if history.is_after_shipping:
        yield "Days after shipping are in it: there are too few before."
    alpha = ", ".join(
        f"{test.replace('_', '-')} {planned:.4g} + {reserved:.4g} past the plan"
        if reserved
        else f"{test.replace('_', '-')} {planned:.4g}"
        for test, (planned, reserved) in plan.shares.items()
    )
    if plan.release.has_concurrent_control:
        yield f"Alpha of a metric and treatment, one-sided, of all looks: {alpha}."


def _tables(plan: ReleasePlan) -> Iterator[str]:
    several = len(plan.release.treatments) > 1
    shown = [one for one in plan.metrics if one.standard_error is not None]
    told = [day for one in shown for day, effect in (one.detectable or {}).items() if effect]
    days = sorted(set(told))
    if shown:
        columns = ["metric", "role", "in history", "units an arm", "se", "limit", "power"]
        columns += [f"day {day}" for day in days] + ["end", "past explains", "end, adjusted"]
        rows = [columns]
        for one in shown:
            name = f"{one.metric} ({one.treatment})" if several else one.metric
            error = one.standard_error or 0.0
            found = one.detectable or {}
            rows.append(
                [
                    name,
                    one.role,
                    units.level(one.mean, one.value, _decimals(one.mean, one.value)),
                    units.count(min(one.n_control, one.n_treatment)),
                    _size(error, one.value),
                    units.magnitude(one.limit, one.value) if one.limit else units.NOTHING,
                    units.share(round(one.power, 3)) if one.power is not None else units.NOTHING,
                    *(_size(found.get(day), one.value) for day in days),
                    _size(one.detectable_at_end, one.value),
                    units.share(round(one.explained_share or 0.0, 3)),
                    _size(one.detectable_adjusted, one.value),
                ]
            )
        yield from _aligned(rows)
        yield ""
        yield (
            "Day n and end: the effect found by then with 80 % power at the planned looks (of a"
            " guardrail the margin cleared, if nothing changed); – before its first look."
        )
        yield (
            "Past explains: share of variance that the 28 days before explain; adjusted: the effect"
            " found at the end where the estimate is adjusted by them. Power is without."
        )
        if plan.history.pre_period_days < 28:
            yield f"History held {_count(plan.history.pre_period_days, 'day')} of those 28 only."
        yield ""


def _rules(plan: ReleasePlan) -> Iterator[str]:
    for treatment, one in plan.rule.items():
        of = f" of `{treatment}`" if len(plan.rule) > 1 else ""
        days = "" if one.days is None else f", decided after {one.days:.1f} days on average"
        still = "" if one.unchanged_days is None else f", after {one.unchanged_days:.1f} days"
        yield (
            f"Whole rule{of}, every success metric at its minimum effect and nothing else changed:"
            f" worked {_percent(one.worked)} (± {one.worked_error * 100:.1f}), no_effect"
            f" {_percent(one.no_effect)}, harmed {_percent(one.harmed)}, unresolved"
            f" {_percent(one.unresolved)}{days}."
        )
        yield (
            f"Whole rule{of}, nothing changed at all: worked {_percent(one.unchanged['worked'])},"
            f" no_effect {_percent(one.unchanged['no_effect'])}, harmed"
            f" {_percent(one.unchanged['harmed'])}{still}."
        )
        yield (
            f"By {one.draws:,} simulated releases each (seed {SEED}), metrics of a"
            f" {plan.release.unit} correlated {one.correlation:g}."
        )
        yield ""


def _warnings(plan: ReleasePlan) -> Iterator[str]:
    for one in plan.metrics:
        name = f"{one.metric} ({one.treatment})" if one.treatment else one.metric
        if one.cannot_move_in_time:
            yield (
                f"CANNOT MOVE IN TIME {name}: finds {_size(one.detectable_at_end, one.value)} at"
                f" best, more than {HOPELESS:g} times its limit of"
                f" {units.magnitude(one.limit, one.value)}."
            )
        elif one.power is not None and one.power < 0.8 and one.role != "diagnostic":
            yield f"WEAK {name}: power {_percent(one.power)} for its limit, less than 80 %."
        if one.note:
            yield f"NOTE {name}: {one.note}."
    needed = [
        one.metric
        for one in plan.metrics
        if one.standard_error is None and one.role != "diagnostic"
    ]
    if needed and not plan.rule and plan.release.has_concurrent_control:
        listed = ", ".join(dict.fromkeys(needed))
        yield f"WITHOUT RULE: no power of the whole rule without {listed}."
    has_plan = any(event.has_schema for event in plan.instruments)
    for event in plan.instruments:
        yield from _told(event, has_plan)


def _told(event: Instrument, has_plan: bool) -> Iterator[str]:
    """What history and the tracking plan know of an event."""
    name = f"{event.event} ({event.needed_for})"
    if event.flag is not None:
        name = f"{event.event} of flag {event.flag} ({event.needed_for})"
    if not event.seen.count:
        known = "the tracking plan knows it" if event.has_schema else "no schema knows it"
        yield f"NOT SEEN YET {name}: {known}, no event so far."
    else:
        last = f"{event.seen.last_at:%Y-%m-%d}"
        unknown = ", no schema knows it" if has_plan and not event.has_schema else ""
        word = "NOT SEEN LATELY" if event.is_silent else "SEEN"
        yield f"{word} {name}: {units.count(event.seen.count)}, last {last}{unknown}."
    for lacking in event.unknown_properties:
        yield f"NO SCHEMA NAMES {lacking} of {name}: the metric reads this property."


def _size(number: float | None, value: str) -> str:
    """A size of an effect, with three significant digits."""
    if number is None:
        return units.NOTHING
    return units.magnitude(float(f"{number:.3g}"), value)


def _decimals(number: float | None, value: str) -> int:
    scaled = abs(number or 0.0) * (100 if value == "share" else 1)
    return 0 if scaled >= 100 else 1 if scaled >= 10 else 2


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _aligned(rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
