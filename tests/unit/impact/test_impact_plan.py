"""What a release can show, from made history: moments in, power and days out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landed.catalog import RoleOfMetric
from landed.catalog.metric_events import MetricEvents
from landed.catalog.releases import ExposureRule
from landed.errors import PlanError
from landed.impact.history import HISTORY, History, Seen, attach_history, replay
from landed.impact.plan import plan_release
from landed.impact.plan_rule import MetricPath, simulate_rule
from landed.stats import planned_looks
from landed.warehouse import Engine

Make = Callable[..., Any]

SHIPPED = datetime(2026, 11, 3, tzinfo=UTC)
UNITS = 11_200


def history(row: Make, *rows: dict[str, Any], **changes: Any) -> History:
    """28 days of 400 new units each; a tenth of all activates."""
    share = row("activation_rate", "history", n=UNITS, nonzero=UNITS // 10)
    facts: dict[str, Any] = {
        "begins_at": SHIPPED - timedelta(days=100),
        "starts_at": SHIPPED - timedelta(days=35),
        "ends_at": SHIPPED,
        "arrivals": (400,) * 28,
        "rows": rows or (moments(share, 0.1 * UNITS, 0.1 * UNITS),),
        "exposed_by": None,
        "pre_period_days": 28,
        "seen": {"app_opened": Seen(9, SHIPPED)},
    }
    return History(**{**facts, **changes})


def moments(row: dict[str, Any], sum_y: float, sum_yy: float) -> dict[str, Any]:
    """A row with all sums that a plan reads; the pre-period explains nothing."""
    nothing = {"sum_x": 0.0, "sum_xx": 0.0, "sum_xy": 0.0, "sum_y_with_x": sum_y}
    absent = dict.fromkeys(("shift_d", "shift_w", "sum_d", "sum_dd", "sum_yd"))
    found = {**row, **nothing, **absent, "sum_y": sum_y, "sum_yy": sum_yy, "n_x": row["n"]}
    return {**found, "shift_y": 0.0, "shift_x": 0.0}


def plan(release: Any, catalog: Any, found: History, draws: int = 4_000) -> Any:
    return plan_release(release, catalog, found, np.random.default_rng(1), draws=draws)


def activation(effect: float = 0.02) -> RoleOfMetric:
    return RoleOfMetric("activation_rate", "success", minimum_effect_of_interest=effect)


def test_power_of_the_success_metric_is_that_of_its_planned_looks(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    found = plan(release(activation()), catalog(metric(window_days=7)), history(row))

    (one,) = found.metrics
    assert (one.n_control, one.n_treatment, one.looks) == (5600, 5600, 28)
    assert one.standard_error == pytest.approx(math.sqrt(0.09 * 2 / 5600), rel=1e-4)
    # drift 3.53 se of the history's variance; 90.8 % belongs to 3.384
    assert one.power == pytest.approx(0.9295, abs=0.002)
    assert found.decides_after_days == 35


def test_effects_found_shrink_by_day_and_none_is_before_the_first_mature_units(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    found = plan(release(activation()), catalog(metric(window_days=7)), history(row))

    told = found.metrics[0].detectable
    assert told[7] is None
    assert told[14] > told[21] > found.metrics[0].detectable_at_end > 0


def test_a_metric_without_a_window_is_looked_at_once(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    found = plan(release(activation()), catalog(metric()), history(row))

    assert found.metrics[0].looks == 1
    assert "no outcome window" in found.metrics[0].note


def test_an_effect_beyond_reach_cannot_move_in_time(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    weak = plan(release(activation(0.006)), catalog(metric(window_days=7)), history(row))
    hopeless = plan(release(activation(0.004)), catalog(metric(window_days=7)), history(row))

    assert weak.metrics[0].detectable_at_end == hopeless.metrics[0].detectable_at_end
    assert not weak.metrics[0].cannot_move_in_time
    assert hopeless.metrics[0].cannot_move_in_time


def test_days_beyond_the_replay_are_like_its_last_week(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    short = history(row, arrivals=(1000, *(10,) * 7))

    found = plan(release(activation()), catalog(metric(window_days=7)), short)

    assert found.units_a_day[:2] == (1000, 10)
    assert found.units_a_day[8:] == (10,) * 20


def test_an_uneven_split_with_a_ramp_counts_units_by_stage(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    from landed.catalog import AllocationStage

    ramp = (
        AllocationStage(SHIPPED, {"control": 0.9, "checklist": 0.1}),
        AllocationStage(SHIPPED + timedelta(days=14), {"control": 0.5, "checklist": 0.5}),
    )
    ramped = replace(release(activation()), allocation=ramp)

    found = plan(ramped, catalog(metric(window_days=7)), history(row))

    assert found.metrics[0].n_treatment == 14 * 40 + 14 * 200


def test_a_guardrail_costs_the_rule_the_power_that_it_lacks_itself(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    seconds = moments(row("seconds", "history", "unit_mean", n=UNITS), 0.0, float(UNITS))
    share = history(row).rows[0]
    se = math.sqrt(2 / 5600)
    guard = RoleOfMetric("seconds", "guardrail", non_inferiority_margin=2.4865 * se)
    metrics = catalog(metric(window_days=7), metric("seconds", value="seconds", window_days=7))

    alone = plan(release(activation()), metrics, history(row, share))
    both = plan(release(activation(), guard), metrics, history(row, share, seconds))

    # 2.4865 se: 80 % for one test at 5 %, and a little less under 28 looks
    assert both.metrics[1].power == pytest.approx(0.765, abs=0.02)
    assert both.rule["checklist"].worked < alone.rule["checklist"].worked - 0.1
    assert alone.rule["checklist"].worked == pytest.approx(alone.metrics[0].power, abs=0.03)


def test_a_release_without_control_has_no_power_by_units(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    everyone = replace(release(activation()), kind="everyone", control=None, allocation=())

    found = plan(everyone, catalog(metric(window_days=7)), history(row))

    assert found.rule == {}
    assert found.metrics[0].standard_error is None
    assert "140 whole days of history; there are 100" in found.metrics[0].note
    assert found.decides_after_days == 14  # whole days after it, whatever the metric's window


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (None, "no declared end: described only"),
        (10, "it ends too early: 3 whole weeks are needed"),
        (21, "by those who take it in 1 week, against others"),
        (70, "by those who take it in 3 weeks, against others"),
    ],
)
def test_a_version_is_told_what_it_takes_to_judge_it(  # noqa: PLR0917 - four are fixtures
    release: Make, catalog: Make, metric: Make, row: Make, days: int | None, told: str
) -> None:
    version = replace(
        release(activation()),
        kind="version",
        control=None,
        allocation=(),
        shipped_at=SHIPPED,
        exposure_ends_at=None if days is None else SHIPPED + timedelta(days=days),
    )

    found = plan(version, catalog(metric(window_days=7)), history(row))

    assert told in found.metrics[0].note
    assert found.rule == {}
    if days is not None:
        assert found.decides_after_days == days  # whatever the metric's window


def test_events_that_never_occurred_are_told(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    named = replace(
        release(activation()),
        exposure=ExposureRule("app_opened", None, "arm"),
        must_emit=("checklist_shown",),
    )

    found = plan_release(
        named,
        catalog(metric(window_days=7)),
        history(row),
        np.random.default_rng(1),
        known_events=["checklist_shown"],
        draws=100,
    )

    assert [(one.event, one.needed_for, one.seen.count, one.has_schema)
            for one in found.instruments] == [
        ("app_opened", "exposure", 9, False),
        ("checklist_shown", "must_emit", 0, True),
    ]  # fmt: skip


def test_events_that_a_metric_reads_are_told_with_what_no_schema_names(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    known = replace(catalog(metric(window_days=7)), sql_folders=(Path(), Path()))
    known.__dict__["_events"] = {  # as if the metric's SQL said so
        "activation_rate": (
            MetricEvents(frozenset({"done", "finished"}), frozenset({"plan"})),
            MetricEvents(frozenset({"started"}), frozenset()),
        )
    }
    known.__dict__["planned_events"] = {"done": frozenset({"other"})}
    seen = {
        "app_opened": Seen(9, SHIPPED),
        "done": Seen(5, SHIPPED - timedelta(days=29)),
    }

    found = plan_release(
        release(activation()),
        known,
        history(row, seen=seen),
        np.random.default_rng(1),
        known_events=["done"],
        draws=100,
    )

    told = [
        (one.event, one.seen.count, one.is_silent, one.unknown_properties)
        for one in found.instruments
        if one.needed_for == "activation_rate"
    ]
    assert told == [("done", 5, True, ("plan",)), ("started", 0, False, ())]


def test_a_metric_that_history_lacks_leaves_the_rule_without_power(
    release: Make, catalog: Make, metric: Make, row: Make
) -> None:
    guard = RoleOfMetric("seconds", "guardrail", non_inferiority_margin=1.0)
    metrics = catalog(metric(window_days=7), metric("seconds", kind="unit_mean", window_days=7))
    empty = {**row("seconds", "history", "unit_mean", n=0, n_missing=5)}

    found = plan(release(activation(), guard), metrics, history(row, history(row).rows[0], empty))

    assert found.metrics[1].note == "history has no value of it"
    assert found.rule == {}


def of_one(role: str, limit: float, tests: dict[str, float], direction: str = "increase_is_good"):
    """A metric with standard error 1 and one look."""
    looks = {test: ((0,), (planned_looks("pocock", alpha, [1.0])[0].bound,))
             for test, alpha in tests.items()}  # fmt: skip
    return MetricPath(role, direction, limit, 1.0, 3, looks)  # type: ignore[arg-type]


def test_one_look_decides_as_often_as_the_normal_says() -> None:
    # seed 8, 40,000 draws: within three standard errors
    success = of_one("success", 3.0, {"success": 0.025, "harm": 0.05, "equivalence": 0.05})

    found = simulate_rule(np.random.default_rng(8), [success], np.ones(1), draws=40_000)

    # better: z > 1.96 unless z + 1.645 < 3; equivalent: |z| < 1.355
    assert found.worked == pytest.approx(0.8508, abs=0.006)
    assert found.no_effect == pytest.approx(0.05, abs=0.004)
    assert found.unchanged["harmed"] == pytest.approx(0.05, abs=0.004)
    assert found.unchanged["no_effect"] == pytest.approx(0.8246, abs=0.006)
    assert found.days == 4.0


def test_a_guardrail_at_its_margin_is_never_free() -> None:
    success = of_one("success", 10.0, {"success": 0.025, "harm": 0.05})
    guard = of_one("guardrail", 1.6449, {"non_inferiority": 0.05, "harm": 0.05})

    found = simulate_rule(np.random.default_rng(9), [success, guard], np.ones(1), draws=40_000)

    assert found.worked == pytest.approx(0.5, abs=0.008)  # margin at its own bound: a coin


@pytest.fixture
def marts() -> Iterator[Engine]:
    """A new person each day of October, who comes back for three more days."""
    with Engine.open(None) as engine:
        engine.execute(
            f"""
            attach ':memory:' as {HISTORY};
            create table {HISTORY}.main.fct_events as
            select
                'e' || person || '-' || day as event_id,
                case when day = 0 then 'signed_up' else 'opened' end as event_name,
                'u' || person as unit_id,
                'u' || person as user_id,
                '1.0' as app_version,
                'web' as platform,
                'DE' as country,
                'app' as source,
                timestamp '2026-10-01 12:00:00' + to_days((person + day)::int) as occurred_at
            from range(30) as people (person), range(4) as days (day);
            create table {HISTORY}.main.dim_units as
            select distinct unit_id, unit_id = 'u4' as is_bot
            from {HISTORY}.main.fct_events;
            """
        )
        attach_history(engine, ["fct_events", "dim_units", "fct_exposures"])
        yield engine


def test_a_replay_counts_new_units_a_day_and_measures_them(
    marts: Engine, core: Any, release: Make
) -> None:
    named = release(RoleOfMetric("events_per_user", "success"))

    found = replay(marts, core, named, days=5, exposed_by="signed_up")

    # the events end on 2 November, a day that may still grow; the metric's window is 7 days
    assert found.ends_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert found.starts_at == datetime(2026, 10, 21, tzinfo=UTC)
    assert found.arrivals == (1, 1, 1, 1, 1)
    assert [(row["n"], row["sum_y"]) for row in found.rows] == [(5, 20)]
    assert found.seen["signed_up"].count == 30


def test_bots_are_left_out_of_a_replay(marts: Engine, core: Any, release: Make) -> None:
    named = release(RoleOfMetric("events_per_user", "success"))

    found = replay(marts, core, named, exposed_by="signed_up")

    # 24 days before the last window, and a new person on each; one of them is a bot
    assert found.arrivals == (1, 1, 1, 0, *(1,) * 20)


def test_without_an_event_of_its_own_any_event_stands_for_the_exposure(
    marts: Engine, core: Any, release: Make
) -> None:
    named = release(RoleOfMetric("events_per_user", "success"))

    found = replay(marts, core, named, days=2)

    assert found.exposed_by is None
    assert found.arrivals == (4, 1)


def test_a_release_that_shipped_is_replayed_before_it(
    marts: Engine, core: Any, release: Make
) -> None:
    named = replace(
        release(RoleOfMetric("events_per_user", "success")),
        shipped_at=datetime(2026, 10, 20, 9, tzinfo=UTC),
    )

    found = replay(marts, core, named)

    assert found.ends_at == datetime(2026, 10, 20, tzinfo=UTC)
    assert not found.is_after_shipping


def test_an_event_that_never_occurred_stands_for_nothing(
    marts: Engine, core: Any, release: Make
) -> None:
    named = release(RoleOfMetric("events_per_user", "success"))

    with pytest.raises(PlanError, match="`purchased` never occurred"):
        replay(marts, core, named, exposed_by="purchased")


def test_history_shorter_than_the_outcome_window_is_refused(
    marts: Engine, core: Any, release: Make
) -> None:
    metrics = {name: replace(one, window_days=40.0) for name, one in core.metrics.items()}
    named = release(RoleOfMetric("events_per_user", "success"))

    with pytest.raises(PlanError, match="31 whole days"):
        replay(marts, replace(core, metrics=metrics), named)


def by_account(row: Make, clusters: int, alike: float) -> dict[str, Any]:
    """History of so many clusters of equal size, whose units correlate like that."""
    size = UNITS / clusters
    # variance of a cluster's sum: units alone, times the design effect
    squares = clusters * size * 0.1 * 0.9 * (1 + (size - 1) * alike)
    share = row("activation_rate", "history", n=UNITS, nonzero=UNITS // 10)
    return {
        **moments(share, 0.1 * UNITS, 0.1 * UNITS),
        "clusters": clusters,
        "cluster_nn": clusters * size**2,
        "cluster_dd": clusters * size**2,
        "cluster_yd": 0.1 * clusters * size**2,
        "cluster_yy": squares + clusters * (0.1 * size) ** 2,
    }


def test_a_plan_by_cluster_pays_for_what_units_of_one_cluster_have_in_common(
    release: Make, catalog: Make, metric: Make, row: Make
):
    known = catalog(metric())
    assigned = release(activation(), cluster="account_id")

    alone = plan(release(activation()), known, history(row)).metrics[0]
    accounts = history(row, by_account(row, 100, 0.05))
    alike = plan(assigned, known, accounts).metrics[0]

    # 112 units a cluster: 1 + 111 * 0.05 = 6.55 times the variance
    assert (alike.standard_error / alone.standard_error) ** 2 == pytest.approx(6.55, rel=0.03)
    assert "design effect 6.6" in alike.note or "design effect 6.5" in alike.note


def test_a_plan_by_cluster_needs_clusters_in_history_and_twenty_in_an_arm(
    release: Make, catalog: Make, metric: Make, row: Make
):
    known = catalog(metric())
    assigned = release(activation(), cluster="account_id")

    unknown = plan(assigned, known, history(row)).metrics[0]
    few = plan(assigned, known, history(row, by_account(row, 39, 0.05))).metrics[0]

    assert "no event of history names `account_id`" in unknown.note
    assert few.note == "not estimable: about 19 clusters in an arm, 20 are needed"
