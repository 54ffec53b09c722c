"""From a few rows in the marts to moments, estimates and a verdict, with the core's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.compiler import MOMENT_COLUMNS
from landed.impact import (
    conclude,
    estimate_release,
    measure,
    measure_segments,
    outcome_sums,
    pre_period_sums,
)
from landed.warehouse import Engine

Make = Callable[..., Any]

CUTOFF = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Forty users an arm: 30 of control and 10 of the treatment meet an error."""
    with Engine.open(None) as opened:
        opened.execute(
            """
            create table fct_exposures as
            select
                'onboarding-checklist' as release,
                variant || user as unit_id,
                variant,
                timestamp '2026-11-03 12:00:00' as exposed_at,
                false as is_crossover,
                false as is_bot,
                case when user < 8 then 'web' when user < 30 then 'ios' end as platform,
                1 as exposure_count,
                date '2026-11-03' as exposed_on
            from (select unnest(['control', 'checklist']) as variant), range(40) as users (user);

            create table fct_events as
            select
                'e-' || unit_id as event_id,
                case
                    when regexp_extract(unit_id, '[0-9]+')::int
                        < case variant when 'control' then 30 else 10 end
                    then 'error'
                    else 'opened'
                end as event_name,
                unit_id,
                unit_id as user_id,
                null::varchar as anonymous_id,
                's-' || unit_id as session_id,
                '1.0' as app_version,
                'web' as platform,
                'DE' as country,
                '{}' as properties,
                'app' as source,
                timestamp '2026-11-04 09:00:00' as occurred_at,
                timestamp '2026-11-04 09:00:01' as received_at,
                date '2026-11-04' as event_on
            from fct_exposures;
            """
        )
        yield opened


def test_moments_become_estimates_and_a_verdict(engine: Engine, core: Any, release: Make) -> None:
    named = release(
        RoleOfMetric("erring_user_share", "success"), RoleOfMetric("exposed_units", "diagnostic")
    )

    rows = measure(engine, core, named, cutoff_at=CUTOFF)
    found = estimate_release(named, core, rows)
    verdict = conclude(named, found, cutoff_at=CUTOFF)

    assert {tuple(row) for row in rows} == {MOMENT_COLUMNS}
    assert {row["metric"] for row in rows} == {"erring_user_share"}
    assert (found[0].mean_control, found[0].mean_treatment) == (0.75, 0.25)
    assert found[0].method == "two_proportions"
    assert found[0].conclusion == "better"
    assert found[1].status == "not_estimable"
    assert verdict.decision == "worked"
    assert verdict.by_metric == {"erring_user_share": "better", "exposed_units": "not_estimable"}


def test_a_release_of_metrics_without_unit_outcome_has_no_moments(
    engine: Engine, core: Any, release: Make
) -> None:
    named = release(RoleOfMetric("exposed_units", "success"))

    assert measure(engine, core, named, cutoff_at=CUTOFF) == []


def test_a_release_with_segments_has_moments_for_each_level(
    engine: Engine, core: Any, release: Make
) -> None:
    named = replace(release(RoleOfMetric("erring_user_share", "success")), segments=("platform",))

    found = measure_segments(engine, core, named, cutoff_at=CUTOFF)

    assert found.overall == measure(engine, core, named, cutoff_at=CUTOFF)
    counted = {
        (row["variant"], row["segment"], row["level"]): (row["n"], row["sum_y"])
        for row in found.by_segment
    }
    assert counted == {
        ("control", "platform", None): (10, 0.0),
        ("control", "platform", "ios"): (22, 22.0),
        ("control", "platform", "web"): (8, 8.0),
        ("checklist", "platform", None): (10, 0.0),
        ("checklist", "platform", "ios"): (22, 2.0),
        ("checklist", "platform", "web"): (8, 8.0),
    }


def test_a_row_of_moments_is_read_as_sums_of_outcome_and_pre_period(
    engine: Engine, core: Any, release: Make
) -> None:
    engine.execute(
        "insert into fct_events by name select * replace ("
        "  timestamp '2026-11-01 09:00:00' as occurred_at, 'before-' || event_id as event_id)"
        " from fct_events where unit_id in ('control0', 'control1', 'control39')"
    )
    named = release(RoleOfMetric("erring_user_share", "success"))

    rows = measure(engine, core, named, cutoff_at=CUTOFF)

    control = next(row for row in rows if row["variant"] == "control")
    outcome, before = outcome_sums(control), pre_period_sums(control)
    assert (outcome.n, outcome.sums) == (40, {"y": 30.0, "yy": 30.0, "yyy": 30.0})
    # two of the three had met an error before, and met one after
    assert before.sums == {"x": 2.0, "y": 30.0, "xx": 2.0, "xy": 2.0, "xxx": 2.0}
    assert before.centred("xy") == pytest.approx(2 - 2 * 30 / 40)
