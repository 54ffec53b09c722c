"""From a few rows in the marts to moments, estimates and a verdict, with the core's metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from landed.catalog import RoleOfMetric
from landed.compiler import MOMENT_COLUMNS
from landed.impact import conclude, estimate_release, measure
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
