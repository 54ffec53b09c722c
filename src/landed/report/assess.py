"""One release from marts to report: gate, moments, estimates, gate again, report or notice.

The order is the product's promise, so it stands in one function that has no other exit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..catalog import Catalog
from ..catalog.releases import Release
from ..gate import (
    GateDecision,
    ModelTest,
    Suite,
    decide,
    gate_error,
    judge_data,
    judge_results,
    told,
)
from ..impact import (
    Estimate,
    Exposure,
    ReleaseLooks,
    Verdict,
    as_planned,
    begin_or_continue,
    conclude,
    estimate_release,
    explore,
    measure_segments,
    plan_changes,
    segment_effects,
    summarise_exposure,
)
from ..impact.adopters import describe_adopters
from ..impact.adoption import adoption_estimates
from ..impact.calendar import Calendar
from ..impact.daily_series import read_daily_series
from ..impact.everyone import everyone_estimates, touched_days
from ..impact.group_design import DesignData
from ..impact.group_panel import read_group_panels, weeks_around
from ..impact.placebo_window import PlaceboData
from ..impact.staged import staged_estimates
from ..warehouse import Engine
from .build import Report, build_notice, build_report


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything one look at a release produced. `moments` and `estimates` are empty if blocked.

    `exposure` is None where the exposed units could not be counted; then it is blocked too.
    `looks` are all looks with this one, to be kept; those of before where the gate blocked or
    there is nothing to compare with.
    """

    release: str
    decision: GateDecision
    exposure: Exposure | None
    moments: tuple[Mapping[str, Any], ...]
    estimates: tuple[Estimate, ...]
    verdict: Verdict | None
    report: Report
    looks: ReleaseLooks | None = None


def assess_release(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    calendar: Calendar,
    *,
    suites: Mapping[str, Suite],
    accounts: Sequence[Any],
    model_tests: Sequence[ModelTest],
    now: datetime,
    snapshot: str,
    provenance: Mapping[str, str],
    looks: Callable[[], ReleaseLooks | None] = lambda: None,
) -> Assessment:
    """Judge one release.

    Args:
        engine: The build database with its marts, read-only.
        catalog: Metric definitions.
        release: The release's file.
        calendar: Its instants.
        suites: The gate's suites, the core's and the project's.
        accounts: Row accounts of every source, over its whole life.
        model_tests: Results of the models' data tests.
        now: The instant of the run, UTC; only freshness looks at it.
        snapshot: Id of the snapshot the report belongs to.
        provenance: Digests of what the numbers were computed from.
        looks: Reads the looks taken at it before; None where there are none.

    Returns:
        The report if the gate passed, else the notice. A blocked release has no estimate.
    """
    looks = functools.cache(looks)  # the gate and the estimates see the same ones
    exposure: Exposure | None = None
    try:
        exposure = summarise_exposure(engine, release, calendar.cutoff_at)
        decision = judge_data(
            engine,
            catalog,
            release,
            accounts=accounts,
            model_tests=model_tests,
            as_of=now,
            exposure=exposure,
            suites=suites,
            looks=looks,
        )
    except Exception as error:  # noqa: BLE001 - one release's failure must not cost the others
        failed = gate_error([f"the release could not be judged: {told(error)}"])
        decision = decide(release.release, [failed], stage="data", judged_at=now)

    def notice(blocked: GateDecision, known: ReleaseLooks | None = None) -> Assessment:
        made = build_notice(
            release,
            blocked,
            exposure,
            snapshot=snapshot,
            as_of=calendar.cutoff_at,
            provenance=provenance,
            look=_look_of(known),
        )
        return Assessment(release.release, blocked, exposure, (), (), None, made, known)

    if decision.decision != "pass" or exposure is None:
        return notice(decision)
    earlier = None
    try:
        earlier = looks()
        return _measured(
            engine,
            catalog,
            release,
            calendar,
            decision,
            exposure,
            earlier,
            notice,
            suites=suites,
            snapshot=snapshot,
            provenance=provenance,
        )
    except Exception as error:  # noqa: BLE001 - one release's failure must not cost the others
        failed = gate_error([f"the release could not be measured: {told(error)}"])
        return notice(
            decide(
                release.release,
                (failed, *decision.checks),
                skipped=decision.skipped,
                stage="results",
                judged_at=now,
            ),
            earlier,
        )


def _measured(  # noqa: PLR0917 - as in `assess_release`, then what is known so far
    engine: Engine,
    catalog: Catalog,
    declared: Release,
    calendar: Calendar,
    decision: GateDecision,
    exposure: Exposure,
    looks: ReleaseLooks | None,
    notice: Callable[[GateDecision, ReleaseLooks | None], Assessment],
    *,
    suites: Mapping[str, Suite],
    snapshot: str,
    provenance: Mapping[str, str],
) -> Assessment:
    """Measure, judge the results, conclude: a release whose data passed."""
    cutoff_at = calendar.cutoff_at
    taken = begin_or_continue(declared, catalog, looks) if declared.has_design else None
    # what was planned at the first look holds, whatever the file says since
    release = declared if taken is None else as_planned(declared, taken.plan)
    if taken is not None:
        taken = taken.with_definitions(catalog, release.metrics, cutoff_at)
    measured = measure_segments(engine, catalog, release, cutoff_at=cutoff_at)
    moments = tuple(measured.overall)
    estimates, placebos, designs = _estimates(
        engine, catalog, release, calendar, moments=moments, looks=taken
    )
    described = (
        describe_adopters(engine, catalog, release, cutoff_at=cutoff_at)
        if release.kind == "version"
        else ()
    )
    decision = judge_results(
        decision,
        engine,
        catalog,
        release,
        moments,
        estimates,
        cutoff_at=cutoff_at,
        by_segment=measured.by_segment,
        suites=suites,
    )
    if decision.decision != "pass":
        return notice(decision, looks)
    changed = []
    if taken is not None:
        changed = plan_changes(taken.plan, declared, catalog)
        taken = taken.with_looks((one.metric, one.treatment, one.look) for one in estimates)
    # a file may name a later end since; of what has one look that moves nothing
    due = calendar.decides_at if release.has_concurrent_control else release.decides_at(())
    verdict = conclude(release, estimates, cutoff_at=cutoff_at, decides_at=due, looks=taken)
    if taken is not None:
        taken = taken.with_decisions(verdict.by_treatment, cutoff_at)
        if not release.has_concurrent_control and any(
            one.status == "estimated" for one in estimates
        ):
            taken = taken.shown(cutoff_at)
    report = build_report(
        release,
        catalog,
        decision,
        exposure,
        estimates,
        verdict,
        snapshot=snapshot,
        as_of=cutoff_at,
        provenance=provenance,
        look=_look_of(taken),
        plan_changes=changed,
        placebos=placebos,
        designs=designs,
        described=described,
        segments=segment_effects(
            release,
            catalog,
            measured.by_segment,
            measured.overall,
            is_final=calendar.is_decided,
        ),
        exploratory=explore(
            engine, catalog, release, taken, cutoff_at=cutoff_at, is_final=calendar.is_decided
        ),
    )
    return Assessment(
        release.release, decision, exposure, moments, estimates, verdict, report, taken
    )


def _look_of(looks: ReleaseLooks | None) -> tuple[int, int | None]:
    """Number of the last look taken, and of looks planned; one where there is no plan."""
    return (1, 1) if looks is None else (max(looks.number, 1), looks.plan.planned)


def _estimates(
    engine: Engine,
    catalog: Catalog,
    release: Release,
    calendar: Calendar,
    *,
    moments: Sequence[Mapping[str, Any]],
    looks: ReleaseLooks | None,
) -> tuple[tuple[Estimate, ...], tuple[PlaceboData, ...], tuple[DesignData, ...]]:
    """By the release's design: of exposed units, of the product's days, of groups by week."""
    through = calendar.cutoff_at
    if release.kind == "everyone":
        series = read_daily_series(engine, catalog, release, data_through=through)
        touched = touched_days(release, catalog)
        days = everyone_estimates(release, catalog, series, data_through=through, excluded=touched)
        return days.estimates, days.placebos, ()
    if release.ends_at is not None and not release.has_concurrent_control:
        through = min(through, release.ends_at)  # as planned, where the file says later by now
    if release.cohorts is not None:
        cohorts = release.cohorts
        weeks = weeks_around(cohorts, release.time_zone, through)
        panels = read_group_panels(engine, catalog, release, cohorts.by, weeks)
        groups = staged_estimates(release, catalog, panels, cohorts, cutoff_at=through)
        return groups.estimates, (), groups.designs
    if release.has_adoption:
        took = adoption_estimates(engine, catalog, release, cutoff_at=through)
        return took.estimates, (), took.designs
    return estimate_release(release, catalog, moments, looks=looks, cutoff_at=through), (), ()
